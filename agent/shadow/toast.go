package shadow

import (
	"fmt"
	"strings"

	"foreshadow/agent/change"
)

// complete gives a change's new row with every unchanged large value filled in: from the old row if it was sent, from the newest
// version in the tail, or from the current table, always under the old key. A copy that holds the change already may hold a newer value, and does not
// count. unknown names the columns that were found nowhere. They stay unchanged, so that the journal tells of them too.
func (d *DB) complete(k *known, txs []change.Tx, i int) (row []change.Value, unknown []string, err error) {
	c := &txs[0].Changes[i]
	if !unchanged(c.After) {
		return c.After, nil, nil
	}
	row = append(row, c.After...)
	old := c.Before
	if k.keys != nil && k.t.Synced && !k.t.Filter.holds(txs[0].CommitLSN, txs[0].XID) {
		id := c.Before
		if id == nil {
			id = c.After
		}
		if old, err = d.find(k, keyOf(id, k.keys), txs, i); err != nil {
			return nil, nil, err
		}
	}
	for j := range row {
		if row[j].State != change.Unchanged {
			continue
		}
		switch {
		case c.Before != nil && known1(c.Before[j]):
			row[j] = c.Before[j]
		case old != nil && j < len(old) && known1(old[j]):
			row[j] = old[j]
		default:
			unknown = append(unknown, c.Relation.Columns[j].Name)
			k.t.Unknown++
			d.touched[k.t.OID] = true
		}
	}
	return row, unknown, nil
}

// known1 says that a value was sent as large values are: a NULL in a key tuple means not sent, so only a value counts.
func known1(v change.Value) bool { return v.State == change.Set }

func unchanged(row []change.Value) bool {
	for i := range row {
		if row[i].State == change.Unchanged {
			return true
		}
	}
	return false
}

// find gives the newest version of a row by its key, or nil.
func (d *DB) find(k *known, key string, txs []change.Tx, i int) ([]change.Value, error) {
	tl := d.tail[k.t.OID]
	if tl == nil {
		tl = &tail{rel: d.shape(k.t)}
		d.tail[k.t.OID] = tl
	}
	tl.index()
	if row, ok := tl.latest[key]; ok {
		return row, nil
	}
	if tl.truncated {
		return nil, nil
	}
	row, ok := tl.fetched[key]
	if !ok {
		if err := d.fetch(k, tl, txs, i); err != nil {
			return nil, fmt.Errorf("find unchanged values: %w", err)
		}
		row = tl.fetched[key]
	}
	return row, nil
}

// fetch reads, in one query, the large values of every row that the coming changes leave unchanged.
func (d *DB) fetch(k *known, tl *tail, txs []change.Tx, from int) error {
	if tl.fetched == nil {
		tl.fetched = map[string][]change.Value{}
	}
	want, names := [][]change.Value{}, []string{}
	for n := range txs {
		for j := range txs[n].Changes {
			c := &txs[n].Changes[j]
			if n == 0 && j < from || c.Relation != txs[0].Changes[from].Relation || !unchanged(c.After) {
				continue
			}
			id := c.Before
			if id == nil {
				id = c.After
			}
			key := keyOf(id, k.keys)
			if _, ok := tl.fetched[key]; !ok {
				tl.fetched[key] = nil
				want, names = append(want, id), append(names, key)
			}
		}
	}
	numbers := make([]int64, len(want))
	for n := range numbers {
		numbers[n] = int64(n)
	}
	if err := d.wanted(k.t, k.keys, want, numbers); err != nil {
		return err
	}
	rows, err := d.w.rows(fetchSQL(k.t, k.keys))
	if err != nil {
		return err
	}
	for _, r := range rows {
		row := make([]change.Value, len(r)-1)
		for j, v := range r[1:] {
			if s, ok := v.(string); ok {
				row[j] = change.Value{State: change.Set, Text: []byte(s)}
			}
		}
		tl.fetched[names[r[0].(int64)]] = row
	}
	return d.w.exec("DROP TABLE wanted")
}

// wanted loads some columns of rows into a temporary table, each row with a number.
func (d *DB) wanted(t *table, keys []int, rows [][]change.Value, numbers []int64) error {
	return wanted(d.w, t.gen(), keys, rows, numbers)
}

func wanted(c *conn, g *gen, keys []int, rows [][]change.Value, numbers []int64) error {
	types := make([]string, 0, len(keys)+1)
	cols := ""
	for _, j := range keys {
		types = append(types, g.Types[j])
		cols += fmt.Sprintf("c%d %s, ", j, g.Types[j])
	}
	if err := c.exec("CREATE OR REPLACE TEMP TABLE wanted (" + cols + "n BIGINT)"); err != nil {
		return err
	}
	w, err := newTempChunk(c, "wanted", append(types, "BIGINT"))
	if err != nil {
		return err
	}
	defer w.close()
	for n, row := range rows {
		for i, j := range keys {
			if row[j].State != change.Set {
				w.null(i)
				continue
			}
			if err := w.text(i, row[j].Text); err != nil {
				return err
			}
		}
		set(w, len(keys), numbers[n])
		if err := w.next(); err != nil {
			return err
		}
	}
	return w.flush()
}

// fetchSQL selects the number of the wanted key and every column that can hold a large value, in PostgreSQL's text form.
func fetchSQL(t *table, keys []int) string {
	var b strings.Builder
	b.WriteString("SELECT w.n")
	for i, typ := range t.gen().Types {
		switch {
		case typ == "VARCHAR":
			fmt.Fprintf(&b, ", b.c%d", i)
		case typ == "BLOB":
			fmt.Fprintf(&b, ", '\\x' || lower(hex(b.c%d))", i)
		case strings.HasPrefix(typ, "DECIMAL"):
			fmt.Fprintf(&b, ", b.c%d::VARCHAR", i)
		default:
			b.WriteString(", NULL::VARCHAR")
		}
	}
	return b.String() + " FROM wanted w JOIN " + t.visible() + " b ON " + match("b", "w", keys)
}

// match compares two relations on some columns, NULL equal to NULL only where a key can hold it.
func match(a, b string, cols []int) string {
	parts := make([]string, len(cols))
	for i, j := range cols {
		parts[i] = fmt.Sprintf("%s.c%d = %s.c%d", a, j, b, j)
	}
	return strings.Join(parts, " AND ")
}
