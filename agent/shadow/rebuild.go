package shadow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"foreshadow/agent/change"
)

// rebuildName is the file in which a rebuild works.
const rebuildName = "rebuild.duckdb"

// errStale says that the DuckDB file lacks what is sealed, so that it cannot be the one that wrote the segments last.
var errStale = errors.New("the DuckDB file is older than its segments")

// openSound opens the shadow's file, after a rebuild where that is needed and the segments allow it.
func openSound(o Options) (*DB, error) {
	m, err := readManifest(filepath.Join(o.Dir, "segments"))
	if err != nil {
		return nil, err
	}
	var why string
	if _, err := os.Stat(filepath.Join(o.Dir, fileName)); m != nil && errors.Is(err, os.ErrNotExist) {
		why = "it is missing"
	} else {
		d, err := openAt(o, fileName)
		if err == nil {
			if err = d.match(m); err == nil {
				return d, nil
			}
			d.shut()
		}
		if m == nil || transient(err) {
			return nil, err
		}
		why = err.Error()
	}
	o.Log.Error("the DuckDB file cannot be used and is rebuilt from its segments", "file", filepath.Join(o.Dir, fileName), "reason", why)
	if _, err := Rebuild(context.Background(), o, nil); err != nil {
		return nil, fmt.Errorf("%w (the DuckDB file cannot be used: %s)", err, why)
	}
	d, err := openAt(o, fileName)
	if err != nil {
		return nil, err
	}
	if err := d.match(m); err != nil {
		d.shut()
		return nil, err
	}
	return d, nil
}

