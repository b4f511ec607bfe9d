package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"foreshadow/agent/change"
)

// Bounds of one part of a transaction; a larger one comes in several.
const (
	partChanges = 10_000
	partBytes   = 16 << 20
)

// decoder turns pgoutput messages into transactions. lookup completes a shape from the catalog.
type decoder struct {
	shift     change.LSN // is added to the primary's positions
	lookup    func(context.Context, uint32) (*Table, error)
	relations map[uint32]*change.Relation
	emit      func(change.Tx) error
	idle      func(change.LSN) error // a transaction without any change ended there
	tx        change.Tx
	within    bool
	seq       int64
	bytes     int
	arena     []byte
	values    []change.Value // are still to be given to rows
}

// errShort says that a message ends before its contents do.
var errShort = errors.New("replication message is cut off")

// message takes one pgoutput message. b may be used again after the call.
func (d *decoder) message(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return errShort
	}
	r := &reader{b: b[1:]}
	switch b[0] {
	case 'I', 'U', 'D':
		return d.change(b)
	case 'B':
		tx := change.Tx{CommitLSN: r.lsn(), CommitTime: r.time(), XID: r.uint32()}
		if r.short {
			return errShort
		}
		d.begin(tx)
	case 'C':
		r.take(9) // flags and the commit's own position
		end := r.lsn()
		if r.short {
			return errShort
		}
		return d.commit(end)
	case 'R':
		m := r.described()
		if r.short {
			return errShort
		}
		return d.relation(ctx, &m)
	case 'T':
		return d.truncate(r)
	case 'M':
		return d.logical(r)
	case 'O', 'Y': // origins and types carry no rows
	default:
		return fmt.Errorf("a replication message of unknown kind %q came", b[0])
	}
	return nil
}

func (d *decoder) truncate(r *reader) error {
	n := r.uint32()
	r.byte() // options
	for ; n > 0 && !r.short; n-- {
		if rel := d.relations[r.uint32()]; rel != nil && !r.short {
			if err := d.add(change.Change{Op: change.Truncate, Relation: rel}); err != nil {
				return err
			}
		}
	}
	if r.short {
		return errShort
	}
	return nil
}

// logical takes a logical message. One that belongs to no transaction comes between transactions, in the order of its own position.
func (d *decoder) logical(r *reader) error {
	r.byte() // flags
	at, prefix := r.lsn()+d.shift, r.string()
	content := r.take(int(r.uint32()))
	if r.short {
		return errShort
	}
	c := change.Change{Op: change.Message, After: []change.Value{{State: change.Set, Text: []byte(prefix)}, {State: change.Set, Text: d.keep(content)}}}
	if prefix == change.DDLPrefix {
		c.Op = change.DDL
	}
	if d.within {
		d.bytes += len(content)
		return d.add(c)
	}
	return d.emit(change.Tx{CommitLSN: at, EndLSN: at, Changes: []change.Change{c}, Last: true})
}

func (d *decoder) begin(tx change.Tx) {
	tx.CommitLSN += d.shift
	d.tx, d.within, d.seq, d.bytes = tx, true, 0, 0
}

// commit ends the transaction. One that changed nothing published is no transaction here: when it comes again the primary may leave it out, as it does unless
// it has sent its beginning before the end, which depends on the memory that others take.
func (d *decoder) commit(end change.LSN) error {
	d.tx.EndLSN, d.tx.Last, d.within = end+d.shift, true, false
	if d.seq == 0 {
		return d.idle(d.tx.EndLSN)
	}
	return d.emit(d.tx)
}

