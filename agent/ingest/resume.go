package ingest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// touchedRows is how many changed rows of a table are read again one by one when its copy is taken up; with more it begins again.
const touchedRows = 100_000

// cutOff is a table whose copy was interrupted. Its durable parts show one snapshot, r another, later one. The rows that differ between them,
// within the pages of those parts, are those of the keys that changes of the stream name: a row that nothing changed is where it was.
type cutOff struct {
	job
	keys    map[string][]change.Value
	places  map[*change.Relation][]int // where the key columns stand in a shape of the stream
	spoiled string                     // why the parts cannot be used
}

// resume takes up the copies that were interrupted; all other tables are left to be begun. The stream is read ahead for it, up to the new
// snapshots, and thrown away: it comes again when the copies are done.
func (c *copier) resume(ctx context.Context, todo []*capture.Table) (err error) {
	cut := map[uint32]*cutOff{}
	defer func() {
		for _, x := range cut {
			x.r.Close()
		}
	}()
	for _, t := range todo {
		x, err := c.cutOff(ctx, t)
		if err != nil {
			return err
		}
		if x == nil {
			c.todo = append(c.todo, t)
		} else {
			cut[t.Relation.OID] = x
		}
	}
	if len(cut) == 0 {
		return nil
	}
	if err := c.touched(ctx, cut); err != nil {
		return err
	}
	for oid, x := range cut {
		delete(cut, oid)
		if err := c.refresh(ctx, x); err != nil {
			x.r.Close()
			return err
		}
	}
	return nil
}

// cutOff opens a table whose copy can be taken up; nil when it has to be begun.
func (c *copier) cutOff(ctx context.Context, t *capture.Table) (*cutOff, error) {
	load, err := c.g.o.Store.Unfinished(t.Relation.OID)
	if err != nil || load == nil || len(load.Done) == 0 {
		return nil, err
	}
	r, err := c.g.o.Source.Open(ctx, t.Relation.OID, nil)
	if errors.Is(err, capture.ErrGone) {
		return nil, nil // whoever begins it finds out
	}
	if err != nil {
		return nil, err
	}
	x := &cutOff{job: job{t: t, r: r, load: load}, keys: map[string][]change.Value{}, places: map[*change.Relation][]int{}}
	switch {
	case load.Lapsed:
		x.spoiled = "it was not published all the time"
	case load.Relation.Identity == change.IdentityNothing || !t.Identified():
		x.spoiled = "it has no replica identity"
	case r.Whole.File != load.Done[0].File:
		x.spoiled = "it was rewritten or truncated meanwhile"
	case !reflect.DeepEqual(load.Relation, r.Relation):
		x.spoiled = "its columns were changed meanwhile"
	default:
		return x, nil
	}
	c.spoil(x)
	return nil, nil
}

// spoil lets a table be begun again, and says why.
func (c *copier) spoil(x *cutOff) {
	x.r.Close()
	c.g.o.Log.Info("the copy of a table begins again", "source", c.g.o.Name, "table", x.r.Relation.Schema+"."+x.r.Relation.Name, "reason", x.spoiled)
	c.g.operate(x.t, func(o *Operation) { o.Message = "begun again: " + x.spoiled })
}

// errReached ends the reading ahead.
var errReached = errors.New("the stream has reached the snapshots")

// touched reads the stream up to the last of the new snapshots and notes the keys of what changed in the tables.
func (c *copier) touched(ctx context.Context, cut map[uint32]*cutOff) error {
	st, err := c.g.o.Store.State(ctx)
	if err != nil {
		return err
	}
	until := change.LSN(0)
	for _, x := range cut {
		until = max(until, x.r.Reach())
	}
	err = c.g.o.Source.Stream(ctx, c.g.stored(st), func(e capture.Event) error {
		switch {
		case e.Tx == nil && e.Idle >= until, e.Tx != nil && e.Tx.CommitLSN >= until:
			return errReached
		case e.Tx == nil:
			return nil
		}
		for i := range e.Tx.Changes {
			ch := &e.Tx.Changes[i]
			if ch.Relation == nil {
				continue
			}
			if x := cut[ch.Relation.OID]; x != nil && x.spoiled == "" && !x.load.Shows(e.Tx.CommitLSN, e.Tx.XID) {
				x.touch(ch)
			}
		}
		return nil
	})
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}

