package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/admin"
	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/config"
	"foreshadow/agent/ingest"
	"foreshadow/agent/mirror"
	"foreshadow/agent/orchestrator"
	"foreshadow/agent/predict"
	"foreshadow/agent/rates"
	"foreshadow/agent/sampler"
	"foreshadow/agent/shadow"
	"foreshadow/agent/verify"
	"foreshadow/cluster"
	"foreshadow/cluster/raftnode"
	"foreshadow/pgwire"
	"foreshadow/sql/catalog"
	"foreshadow/sql/engine"
)

// maxClients is how many clients may be connected at a time. Each can have a backend of the mirror, which also answers questions of the agent's own.
const (
	maxClients  = 200
	ownSessions = 20
)

// open opens every part, each after what it needs. What is open is closed by Close, also after an error.
func (a *Agent) open() error {
	dsn, err := SourceDSN(a.settings.Source)
	if err != nil {
		return err
	}
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errors.New("the primary's connection string is not valid")
	}
	a.database = parsed.Database
	for _, step := range []func(dsn string) error{a.lockDir, a.openHistory, a.openMirror, a.openForecasts, a.openInstances, a.openCluster, a.openClients} {
		if err := step(dsn); err != nil {
			return err
		}
	}
	return nil
}

// dir is a folder below the data folder.
func (a *Agent) dir(name string) string { return filepath.Join(a.settings.Server.DataDir, name) }

// Inbox is the folder below the data folder in which import commands leave files for the agent.
func Inbox(s *config.Settings) string { return filepath.Join(s.Server.DataDir, "import") }

// lockDir keeps a second agent out of the data folder.
func (a *Agent) lockDir(string) error {
	if err := os.MkdirAll(a.settings.Server.DataDir, 0o711); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	f, err := lock(a.settings.Server.DataDir)
	if err == nil {
		a.closers = append(a.closers, f.Close)
	}
	return err
}

// lock holds a data folder until the file is closed.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock data folder %s: another agent is using it", dir), f.Close())
	}
	return f, nil
}

// openHistory opens the shadow and the loop that feeds it.
func (a *Agent) openHistory(dsn string) (err error) {
	s := a.settings
	options, err := shadowOptions(s, a.log)
	if err != nil {
		return err
	}
	if a.shadow, err = shadow.Open(options); err != nil {
		return err
	}
	a.closers = append(a.closers, a.shadow.Close)
	source, err := capture.New(capture.Options{DSN: dsn, Slot: s.Source.Slot, Publication: s.Source.Publication, Failover: s.Source.Failover, Spool: a.dir("spool"), Log: a.log})
	if err != nil {
		return err
	}
	budget, err := config.ParseSize(s.Source.WALBudget)
	if err != nil {
		return err
	}
	free, err := config.ParseSize(s.Shadow.MinFree)
	if err != nil {
		return err
	}
	a.ingest, err = ingest.New(ingest.Options{Name: a.database, Source: source, Store: a.shadow, Budget: budget, MinFree: free, Copies: s.Source.Copies, Log: a.log})
	if err != nil {
		return err
	}
	a.verifier, err = verify.New(verify.Options{Source: source, Store: a.shadow, Reached: func() change.LSN { return a.ingest.Status().Received },
		Ready: a.ingest.Ready(), Interval: s.Verify.Interval, Hold: s.Verify.Snapshot, Log: a.log})
	return err
}

func (a *Agent) openMirror(dsn string) (err error) {
	s := a.settings.Server
	a.mirror, err = mirror.New(mirror.Options{Dir: a.dir("mirror"), SourceDSN: dsn, CatalogSQL: catalog.SQL, BinDir: s.PGBin, OSUser: s.OSUser,
		MaxSessions: maxClients + ownSessions, Log: a.log})
	return err
}

