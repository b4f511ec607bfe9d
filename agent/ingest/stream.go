package ingest

import (
	"context"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sync/errgroup"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// Bounds of a batch and of what may wait for the store.
const (
	batchDelay   = 250 * time.Millisecond
	readDelay    = 10 * time.Millisecond // while somebody reads
	readLately   = 2 * time.Second
	batchChanges = 10_000
	queueBytes   = 16 << 20
	advanceEvery = 5 * time.Second
)

// queue holds what was received and is not stored yet, within bounds.
type queue struct {
	mu      sync.Mutex
	space   *sync.Cond
	filled  chan struct{} // has one token when there is something to take
	txs     []change.Tx
	idle    change.LSN
	asked   bool // the primary waits for its log to be confirmed
	changes int
	bytes   int
	closed  bool
}

func newQueue() *queue {
	q := &queue{filled: make(chan struct{}, 1)}
	q.space = sync.NewCond(&q.mu)
	return q
}

// put waits for space. After close it throws away.
func (q *queue) put(e capture.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Tx == nil {
		q.idle, q.asked = e.Idle, q.asked || e.Asked
	} else {
		for !q.closed && q.bytes > queueBytes {
			q.space.Wait()
		}
		q.txs = append(q.txs, *e.Tx)
		q.changes += len(e.Tx.Changes)
		q.bytes += size(e.Tx)
	}
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

func size(tx *change.Tx) int {
	n := len(tx.Changes) * int(unsafe.Sizeof(change.Change{}))
	for i := range tx.Changes {
		for _, v := range tx.Changes[i].After {
			n += len(v.Text) + 32
		}
		for _, v := range tx.Changes[i].Before {
			n += len(v.Text) + 32
		}
	}
	return n
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.space.Broadcast()
}

// full says that a batch need not wait for more.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changes >= batchChanges || q.bytes >= queueBytes/2
}

// take empties the queue. idle is a position that lies after all of the transactions.
func (q *queue) take() (txs []change.Tx, idle change.LSN, asked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	txs, idle, asked = q.txs, q.idle, q.asked
	q.txs, q.changes, q.bytes, q.asked = nil, 0, 0, false
	q.space.Broadcast()
	return txs, idle, asked
}

// stream receives, stores and watches the catalog until one of the three fails or asks for a copy.
func (g *Ingest) stream(ctx context.Context) error {
	st, err := g.o.Store.State(ctx)
	if err != nil {
		return err
	}
	g.set(func(s *Status) { s.State, s.Message = "streaming", "" })
	q := newQueue()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return g.o.Source.Stream(ctx, g.stored(st), func(e capture.Event) error { q.put(e); return ctx.Err() })
	})
	group.Go(func() error { return g.confirm(ctx) })
	group.Go(func() error {
		defer q.close()
		return g.store(ctx, q)
	})
	group.Go(func() error {
		return g.o.Source.Watch(ctx, g.o.Watch, g.unchanged, func(c capture.Catalog) error { return g.sight(ctx, c) })
	})
	return group.Wait()
}

// stored says where a stream has to be taken up.
func (g *Ingest) stored(st shadow.State) capture.Stored {
	sealed, _ := g.o.Store.Sealed()
	return capture.Stored{Commit: st.Proof, Time: st.CommitTime, End: st.End, Sealed: min(sealed, st.End)}
}

// confirmEvery is how often it is looked whether more is sealed.
const confirmEvery = 250 * time.Millisecond

