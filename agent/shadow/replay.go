package shadow

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"foreshadow/agent/change"
	"foreshadow/sql/result"
)

//go:embed replay.sql
var replaySQL string

// replay stores again what segments tell, the way it was stored first.
type replay struct {
	d         *DB
	relations map[shapeKey]*change.Relation
	txs       []change.Tx       // the last one may go on
	changes   int               // of txs
	bytes     int               // of their rows
	states    map[uint32]*table // as they were at the segment's end
}

type shapeKey struct {
	oid     uint32
	version int32
}

// replayBatch is how many changes are appended at once, and replayBytes how large their rows are together, about, and those of the records that are sorted at once.
const (
	replayBatch = 10_000
	replayBytes = 16 << 20
)

// segment replays what a segment has after a place.
func (r *replay) segment(ctx context.Context, s *segment, after place) error {
	c, err := r.d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	records := "FROM (" + fmt.Sprintf(replaySQL, r.d.parquet(s.file), after.N, after.Aside) + ")"
	stretches, err := c.stretches(ctx, records)
	if err != nil {
		return err
	}
	for _, x := range stretches {
		err := c.each(ctx, "SELECT n, kind, lsn, seq, commit_time, xid, oid, version, op, row_before, row_after "+records+" WHERE class = $1 AND n BETWEEN $2 AND $3 ORDER BY n",
			[]any{x.class, x.from, x.to}, func(cols []result.Column, i int) error { return r.record(ctx, cols, i) })
		if err != nil {
			return err
		}
	}
	if err := r.end(ctx); err != nil {
		return err
	}
	if err := r.conclude(); err != nil {
		return err
	}
	if s.Place.N <= after.N {
		return nil // it has nothing but what went aside
	}
	return r.d.setPlace(s.Place)
}

// stretch is some records of a segment that follow each other. The classes come one after the other: changes and events, states, what went aside.
type stretch struct{ class, from, to int64 }

// stretches divides a segment's records into parts that fit into memory: rows that are small in it may be large outside, and to sort them takes them whole.
func (c *conn) stretches(ctx context.Context, records string) (all []stretch, err error) {
	bytes := int64(0)
	sizes := "SELECT class, n, coalesce(octet_length(row_before), 0) + coalesce(octet_length(row_after), 0) " + records + " ORDER BY class, n"
	err = c.each(ctx, sizes, nil, func(cols []result.Column, i int) error {
		class, n, size := cols[0].Ints[i], cols[1].Ints[i], cols[2].Ints[i]
		k := len(all) - 1
		if k < 0 || class != all[k].class || bytes+size > replayBytes && n > all[k].to { // states may share a number
			all, bytes = append(all, stretch{class: class, from: n}), 0
			k++
		}
		all[k].to = n
		bytes += size
		return nil
	})
	return all, err
}

// record takes one record of a segment.
func (r *replay) record(ctx context.Context, cols []result.Column, i int) error {
	switch kind := uint8(cols[1].Ints[i]); kind {
	case logged, tailed:
		return r.change(ctx, cols, i)
	case happened:
		var e event
		if err := json.Unmarshal(cols[10].Bytes[i], &e); err != nil {
			return err
		}
		return r.event(ctx, &e)
	case stateful:
		t := &table{}
		err := json.Unmarshal(cols[10].Bytes[i], t)
		r.states[t.OID] = t // a merged segment has older ones too, which come first
		return err
	default:
		return r.d.putAside(kind, cols[10].Bytes[i])
	}
}

// change adds a change to its transaction.
func (r *replay) change(ctx context.Context, cols []result.Column, i int) (err error) {
	at := change.LSN(cols[2].Ints[i])
	switch n := len(r.txs); {
	case n == 0 || r.txs[n-1].CommitLSN != at:
		if n > 0 {
			r.txs[n-1].Last = true
		}
		if r.changes >= replayBatch || r.bytes >= replayBytes {
			err = r.flush(ctx)
		}
		r.txs = append(r.txs, change.Tx{XID: uint32(cols[5].Ints[i]), CommitLSN: at, EndLSN: at, CommitTime: moment(plain(&cols[4], i))})
	case len(r.txs[n-1].Changes) >= replayBatch || r.bytes >= 2*replayBytes: // a large transaction goes in parts
		err = r.part(ctx)
	}
	if err != nil {
		return err
	}
	c := change.Change{Op: change.Op(cols[8].Ints[i]), Seq: cols[3].Ints[i]}
	if c.Relation, err = r.relation(shapeKey{uint32(cols[6].Ints[i]), int32(cols[7].Ints[i])}); err != nil {
		return err
	}
	if c.Before, err = unpacked(plain(&cols[9], i)); err != nil {
		return err
	}
	if c.After, err = unpacked(plain(&cols[10], i)); err != nil {
		return err
	}
	tx := &r.txs[len(r.txs)-1]
	tx.Changes = append(tx.Changes, c)
	r.changes++
	r.bytes += size(c.Before) + size(c.After)
	return nil
}