// relation takes a new shape. What the message leaves out (attribute numbers, defaults of added columns, domains) is taken from the catalog,
// if the catalog still shows the same columns; otherwise they are marked as not known.
func (d *decoder) relation(ctx context.Context, m *described) error {
	t, err := d.lookup(ctx, m.oid)
	if err != nil {
		return err
	}
	full := change.Identity(m.identity) == change.IdentityFull // the message calls every column a key then
	if t != nil && slices.EqualFunc(m.columns, t.raw, func(c describedColumn, raw uint32) bool { return c.typ == raw }) {
		same := t.Relation.Schema == m.schema && t.Relation.Name == m.name && byte(t.Relation.Identity) == m.identity
		for i, c := range m.columns {
			o := &t.Relation.Columns[i]
			same = same && c.name == o.Name && (c.mod == o.TypMod || c.typ != o.TypeOID) && (full || c.key == o.Key)
		}
		if same {
			d.relations[m.oid] = &t.Relation
			return nil
		}
	}
	rel := &change.Relation{OID: m.oid, Schema: m.schema, Name: m.name, Identity: change.Identity(m.identity)}
	for _, c := range m.columns {
		col := change.Column{Name: c.name, TypeOID: c.typ, TypMod: c.mod, Key: c.key && !full, Rewrite: true}
		if t != nil {
			if j := slices.IndexFunc(t.Relation.Columns, func(o change.Column) bool { return o.Name == c.name }); j >= 0 && t.raw[j] == c.typ {
				o := &t.Relation.Columns[j]
				col.TypeOID, col.TypMod, col.TypeName = o.TypeOID, o.TypMod, o.TypeName
				col.Key = col.Key || full && o.Key
			}
		}
		rel.Columns = append(rel.Columns, col)
	}
	if t != nil {
		for _, c := range t.Relation.Columns {
			rel.Later = append(rel.Later, c.AttNum)
		}
	}
	d.relations[m.oid] = rel
	return nil
}

// change decodes an insert, update or delete.
func (d *decoder) change(b []byte) error {
	if len(b) < 6 {
		return errShort
	}
	rel := d.relations[binary.BigEndian.Uint32(b[1:])]
	if rel == nil {
		return fmt.Errorf("a change came for relation %d, which was not described", binary.BigEndian.Uint32(b[1:]))
	}
	c := change.Change{Relation: rel}
	switch b[0] {
	case 'I':
		c.Op = change.Insert
	case 'U':
		c.Op = change.Update
	default:
		c.Op = change.Delete
	}
	d.bytes += len(b)
	for rest := b[5:]; len(rest) > 0; {
		var row []change.Value
		var err error
		kind := rest[0]
		if row, rest, err = d.tuple(rest[1:], kind == 'K', rel); err != nil {
			return err
		}
		if kind == 'N' {
			c.After = row
		} else {
			c.Before = row
		}
	}
	return d.add(c)
}

// add puts a change into the transaction, and gives out the part that is full.
func (d *decoder) add(c change.Change) error {
	c.Seq = d.seq
	d.seq++
	d.tx.Changes = append(d.tx.Changes, c)
	if d.bytes < partBytes && len(d.tx.Changes) < partChanges {
		return nil
	}
	part := d.tx
	d.tx.Changes, d.bytes = nil, 0
	return d.emit(part)
}

// tuple decodes one row. In a key tuple, NULL outside the key means that the value was not sent.
func (d *decoder) tuple(b []byte, key bool, rel *change.Relation) ([]change.Value, []byte, error) {
	if len(b) < 2 {
		return nil, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n != len(rel.Columns) {
		return nil, nil, fmt.Errorf("a row of %q has %d columns, %d were described", rel.Name, n, len(rel.Columns))
	}
	row := d.row(n)
	for i := range row {
		if len(b) == 0 {
			return nil, nil, errShort
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case 'n':
			if key && !rel.Columns[i].Key {
				row[i].State = change.NotSent
			}
		case 'u':
			row[i].State = change.Unchanged
		case 't':
			if len(b) < 4 {
				return nil, nil, errShort
			}
			size := int(binary.BigEndian.Uint32(b))
			if b = b[4:]; len(b) < size {
				return nil, nil, errShort
			}
			row[i] = change.Value{State: change.Set, Text: d.keep(b[:size])}
			b = b[size:]
		default:
			return nil, nil, fmt.Errorf("a row of %q has a value of kind %q", rel.Name, kind)
		}
	}
	return row, b, nil
}

// row gives an empty row, out of a block that many rows share.
func (d *decoder) row(n int) []change.Value {
	const block = 1024
	if n > block/4 {
		return make([]change.Value, n)
	}
	if n > len(d.values) {
		d.values = make([]change.Value, block)
	}
	row := d.values[:n:n]
	d.values = d.values[n:]
	return row
}

// keep copies a value out of the receive buffer, into blocks that many values share.
func (d *decoder) keep(b []byte) []byte {
	if len(b) > cap(d.arena)-len(d.arena) {
		if len(b) > 16<<10 {
			return slices.Clone(b)
		}
		d.arena = make([]byte, 0, 128<<10)
	}
	at := len(d.arena)
	d.arena = append(d.arena, b...)
	return d.arena[at:len(d.arena):len(d.arena)]
}