// confirm tells the primary what is sealed: durable apart from the DuckDB file, which must never be the only place that has it.
func (g *Ingest) confirm(ctx context.Context) error {
	tick := time.NewTicker(confirmEvery)
	defer tick.Stop()
	for {
		lsn, _ := g.o.Store.Sealed()
		g.o.Source.Confirm(lsn)
		g.set(func(s *Status) { s.Confirmed = max(s.Confirmed, lsn) })
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// store appends what was received in batches.
func (g *Ingest) store(ctx context.Context, q *queue) error {
	advanced := time.Now()
	open := false // a transaction's last part has not come
	stored := change.LSN(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.filled:
		}
		if err := g.gather(ctx, q); err != nil {
			return err
		}
		txs, idle, asked := q.take()
		if len(txs) > 0 {
			stored = max(stored, txs[len(txs)-1].EndLSN)
			if err := g.append(ctx, txs); err != nil {
				return err
			}
			open = !txs[len(txs)-1].Last
		}
		if open {
			continue // the shadow takes nothing else until it is whole
		}
		if idle > stored {
			g.set(func(s *Status) { s.Received = max(s.Received, idle) })
			if asked || time.Since(advanced) > advanceEvery || idle-stored > 16<<20 {
				if err := g.o.Store.Advance(ctx, idle); err != nil {
					return err
				}
				stored, advanced = idle, time.Now()
			}
		}
		if asked {
			g.o.Store.SealSoon()
		}
		if err := g.apply(ctx); err != nil {
			return err
		}
	}
}

// gather waits a little for more to come, so that a commit here is shared by many there; less while somebody reads, who wants to see what is new.
func (g *Ingest) gather(ctx context.Context, q *queue) error {
	tick := time.NewTicker(readDelay)
	defer tick.Stop()
	for began := time.Now(); !q.full(); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if time.Since(began) >= batchDelay || time.Since(g.o.Store.Asked()) < readLately {
			return nil
		}
	}
	return nil
}

func (g *Ingest) append(ctx context.Context, txs []change.Tx) error {
	if err := g.o.Store.Append(ctx, txs); err != nil {
		return err
	}
	last := -1
	n, whole := 0, 0
	for i := range txs {
		n += len(txs[i].Changes)
		if txs[i].Last {
			last = i
			whole++
		}
	}
	if last < 0 {
		return nil
	}
	tx := &txs[last]
	g.set(func(s *Status) {
		s.Received = max(s.Received, tx.EndLSN)
		if !tx.CommitTime.IsZero() {
			s.LastCommit = tx.CommitTime
			s.LagMs = max(0, float64(time.Since(tx.CommitTime).Microseconds())/1000)
		}
		s.Changes += int64(n)
		s.Transactions += int64(whole)
	})
	return nil
}

// sight publishes what the catalog newly shows, at once, because a table that lost its identity must leave the publication before
// the application notices. The shapes are applied when the stream has come as far.
func (g *Ingest) sight(ctx context.Context, cat capture.Catalog) error {
	fresh, err := g.publish(ctx, cat)
	if err != nil {
		return err
	}
	if fresh {
		if err := g.o.Source.WaitOlder(ctx); err != nil {
			return err
		}
		g.settled()
	}
	g.o.Log.Debug("the catalog may have changed", "tables", len(cat.Tables), "lsn", cat.LSN)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.catalog = &cat
	return nil
}

// unchanged passes on until when the catalog was as the shadow knows it: as long as nothing that it showed is still to be applied.
func (g *Ingest) unchanged(lsn change.LSN, at time.Time) {
	g.mu.Lock()
	pending := g.catalog != nil
	g.mu.Unlock()
	if !pending {
		g.o.Store.Looked(shadow.Mark{LSN: lsn, Time: at})
	}
}

// apply brings the shadow to the sighted catalog once the stream has passed it.
func (g *Ingest) apply(ctx context.Context) error {
	g.mu.Lock()
	cat := g.catalog
	if cat == nil || g.status.Received < cat.LSN {
		g.mu.Unlock()
		if g.pending() {
			return errAgain
		}
		return nil
	}
	g.catalog = nil
	skip := g.skip
	g.mu.Unlock()
	st, err := g.o.Store.State(ctx)
	if err != nil {
		return err
	}
	again := false
	there := map[uint32]bool{}
	for i := range cat.Tables {
		rel := &cat.Tables[i].Relation
		there[rel.OID] = true
		t, known := st.Tables[rel.OID]
		switch {
		case skip[rel.OID]:
		case !known || !t.Synced || t.Dropped:
			again = true
		default:
			if err := g.o.Store.Reshape(ctx, rel, filter(cat.Bounds), shadow.Mark{LSN: cat.LSN, Time: cat.Time}); err != nil {
				return err
			}
		}
	}
	for oid, t := range st.Tables {
		if !there[oid] && !t.Dropped {
			if err := g.o.Store.Drop(ctx, oid, max(st.Commit, cat.LSN)); err != nil {
				return err
			}
		}
	}
	if err := g.place(ctx, *cat); err != nil {
		return err
	}
	if again || g.pending() {
		return errAgain
	}
	return nil
}
