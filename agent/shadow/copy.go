package shadow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"foreshadow/agent/change"
)

// ErrUnseen says that a copy's snapshot does not see a transaction that is stored already: take another one.
var ErrUnseen = errors.New("the snapshot does not yet see a transaction that was captured")

// ErrAsText says that a column must be kept as text: load the table again, it will be.
var ErrAsText = errors.New("a value does not fit its column's type")

// Load is a table's copy under way: what it shows, and what of it is durable already. Readers and the log are not held up by it.
// It lives as long as nothing is appended to the log: a change of the table would be lost to it.
type Load struct {
	Relation change.Relation
	LSN      change.LSN
	At       time.Time
	Filter   *Filter
	Done     []change.Extent `json:"-"` // the parts that were durable when it was taken up
	Rows     int64           `json:"-"` // and their rows
	Lapsed   bool            `json:"-"` // the table was not published all the time since it began
	Member   string          // its place in a publication
	Gen      gen
	Stood    Stood // where the log stood when it began
	d        *DB
	own      *Part
}

// Stood is a place in the log: its last commit, and up to where there was nothing more.
type Stood struct{ Commit, End change.LSN }

// Load starts to load all rows of a table as they were at a position; one that was under way is given up. filter tells which transactions
// the rows include where the position alone does not; nil means every commit up to it and none after.
func (d *DB) Load(_ context.Context, rel *change.Relation, lsn change.LSN, at time.Time, filter *Filter) (*Load, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return nil, errors.New("load a table: a transaction is open")
	}
	t := d.tables[rel.OID]
	if t == nil {
		t = &table{OID: rel.OID}
	}
	l := &Load{Relation: *rel, LSN: lsn, At: at, Filter: filter, Gen: d.nextGen(t, rel), Stood: Stood{d.pos.commit, d.pos.end}, Member: d.members[rel.OID], d: d}
	if l.unseen(t) {
		return nil, ErrUnseen
	}
	err := d.transact(func() error {
		d.tables[rel.OID] = t
		d.touched[rel.OID] = true
		if err := d.forgetCopy(rel.OID); err != nil {
			return err
		}
		if err := d.w.execAll(l.Gen.create(rel.OID, keys(rel))...); err != nil {
			return err
		}
		return l.note(d.w)
	})
	if err != nil {
		return nil, fmt.Errorf("load %s.%s: %w", rel.Schema, rel.Name, err)
	}
	return l, nil
}

// Unfinished gives a table's copy that was cut off; nil when there is none, or when the log has moved since it began.
func (d *DB) Unfinished(oid uint32) (*Load, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	state, ok, err := one[string](d.w, "SELECT state FROM copies WHERE oid = $1", oid)
	if err != nil || !ok {
		return nil, err
	}
	l := &Load{d: d}
	if err := json.Unmarshal([]byte(state), l); err != nil {
		return nil, fmt.Errorf("read the state of a copy: %w", err)
	}
	if l.Stood != (Stood{d.pos.commit, d.pos.end}) {
		return nil, nil
	}
	l.Lapsed = l.Member != d.members[oid]
	rows, err := d.w.rows("SELECT file, first, past FROM copied WHERE oid = $1 ORDER BY first", oid)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		l.Done = append(l.Done, change.Extent{File: uint32(r[0].(int64)), From: uint32(r[1].(int64)), To: uint32(r[2].(int64))})
	}
	l.Rows, _, err = one[int64](d.w, "SELECT count(*) FROM "+l.base())
	return l, err
}

// forgetCopy removes what is noted of a copy.
func (d *DB) forgetCopy(oid uint32) error {
	return d.w.execAll(fmt.Sprintf("DELETE FROM copies WHERE oid = %d", oid), fmt.Sprintf("DELETE FROM copied WHERE oid = %d", oid))
}

// note writes the copy's state.
func (l *Load) note(c *conn) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return c.exec("INSERT INTO copies VALUES ($1, $2)", l.Relation.OID, string(b))
}

func (l *Load) base() string { return fmt.Sprintf("b%d_%d", l.Relation.OID, l.Gen.N) }

// unseen says that the copy's snapshot lacks a transaction whose changes of the table went into the log only.
func (l *Load) unseen(t *table) bool {
	return slices.ContainsFunc(t.Await, func(x Xact) bool { return !l.Shows(x.LSN, x.XID) })
}