// transient says that a file could not be opened for a reason that is not its own: a rebuild would not help.
func transient(err error) bool {
	for _, s := range []string{"Could not set lock", "No space left", "ermission denied", "Out of Memory", "Too many open files", "are another shadow's"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}

// match holds the file against the manifest of its segments, which may be nil, and removes what belongs to neither.
func (d *DB) match(m *manifest) error {
	id, known, err := one[string](d.w, "SELECT value FROM meta WHERE key = 'shadow'")
	if err != nil {
		return err
	}
	if m == nil {
		m = newManifest()
		if known {
			m.Shadow = id
		}
		if err := m.write(d.segments); err != nil {
			return err
		}
	}
	if known && id != m.Shadow {
		return fmt.Errorf("the segments in %s are another shadow's", d.segments)
	}
	p := d.stored
	if p.n < m.Place.N || p.commit < m.Place.Commit {
		return errStale
	}
	if p.end < m.Place.End { // the primary was promoted, and the process ended before the next seal
		d.lowered.Store(uint64(p.end))
	}
	if !known {
		if err := d.transact(func() error { return d.setMeta(map[string]string{"shadow": m.Shadow}) }); err != nil {
			return err
		}
	}
	d.bare.Store(p.n > 0 && m.Checkpoint == nil && m.Place.N == 0)
	last, err := readPlace(d.w, m.Place.Aside)
	if err != nil {
		return err
	}
	d.aside = last.Aside
	d.sealed.Store(m)
	return d.sweep(m)
}

// Progress tells how far a rebuild is.
type Progress struct {
	Step        string
	Done, Total int64 // bytes
}

// Rebuild makes the DuckDB file anew from the checkpoint and the segments, none of which may be open, and gives the position up to which it reaches.
// The old file is kept under another name. After an error everything is as it was.
func Rebuild(ctx context.Context, o Options, progress func(Progress)) (change.LSN, error) {
	o = o.filled()
	dir := filepath.Join(o.Dir, "segments")
	m, err := readManifest(dir)
	if err != nil {
		return 0, err
	}
	if m == nil {
		return 0, fmt.Errorf("there are no segments in %s to rebuild from", dir)
	}
	tell := reporter(m, progress)
	for _, f := range m.files() {
		if err := errors.Join(ctx.Err(), f.verify(dir)); err != nil {
			return 0, err
		}
		tell("verify", f.Bytes)
	}
	if err := removeFile(o.Dir, rebuildName); err != nil {
		return 0, err
	}
	if err := build(ctx, o, m, tell); err != nil {
		return 0, errors.Join(err, removeFile(o.Dir, rebuildName))
	}
	return m.Place.End, replace(o.Dir)
}

// reporter adds up the bytes of each of the two steps.
func reporter(m *manifest, progress func(Progress)) func(step string, n int64) {
	p := Progress{}
	for _, f := range m.files() {
		p.Total += f.Bytes
	}
	return func(step string, n int64) {
		if progress == nil {
			return
		}
		if step != p.Step {
			p.Step, p.Done = step, 0
		}
		p.Done += n
		progress(p)
	}
}

// build fills a new file.
func build(ctx context.Context, o Options, m *manifest, tell func(string, int64)) error {
	d, err := openAt(o, rebuildName)
	if err != nil {
		return err
	}
	defer d.shut()
	d.replaying = true
	d.sealed.Store(m)
	var from place
	if m.Checkpoint != nil {
		from = m.Checkpoint.Place
		if err := d.restore(ctx, m.Checkpoint, tell); err != nil {
			return fmt.Errorf("restore the checkpoint: %w", err)
		}
	}
	r := &replay{d: d, relations: map[shapeKey]*change.Relation{}, states: map[uint32]*table{}}
	for i := range m.Segments {
		s := &m.Segments[i]
		if err := r.segment(ctx, s, from); err != nil {
			return fmt.Errorf("replay segment %s: %w", s.Name, err)
		}
		tell("rebuild", s.Bytes)
		for _, f := range s.Copies {
			tell("rebuild", f.Bytes)
		}
	}
	if err := d.setPlace(m.Place); err != nil {
		return err
	}
	return d.w.exec("CHECKPOINT")
}

// restore fills the new file from a checkpoint.
func (d *DB) restore(ctx context.Context, c *checkpoint, tell func(string, int64)) error {
	fill := func(table, columns string, f file) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		tell("rebuild", f.Bytes)
		return d.w.exec(fmt.Sprintf("INSERT INTO %s BY NAME SELECT %s FROM %s", table, columns, d.parquet(f)))
	}
	for _, name := range plainTables {
		if err := fill(name, "*", c.Tables[name]); err != nil {
			return err
		}
	}
	for _, f := range c.Log {
		if err := fill("log", "*", f); err != nil {
			return err
		}
	}
	if err := d.setPlace(c.Place); err != nil {
		return err
	}
	if err := d.reload(); err != nil {
		return err
	}
	for oid, t := range d.tables {
		t.Pending, d.touched[oid] = 0, true // a checkpoint has everything settled
		for i := range t.Gens {
			g := &t.Gens[i]
			if err := d.w.execAll(g.create(oid, keys(&d.shapes[oid][g.Version-1]))...); err != nil {
				return err
			}
			h := fmt.Sprintf("h%d_%d", oid, g.N)
			if err := fill(h, g.inward("lo", "hi"), c.Tables[h]); err != nil {
				return err
			}
			b := fmt.Sprintf("b%d_%d", oid, g.N)
			if err := fill(b, g.inward("lo"), c.Tables[b]); err != nil {
				return err
			}
		}
		if err := d.expireLog(t); err != nil { // files of the log can be older than what has expired
			return err
		}
	}
	return nil
}

// setPlace stores where the shadow stands, with everything folded.
func (d *DB) setPlace(p place) error {
	if err := d.foldAll(); err != nil {
		return err
	}
	d.looked = p.Looked
	return d.transact(func() error {
		d.pos = position{commit: p.Commit, proof: p.Proof, end: p.End, folded: p.Commit, time: p.Time, changes: p.Changes, transactions: p.Transactions, n: p.N, foldedN: p.N}
		return nil
	})
}

// replace puts the rebuilt file in the old one's place, which is kept.
func replace(dir string) error {
	now := time.Now().UTC().Format("20060102T150405")
	for _, tail := range []string{".wal", ""} { // the log first: without it the old file counts as missing or is opened as it was
		old := filepath.Join(dir, fileName+tail)
		if err := os.Rename(old, filepath.Join(dir, fileName+".damaged-"+now+tail)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(filepath.Join(dir, rebuildName), filepath.Join(dir, fileName)); err != nil {
		return err
	}
	return syncDir(dir)
}

// removeFile removes a DuckDB file and its log.
func removeFile(dir, name string) error {
	for _, tail := range []string{"", ".wal"} {
		if err := os.Remove(filepath.Join(dir, name+tail)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