// touch notes the keys of one change.
func (x *cutOff) touch(ch *change.Change) {
	if ch.Op == change.Truncate {
		x.spoiled = "it was truncated meanwhile"
		return
	}
	places, ok := x.places[ch.Relation]
	if !ok {
		places = x.find(ch.Relation)
		x.places[ch.Relation] = places
	}
	if places == nil {
		x.spoiled = "rows without a key were changed meanwhile"
		return
	}
	for _, row := range [][]change.Value{ch.Before, ch.After} {
		if row != nil {
			x.note(row, ch.Before, places)
		}
	}
	if len(x.keys) > touchedRows {
		x.spoiled = fmt.Sprintf("more than %d of its rows were changed meanwhile", touchedRows)
	}
}

// find gives the places of the table's key columns in a shape of the stream, by name; nil where rows have no key, or another one.
func (x *cutOff) find(rel *change.Relation) (places []int) {
	if rel.Identity == change.IdentityFull || x.load.Relation.Identity == change.IdentityFull {
		return nil
	}
	for _, c := range x.load.Relation.Columns {
		if !c.Key {
			continue
		}
		i := slices.IndexFunc(rel.Columns, func(o change.Column) bool { return o.Name == c.Name && o.Key })
		if i < 0 {
			return nil
		}
		places = append(places, i)
	}
	return places
}

// note keeps a row's key, as a row of the table with nothing else in it. A large value in a key that was not sent again is that of the old row.
func (x *cutOff) note(row, before []change.Value, places []int) {
	key := make([]change.Value, len(x.load.Relation.Columns))
	var name []byte
	n := 0
	for i, c := range x.load.Relation.Columns {
		if !c.Key {
			continue
		}
		v := row[places[n]]
		if v.State != change.Set && before != nil {
			v = before[places[n]]
		}
		if v.State != change.Set {
			x.spoiled = "a change came without its key"
			return
		}
		key[i] = change.Value{State: change.Set, Text: slices.Clone(v.Text)}
		name = append(fmt.Appendf(name, "%d ", len(v.Text)), v.Text...)
		n++
	}
	x.keys[string(name)] = key
}

// refresh brings the durable parts to the new snapshot and lets the rest be copied in it.
func (c *copier) refresh(ctx context.Context, x *cutOff) error {
	n, err := 0, error(nil)
	if x.spoiled == "" {
		n, err = c.reread(ctx, x)
	}
	if errors.Is(err, shadow.ErrAsText) {
		x.spoiled = "a changed key does not fit its column's type"
	} else if err != nil {
		return err
	}
	if x.spoiled != "" {
		c.spoil(x)
		c.todo = append(c.todo, x.t)
		return nil
	}
	message := fmt.Sprintf("resumed: %d rows were kept, of which %d had changed and were read again", x.load.Rows, n)
	c.g.o.Log.Info("the copy of a table is resumed", "source", c.g.o.Name, "table", x.r.Relation.Schema+"."+x.r.Relation.Name,
		"rows_kept", x.load.Rows, "keys_changed", len(x.keys), "rows_read_again", n)
	x.left = parts(&x.r.Copied, x.load.Done, c.g.o.Part)
	c.add(&x.job)
	c.g.operate(x.t, func(o *Operation) { o.Message = message })
	if len(x.left) == 0 {
		return c.end(ctx, &x.job)
	}
	return nil
}

// reread replaces the rows that changed in the durable parts by what the new snapshot has in their pages.
func (c *copier) reread(ctx context.Context, x *cutOff) (n int, err error) {
	keys := make([][]change.Value, 0, len(x.keys))
	for _, k := range x.keys {
		keys = append(keys, k)
	}
	p, err := x.load.Refresh(keys, x.r.LSN, time.Now(), filter(x.r.Bounds))
	if err != nil {
		return 0, err
	}
	defer p.Abort()
	if len(keys) > 0 {
		err = x.r.Fetch(ctx, keys, x.load.Done, capture.Rows{Binary: x.load.Binary(), Take: func(row []change.Value) error { n++; return p.Row(row) }})
	}
	if err != nil {
		return n, err
	}
	return n, p.Commit(change.Extent{})
}
