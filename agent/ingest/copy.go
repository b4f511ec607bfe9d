package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// copyTables loads the tables that have no rows yet; it is whole where none is left for when the primary keeps less log. What is durable stays if it is cut off.
func (g *Ingest) copyTables(ctx context.Context, cat capture.Catalog, snap *capture.Snapshot) (whole bool, err error) {
	st, err := g.o.Store.State(ctx)
	if err != nil {
		return false, err
	}
	var todo []*capture.Table
	older := false
	there := map[uint32]bool{}
	for i := range cat.Tables {
		oid := cat.Tables[i].Relation.OID
		there[oid] = true
		if g.skip[oid] || st.Tables[oid].Synced && !st.Tables[oid].Dropped {
			continue
		}
		todo = append(todo, &cat.Tables[i])
		older = older || g.waited[oid] != g.keys[oid]
	}
	for oid, t := range st.Tables {
		if !there[oid] && !t.Dropped {
			if err := g.o.Store.Drop(ctx, oid, max(st.End, st.Commit)); err != nil {
				return false, err
			}
		}
	}
	if len(todo) == 0 {
		g.leave(false)
		return true, nil
	}
	if snap == nil && older {
		if err := g.o.Source.WaitOlder(ctx); err != nil {
			return false, err
		}
	}
	g.set(func(s *Status) { s.State, s.Message = "copying", "" })
	for _, t := range todo {
		g.operate(t, func(o *Operation) {
			o.Phase, o.Total, o.Done, o.Kept, o.Started, o.Message = "waiting", t.Rows, 0, 0, time.Now(), ""
		})
	}
	c := &copier{g: g, snap: snap}
	c.turn.L = &c.mu
	err = c.run(ctx, todo)
	for _, t := range c.todo {
		g.operate(t, func(o *Operation) {
			o.Message = "waits until the primary keeps less log for capture than half of source.wal-budget"
		})
	}
	whole = len(c.todo) == 0
	g.leave(!whole)
	return whole, err
}

// leave notes whether tables wait to be copied later.
func (g *Ingest) leave(some bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.behind = some
}

// copier shares the parts of tables among workers. A table is begun when no part of the ones before it is left to take.
type copier struct {
	g    *Ingest
	snap *capture.Snapshot

	mu   sync.Mutex
	turn sync.Cond // something changed of what follows
	todo []*capture.Table
	jobs []*job
	busy int // workers that have something to do
}

// job is a table that is being copied.
type job struct {
	t    *capture.Table
	r    *capture.Reading
	load *shadow.Load
	left []change.Extent // what nobody has taken
	busy int             // parts that are being read
	err  error           // why the copy ends before its time
}

func (c *copier) run(ctx context.Context, todo []*capture.Table) error {
	defer func() {
		for _, j := range c.jobs {
			j.r.Close()
		}
	}()
	if err := c.resume(ctx, todo); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, c.wake)()
	for range c.g.o.Copies {
		group.Go(func() error { return c.work(ctx) })
	}
	return group.Wait()
}

func (c *copier) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn.Broadcast()
}