func (a *Agent) openForecasts(dsn string) (err error) {
	f := a.settings.Forecast
	a.sampler, err = sampler.New(sampler.Options{DSN: dsn, Store: a.shadow, Interval: f.SampleInterval, DiskPath: a.settings.Server.DataDir, Log: a.log})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(Inbox(a.settings), 0o700); err != nil {
		return fmt.Errorf("make the folder of imports: %w", err)
	}
	measured, err := rates.Read(a.settings.Server.DataDir)
	if err != nil {
		a.log.Warn("durations of schema changes rest on the shipped rates", "error", err)
	}
	a.predictor, err = predict.New(predict.Options{Rates: measured, Store: a.shadow, Ready: a.ingest.Ready(), References: a.sampler.References, Partitions: a.sampler.Partitions, Inbox: Inbox(a.settings),
		Events: eventsOf(f.EventsFile), Interval: f.Interval, Clock: time.Now, Log: a.log})
	return err
}

func (a *Agent) openInstances(string) (err error) {
	s := a.settings
	size, err := config.ParseSize(s.Instances.MaxSize)
	if err != nil {
		return err
	}
	a.instances, err = orchestrator.New(orchestrator.Options{
		Dir: a.dir("instances"), BinDir: s.Server.PGBin, OSUser: s.Server.OSUser, Predictor: a.predictor, Store: seedStore{a.shadow},
		Schema: schema{a.mirror}, Reserved: func() []string { return []string{a.database, "postgres", "template0", "template1"} },
		TTL: s.Instances.TTL, MaxSize: size, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, a.instances.Close)
	return a.dropPins()
}

// dropPins takes away the pins of builds that ended with their process.
func (a *Agent) dropPins() error {
	ctx := context.Background()
	pins, err := a.shadow.Pins(ctx)
	for _, p := range pins {
		if strings.HasPrefix(p.Name, orchestrator.PinPrefix) {
			err = errors.Join(err, a.shadow.Unpin(ctx, p.Name))
		}
	}
	return err
}

func (a *Agent) openCluster(string) (err error) {
	c := a.settings.Cluster
	o := cluster.Options{ID: c.ID, Dir: a.dir("cluster"), Executor: &executor{a.instances, a.ready}, Log: a.log}
	for _, p := range c.Peers {
		id, addr, _ := strings.Cut(p, "=")
		o.Peers = append(o.Peers, raftnode.Peer{ID: id, Addr: addr})
	}
	if len(o.Peers) > 0 {
		o.Listen = c.Listen
		o.TLS = &raftnode.TLS{Cluster: c.Name, CertFile: c.CertFile, KeyFile: c.KeyFile, CAFile: c.CAFile}
	}
	a.cluster, err = cluster.New(o)
	if err == nil {
		a.closers = append(a.closers, a.cluster.Close)
	}
	return err
}

// openClients opens the engine and the listeners.
func (a *Agent) openClients(string) error {
	source := EngineSource(a.database, a.mirror, a.shadow)
	source.Predictor, source.Verifier, source.Views = a.predictor.Tables(), verifier{a.verifier}, a.views()
	e, err := engine.New(engine.Options{
		Sources: []engine.Source{source},
		Logins:  logins{a.cluster, a.mirror.HasRole}, Governance: governance{a.cluster, a.systemIdentifier}, Planner: planner{a.cluster, a.instances},
		Instances: instances{a.instances}, Log: a.log, MaxQueries: a.settings.Shadow.Queries,
	})
	if err != nil {
		return err
	}
	certificate, err := a.certificate()
	if err != nil {
		return err
	}
	secret, err := a.secret()
	if err != nil {
		return err
	}
	a.wire, err = pgwire.New(pgwire.Options{Addr: a.settings.Server.Listen, TLS: certificate, Handler: e, Secret: secret, MaxConnections: maxClients, Log: a.log})
	if err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	a.closers = append(a.closers, func() error { return ignoreClosed(a.wire.Close()) })
	if a.settings.Server.AdminListen == "" {
		return nil
	}
	a.register()
	a.admin, err = admin.New(admin.Options{Addr: a.settings.Server.AdminListen, Registry: a.registry, Ready: a.health, Log: a.log})
	if err != nil {
		return fmt.Errorf("listen for administration: %w", err)
	}
	return nil
}

// ignoreClosed passes over a listener that Run has closed already.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
