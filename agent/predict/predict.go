// Package predict turns what the shadow holds into forecasts: volumes, load, limits and the changes of the coming minutes.
// The agent runs it beside capture; the SQL engine and the orchestrator ask it for the predicted state. It chooses and prepares
// series and keeps runs; the models are those of package forecast, and it must hold none of its own beyond a share and a trailing level.
package predict

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
	"foreshadow/forecast/risk"
	"foreshadow/sql/sqlerr"
)

const day = 24 * time.Hour

// Store is where series come from and runs go to; the shadow is one.
type Store interface {
	Relations(ctx context.Context) ([]change.Relation, error)
	Position(ctx context.Context) (change.LSN, time.Time, error)
	Series(ctx context.Context, filter forecast.SeriesFilter) ([]forecast.Series, error)
	AppendSamples(ctx context.Context, samples []forecast.Sample) error
	TimeColumns(ctx context.Context, oid uint32) ([]forecast.TimeColumn, error)
	DailyCounts(ctx context.Context, oid uint32, column string) (time.Time, []float64, error)
	RowCount(ctx context.Context, oid uint32) (int64, error)
	ColumnUses(ctx context.Context, oid uint32, wishes []forecast.ColumnWish, created string) ([]forecast.ColumnUse, error)
	ChangeCounts(ctx context.Context, since time.Time, bucket time.Duration) ([]forecast.ChangeBucket, error)
	SaveRun(ctx context.Context, run forecast.Run) (int64, error)
	SaveExpectations(ctx context.Context, expectations []forecast.Expectation) error
	ShapeChanges(ctx context.Context) (from time.Time, events []forecast.SchemaEvent, err error)
	SchemaStatements(ctx context.Context, after time.Time) ([]change.Statement, error)
	AppendSchemaEvents(ctx context.Context, events []forecast.SchemaEvent) (int, error)
	SchemaEvents(ctx context.Context) ([]forecast.SchemaEvent, error)
}

// Options configures a Runner. Ready is closed when the initial copy is done; nil means at once. References gives the foreign
// keys by which a table without times follows its parent, Partitions which tables are parts of others, Events what is known to change the load; nil means none are known. Inbox is the folder in which import commands leave
// their files; empty means none. Interval zero is 15 minutes.
type Options struct {
	Store      Store
	Ready      <-chan struct{}
	References func() []forecast.Reference
	Events     func() ([]forecast.Event, error)
	Partitions func() []forecast.Reference
	Inbox      string
	Interval   time.Duration
	Rates      risk.Rates // of schema changes; zero means the shipped ones
	Clock      func() time.Time
	Log        *slog.Logger
}

// Runner forecasts again and again. All methods may be called by several goroutines.
type Runner struct {
	o       Options
	working sync.Mutex // one run at a time

	mu     sync.Mutex
	last   *snapshot
	params Params
	model  Model

	columns map[uint32]chosenColumn // guarded by working
	uses    map[uint32]columnUses   // guarded by working
	told    time.Time               // the last statement of the event trigger that was read; guarded by working

	watching sync.Mutex
	changes  expecting // guarded by watching
}

// Model is the state of the predictive model as governance decided it. Values are laid over the defaults.
type Model struct {
	Version             int64
	Values              map[string]string
	Initialized, Active bool
}

// snapshot is one run with what it was computed from.
type snapshot struct {
	in  inputs
	run forecast.Run
}

