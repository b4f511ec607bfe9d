package shadow

import (
	"fmt"
	"syscall"
)

// Free is how many bytes of the shadow's disk are left.
func (d *DB) Free() (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.segments, &s); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", d.segments, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}
