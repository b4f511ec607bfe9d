// Package engine runs SQL sessions: it decides for each statement whether the mirror, the shadow or governance answers it,
// and joins them where a statement needs several. pgwire calls it through package session; the process wires it.
// It must not know the wire protocol, DuckDB's or PostgreSQL's drivers, or how governance replicates.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// Source is one database of the primary. Predictor and Verifier may be nil: what needs them is then refused. Views hold the relations of schema foreshadow that the agent computes, by name.
type Source struct {
	Name      string
	Mirror    Mirror
	Shadow    Shadow
	Predictor Predictor
	Verifier  Verifier
	Views     map[string]View
}

// Options are what an engine works with. Governance, Planner and Instances may be nil: their statements are then refused.
type Options struct {
	Sources    []Source
	Logins     Logins
	Governance Governance
	Planner    Planner
	Instances  Instances
	Log        *slog.Logger
	Now        func() time.Time // nil = time.Now
	MaxSQL     int              // bytes of one statement over shadow relations; 0 = 64 kB
	MaxLent    int              // bytes of rows that the shadow lends the mirror for one statement; 0 = 64 MB
	MaxQueries int              // statements over shadow relations that compute at the same time; 0 = two for each core
}

// Engine is the SQL side of an agent.
type Engine struct {
	o       Options
	sources map[string]*Source
	lending chan struct{} // bounds how many statements borrow rows at the same time
	running chan struct{} // bounds how many compute
	zones   sync.Map      // by name, whether the shadow counts in a time zone as PostgreSQL does
}

// defaultMaxSQL bounds what is handed to DuckDB's planner, whose time grows faster than the text.
const defaultMaxSQL = 64 << 10

// What is lent is in the agent's memory until the mirror has it.
const (
	defaultMaxLent = 64 << 20
	maxLending     = 2
)

// New checks the options. It opens nothing.
func New(o Options) (*Engine, error) {
	if o.Logins == nil {
		return nil, fmt.Errorf("new engine: no logins")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxSQL == 0 {
		o.MaxSQL = defaultMaxSQL
	}
	if o.MaxLent == 0 {
		o.MaxLent = defaultMaxLent
	}
	if o.MaxQueries == 0 {
		o.MaxQueries = 2 * runtime.GOMAXPROCS(0)
	}
	e := &Engine{o: o, sources: map[string]*Source{}, lending: make(chan struct{}, maxLending), running: make(chan struct{}, o.MaxQueries)}
	for i := range o.Sources {
		s := &o.Sources[i]
		if s.Name == "" || s.Mirror == nil || s.Shadow == nil {
			return nil, fmt.Errorf("new engine: source %q is not complete", s.Name)
		}
		e.sources[s.Name] = s
	}
	return e, nil
}

// enter waits for a place in a channel that bounds something; leave gives it back.
func enter(ctx context.Context, places chan struct{}) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Verifier gives a user's SCRAM verifier, or "" for an unknown user.
func (e *Engine) Verifier(ctx context.Context, user string) (string, error) {
	return e.o.Logins.Verifier(ctx, user)
}

// Connect opens a session for an authenticated user: on a source, or joined to a predictive instance, by the database's name.
func (e *Engine) Connect(ctx context.Context, s session.Startup) (session.Session, error) {
	login, err := e.o.Logins.Login(ctx, s.User)
	if err != nil {
		return nil, err
	}
	name := s.Database
	if name == "" {
		name = s.User
	}
	if src, ok := e.sources[name]; ok {
		m, err := src.Mirror.Session(ctx, login.Role, s.Params)
		if err != nil {
			return nil, fmt.Errorf("open mirror session: %w", err)
		}
		q := newQuerySession(e, src, login, m)
		if err := q.checkStartup(ctx, s.Params); err != nil {
			_ = q.Close()
			return nil, err
		}
		return q, nil
	}
	if e.o.Instances != nil {
		known, err := e.o.Instances.Exists(ctx, name)
		if err != nil {
			return nil, err
		}
		if known {
			p, err := e.o.Instances.Connect(ctx, login, name, s)
			if err != nil {
				return nil, err
			}
			return &proxySession{proxy: p}, nil
		}
	}
	return nil, sqlerr.New(sqlerr.InvalidCatalogName, "database \"%s\" does not exist", name).
		WithHint("Connect to a source of this agent or to a predictive instance by its name.")
}

// proxySession is a session on a predictive instance: the wire joins the two streams and asks nothing more of it.
type proxySession struct{ proxy *session.Proxy }

var _ session.Session = (*proxySession)(nil)

func (p *proxySession) Proxy() *session.Proxy     { return p.proxy }
func (p *proxySession) Status() map[string]string { return nil }
func (p *proxySession) TxStatus() byte            { return 'I' }
func (p *proxySession) Notices() []*sqlerr.Error  { return nil }
func (p *proxySession) Cancel()                   { p.proxy.Cancel() }
func (p *proxySession) Close() error              { return p.proxy.Conn.Close() }

func (p *proxySession) Sync(context.Context) error { return nil }

func (p *proxySession) Parse(context.Context, string) ([]session.Text, error) {
	return nil, sqlerr.New(sqlerr.ProtocolViolation, "this session is joined to a predictive instance")
}

func (p *proxySession) Prepare(context.Context, session.Text, []uint32) (session.Statement, error) {
	return nil, sqlerr.New(sqlerr.ProtocolViolation, "this session is joined to a predictive instance")
}
