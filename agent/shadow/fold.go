package shadow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
)

// foldAll brings every current table up to the log, in one transaction, so that all of them show the same moment.
func (d *DB) foldAll() error {
	if d.tailCount == 0 {
		d.foldedAt = time.Now()
		return nil
	}
	start, n := time.Now(), d.tailCount
	err := d.transact(func() error { return d.foldTail(d.pos.commit, nil) })
	d.foldedAt = time.Now()
	d.foldTook = d.foldedAt.Sub(start)
	d.foldEach = d.foldTook / time.Duration(n)
	return err
}

// remembered is for how long a table that a statement asked for is folded along with others. It is longer than any statement takes from
// asking for its tables to seeing them.
const remembered = time.Hour

// ask notes that a statement will read a table, or the parts of a partitioned one.
func (d *DB) ask(oid uint32) {
	now := time.Now()
	d.lastAsked.Store(now.UnixNano())
	if t := d.tables[oid]; t != nil && len(t.Gens) > 0 {
		d.asked[oid] = now
		return
	}
	for _, t := range d.partsOf(oid) {
		d.asked[t.OID] = now
	}
}

// Asked tells when a statement last asked for a table.
func (d *DB) Asked() time.Time { return time.Unix(0, d.lastAsked.Load()) }

// foldFor brings a table up to the log, and in the same transaction those that statements asked for lately. So the tables of one statement, which
// asks for them one by one, show one moment, and it waits for no others.
func (d *DB) foldFor(oid uint32) error {
	now := time.Now()
	which := func(o uint32) bool { return o == oid || now.Sub(d.asked[o]) < remembered }
	for o, tl := range d.tail {
		if len(tl.entries) > 0 && which(o) {
			return d.transact(func() error { return d.foldTail(d.pos.commit, which) })
		}
	}
	return nil
}

// foldTail applies the tail of some tables, or of all where which is nil, to what they are now, within the open transaction.
func (d *DB) foldTail(upTo change.LSN, which func(oid uint32) bool) error {
	if err := d.flushWriters(); err != nil {
		return err
	}
	d.pos.foldedN = d.pos.n
	for oid, tl := range d.tail {
		t := d.tables[oid]
		if len(tl.entries) == 0 {
			continue
		}
		if which != nil && !which(oid) {
			d.pos.foldedN = min(d.pos.foldedN, tl.first-1)
			continue
		}
		f := &fold{d: d, t: t, keys: keys(tl.rel)}
		err := f.choose()
		if err == nil {
			err = f.run(tl.entries)
		}
		if err == nil && f.aside && t.Pending >= 4*settleChanges && !d.open {
			err = d.settle(t) // the background is behind; within a large transaction every deleted row would cost memory until its end
		}
		if err != nil {
			return fmt.Errorf("fold %s.%s: %w", tl.rel.Schema, tl.rel.Name, err)
		}
		d.tailCount -= len(tl.entries)
		d.tailBytes -= tl.bytes
		delete(d.tail, oid)
		if which != nil {
			t.FoldedN, d.touched[oid] = d.pos.n, true
		}
	}
	if which == nil {
		d.tail = map[uint32]*tail{} // also what was read for tables without changes
		d.pos.folded = upTo
	}
	return nil
}

// version is a row with the commit that made it and the one that ended it, if one did.
type version struct {
	row    []change.Value
	lo, hi change.LSN
	older  int // where rows have no key: the place in made, and one, of a current row that is equal
}

// fold works out what a table's tail comes to. made holds the versions that the tail made, in commit order; ended the rows of the
// current table that it replaced.
type fold struct {
	d      *DB
	t      *table
	keys   []int
	aside  bool // the table is large: newer rows are kept beside it until they are settled
	made   []version
	ended  []version
	slots  map[string]int // by key, or by the whole row where there is no key: the place in newest; only where rows are removed
	newest []int          // the place in made, and one, of the current version that the tail made; 0 is none, and a key's row in the current table, if any, is in ended
	find   bool           // rows are removed
	buf    []byte
}

