// Package agent wires the systems of Foreshadow into one process and owns their start and stop.
// The command calls it; nothing else may import it.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"foreshadow/agent/admin"
	"foreshadow/agent/config"
	"foreshadow/agent/ingest"
	"foreshadow/agent/mirror"
	"foreshadow/agent/orchestrator"
	"foreshadow/agent/predict"
	"foreshadow/agent/sampler"
	"foreshadow/agent/shadow"
	"foreshadow/agent/verify"
	"foreshadow/cluster"
	"foreshadow/pgwire"
)

// Options of New. Users are the logins that a new cluster begins with; History is a CSV file of load history to import once.
type Options struct {
	Settings *config.Settings
	Users    []config.User
	History  string
	Log      *slog.Logger
}

// Agent is one process beside one primary.
type Agent struct {
	options  Options
	settings *config.Settings
	log      *slog.Logger
	database string // the source's name, which clients give as database

	shadow    *shadow.DB
	mirror    *mirror.Mirror
	ingest    *ingest.Ingest
	sampler   *sampler.Sampler
	verifier  *verify.Verifier
	predictor *predict.Runner
	instances *orchestrator.Orchestrator
	cluster   *cluster.Node
	wire      *pgwire.Server
	admin     *admin.Server
	registry  *prometheus.Registry

	closers []func() error // in the order of opening
	closing sync.Once
	ready   chan struct{}
}

// New opens everything the agent keeps and listens, so that addresses are known; Run makes it work.
func New(o Options) (*Agent, error) {
	a := &Agent{options: o, settings: o.Settings, log: o.Log, ready: make(chan struct{}), registry: prometheus.NewRegistry()}
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Addr is where clients connect.
func (a *Agent) Addr() string { return a.wire.Addr().String() }

// Database is the name of the source.
func (a *Agent) Database() string { return a.database }

// Ready is closed when the initial copy is done and connections are served.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Run works until the context ends or a part fails for good. Clients are let go first, then capture and the rest, and the stores are closed last.
func (a *Agent) Run(ctx context.Context) error {
	defer func() { _ = a.Close() }() // the error is returned below, where the end is regular
	// Clients stop in a step of their own: what they ask for needs the other parts to answer.
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInner()
	parts, inner := errgroup.WithContext(inner)
	for name, run := range map[string]func(context.Context) error{
		"mirror": a.mirror.Run, "ingest": a.ingest.Run, "sampler": a.sampler.Run, "verify": a.verifier.Run, "predict": a.predictor.Run,
		"orchestrator": a.instances.Run, "cluster": a.cluster.Run, "follow": a.follow, "ready": a.announce, "history": a.importHistory, "members": a.bootstrap,
	} {
		parts.Go(func() error {
			if err := run(inner); err != nil && inner.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	clients, outer := errgroup.WithContext(ctx)
	clients.Go(func() error { return a.wire.Run(outer) })
	if a.admin != nil {
		clients.Go(func() error { return a.admin.Run(outer) })
	}
	clients.Go(func() error { // a part that failed ends the clients too
		select {
		case <-inner.Done():
			return context.Cause(inner)
		case <-outer.Done():
			return nil
		}
	})
	err := clients.Wait()
	stopInner()
	partsErr := parts.Wait()
	if ctx.Err() != nil {
		err = nil
	}
	return errors.Join(partsErr, err, a.Close())
}

// Close closes what New opened, in reverse order. Run does it too.
func (a *Agent) Close() (err error) {
	a.closing.Do(func() {
		for i := len(a.closers) - 1; i >= 0; i-- {
			err = errors.Join(err, a.closers[i]())
		}
	})
	return err
}

// announce closes Ready once rows are complete and the mirror can describe them.
func (a *Agent) announce(ctx context.Context) error {
	for _, part := range []<-chan struct{}{a.mirror.Ready(), a.ingest.Ready()} {
		select {
		case <-part:
		case <-ctx.Done():
			return nil
		}
	}
	close(a.ready)
	a.log.Info("ready", "addr", a.Addr(), "database", a.database)
	return nil
}
