// Package ingest carries the primary's rows and changes into the shadow: the initial copy, then the stream, for ever, through restarts of both sides.
// The agent runs one for each source. It decides when to copy, to retry and to begin again; how to read is capture's, how to store is shadow's.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// Options joins a source to its shadow.
type Options struct {
	Name   string // of the source, as users see it
	Source *capture.Source
	Store  *shadow.DB
	Watch  time.Duration // how often the catalog is looked at; 0 is every second
	Budget int64         // bytes of log that the primary may keep for us; 0 is without bound
	// MinFree is how many bytes of the shadow's disk must stay free; capture pauses below it.
	MinFree int64
	Copies  int   // sessions that copy tables at the same time; 0 is one for each CPU, at most 4
	Part    int64 // bytes of a table that are copied in one piece; 0 is 64 MB
	Log     *slog.Logger
}

// Ingest is the loop of one source. Run may be called once.
type Ingest struct {
	o     Options
	ready chan struct{}
	once  sync.Once

	mu      sync.Mutex
	status  Status
	ops     map[uint32]*Operation
	catalog *capture.Catalog  // what the catalog last showed, until it is applied
	skip    map[uint32]bool   // tables that cannot be captured
	broken  string            // why the stream cannot be continued, until the gap is recorded
	keys    map[uint32]string // every table's place in a publication
	waited  map[uint32]string // and the one that it has had for long enough for a copy to be whole

	behind   bool // tables were left for when the primary keeps less log
	breaches int  // copies in a row that broke the budget; Run's alone
}

// Status is where capture stands.
type Status struct {
	Source, State, Slot   string     // State: starting, copying, streaming, paused, retrying, stopped
	Received, Confirmed   change.LSN // Confirmed is sealed, and the primary was told so
	LastCommit            time.Time
	LagMs                 float64 // from a commit on the primary until it was durable here, as last measured
	Changes, Transactions int64
	Retained              int64 // bytes of log that the primary keeps for us
	Message, Warning      string
	LeftOut               string // tables that are not captured, and why
}

// New prepares the loop. Where the shadow is complete already, Ready is closed at once.
func New(o Options) (*Ingest, error) {
	if o.Source == nil || o.Store == nil {
		return nil, errors.New("ingest needs a source and a store")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Watch <= 0 {
		o.Watch = time.Second
	}
	if o.Copies <= 0 {
		o.Copies = min(runtime.GOMAXPROCS(0), 4)
	}
	if o.Part <= 0 {
		o.Part = 64 << 20
	}
	st, err := o.Store.State(context.Background())
	if err != nil {
		return nil, fmt.Errorf("read the shadow's state: %w", err)
	}
	g := &Ingest{o: o, ready: make(chan struct{}), ops: map[uint32]*Operation{}, skip: map[uint32]bool{}, waited: map[uint32]string{}}
	g.status = Status{Source: o.Name, State: "starting", Slot: o.Source.Slot(), Received: st.End,
		LastCommit: st.CommitTime, Changes: st.Changes, Transactions: st.Transactions}
	g.status.Confirmed, _ = o.Store.Sealed()
	if st.Whole && len(o.Store.Unsynced()) == 0 {
		g.markReady()
	}
	return g, nil
}

// Ready is closed when every table has its rows.
func (g *Ingest) Ready() <-chan struct{} { return g.ready }

func (g *Ingest) markReady() { g.once.Do(func() { close(g.ready) }) }

// Status tells where capture stands.
func (g *Ingest) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

func (g *Ingest) set(f func(*Status)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.status)
}

// errAgain ends a session that must begin anew at once, because a table has to be copied.
var errAgain = errors.New("a table has to be copied")