// relation gives one pointer for each shape, as a stream does.
func (r *replay) relation(key shapeKey) (*change.Relation, error) {
	if key.oid == noTable {
		return nil, nil // a message
	}
	if rel := r.relations[key]; rel != nil {
		return rel, nil
	}
	shapes := r.d.shapes[key.oid]
	if key.version < 1 || int(key.version) > len(shapes) {
		return nil, fmt.Errorf("version %d of table %d is not known", key.version, key.oid)
	}
	rel := shapes[key.version-1]
	r.relations[key] = &rel
	return &rel, nil
}

// flush appends what was gathered.
func (r *replay) flush(ctx context.Context) error {
	txs := r.txs
	r.txs, r.changes, r.bytes = nil, 0, 0
	return r.d.Append(ctx, txs)
}

// part appends what was gathered and leaves the last transaction open, since it may go on.
func (r *replay) part(ctx context.Context) error {
	n := len(r.txs)
	if n == 0 {
		return nil
	}
	head := r.txs[n-1]
	head.Changes = nil
	err := r.flush(ctx)
	r.txs = append(r.txs, head)
	return err
}

// end closes the last transaction and appends it.
func (r *replay) end(ctx context.Context) error {
	if n := len(r.txs); n > 0 {
		r.txs[n-1].Last = true
	}
	return r.flush(ctx)
}

// event does again what the journal tells beside changes.
func (r *replay) event(ctx context.Context, e *event) (err error) {
	d := r.d
	switch { // a new shape comes in the midst of the transaction that first has it
	case e.Shape != nil:
	case e.Reshape != nil:
		err = r.part(ctx)
	default:
		err = r.end(ctx)
	}
	if err != nil {
		return err
	}
	switch {
	case e.Load != nil:
		return d.loadAgain(e.Load)
	case e.Drop != nil:
		return d.drop(d.tables[e.Drop.OID], e.Drop.At)
	case e.Expire != nil:
		return d.expire(d.tables[e.Expire.OID], e.Expire.UpTo)
	case e.Pin != nil:
		return d.setPin(*e.Pin)
	case e.Follow != nil:
		if err := d.foldAll(); err != nil {
			return err
		}
	}
	return d.transact(func() error { // within the transaction that is open, if one is
		switch {
		case e.Shape != nil:
			_, err := d.version(e.Shape)
			return err
		case e.Meta != nil:
			return d.setMeta(e.Meta)
		case e.Gap != nil:
			return d.insertGap(e.Gap)
		case e.Follow != nil:
			d.restart(*e.Follow)
			return nil
		case e.Lose != nil:
			d.lose(d.tables[*e.Lose])
			return nil
		case e.Reshape != nil:
			t := d.tables[e.Reshape.OID]
			plan, _ := carry(d.shape(t), &d.shapes[t.OID][e.Reshape.Version-1])
			return d.carryOver(t, e.Reshape.Version, plan, e.Reshape.Lost, e.Reshape.In)
		}
		return errors.New("an event is of a kind that this version does not know")
	})
}

// loadAgain makes a copy's rows the table's current ones, as its load did.
func (d *DB) loadAgain(e *loaded) error {
	t := d.tables[e.OID]
	if t == nil {
		t = &table{OID: e.OID}
	}
	t.AsText = e.AsText
	l := &Load{d: d, Relation: d.shapes[e.OID][e.Version-1], LSN: e.LSN, At: e.At, Filter: e.Filter, Gen: e.Gen}
	if err := d.w.execAll(append(e.Gen.create(e.OID, keys(&l.Relation)),
		fmt.Sprintf("INSERT INTO b%d_%d BY NAME SELECT %s FROM %s", e.OID, e.Gen.N, e.Gen.inward("lo"), d.parquet(e.File)))...); err != nil {
		return err
	}
	return l.adopt(t, &e.File)
}

// conclude compares the tables with what the segment says they were, and takes over what only the first run could know.
func (r *replay) conclude() error {
	d := r.d
	if err := d.foldAll(); err != nil {
		return err
	}
	for _, t := range r.states {
		now := d.tables[t.OID]
		if now == nil {
			now = &table{} // nothing but the beginning of a copy is known of it
		}
		if len(now.Gens)+len(t.Gens) > 0 && !reflect.DeepEqual(now.Gens, t.Gens) {
			return fmt.Errorf("the storage of table %d is not as it was: the segments do not fit together", t.OID)
		}
		t.Pending, t.FoldedN = now.Pending, now.FoldedN // when tables are folded and settled is no part of their history
		d.tables[t.OID], d.touched[t.OID] = t, true
	}
	clear(r.states)
	clear(d.known)
	return nil
}
