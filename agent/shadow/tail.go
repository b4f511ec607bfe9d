package shadow

import (
	"encoding/binary"
	"errors"
	"slices"

	"foreshadow/agent/change"
)

// entry is one change that is in the log and not yet in the current tables.
type entry struct {
	lsn    change.LSN
	xid    uint32
	op     change.Op
	before []change.Value
	after  []change.Value
}

// tail is a table's unfolded changes in commit order. rel is the shape they all have.
// latest finds a key's newest row; it is built when an unchanged large value must be found.
type tail struct {
	rel     *change.Relation
	entries []entry
	first   int64 // the first entry's number in the journal
	bytes   int
	latest  map[string][]change.Value
	fetched map[string][]change.Value // large values read from the current table, by key
	// truncated says that the current table counts no more.
	truncated bool
}

// keep adds a change, which has this number in the journal, to the tail.
func (d *DB) keep(t *table, rel *change.Relation, n int64, e entry) {
	tl := d.tail[t.OID]
	if tl == nil {
		tl = &tail{rel: rel}
		d.tail[t.OID] = tl
	}
	if len(tl.entries) == 0 {
		tl.first = n
	}
	if len(tl.entries) == cap(tl.entries) {
		tl.entries = slices.Grow(tl.entries, max(64, len(tl.entries))) // append alone would copy a long tail some five times
	}
	tl.entries = append(tl.entries, e)
	if tl.latest != nil {
		tl.note(&e)
	}
	bytes := size(e.before) + size(e.after) + 64
	tl.bytes += bytes
	d.tailCount++
	d.tailBytes += bytes
}

func size(row []change.Value) int {
	n := 0
	for i := range row {
		n += len(row[i].Text) + 32
	}
	return n
}

// note keeps latest up to date. A key whose row is gone maps to nil.
func (tl *tail) note(e *entry) {
	k := keys(tl.rel)
	if e.op == change.Truncate {
		clear(tl.latest)
		tl.truncated = true
		return
	}
	if e.before != nil {
		tl.latest[keyOf(e.before, k)] = nil
	}
	if e.after != nil {
		tl.latest[keyOf(e.after, k)] = e.after
	}
}

// index builds latest.
func (tl *tail) index() {
	if tl.latest != nil {
		return
	}
	tl.latest = map[string][]change.Value{}
	for i := range tl.entries {
		tl.note(&tl.entries[i])
	}
}

// keyOf makes a map key of some columns' values; no columns means all of them.
func keyOf(row []change.Value, cols []int) string { return string(packKey(nil, row, cols)) }

func packKey(b []byte, row []change.Value, cols []int) []byte {
	if cols == nil {
		return packRow(b, row)
	}
	for _, i := range cols {
		b = packValue(b, &row[i])
	}
	return b
}

func packValue(b []byte, v *change.Value) []byte {
	b = append(b, byte(v.State))
	if v.State == change.Set {
		b = binary.AppendUvarint(b, uint64(len(v.Text)))
		b = append(b, v.Text...)
	}
	return b
}

// packRow is the exact form in which a row of the tail is stored.
func packRow(b []byte, row []change.Value) []byte {
	for i := range row {
		b = packValue(b, &row[i])
	}
	return b
}

func unpackRow(b []byte) ([]change.Value, error) {
	var row []change.Value
	for len(b) > 0 {
		v := change.Value{State: change.State(b[0])}
		b = b[1:]
		if v.State == change.Set {
			n, w := binary.Uvarint(b)
			if w <= 0 || uint64(len(b)-w) < n {
				return nil, errors.New("read journal: a stored row is cut off")
			}
			v.Text = b[w : w+int(n) : w+int(n)]
			b = b[w+int(n):]
		}
		row = append(row, v)
	}
	return row, nil
}

// readTail rebuilds the tail in memory from what the journal has since the last fold.
func (d *DB) readTail() error {
	rows, err := d.w.rows("SELECT lsn, xid, oid, op, row_before, row_after, n FROM journal WHERE kind = $1 AND n > $2 ORDER BY n", int32(tailed), d.pos.foldedN)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := entry{lsn: lsn(r[0]), xid: uint32(r[1].(int64)), op: change.Op(r[3].(int64))}
		if e.before, err = unpacked(r[4]); err != nil {
			return err
		}
		if e.after, err = unpacked(r[5]); err != nil {
			return err
		}
		t, n := d.tables[uint32(r[2].(int64))], r[6].(int64)
		if t == nil || n <= t.FoldedN {
			continue
		}
		d.keep(t, d.shape(t), n, e)
	}
	return nil
}

// unpacked is a packed row that may be NULL.
func unpacked(v any) ([]change.Value, error) {
	s, ok := v.(string)
	if !ok {
		return nil, nil
	}
	row, err := unpackRow([]byte(s))
	if row == nil {
		row = []change.Value{} // a table without columns
	}
	return row, err
}
