// Package sampler measures the primary and its host: pg_stat_statements, pg_stat_activity, pg_stat_database, sizes, bloat, keys, processor, memory, disk and network.
// The agent runs it beside capture; the samples go to the shadow and from there into forecasts. It only reads, under short
// time limits, and slows down by itself whenever a reading fails or takes long: it must never be what hurts the primary.
package sampler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"foreshadow/forecast"

	"github.com/jackc/pgx/v5"
)

// Store keeps samples; the shadow does.
type Store interface {
	AppendSamples(ctx context.Context, samples []forecast.Sample) error
}

// Options configures a Sampler. Zero values mean: 10 seconds, 40 statements, 2,000 tables and keys, /proc, the root file system.
type Options struct {
	DSN           string
	Store         Store
	Interval      time.Duration
	TopStatements int    // statements, users and applications with series of their own; all others are added up as "other"
	MaxObjects    int    // tables, and keys, that are measured
	DiskPath      string // a path on the disk that holds the primary's data
	Proc          string // where the kernel's figures are read
	Clock         func() time.Time
	Log           *slog.Logger
}

// The limits of every reading: what takes longer than slow is done less often, and timeout ends it.
const (
	timeout    = 2 * time.Second
	slow       = 500 * time.Millisecond
	maxBackoff = 10 * time.Minute
	perRound   = 6 // sizes and keys move slowly: they are read once in so many rounds
)

// Sampler takes one round of readings at each interval. Its methods are safe for use by several goroutines.
type Sampler struct {
	o          Options
	conn       *pgx.Conn
	collectors []*collector
	connectAt  time.Time // no attempt to connect before
	connectErr int
	statements *statements
	database   *database
	activity   *activity
	host       *host
	locks      locks
	mu         sync.Mutex
	references []forecast.Reference
	partitions []forecast.Reference
}

// collector is one kind of reading with its own pace.
type collector struct {
	name  string
	every time.Duration
	local bool // needs no connection
	read  func(ctx context.Context, b *batch) error
	due   time.Time
	fails int
}

// New makes a sampler; it connects when it runs.
func New(o Options) (*Sampler, error) {
	if o.Store == nil {
		return nil, errors.New("sampler needs a store")
	}
	if _, err := pgx.ParseConfig(o.DSN); err != nil {
		return nil, errors.New("the source's connection string is not valid")
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.TopStatements <= 0 {
		o.TopStatements = 40
	}
	if o.MaxObjects <= 0 {
		o.MaxObjects = 2000
	}
	if o.DiskPath == "" {
		o.DiskPath = "/"
	}
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sampler{o: o, database: &database{}, locks: locks{map[string]bool{}}, host: &host{proc: o.Proc, disk: o.DiskPath}}
	s.statements = &statements{top: o.TopStatements, log: o.Log, texts: map[int64]string{}, score: map[int64]float64{}}
	s.activity = &activity{top: o.TopStatements, users: map[string]float64{}, applications: map[string]float64{}}
	s.collectors = []*collector{
		{name: "host", every: o.Interval, local: true, read: s.readHost},
		{name: "database", every: o.Interval, read: s.readDatabase},
		{name: "activity", every: o.Interval, read: s.readActivity},
		{name: "statements", every: o.Interval, read: s.readStatements},
		{name: "locks", every: o.Interval, read: s.readLocks},
		{name: "tables", every: perRound * o.Interval, read: s.readTables},
		{name: "bloat", every: max(bloatEvery, o.Interval), read: s.readBloat},
		{name: "keys", every: perRound * o.Interval, read: s.readKeys},
		{name: "bounds", every: perRound * o.Interval, read: s.readBounds},
		{name: "references", every: perRound * o.Interval, read: s.readReferences},
	}
	return s, nil
}

// Run samples until ctx ends. A failed reading is logged and tried again later; only the end of ctx ends Run.
func (s *Sampler) Run(ctx context.Context) error {
	defer s.disconnect()
	tick := time.NewTicker(s.o.Interval)
	defer tick.Stop()
	for {
		if err := s.Sample(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("samples could not be stored", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sample takes every reading that is due and stores what was read. Run calls it; it must not be called by two goroutines at once.
func (s *Sampler) Sample(ctx context.Context) error {
	b := &batch{at: s.o.Clock()}
	for _, c := range s.collectors {
		if b.at.Before(c.due) || !c.local && !s.connect(ctx) {
			continue
		}
		s.collect(ctx, c, b)
	}
	if len(b.samples) == 0 {
		return nil
	}
	if err := s.o.Store.AppendSamples(ctx, b.samples); err != nil {
		return fmt.Errorf("append samples: %w", err)
	}
	return nil
}

// collect takes one reading and sets when it is due again: later after a failure, and so that it never takes more than a twentieth of the time.
func (s *Sampler) collect(ctx context.Context, c *collector, b *batch) {
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	part := &batch{at: b.at}
	start := time.Now()
	err := c.read(ctx, part)
	took := time.Since(start)
	wait := c.every
	switch {
	case err != nil:
		c.fails++
		wait = backoff(c.every, c.fails)
		if c.fails == 1 {
			s.o.Log.Warn("reading failed and is tried again later", "reading", c.name, "error", err)
		}
		if s.conn != nil && s.conn.IsClosed() {
			s.disconnect()
		}
	default:
		if c.fails > 0 {
			s.o.Log.Info("reading works again", "reading", c.name)
		}
		c.fails = 0
		b.samples = append(b.samples, part.samples...)
	}
	if took > slow {
		wait = max(wait, min(20*took, maxBackoff))
	}
	c.due = b.at.Add(wait - c.every/10) // a tick that comes a little early still counts
}

// backoff doubles the pace with every failure in a row, up to ten minutes.
func backoff(every time.Duration, fails int) time.Duration {
	return min(every<<min(fails, 10), max(maxBackoff, every))
}

// References lists the foreign keys that were last read.
func (s *Sampler) References() []forecast.Reference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.references
}

// Partitions lists each partition that holds rows with every partitioned table above it, as they were last read.
func (s *Sampler) Partitions() []forecast.Reference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partitions
}