// New makes a runner with default parameters; Run starts it.
func New(o Options) (*Runner, error) {
	if o.Store == nil {
		return nil, errors.New("predict needs a store")
	}
	if o.Interval <= 0 {
		o.Interval = 15 * time.Minute
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	none := func() []forecast.Reference { return nil }
	if o.Rates == (risk.Rates{}) {
		o.Rates = risk.DefaultRates
	}
	if o.References == nil {
		o.References = none
	}
	if o.Partitions == nil {
		o.Partitions = none
	}
	if o.Events == nil {
		o.Events = func() ([]forecast.Event, error) { return nil, nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	params, err := readParams(nil)
	if err != nil {
		return nil, err
	}
	return &Runner{o: o, params: params, columns: map[uint32]chosenColumn{}, uses: map[uint32]columnUses{}}, nil
}

// SetModel puts parameters into force from the next run on; bad ones are refused as by ValidateParams and change nothing.
func (r *Runner) SetModel(m Model) error {
	params, err := readParams(m.Values)
	if err != nil {
		return err
	}
	m.Values = maps.Clone(m.Values)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.params, r.model = params, m
	return nil
}

// Params are the parameters in force.
func (r *Runner) Params() Params {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.params
}

// Run forecasts as soon as capture is ready, then at each interval, and beside that says every minute what changes the coming ones
// should bring. A failed run is logged and tried again; only the end of ctx ends it.
func (r *Runner) Run(ctx context.Context) error {
	if r.o.Ready != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-r.o.Ready:
		}
	}
	var both sync.WaitGroup
	both.Go(func() { // not held up by a long run: what is told too late is no expectation
		every(ctx, 15*time.Second, func() {
			if err := r.Expect(ctx); err != nil && ctx.Err() == nil {
				r.o.Log.Warn("expected changes could not be stored", "error", err)
			}
		})
	})
	due := time.Time{}
	every(ctx, min(r.o.Interval, 15*time.Second), func() {
		taken, now := r.takeInbox(ctx), r.o.Clock()
		if now.Before(due) && !taken {
			return
		}
		due = now.Add(r.o.Interval)
		if _, err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.Warn("forecasts could not be renewed", "error", err)
			due = now.Add(min(r.o.Interval, time.Minute))
		}
	})
	both.Wait()
	return nil
}

// every calls f at once and then at each tick until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh forecasts everything now, stores the run and gives it.
func (r *Runner) Refresh(ctx context.Context) (*forecast.Run, error) {
	r.working.Lock()
	defer r.working.Unlock()
	r.mu.Lock()
	params, model := r.params, r.model
	r.mu.Unlock()
	began := time.Now()
	in, err := r.gather(ctx)
	if err != nil {
		return nil, err
	}
	run := forecast.Run{StartedAt: in.at, Horizon: params.Horizon, Version: model.Version, Parameters: inForce(model.Values)}
	volumes, err := in.volumeResults(ctx, params)
	if err != nil {
		return nil, err
	}
	loads, err := in.loadResults(ctx, params, r.o.Log)
	if err != nil {
		return nil, err
	}
	run.Results = append(volumes, loads...)
	if run.Limits, err = in.limits(ctx, params, loads); err != nil {
		return nil, err
	}
	run.Schema = in.schemaChanges(params.SchemaWithin, params.LimitHorizon, run.Limits)
	if err := r.keep(ctx, in); err != nil {
		return nil, err
	}
	if run.ID, err = r.o.Store.SaveRun(ctx, run); err != nil {
		return nil, fmt.Errorf("save run: %w", err)
	}
	r.mu.Lock()
	r.last = &snapshot{in: in, run: run}
	r.mu.Unlock()
	r.o.Log.Info("forecasts renewed", "run", run.ID, "series", len(run.Results), "limits", len(run.Limits), "schema_changes", len(run.Schema), "took", time.Since(began).Round(time.Millisecond))
	return &run, nil
}

// ready says whether the initial copy is done.
func (r *Runner) ready() bool {
	if r.o.Ready == nil {
		return true
	}
	select {
	case <-r.o.Ready:
		return true
	default:
		return false
	}
}

// latest is the last run with its inputs; the first caller after a start makes one.
func (r *Runner) latest(ctx context.Context) (*snapshot, error) {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	if last != nil {
		return last, nil
	}
	if !r.ready() {
		return nil, sqlerr.New(sqlerr.ObjectNotInState, "there is no forecast before the initial copy is done").
			WithHint("See foreshadow.operations for its progress.")
	}
	if _, err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, nil
}
