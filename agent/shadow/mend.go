package shadow

import (
	"fmt"
	"strings"

	"foreshadow/sql/sqlerr"
)

// errBroken is what everything gets between an error after which DuckDB cannot go on and the moment at which its file is open again.
var errBroken error = sqlerr.New(sqlerr.CannotConnectNow, "the shadow's file is being opened again after an error").WithHint("try again in a moment")

// fatal says that an error leaves this instance of DuckDB unusable: what is durable is known only when the file is opened again.
func fatal(msg string) bool {
	return strings.Contains(msg, "has been invalidated") || strings.Contains(msg, "FATAL") || strings.Contains(msg, "Reopen the database")
}

// failed makes an error of DuckDB's message.
func (c *conn) failed(msg string) error {
	if fatal(msg) {
		c.d.broken.Store(true)
	}
	return fmt.Errorf("duckdb: %s", msg)
}

// mendFree is how many bytes of disk an attempt to open the file again needs.
const mendFree = 8 << 20

// tryMend mends, and says how it went.
func (d *DB) tryMend() {
	if free, err := d.Free(); err == nil && free < mendFree {
		return // it would be for nothing, and opening a file is dear
	}
	if err := d.mend(); err != nil {
		d.log.Warn("the shadow's file cannot be opened again yet; it is tried again", "error", err)
		return
	}
	d.log.Info("the shadow's file is open again", "position", d.stored.commit.String())
}

// mend opens the file again, as soon as every connection of the old instance is closed; until then statements are interrupted. It is called with mu held.
func (d *DB) mend() error {
	d.connMu.Lock()
	left := 0
	for c := range d.conns {
		if c != d.w {
			c.interrupt()
			left++
		}
	}
	d.connMu.Unlock()
	if left > 0 {
		return fmt.Errorf("%d statements must end first", left)
	}
	d.shut()
	n, err := openSound(d.options)
	if err != nil {
		return err
	}
	d.sideMu.Lock()
	defer d.sideMu.Unlock()
	// what was read is newer than what is remembered; whether the last commit happened is decided by it
	d.db, d.w, d.open, d.pos, d.stored, d.forgot, d.aside = n.db, n.w, false, n.pos, n.stored, 0, n.aside
	d.tables, d.shapes, d.known, d.touched, d.placed = n.tables, n.shapes, n.known, n.touched, n.placed
	d.adopted = n.adopted
	d.tail, d.tailCount, d.tailBytes = n.tail, n.tailCount, n.tailBytes
	d.sealed.Store(n.sealed.Load())
	d.bare.Store(n.bare.Load())
	d.connMu.Lock()
	n.w.d = d
	d.conns = map[*conn]bool{n.w: true}
	d.connMu.Unlock()
	d.broken.Store(false)
	return nil
}
