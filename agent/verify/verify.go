// Package verify proves that the shadow equals the primary: it compares checksums of both sides at one moment, while both go on, and names the rows that
// differ. The engine calls it for VERIFY SHADOW, and it runs by itself every so often. It repairs nothing and writes nothing.
package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// Options joins a primary to its shadow.
type Options struct {
	Source   *capture.Source
	Store    *shadow.DB
	Reached  func() change.LSN // up to where everything of the primary's log is stored
	Ready    <-chan struct{}   // closed when every table has its rows; the schedule waits for it
	Interval time.Duration     // of the schedule; 0 is never
	Delay    time.Duration     // from Ready to the first run; 0 is five minutes
	Hold     time.Duration     // how long the primary may have to keep one snapshot; 0 is two minutes
	Piece    int64             // rows of a large table that are compared in one snapshot; 0 is two million
	Log      *slog.Logger
}

// State is what is known of a table.
type State string

// The states. NotVerified says nothing about the rows.
const (
	Equal       State = "equal"
	Different   State = "different"
	NotVerified State = "not verified"
)

// Remedy says how a table that differs is copied again.
const Remedy = "To have every table copied again, stop the agent, drop its replication slot on the primary with pg_drop_replication_slot " +
	"(foreshadow.capture_status names it), and start the agent. History is kept; foreshadow.capture_gaps shows the stretch that was not captured."

// Result is what the comparison of a table came to. LSN is the position of the primary's last snapshot of it; Rows are the primary's.
// Detail holds values of the rows that differ.
type Result struct {
	OID       uint32
	Relation  string
	State     State
	LSN       change.LSN
	Rows      int64
	Chunks    int64
	Differing int64 // rows, at least
	Detail    string
}

// Verifier compares; one comparison runs at a time.
type Verifier struct {
	o    Options
	turn chan struct{}

	mu     sync.Mutex
	status Status
}

// New prepares a verifier; it connects to nothing.
func New(o Options) (*Verifier, error) {
	if o.Source == nil || o.Store == nil || o.Reached == nil {
		return nil, errors.New("verify needs a source, a store and the stream's position")
	}
	if o.Delay <= 0 {
		o.Delay = 5 * time.Minute
	}
	if o.Hold <= 0 {
		o.Hold = 2 * time.Minute
	}
	if o.Piece <= 0 {
		o.Piece = 2_000_000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Verifier{o: o, turn: make(chan struct{}, 1), status: Status{different: map[uint32]Result{}}}, nil
}

// What is compared together: small tables share a snapshot, because each new one waits for the stream.
const (
	roundRows   = 1_000_000
	roundTables = 50
)

// A table that cannot be compared at the moment is tried again, this often and with this pause.
const (
	maxTries = 10
	pause    = 500 * time.Millisecond
)

// Verify compares the captured tables, or some of them, where partitions go with the tables that they are a part of; nil means all. each is called as
// every table ends. An error means that the primary or the stream failed, and that nothing is known of the tables that were not called out.
func (v *Verifier) Verify(ctx context.Context, oids []uint32, each func(Result) error) error {
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	jobs, err := v.jobs(ctx, oids)
	if err != nil {
		return reached(ctx, err)
	}
	var all []Result
	for len(jobs) > 0 {
		n := together(jobs)
		if err := v.round(ctx, jobs[:n]); err != nil {
			return reached(ctx, err)
		}
		var again []*job
		wait := false
		for _, j := range jobs[:n] {
			if !j.done {
				again, wait = append(again, j), wait || j.tries > 0
				continue
			}
			v.note(j.out)
			all = append(all, j.out)
			if err := each(j.out); err != nil {
				return err
			}
		}
		if jobs = append(jobs[n:], again...); wait {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
	}
	if oids == nil {
		v.finish(all, time.Since(began))
	}
	return nil
}

// job is the comparison of one table.
type job struct {
	table   capture.Table
	out     Result
	done    bool
	alone   bool // it shares no snapshot, and is compared in pieces if it can be
	tries   int
	past    string // the key up to which the table is done
	primary []sum
	piece   piece
	diff    differences
}

// jobs lists what is to be compared.
func (v *Verifier) jobs(ctx context.Context, oids []uint32) ([]*job, error) {
	cat, err := v.o.Source.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for _, t := range cat.Tables {
		asked := func(oid uint32) bool { return slices.Contains(oids, oid) }
		rel := &t.Relation
		if oids != nil && !asked(rel.OID) && !slices.ContainsFunc(t.Parents, asked) {
			continue
		}
		j := &job{table: t, alone: t.Rows > roundRows, out: Result{OID: rel.OID, Relation: rel.Schema + "." + rel.Name}}
		switch {
		case !t.Readable:
			j.fail("the agent has no right to read it")
		case len(rel.Columns) == 0:
			j.fail("it has no columns")
		case !t.Identified():
			j.fail("it has no replica identity: only its inserts are captured")
		}
		jobs = append(jobs, j)
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return order(a) - order(b) })
	return jobs, nil
}

// order puts what needs no look first and large tables last.
func order(j *job) int {
	switch {
	case j.done:
		return 0
	case j.alone:
		return 2
	}
	return 1
}

// together says how many of the jobs share the next snapshot.
func together(jobs []*job) int {
	rows := int64(0)
	for n, j := range jobs {
		rows += j.table.Rows
		if n > 0 && (j.alone || jobs[0].alone || rows > roundRows || n == roundTables) {
			return n
		}
	}
	return len(jobs)
}

// fail ends a job without knowing its rows.
func (j *job) fail(format string, args ...any) {
	j.out = Result{OID: j.out.OID, Relation: j.out.Relation, State: NotVerified, Detail: fmt.Sprintf(format, args...)}
	j.done = true
}

// later lets a job be tried again, for a while.
func (j *job) later(reason string) {
	if j.tries++; j.tries >= maxTries {
		j.fail("%s", reason)
	}
}

// reached words an error for the user.
func reached(ctx context.Context, err error) error {
	var e *sqlerr.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &e):
		return err
	}
	return sqlerr.New(sqlerr.ConnectionFailure, "the shadow could not be verified, because the primary cannot be asked").WithDetail("%s", err.Error()).
		WithHint("See foreshadow.capture_status; verify again when the primary can be reached.")
}