func (f *fold) run(entries []entry) error {
	f.find = slices.ContainsFunc(entries, func(e entry) bool { return e.op == change.Update || e.op == change.Delete })
	f.reset()
	f.made = make([]version, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		switch e.op {
		case change.Insert:
			f.add(e.after, e.lsn)
		case change.Update:
			if e.before != nil {
				f.remove(e.before, e.lsn)
			} else {
				f.remove(e.after, e.lsn)
			}
			f.add(e.after, e.lsn)
		case change.Delete:
			f.remove(e.before, e.lsn)
		case change.Truncate:
			if err := f.truncate(e.lsn); err != nil {
				return err
			}
		}
	}
	return f.write()
}

func (f *fold) reset() { f.made, f.ended, f.slots, f.newest = nil, nil, map[string]int{}, nil }

// slot finds the place in newest for a row's key; known says that the key was met before.
func (f *fold) slot(row []change.Value) (newest *int, known bool) {
	f.buf = packKey(f.buf[:0], row, f.keys)
	i, known := f.slots[string(f.buf)]
	if !known {
		i = len(f.newest)
		f.slots[string(f.buf)] = i
		f.newest = append(f.newest, 0)
	}
	return &f.newest[i], known
}

func (f *fold) add(row []change.Value, lsn change.LSN) {
	v := version{row: row, lo: lsn}
	if f.find {
		newest, _ := f.slot(row) // a key that is inserted cannot be in the current table too
		v.older, *newest = *newest, len(f.made)+1
	}
	f.made = append(f.made, v)
}

func (f *fold) remove(row []change.Value, lsn change.LSN) {
	newest, known := f.slot(row)
	if *newest > 0 {
		v := &f.made[*newest-1]
		v.hi, *newest = lsn, v.older
		return
	}
	if f.keys == nil || !known {
		f.ended = append(f.ended, version{row: row, hi: lsn})
	}
}

// truncate writes what came before and ends every row.
func (f *fold) truncate(lsn change.LSN) error {
	if err := f.write(); err != nil {
		return err
	}
	f.reset()
	if err := f.d.endAll(f.t, lsn); err != nil {
		return err
	}
	return f.choose()
}

// endAll moves every current row of a table into its history.
func (d *DB) endAll(t *table, lsn change.LSN) error {
	if err := d.settle(t); err != nil {
		return err
	}
	return d.w.execAll(
		fmt.Sprintf("INSERT INTO %s SELECT %s, lo, %d::UBIGINT FROM %s WHERE lo < %d", t.hist(), t.gen().columns(""), uint64(lsn), t.base(), uint64(lsn)),
		"DELETE FROM "+t.base())
}

func (f *fold) write() error {
	if len(f.ended) > 0 {
		if err := f.end(); err != nil {
			return err
		}
	}
	if err := f.load(f.t.hist(), []string{"UBIGINT", "UBIGINT"}, func(v *version) bool { return v.hi > v.lo }); err != nil { // one that its own transaction replaced was never seen
		return err
	}
	into := f.t.base()
	if f.aside {
		into = f.t.newer()
	}
	return f.load(into, []string{"UBIGINT"}, func(v *version) bool {
		if v.hi == 0 && f.aside {
			f.t.Pending++
		}
		return v.hi == 0
	})
}