// Shows says whether a transaction's changes are in the copy.
func (l *Load) Shows(lsn change.LSN, xid uint32) bool {
	if l.Filter == nil {
		return lsn <= l.LSN
	}
	return l.Filter.holds(lsn, xid)
}

// Part is a part of a table's rows on its way. It is used by one goroutine; several parts may be filled at the same time.
type Part struct {
	l     *Load
	next  *Load // the later snapshot that the copy comes to with this part
	c     *conn
	w     *chunk
	risky []int
	bytes int // that wait in the appender, which has no bound of its own
}

// partBytes is how much of a part waits for DuckDB to take it over; DuckDB keeps to its memory limit.
const partBytes = 32 << 20

// Part begins a part.
func (l *Load) Part() (p *Part, err error) {
	p = &Part{l: l, risky: risky(&l.Gen)}
	if p.c, err = l.d.connect(); err != nil {
		return nil, err
	}
	if err = p.c.exec("BEGIN"); err == nil {
		p.w, err = newChunk(p.c, l.base(), append(slices.Clone(l.Gen.Types), "UBIGINT"))
	}
	if err != nil {
		p.Abort()
		return nil, l.failed(err)
	}
	return p, nil
}

// Refresh takes the copy to a later snapshot: what is durable loses the rows with these keys, which the part is to bring back as they are in
// that snapshot. It happens all at once, when the part is committed. Of the keys' rows only the key columns count.
func (l *Load) Refresh(keys [][]change.Value, lsn change.LSN, at time.Time, filter *Filter) (*Part, error) {
	next := *l
	next.LSN, next.At, next.Filter = lsn, at, filter
	l.d.mu.Lock()
	unseen := next.unseen(l.d.tables[l.Relation.OID])
	l.d.mu.Unlock()
	if unseen {
		return nil, ErrUnseen
	}
	p, err := l.Part()
	if err != nil {
		return nil, err
	}
	p.next = &next
	if err := p.remove(keys); err != nil {
		p.Abort()
		return nil, err
	}
	return p, nil
}

// remove takes the rows of some keys out of what is durable.
func (p *Part) remove(rows [][]change.Value) error {
	if len(rows) == 0 {
		return nil // as always where rows have no key
	}
	key := keys(&p.l.Relation)
	for _, row := range rows {
		for _, j := range key {
			if !fits(p.l.Gen.Types[j], row[j].Text) {
				return p.asText(j)
			}
		}
	}
	if err := wanted(p.c, &p.l.Gen, key, rows, make([]int64, len(rows))); err != nil {
		return p.l.failed(err)
	}
	return p.c.execAll(fmt.Sprintf("DELETE FROM %s b USING wanted w WHERE %s", p.l.base(), match("b", "w", key)), "DROP TABLE wanted")
}

// asText remembers that a column must be kept as text, in the copy that is to follow.
func (p *Part) asText(col int) error {
	d, oid := p.l.d, p.l.Relation.OID
	d.mu.Lock()
	defer d.mu.Unlock()
	if t, name := d.tables[oid], p.l.Relation.Columns[col].Name; !slices.Contains(t.AsText, name) {
		t.AsText = append(t.AsText, name)
		d.touched[oid] = true
	}
	return ErrAsText
}

// Row adds one row.
func (p *Part) Row(row []change.Value) error {
	for _, i := range p.risky {
		v := &row[i]
		if v.State == change.Set && !fits(p.l.Gen.Types[i], v.Text) || v.State == change.Binary && !fitsBinary(p.l.Gen.Types[i], v.Text) {
			return p.asText(i)
		}
	}
	if err := p.w.row(row); err != nil {
		return p.l.failed(err)
	}
	lsn := p.l.LSN
	if p.next != nil {
		lsn = p.next.LSN
	}
	set(p.w, len(row), uint64(lsn))
	if p.bytes += size(row); p.bytes < partBytes {
		return p.w.next()
	}
	p.bytes = 0
	if err := p.w.next(); err != nil {
		return err
	}
	return p.w.flush()
}

