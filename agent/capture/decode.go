package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pglogrepl"

	"foreshadow/agent/change"
)

// Bounds of one part of a transaction; a larger one comes in several.
const (
	partChanges = 10_000
	partBytes   = 16 << 20
)

// decoder turns pgoutput messages into transactions. lookup completes a shape from the catalog.
type decoder struct {
	lookup    func(context.Context, uint32) (*Table, error)
	relations map[uint32]*change.Relation
	emit      func(change.Tx) error
	tx        change.Tx
	within    bool
	seq       int64
	bytes     int
	arena     []byte
}

// errShort says that a message ends before its contents do.
var errShort = errors.New("replication message is cut off")

// message takes one pgoutput message. b may be used again after the call.
func (d *decoder) message(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return errShort
	}
	switch b[0] {
	case 'I', 'U', 'D':
		return d.change(b)
	case 'O', 'Y', 'M': // origins, types and logical messages carry no rows
		return nil
	}
	m, err := pglogrepl.Parse(b)
	if err != nil {
		return fmt.Errorf("decode replication message %q: %w", b[0], err)
	}
	switch m := m.(type) {
	case *pglogrepl.BeginMessage:
		d.tx = change.Tx{XID: m.Xid, CommitLSN: change.LSN(m.FinalLSN), CommitTime: m.CommitTime}
		d.within, d.seq, d.bytes = true, 0, 0
	case *pglogrepl.CommitMessage:
		d.tx.EndLSN, d.tx.Last = change.LSN(m.TransactionEndLSN), true
		d.within = false
		return d.emit(d.tx)
	case *pglogrepl.RelationMessage:
		return d.relation(ctx, m)
	case *pglogrepl.TruncateMessage:
		for _, oid := range m.RelationIDs {
			if rel := d.relations[oid]; rel != nil {
				d.add(change.Change{Op: change.Truncate, Relation: rel})
			}
		}
	}
	return nil
}

// relation takes a new shape. What the message leaves out (attribute numbers, defaults of added columns, domains) is taken from the catalog,
// if the catalog still shows the same columns; otherwise they are marked as not known.
func (d *decoder) relation(ctx context.Context, m *pglogrepl.RelationMessage) error {
	t, err := d.lookup(ctx, m.RelationID)
	if err != nil {
		return err
	}
	if t != nil && slices.EqualFunc(m.Columns, t.raw, func(c *pglogrepl.RelationMessageColumn, raw uint32) bool { return c.DataType == raw }) {
		same := t.Relation.Schema == m.Namespace && t.Relation.Name == m.RelationName && byte(t.Relation.Identity) == m.ReplicaIdentity
		for i, c := range m.Columns {
			o := &t.Relation.Columns[i]
			same = same && c.Name == o.Name && (c.TypeModifier == o.TypMod || c.DataType != o.TypeOID) && c.Flags&1 == 1 == o.Key
		}
		if same {
			d.relations[m.RelationID] = &t.Relation
			return nil
		}
	}
	rel := &change.Relation{OID: m.RelationID, Schema: m.Namespace, Name: m.RelationName, Identity: change.Identity(m.ReplicaIdentity)}
	for _, c := range m.Columns {
		col := change.Column{Name: c.Name, TypeOID: c.DataType, TypMod: c.TypeModifier, Key: c.Flags&1 == 1, Rewrite: true}
		if t != nil {
			if j := slices.IndexFunc(t.Relation.Columns, func(o change.Column) bool { return o.Name == c.Name }); j >= 0 && t.raw[j] == c.DataType {
				col.TypeOID, col.TypMod, col.TypeName = t.Relation.Columns[j].TypeOID, t.Relation.Columns[j].TypMod, t.Relation.Columns[j].TypeName
			}
		}
		rel.Columns = append(rel.Columns, col)
	}
	if t != nil {
		for _, c := range t.Relation.Columns {
			rel.Later = append(rel.Later, c.AttNum)
		}
	}
	d.relations[m.RelationID] = rel
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
	d.add(c)
	if d.bytes >= partBytes || len(d.tx.Changes) >= partChanges {
		part := d.tx
		d.tx.Changes, d.bytes = nil, 0
		return d.emit(part)
	}
	return nil
}

func (d *decoder) add(c change.Change) {
	c.Seq = d.seq
	d.seq++
	d.tx.Changes = append(d.tx.Changes, c)
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
	row := make([]change.Value, n)
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
