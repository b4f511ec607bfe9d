package postgres

import (
	"os"
	"strconv"
	"syscall"
)

// keepOpenFiles keeps a child that is started next from inheriting our open files. DuckDB opens those that it reads without O_CLOEXEC: a server would keep
// deleted segments of the history on the disk for as long as it lives. One that is opened between this and the start is inherited nevertheless.
func keepOpenFiles() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, f := range open {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
