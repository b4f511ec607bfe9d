package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

func sortOperations(ops []Operation) {
	slices.SortFunc(ops, func(a, b Operation) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Object, b.Object)) })
}

// copyTables loads every table that has no rows yet. Tables that are done stay done if it is cut off.
func (g *Ingest) copyTables(ctx context.Context, cat capture.Catalog, snap *capture.Snapshot) error {
	st, err := g.o.Store.State(ctx)
	if err != nil {
		return err
	}
	var todo []capture.Table
	older := false
	there := map[uint32]bool{}
	for _, t := range cat.Tables {
		oid := t.Relation.OID
		there[oid] = true
		if g.skip[oid] || st.Tables[oid].Synced && !st.Tables[oid].Dropped {
			continue
		}
		todo = append(todo, t)
		older = older || g.waited[oid] != g.keys[oid]
	}
	for oid, t := range st.Tables {
		if !there[oid] && !t.Dropped {
			if err := g.o.Store.Drop(ctx, oid, max(st.End, st.Commit)); err != nil {
				return err
			}
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if snap == nil && older {
		if err := g.o.Source.WaitOlder(ctx); err != nil {
			return err
		}
	}
	g.set(func(s *Status) { s.State, s.Message = "copying", "" })
	for i := range todo {
		t := &todo[i]
		g.operate(t, func(o *Operation) { o.Phase, o.Total, o.Done, o.Started = "copying", t.Rows, 0, time.Now() })
	}
	for i := range todo {
		if err := g.copyTable(ctx, &todo[i], snap); err != nil {
			g.operate(&todo[i], func(o *Operation) { o.Phase = "failed" })
			return err
		}
	}
	return nil
}

// operate changes what Operations shows of a table's copy.
func (g *Ingest) operate(t *capture.Table, f func(*Operation)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.ops[t.Relation.OID]
	if o == nil {
		o = &Operation{Name: "initial copy", Object: t.Relation.Schema + "." + t.Relation.Name, Unit: "rows"}
		g.ops[t.Relation.OID] = o
	}
	f(o)
	o.Updated = time.Now()
}

// copyTable loads one table, again where the first try taught that a column must be text or that the snapshot came too early.
func (g *Ingest) copyTable(ctx context.Context, t *capture.Table, snap *capture.Snapshot) error {
	for {
		n, err := g.tryCopy(ctx, t, snap)
		switch {
		case errors.Is(err, capture.ErrGone):
			g.operate(t, func(o *Operation) { o.Phase = "done" })
			return g.o.Store.Drop(ctx, t.Relation.OID, snapLSN(snap))
		case errors.Is(err, shadow.ErrAsText):
			continue
		case errors.Is(err, shadow.ErrUnseen):
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			continue
		case err != nil:
			return err
		}
		g.operate(t, func(o *Operation) { o.Phase, o.Done, o.Total = "done", n, n })
		if !t.Identified() {
			return g.o.Store.Note(ctx, t.Relation.OID, insertsOnly)
		}
		return nil
	}
}

// filter says what a snapshot shows, in the shadow's words; nil for one that its position alone describes.
func filter(b capture.Bounds) *shadow.Filter {
	if b.Xmax == 0 {
		return nil
	}
	return &shadow.Filter{LSN: b.LSN, Xmin: b.Xmin, Xmax: b.Xmax, Xip: b.Xip}
}

func snapLSN(snap *capture.Snapshot) change.LSN {
	if snap == nil {
		return 0
	}
	return snap.LSN
}

func (g *Ingest) tryCopy(ctx context.Context, t *capture.Table, snap *capture.Snapshot) (n int64, err error) {
	var load *shadow.Load
	defer func() {
		if load != nil {
			load.Abort()
		}
	}()
	start := func(c capture.Copied) (err error) {
		load, err = g.o.Store.Load(ctx, &c.Relation, c.LSN, time.Now(), filter(c.Bounds))
		return err
	}
	row := func(v []change.Value) error {
		if n++; n%10_000 == 0 {
			g.operate(t, func(o *Operation) { o.Done = n })
		}
		return load.Row(v)
	}
	if err := g.o.Source.Copy(ctx, t.Relation.OID, snap, start, row); err != nil {
		return n, err
	}
	return n, load.Commit()
}