// Commit makes the part durable, together with the note of which pages it holds or, of a refreshed copy, of its snapshot.
func (p *Part) Commit(at change.Extent) error {
	defer p.Abort()
	if err := p.w.flush(); err != nil {
		return err
	}
	p.w.close()
	p.w = nil
	oid := p.l.Relation.OID
	if p.next == nil {
		if err := p.c.exec("INSERT INTO copied VALUES ($1, $2, $3, $4)", oid, at.File, at.From, at.To); err != nil {
			return err
		}
		return p.c.exec("COMMIT")
	}
	if err := p.c.exec("DELETE FROM copies WHERE oid = $1", oid); err != nil {
		return err
	}
	if err := p.next.note(p.c); err != nil {
		return err
	}
	if err := p.c.exec("COMMIT"); err != nil {
		return err
	}
	p.l.LSN, p.l.At, p.l.Filter = p.next.LSN, p.next.At, p.next.Filter
	return nil
}

// Abort ends a part without effect; after Commit it does nothing more.
func (p *Part) Abort() {
	if p.w != nil {
		p.w.close()
		p.w = nil
	}
	if p.c != nil {
		_ = p.c.exec("ROLLBACK")
		p.c.close()
		p.c = nil
	}
}

func (l *Load) failed(err error) error {
	return fmt.Errorf("load %s.%s: %w", l.Relation.Schema, l.Relation.Name, err)
}

// Row adds one row of a table that is loaded in one go.
func (l *Load) Row(row []change.Value) (err error) {
	if l.own == nil {
		if l.own, err = l.Part(); err != nil {
			return err
		}
	}
	return l.own.Row(row)
}

// Abort gives up rows that are not durable yet; after Commit it does nothing more.
func (l *Load) Abort() {
	if l.own != nil {
		l.own.Abort()
		l.own = nil
	}
}

// Commit makes the rows the table's current ones; those it had before go to its history.
func (l *Load) Commit() error {
	if l.own != nil {
		defer l.Abort()
		if err := l.own.Commit(change.Extent{}); err != nil {
			return err
		}
	}
	d, oid := l.d, l.Relation.OID
	file, err := d.exportCopy(oid, &l.Gen)
	if err != nil {
		return l.failed(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.unseen(d.tables[oid]) {
		d.discard(file)
		return ErrUnseen
	}
	return l.adopt(d.tables[oid], file) // after an error the file may be needed all the same; a start removes it if it is not
}

// adopt puts the copy in the place of what the table had. file has its rows in the segments' folder.
func (l *Load) adopt(t *table, file *file) error {
	d := l.d
	if err := d.foldAll(); err != nil {
		return err
	}
	return d.transact(func() error {
		d.tables[t.OID] = t
		if err := l.install(t); err != nil {
			return err
		}
		return d.happen(event{Load: &loaded{OID: t.OID, Version: t.Version, Gen: l.Gen, LSN: l.LSN, At: l.At, Filter: l.Filter, AsText: t.AsText, File: *file}})
	})
}

// install is adopt within the transaction.
func (l *Load) install(t *table) error {
	d := l.d
	if len(t.Gens) > 0 {
		if err := d.endAll(t, l.LSN); err != nil {
			return err
		}
	}
	var g *gap
	reason := "the table was copied again; its changes are in the log"
	if t.Lost != nil && t.Lost.Missed {
		reason = "the table's publication was changed, and changes may have passed by; the table was copied again"
	}
	if t.Version > 0 {
		g = t.found(d.shape(t), &l.Relation, Mark{l.LSN, l.At})
	}
	v, err := d.version(&l.Relation)
	if err != nil {
		return err
	}
	l.Gen.Version = v
	clear(d.known)
	last := d.lastSeen(t)
	if g != nil {
		last = g.From
	}
	t.Gens, t.Version, t.Synced, t.Filter, t.Await, t.Note, t.Dropped = append(t.Gens, l.Gen), v, true, l.Filter, nil, "", 0
	t.Shaped, t.Trace, t.Member = nil, l.Relation.Trace, d.members[t.OID]
	t.turn(last, Mark{l.LSN, l.At})
	if g != nil {
		if err := d.addGap(&Gap{Relation: l.Relation.Schema + "." + l.Relation.Name, From: g.From.LSN, To: l.LSN, At: l.At, Reason: reason}); err != nil {
			return err
		}
	}
	if t.Since == 0 {
		t.Since, t.SinceTime = l.LSN, l.At
	}
	d.touched[t.OID] = true
	return d.forgetCopy(t.OID)
}
