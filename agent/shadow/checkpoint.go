package shadow

import (
	"context"
	"fmt"
	"slices"
)

// checkpointIfDue makes a checkpoint when the segments since the last one weigh enough, so that what is written stays within a small multiple of what came.
func (d *DB) checkpointIfDue(ctx context.Context) error {
	m := d.sealed.Load()
	var segments, base int64
	for i := range m.Segments {
		segments += m.Segments[i].Bytes
		for _, f := range m.Segments[i].Copies {
			base += f.Bytes
		}
	}
	base += m.Checkpoint.bytes()
	if !d.bare.Load() && segments <= max(d.checkpointBytes, base/2) {
		return nil
	}
	if d.checkpointing.Swap(true) {
		return nil
	}
	d.parts.Go(func() {
		defer d.checkpointing.Store(false)
		if err := d.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("a checkpoint of the shadow failed; it is tried again, and until then its segments are kept", "error", err)
		}
	})
	return nil
}

// Checkpoint exports everything that the shadow holds, as of one moment, and drops the segments that it makes needless. Neither readers nor the writer wait for it.
func (d *DB) Checkpoint(ctx context.Context) error {
	c, err := d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.interrupt)()
	next, tables, ok, err := d.snapshot(c)
	if err != nil || !ok {
		return err
	}
	log := fmt.Sprintf("SELECT * FROM log WHERE lsn <= %d", uint64(next.Place.Commit))
	if old := d.sealed.Load().Checkpoint; old != nil {
		worth, err := d.logWorthKeeping(c, old)
		if err != nil {
			return err
		}
		if worth {
			next.Log = old.Log
			log += fmt.Sprintf(" AND lsn > %d", uint64(old.Place.Commit))
		}
	}
	f, err := d.export(c, next.name("log"), log)
	if err != nil {
		return err
	}
	next.Log = append(slices.Clone(next.Log), *f)
	for _, t := range tables {
		f, err := d.export(c, next.name(t.name), t.sql)
		if err != nil {
			return err
		}
		next.Tables[t.name] = *f
	}
	d.onStep("checkpoint")
	return d.adoptCheckpoint(next)
}

// logWorthKeeping says that most of the log in an older checkpoint's files has not expired.
func (d *DB) logWorthKeeping(c *conn, old *checkpoint) (bool, error) {
	var rows int64
	for _, f := range old.Log {
		rows += f.Rows
	}
	n, _, err := one[int64](c, "SELECT count(*) FROM log WHERE lsn <= $1", uint64(old.Place.Commit))
	return 2*n >= rows, err
}

// name is the file of a table in a checkpoint.
func (c *checkpoint) name(table string) string {
	return fmt.Sprintf("%s-%d.%d.parquet", table, c.Place.N, c.Place.Aside)
}

// exported is a table of a checkpoint.
type exported struct{ name, sql string }

// snapshot begins a transaction in which everything is folded, and lists what it holds besides the log. It is not ok while a large transaction is open.
func (d *DB) snapshot(c *conn) (next *checkpoint, tables []exported, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return nil, nil, false, nil
	}
	if err := d.foldAll(); err != nil {
		return nil, nil, false, err
	}
	if err := c.exec("BEGIN"); err != nil {
		return nil, nil, false, err
	}
	next = &checkpoint{Tables: map[string]file{}}
	if next.Place, err = readPlace(c, d.sealed.Load().Place.Aside); err != nil {
		return nil, nil, false, err
	}
	for _, name := range plainTables {
		tables = append(tables, exported{name, "SELECT * FROM " + name})
	}
	for oid, t := range d.tables {
		for i := range t.Gens {
			g := &t.Gens[i]
			h := fmt.Sprintf("h%d_%d", oid, g.N)
			past := "SELECT " + g.outward("lo", "hi") + " FROM " + h
			if i == len(t.Gens)-1 { // what is not settled is exported as if it were
				tables = append(tables, exported{t.base(), "SELECT " + g.outward("lo") + " FROM (" + d.present(t) + ") WHERE hi IS NULL"})
				past += " UNION ALL SELECT " + g.outward("lo", "hi") + " FROM (" + d.present(t) + ") WHERE lo < hi"
			} else {
				b := fmt.Sprintf("b%d_%d", oid, g.N)
				tables = append(tables, exported{b, "SELECT " + g.outward("lo") + " FROM " + b})
			}
			tables = append(tables, exported{h, past})
		}
	}
	return next, tables, true, nil
}

// plainTables are the shadow's own tables, all but the log and the journal.
var plainTables = []string{"meta", "tables", "shapes", "gaps", "pins", "series", "points", "expectations", "runs", "run_series", "run_points", "run_limits", "run_schema", "schema_events"}

// adoptCheckpoint puts a checkpoint into the manifest in place of what it covers.
func (d *DB) adoptCheckpoint(next *checkpoint) error {
	d.sealMu.Lock()
	defer d.sealMu.Unlock()
	now := d.sealed.Load()
	m := now.copyOf()
	m.Checkpoint, m.Segments = next, nil
	for _, s := range now.Segments {
		if s.Place.N > next.Place.N || s.Place.Aside > next.Place.Aside {
			m.Segments = append(m.Segments, s)
		}
	}
	if len(m.Segments) == 0 && (next.Place.N > m.Place.N || next.Place.Aside > m.Place.Aside) {
		m.Place = next.Place
	}
	if err := d.switchTo(m); err != nil {
		return err
	}
	d.bare.Store(false)
	d.onStep("checkpointed")
	kept := map[string]bool{}
	for _, f := range m.files() {
		kept[f.Name] = true
	}
	for _, f := range now.files() {
		if !kept[f.Name] {
			d.discard(&f)
		}
	}
	return nil
}
