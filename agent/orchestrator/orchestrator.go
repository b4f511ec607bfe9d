package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/orchestrator/local"
	"foreshadow/sql/sqlerr"
)

// diskReserve is always left free: a full disk would hurt the agent and whatever else lives on it.
const diskReserve = 256 << 20

// Options say what an orchestrator works with. Dir, Predictor, Store and Schema are required.
type Options struct {
	Dir            string // everything of the instances lives below it; the OS user that runs PostgreSQL must be able to enter it
	BinDir, OSUser string
	Predictor      Predictor
	Store          Store
	Schema         Schema
	Reserved       func() []string // names an instance may not take: the source databases
	TTL            time.Duration   // default 7 days
	MaxSize        int64           // upper limit of max_size; default 100 GB
	Memory         int64           // most memory for one instance; default 2 GB
	CPU            int
	MaxConnections int                   // through the agent, per instance; default 20
	FreeDisk       func() (int64, error) // default: of Dir's file system
	CheckEvery     time.Duration         // TTL, size and health of ready instances; default 15 s
	Now            func() time.Time
	Log            *slog.Logger
}

// Orchestrator owns all predictive instances of one agent. Its methods may be called from several goroutines.
type Orchestrator struct {
	opts    Options
	started time.Time
	closed  chan struct{}

	mu         sync.Mutex
	instances  map[string]*instance
	operations []*operation // the youngest last
}

// instance is one record with what lives only in this process.
type instance struct {
	mu     sync.Mutex // serialises work on the server: start, stop, destroy
	record record     // guarded by Orchestrator.mu
	server *local.Server
	cancel context.CancelCauseFunc // of a build under way
	done   chan struct{}           // closed when that build has ended
	err    error                   // its outcome
	open   int                     // proxied connections
}

// New reads the records and clears away what an earlier process left half-done. Ready instances are started by Run.
func New(o Options) (*Orchestrator, error) {
	if o.Dir == "" || o.Predictor == nil || o.Store == nil || o.Schema == nil {
		return nil, errors.New("orchestrator: Dir, Predictor, Store and Schema are required")
	}
	if err := defaults(&o); err != nil {
		return nil, err
	}
	for _, dir := range []string{o.Dir, filepath.Join(o.Dir, "records"), filepath.Join(o.Dir, "data")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	orch := &Orchestrator{opts: o, started: o.Now(), closed: make(chan struct{}), instances: map[string]*instance{}}
	if err := orch.recover(); err != nil {
		return nil, fmt.Errorf("recover predictive instances: %w", err)
	}
	return orch, nil
}

// defaults fills what the caller left open.
func defaults(o *Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	setDefault(&o.TTL, 7*24*time.Hour)
	setDefault(&o.MaxSize, 100<<30)
	setDefault(&o.Memory, 2<<30)
	setDefault(&o.CPU, runtime.NumCPU())
	setDefault(&o.MaxConnections, 20)
	setDefault(&o.CheckEvery, 15*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.FreeDisk == nil {
		o.FreeDisk = func() (int64, error) { return freeDisk(dir) }
	}
	return nil
}

// setDefault replaces a zero value.
func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// freeDisk is what an unprivileged user may still write on a directory's file system.
func freeDisk(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// reserved are the names of the sources.
func (o *Orchestrator) reserved() []string {
	if o.opts.Reserved == nil {
		return nil
	}
	return o.opts.Reserved()
}

// taken says whether a name belongs to an instance that exists or is being built.
func (o *Orchestrator) taken(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, ok := o.instances[name]
	return ok && i.record.State != Failed
}

// lsnAt finds the position of a past moment.
func (o *Orchestrator) lsnAt(ctx context.Context, at, now time.Time) (change.LSN, error) {
	h, ok := o.opts.Store.(History)
	switch {
	case at.After(now):
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "AS OF lies in the future").WithHint("Use AT HORIZON with an interval.")
	case !ok:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "AS OF a time is not available for predictive instances of this source").WithHint("Give a log position instead.")
	}
	return h.LSNAt(ctx, at)
}

// Run starts the ready instances, then watches their time, size and health until the context ends. It returns nil then.
func (o *Orchestrator) Run(ctx context.Context) error {
	o.check(ctx)
	tick := time.NewTicker(o.opts.CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-o.closed:
			return nil
		case <-tick.C:
			o.check(ctx)
		}
	}
}

// Close breaks off builds, which leave nothing behind, and stops the servers; ready instances come back with the next Run.
func (o *Orchestrator) Close() error {
	o.mu.Lock()
	select {
	case <-o.closed:
		o.mu.Unlock()
		return nil
	default:
		close(o.closed)
	}
	var all []*instance
	for _, i := range o.instances {
		all = append(all, i)
		if i.cancel != nil {
			i.cancel(sqlerr.New(sqlerr.AdminShutdown, "the agent is shutting down"))
		}
	}
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	for _, i := range all {
		if i.done != nil {
			<-i.done
		}
		i.mu.Lock()
		if i.server != nil {
			errs = append(errs, i.server.Stop(ctx))
			i.server = nil
		}
		i.mu.Unlock()
	}
	return errors.Join(errs...)
}
