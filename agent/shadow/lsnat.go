package shadow

import (
	"context"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

// LSNAt gives the position of the last transaction that had committed at a moment, by the primary's clock.
func (d *DB) LSNAt(_ context.Context, at time.Time) (change.LSN, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok, err := one[int64](d.w, "SELECT max(lsn) FROM log WHERE commit_time <= $1", at)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, sqlerr.New(sqlerr.SnapshotTooOld, "the history begins after %s", at.UTC().Format(time.RFC3339)).WithHint("ask for a later moment")
	}
	return change.LSN(n), nil
}