// Run captures until ctx ends. Whatever fails is tried again, more and more slowly up to every ten seconds.
func (g *Ingest) Run(ctx context.Context) error {
	wait := &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.3, Multiplier: 2, MaxInterval: 10 * time.Second}
	wait.Reset()
	defer g.set(func(s *Status) { s.State = "stopped" })
	for {
		began := g.Status()
		err := g.guarded(ctx)
		g.o.Store.Abort()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errAgain) || errors.Is(err, errFull) {
			continue
		}
		if broken := (*capture.Broken)(nil); errors.As(err, &broken) {
			g.mu.Lock()
			g.broken = broken.Reason
			g.mu.Unlock()
		}
		if errors.Is(err, errUnaffordable) {
			g.breathe(ctx)
			continue
		}
		g.set(func(s *Status) { s.State, s.Message = "retrying", err.Error() })
		g.o.Log.Warn("capture was interrupted and is tried again", "source", g.o.Name, "error", err)
		if now := g.Status(); now.Received > began.Received || now.Changes > began.Changes {
			wait.Reset()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// guarded is a session that ends when the budget of log is used up or the disk is full.
func (g *Ingest) guarded(ctx context.Context) error {
	within, end := context.WithCancelCause(ctx)
	watch, stop := context.WithCancel(ctx)
	var guard sync.WaitGroup
	guard.Go(func() { g.guard(watch, func() { end(errSpent) }) })
	err := g.room(within)
	if err == nil {
		guard.Go(func() { g.watchRoom(watch, func() { end(errFull) }) })
		err = g.session(within)
	}
	cause := context.Cause(within)
	end(nil)
	stop()
	guard.Wait()
	switch {
	case errors.Is(cause, errSpent):
		g.release(ctx)
		if g.Status().State == "copying" {
			return errUnaffordable
		}
		return errSpent
	case errors.Is(cause, errFull):
		return errFull
	}
	return err
}

// errSpent ends a session for which the primary keeps too much log; it is errUnaffordable where tables were being copied.
var (
	errSpent        = errors.New("the primary keeps more log for capture than the budget allows")
	errUnaffordable = fmt.Errorf("a table is copied: %w", errSpent)
)

// session sees that there is a slot we can trust and that every table has its rows, then streams.
func (g *Ingest) session(ctx context.Context) error {
	g.mu.Lock()
	g.catalog = nil // it is older than the copies to come
	g.mu.Unlock()
	sys, st, why, err := g.acquaint(ctx)
	if err != nil {
		return err
	}
	cat, err := g.o.Source.Catalog(ctx)
	if err != nil {
		return err
	}
	if _, err := g.publish(ctx, cat); err != nil {
		return err
	}
	var snap *capture.Snapshot
	if why != "" {
		if snap, err = g.follow(ctx, cat, sys, st, why); err != nil {
			return err
		}
		defer snap.Close()
	}
	whole, err := g.copyTables(ctx, cat, snap)
	if err != nil {
		return err
	}
	g.settled()
	if snap != nil {
		snap.Close()
	}
	if err := g.place(ctx, cat); err != nil {
		return err
	}
	if whole {
		g.markReady()
		g.breaches = 0
	}
	return g.stream(ctx)
}

// place tells the shadow which tables are partitions of which.
func (g *Ingest) place(ctx context.Context, cat capture.Catalog) error {
	parents := make(map[uint32][]uint32, len(cat.Tables))
	g.mu.Lock()
	for _, t := range cat.Tables {
		if !g.skip[t.Relation.OID] {
			parents[t.Relation.OID] = t.Parents
		}
	}
	g.mu.Unlock()
	return g.o.Store.Place(ctx, parents, shadow.Mark{LSN: cat.LSN, Time: cat.Time}, shadow.Mark{LSN: cat.SameLSN, Time: cat.SameTime})
}

// pending says whether a table that can be copied now has no rows yet. The stream goes on while others wait for older transactions to end, and
// all of them for the primary to keep less log.
func (g *Ingest) pending() bool {
	if !g.spare() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.behind {
		return true
	}
	for _, oid := range g.o.Store.Unsynced() {
		if key := g.keys[oid]; !g.skip[oid] && key != "" && g.waited[oid] == key {
			return true
		}
	}
	return false
}

// insertsOnly is what users read of a table without a replica identity.
const insertsOnly = "no replica identity: only inserts are captured"

// publish puts the tables into the publications and remembers those that cannot be. fresh says that a table was not where it is now when
// publish looked last.
func (g *Ingest) publish(ctx context.Context, cat capture.Catalog) (fresh bool, err error) {
	var readable []capture.Table
	for _, t := range cat.Tables {
		if t.Readable {
			readable = append(readable, t)
		}
	}
	p, err := g.o.Source.Publish(ctx, readable)
	if err != nil {
		return false, err
	}
	members := make(map[uint32]shadow.Member, len(p.Members))
	for oid, m := range p.Members {
		members[oid] = shadow.Member(m)
	}
	lapsed, err := g.o.Store.Published(ctx, members)
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys = make(map[uint32]string, len(members))
	for oid, m := range members {
		g.keys[oid] = m.Key
		fresh = fresh || g.waited[oid] != m.Key
	}
	for _, t := range cat.Tables {
		if slices.Contains(lapsed, t.Relation.OID) {
			g.o.Log.Warn("changes of a table passed by, because its publication was changed; it is copied again", "table", t.Relation.Schema+"."+t.Relation.Name)
		}
	}
	return fresh, g.leaveOut(ctx, cat, p.Refused)
}

// leaveOut remembers which tables cannot be captured, and says so, as it does of those of which only inserts are. mu is held.
func (g *Ingest) leaveOut(ctx context.Context, cat capture.Catalog, refused map[uint32]string) error {
	skip := make(map[uint32]bool, len(cat.Tables)) // whoever holds the old map may go on reading it
	var left []string
	for _, t := range cat.Tables {
		var note string
		oid, name := t.Relation.OID, t.Relation.Schema+"."+t.Relation.Name
		reason := refused[oid]
		switch {
		case !t.Readable:
			reason = "no right to read it"
		case len(t.Relation.Columns) == 0:
			reason = "it has no columns"
		}
		switch {
		case reason != "":
			skip[oid], note = true, "not captured: "+reason
			left = append(left, name+" ("+reason+")")
			if !g.skip[oid] {
				g.o.Log.Warn("a table is not captured", "table", name, "reason", reason)
			}
		case !t.Identified():
			note = insertsOnly
		default:
			continue
		}
		if err := g.o.Store.Note(ctx, oid, note); err != nil {
			return err
		}
	}
	g.skip, g.status.LeftOut = skip, ""
	if n := len(left); n > 0 {
		const named = 5
		g.status.LeftOut = "not captured: " + strings.Join(left[:min(n, named)], ", ")
		if n > named {
			g.status.LeftOut += fmt.Sprintf(" and %d more", n-named)
		}
	}
	return nil
}

// settled notes that every transaction which began before the tables were where they are now has ended.
func (g *Ingest) settled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waited = g.keys
}
