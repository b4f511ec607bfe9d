package shadow

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Folding a change into a large table costs a look at all its keys, and at whole rows for the history. So the fold puts newer rows and the keys that they
// end beside the table, at a cost that does not depend on its size, and many of them are settled together. Readers see both through a view.

// direct is how many rows a table may have to be changed in place, and settleChanges how many changes at most wait beside a larger one
// in the ordinary course; settleShare lets more of them wait for a very large one, as a share of its rows.
const (
	direct        = 100_000
	settleChanges = 200_000
	settleShare   = 50
)

// choose decides whether the fold changes the table in place.
func (f *fold) choose() error {
	f.aside = false
	if f.keys == nil {
		return nil
	}
	if f.t.Pending == 0 {
		rows, _, err := one[int64](f.d.w, "SELECT count(*) FROM "+f.t.base())
		if err != nil || rows <= f.d.direct {
			return err
		}
	}
	f.aside = true
	f.d.touched[f.t.OID] = true
	if f.t.Pending > 0 {
		return nil
	}
	k := make([]string, len(f.keys))
	for i, c := range f.keys {
		k[i] = fmt.Sprintf("e.c%d = b.c%d", c, c)
	}
	return f.d.w.exec(fmt.Sprintf("CREATE OR REPLACE VIEW %s AS SELECT * FROM %s b WHERE NOT EXISTS (FROM %s e WHERE %s) UNION ALL FROM %s",
		f.t.visible(), f.t.base(), f.t.ended(), strings.Join(k, " AND "), f.t.newer()))
}

// present is the SELECT of the versions that are not in the history yet: the columns of the current generation, lo, and hi, which is NULL while a version is current.
func (d *DB) present(t *table) string {
	k := keys(d.shape(t))
	if k == nil {
		return "SELECT *, NULL::UBIGINT AS hi FROM " + t.base()
	}
	list := make([]string, len(k))
	for i, c := range k {
		list[i] = fmt.Sprintf("c%d", c)
	}
	return fmt.Sprintf("SELECT b.*, e.hi FROM %s b LEFT JOIN (SELECT %s, min(hi) AS hi FROM %s GROUP BY ALL) e ON %s UNION ALL SELECT *, NULL FROM %s",
		t.base(), strings.Join(list, ", "), t.ended(), match("b", "e", k), t.newer())
}

// outdate notes the keys whose row stands in the large table, which are those that have none among the newer rows.
func (f *fold) outdate() string {
	list := make([]string, len(f.keys))
	for i, c := range f.keys {
		list[i] = fmt.Sprintf("w.c%d", c)
	}
	return fmt.Sprintf("INSERT INTO %s SELECT %s, w.n::UBIGINT FROM wanted w WHERE NOT EXISTS (FROM %s s WHERE %s)",
		f.t.ended(), strings.Join(list, ", "), f.t.newer(), match("s", "w", f.keys))
}

// settle brings a table and what is folded beside it together, in the open transaction.
func (d *DB) settle(t *table) error {
	if t.Pending == 0 {
		return nil
	}
	t.Pending = 0
	d.touched[t.OID] = true
	cols := t.gen().columns("b.")
	empty := t.gen().create(t.OID, keys(d.shape(t))) // made anew, since a deleted row costs memory until the next checkpoint
	return d.w.execAll(
		fmt.Sprintf("CREATE OR REPLACE TEMP TABLE victims AS SELECT b.rowid AS r, min(e.hi) AS hi FROM %s b JOIN %s e ON %s GROUP BY b.rowid",
			t.base(), t.ended(), match("b", "e", keys(d.shape(t)))),
		fmt.Sprintf("INSERT INTO %s SELECT %s, b.lo, v.hi FROM %s b JOIN victims v ON b.rowid = v.r WHERE b.lo < v.hi", t.hist(), cols, t.base()),
		fmt.Sprintf("DELETE FROM %s WHERE rowid IN (SELECT r FROM victims)", t.base()),
		fmt.Sprintf("INSERT INTO %s FROM %s", t.base(), t.newer()),
		empty[len(empty)-2], empty[len(empty)-1], "DROP TABLE victims",
		fmt.Sprintf("CREATE OR REPLACE VIEW %s AS FROM %s", t.visible(), t.base()))
}

// rekey makes the place for ended keys anew where other columns have become the key. Nothing may be pending.
func (d *DB) rekey(t *table, from, to []int) error {
	if slices.Equal(from, to) || to == nil {
		return nil
	}
	made := t.gen().create(t.OID, to)
	return d.w.execAll(made[len(made)-2:]...)
}

// settleDue settles the table that has most to settle, now and then: soon where that is cheap, and at the latest when many changes wait,
// as is also the case while capture is behind.
func (d *DB) settleDue(behind bool) error {
	var due *table
	for _, t := range d.tables {
		if t.Pending > 0 && (due == nil || t.Pending > due.Pending) {
			due = t
		}
	}
	if due == nil {
		return nil
	}
	if behind || d.settleTook > 0 && time.Since(d.settledAt) < 2*time.Second+20*d.settleTook {
		if due.Pending < settleChanges {
			return nil
		}
		rows, _, err := one[int64](d.w, "SELECT count(*) FROM "+due.base())
		if err != nil || due.Pending < rows/settleShare {
			return err
		}
	}
	began := time.Now()
	err := d.transact(func() error { return d.settle(due) })
	d.settledAt = time.Now()
	d.settleTook = d.settledAt.Sub(began)
	return err
}