// end moves the replaced rows of the current table into its history.
func (f *fold) end() error {
	rows, lsns := make([][]change.Value, len(f.ended)), make([]int64, len(f.ended))
	for i, v := range f.ended {
		rows[i], lsns[i] = v.row, int64(v.hi)
	}
	cols := f.keys
	if cols == nil {
		for i := range f.t.gen().Types {
			cols = append(cols, i)
		}
	}
	if err := f.d.wanted(f.t, cols, rows, lsns); err != nil {
		return err
	}
	from := f.t.base()
	if f.aside {
		from = f.t.newer()
		f.t.Pending += int64(len(rows))
		if err := f.d.w.exec(f.outdate()); err != nil {
			return err
		}
	}
	if f.keys != nil {
		return f.d.w.execAll(
			fmt.Sprintf("INSERT INTO %s SELECT %s, b.lo, w.n::UBIGINT FROM %s b JOIN wanted w ON %s WHERE b.lo < w.n",
				f.t.hist(), f.t.gen().columns("b."), from, match("b", "w", cols)),
			fmt.Sprintf("DELETE FROM %s USING wanted w WHERE %s", from, match(from, "w", cols)),
			"DROP TABLE wanted")
	}
	return f.d.w.execAll(
		"CREATE OR REPLACE TEMP TABLE victims AS "+findEqual(from, f.t.gen().Types),
		fmt.Sprintf("INSERT INTO %s SELECT %s, b.lo, v.n::UBIGINT FROM %s b JOIN victims v ON b.rowid = v.r WHERE b.lo < v.n",
			f.t.hist(), f.t.gen().columns("b."), from),
		fmt.Sprintf("DELETE FROM %s WHERE rowid IN (SELECT r FROM victims)", from),
		"DROP TABLE victims", "DROP TABLE wanted")
}

// findEqual pairs each deleted row with one of the equal rows of a table without a key, no row twice. Only rows that DuckDB takes for equal to a deleted
// one are numbered; of these, equal is what PostgreSQL shows alike: not 0 and -0, nor a month and thirty days. Such are compared as text, because a
// window's columns come out of it with one for the other.
func findEqual(base string, types []string) string {
	var exact, names, alike, same strings.Builder
	for i, typ := range types {
		text := ""
		if typ == "FLOAT" || typ == "DOUBLE" || typ == "INTERVAL" {
			text = "::VARCHAR"
		}
		if i > 0 {
			names.WriteString(", ")
		}
		fmt.Fprintf(&exact, ", c%[1]d%[2]s AS e%[1]d", i, text)
		fmt.Fprintf(&names, "e%d", i)
		fmt.Fprintf(&alike, " AND b.c%[1]d IS NOT DISTINCT FROM w.c%[1]d", i)
		fmt.Fprintf(&same, " AND b.e%[1]d IS NOT DISTINCT FROM w.e%[1]d", i)
	}
	return fmt.Sprintf(`WITH w AS (SELECT *, row_number() OVER (PARTITION BY %[1]s ORDER BY n) AS k FROM (SELECT n%[2]s FROM wanted)),
		b AS (SELECT *, row_number() OVER (PARTITION BY %[1]s ORDER BY lo, r) AS k
			FROM (SELECT rowid AS r, lo%[2]s FROM (SELECT b.rowid, b.* FROM %[3]s b SEMI JOIN wanted w ON true%[4]s)))
		SELECT b.r, w.n FROM b JOIN w ON b.k = w.k%[5]s`, names.String(), exact.String(), base, alike.String(), same.String())
}

// load appends some of the versions that were made to a table that ends in lo, or in lo and hi.
func (f *fold) load(table string, bounds []string, wanted func(*version) bool) (err error) {
	var w *chunk
	n := len(f.t.gen().Types)
	for i := range f.made {
		v := &f.made[i]
		if !wanted(v) {
			continue
		}
		if w == nil {
			if w, err = newChunk(f.d.w, table, append(append([]string{}, f.t.gen().Types...), bounds...)); err != nil {
				return err
			}
			defer w.close()
		}
		if err := w.row(v.row); err != nil {
			return err
		}
		set(w, n, uint64(v.lo))
		if len(bounds) == 2 {
			set(w, n+1, uint64(v.hi))
		}
		if err := w.next(); err != nil {
			return err
		}
	}
	if w == nil {
		return nil
	}
	return w.flush()
}

// row sets the first columns of the current row.
func (w *chunk) row(row []change.Value) error {
	for i := range row {
		switch row[i].State {
		case change.Set:
			if err := w.text(i, row[i].Text); err != nil {
				return err
			}
		case change.Binary:
			if err := w.cols[i].bin(&w.cols[i], w.n, row[i].Text); err != nil {
				return err
			}
		default:
			w.null(i)
		}
	}
	return nil
}