// work takes what there is to do until nothing is left, or the primary keeps too much log for another table to begin.
func (c *copier) work(ctx context.Context) error {
	for {
		t, j, at := c.take(ctx)
		var err error
		switch {
		case j != nil:
			err = c.part(ctx, j, at)
		case t != nil:
			err = c.begin(ctx, t)
		default:
			return ctx.Err()
		}
		c.mu.Lock()
		c.busy--
		c.turn.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// take gives a part of a table that was begun, or a table to begin. It waits while another worker may still bring one of them.
func (c *copier) take(ctx context.Context) (*capture.Table, *job, change.Extent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ctx.Err() == nil {
		for _, j := range c.jobs {
			if len(j.left) > 0 {
				at := j.left[0]
				j.left = j.left[1:]
				j.busy++
				c.busy++
				return nil, j, at
			}
		}
		if len(c.todo) > 0 && c.g.spare() {
			t := c.todo[0]
			c.todo = c.todo[1:]
			c.busy++
			return t, nil, change.Extent{}
		}
		if c.busy == 0 {
			break
		}
		c.turn.Wait()
	}
	return nil, nil, change.Extent{}
}

// again puts a table back among those to begin.
func (c *copier) again(t *capture.Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo = append(c.todo, t)
}

// begin opens a table and divides it into parts.
func (c *copier) begin(ctx context.Context, t *capture.Table) error {
	r, err := c.g.o.Source.Open(ctx, t.Relation.OID, c.snap)
	if errors.Is(err, capture.ErrGone) {
		c.g.operate(t, func(o *Operation) { o.Phase = "done" })
		return c.g.o.Store.Drop(ctx, t.Relation.OID, snapLSN(c.snap))
	}
	if err != nil {
		return c.failed(t, err)
	}
	load, err := c.g.o.Store.Load(ctx, &r.Relation, r.LSN, time.Now(), filter(r.Bounds))
	if errors.Is(err, shadow.ErrUnseen) {
		r.Close()
		c.again(t)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		return nil
	}
	if err != nil {
		r.Close()
		return c.failed(t, err)
	}
	c.add(&job{t: t, r: r, load: load, left: parts(&r.Copied, nil, c.g.o.Part)})
	return nil
}

func (c *copier) add(j *job) {
	c.g.operate(j.t, func(o *Operation) {
		o.Phase, o.Total, o.Done, o.Kept, o.Started = "copying", j.r.Rows, j.load.Rows, j.load.Rows, time.Now()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs = append(c.jobs, j)
	c.turn.Broadcast()
}

// parts divides what is not done of a table into stretches of about so many bytes; done is in order. The last one is open, because the table may grow.
func parts(r *capture.Copied, done []change.Extent, bytes int64) (left []change.Extent) {
	step := uint32(max(1, bytes/max(1, r.PageSize)))
	from := uint32(0)
	cut := func(to uint32) {
		for ; from < to; from = min(from+step, to) {
			left = append(left, change.Extent{File: r.Whole.File, From: from, To: min(from+step, to)})
		}
	}
	for _, d := range done {
		cut(d.From)
		if from = d.To; from == 0 {
			return left
		}
	}
	if r.Pages > from {
		cut(from + (r.Pages-from-1)/step*step)
	}
	return append(left, change.Extent{File: r.Whole.File, From: from})
}

// part copies one part of a table. Whoever copies the last one ends the table.
func (c *copier) part(ctx context.Context, j *job, at change.Extent) error {
	err := c.read(ctx, j, at)
	c.mu.Lock()
	j.busy--
	if err != nil && j.err == nil {
		j.err, j.left = err, nil
	}
	last := j.busy == 0 && len(j.left) == 0
	c.mu.Unlock()
	if !last {
		return nil
	}
	return c.end(ctx, j)
}

func (c *copier) read(ctx context.Context, j *job, at change.Extent) error {
	p, err := j.load.Part()
	if err != nil {
		return err
	}
	defer p.Abort()
	const step = 10_000
	n := 0
	err = j.r.Read(ctx, at, capture.Rows{Binary: j.load.Binary(), Take: func(row []change.Value) error {
		if n++; n%step == 0 {
			c.g.operate(j.t, func(o *Operation) { o.Done += step })
			if err := c.broken(j); err != nil {
				return err
			}
		}
		return p.Row(row)
	}})
	if err != nil {
		return err
	}
	if err := p.Commit(at); err != nil {
		return err
	}
	c.g.o.Log.Debug("a part of a table is copied", "source", c.g.o.Name, "table", j.t.Relation.Name, "first_page", at.From, "rows", n)
	c.g.operate(j.t, func(o *Operation) {
		o.Done += int64(n % step)
		if j.r.Rows == 0 && at.To > at.From { // the planner knows nothing; this part tells how many rows a page has
			o.Total = max(o.Total, int64(n)*int64(j.r.Pages)/int64(at.To-at.From))
		}
	})
	return nil
}

// broken says why a part is read in vain.
func (c *copier) broken(j *job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return j.err
}

// end makes the parts the table's rows, or begins the table again where a part taught that a column must be text.
func (c *copier) end(ctx context.Context, j *job) error {
	c.mu.Lock()
	for i := range c.jobs {
		if c.jobs[i] == j {
			c.jobs = append(c.jobs[:i], c.jobs[i+1:]...)
			break
		}
	}
	c.mu.Unlock()
	j.r.Close()
	if errors.Is(j.err, shadow.ErrAsText) {
		c.again(j.t)
		return nil
	}
	if j.err != nil {
		return c.failed(j.t, j.err)
	}
	if err := j.load.Commit(); err != nil {
		return c.failed(j.t, err)
	}
	c.g.operate(j.t, func(o *Operation) { o.Phase, o.Total = "done", o.Done })
	if !j.t.Identified() {
		return c.g.o.Store.Note(ctx, j.t.Relation.OID, insertsOnly)
	}
	return nil
}

func (c *copier) failed(t *capture.Table, err error) error {
	c.g.operate(t, func(o *Operation) { o.Phase = "failed" })
	return err
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
