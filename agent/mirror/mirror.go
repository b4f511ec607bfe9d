// Package mirror keeps a small private PostgreSQL that holds the primary's schema, roles and grants, no rows, and the
// relations of schema foreshadow. PostgreSQL itself thus answers what only PostgreSQL can: catalog queries, analysis of
// statements, transaction states, privileges. The SQL engine opens one Session per client. The package reads the
// primary's catalogs and pg_dump only; it must never write there, never copy rows or passwords, and never let a
// mirrored role reach files or programs of this host. See DESIGN.md.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgconn"
)

// errNotReady is what sessions hear before the first copy of the schema is there.
var errNotReady = errors.New("the primary's schema has not been copied yet")

// Options say which databases to mirror and where. Dir, SourceDSN and CatalogSQL are required.
type Options struct {
	Dir         string        // kept between runs; the server's OS user must be able to enter it
	SourceDSN   string        // of the primary; its database is mirrored when Databases is empty
	Databases   []string      // databases of the primary, by name
	CatalogSQL  string        // creates schema foreshadow
	BinDir      string        // "" = the newest PostgreSQL found
	OSUser      string        // used when we are root
	MaxSessions int           // 0 = 100
	Poll        time.Duration // how often the primary's schema is looked at; 0 = a second
	Log         *slog.Logger
}

// Mirror is the private server with its sessions. A schema change builds a whole new server beside the old one; the
// sessions move over when they are idle.
type Mirror struct {
	opts    Options
	refresh sync.Mutex // one build at a time
	ready   chan struct{}
	once    sync.Once
	retired sync.WaitGroup // old servers on their way out

	mu       sync.Mutex
	current  *generation // nil until ready and after Close
	sessions map[*Session]struct{}
}

// New checks the options; Run does the work.
func New(o Options) (*Mirror, error) {
	if o.Dir == "" || o.SourceDSN == "" || o.CatalogSQL == "" {
		return nil, errors.New("mirror: Dir, SourceDSN and CatalogSQL are required")
	}
	cfg, err := pgconn.ParseConfig(o.SourceDSN)
	if err != nil {
		return nil, errors.New("mirror: the source's connection string cannot be read")
	}
	if len(o.Databases) == 0 {
		o.Databases = []string{cfg.Database}
		if cfg.Database == "" {
			o.Databases = []string{cfg.User}
		}
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = 100
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	return &Mirror{opts: o, ready: make(chan struct{}), sessions: map[*Session]struct{}{}}, nil
}

// Run serves until the context ends: from the copy of the last run at once, even when the primary is down, else from
// a first copy. It then looks for schema changes and keeps the server alive.
func (m *Mirror) Run(ctx context.Context) error {
	if err := os.MkdirAll(m.opts.Dir, 0o755); err != nil {
		return fmt.Errorf("make mirror directory: %w", err)
	}
	if err := m.reopen(ctx); err != nil {
		m.opts.Log.Warn("the mirror of the last run cannot be used and is built anew", "error", err)
	}
	defer m.shutdown()
	return m.follow(ctx)
}

// Ready is closed once sessions can be opened.
func (m *Mirror) Ready() <-chan struct{} { return m.ready }

// Session opens a backend under a mirrored role. The startup map holds the client's startup parameters; its entry
// database names the database, the first one when missing. Errors are what PostgreSQL would answer to the client, FATAL.
func (m *Mirror) Session(ctx context.Context, role string, startup map[string]string) (*Session, error) {
	g := m.hold()
	if g == nil {
		return nil, unavailable(errNotReady)
	}
	defer m.release(g)
	params := map[string]string{}
	database := m.opts.Databases[0]
	for name, value := range startup {
		switch name {
		case "user", "replication":
		case "database":
			database = value
		default:
			params[name] = value
		}
	}
	if !slices.Contains(m.opts.Databases, database) {
		e := sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", database)
		e.Severity = "FATAL"
		return nil, e
	}
	if role == adminRole {
		e := sqlerr.New(sqlerr.InvalidAuthorization, "role %q does not exist", role)
		e.Severity = "FATAL"
		return nil, e
	}
	s, err := newSession(ctx, m, g, role, database, params)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.sessions[s] = struct{}{}
	m.mu.Unlock()
	return s, nil
}

// HasRole says whether the primary had this role at the last refresh.
func (m *Mirror) HasRole(role string) bool {
	g := m.serving()
	return g != nil && slices.Contains(g.info.Roles, role)
}

// Warnings says what of the primary could not be mirrored, and what was done instead.
func (m *Mirror) Warnings() []string {
	if g := m.serving(); g != nil {
		return slices.Clone(g.info.Warnings)
	}
	return nil
}

// Schema is what a predictive instance needs to look like the primary: files to run in this order around the load of rows.
type Schema struct {
	Roles    string // CREATE ROLE without superusers and passwords, memberships
	PreData  string // pg_dump's pre-data section, plain SQL
	PostData string // indexes, constraints, triggers
}

// SchemaDump gives the files of one database as of the last refresh. They are replaced, never changed: after a refresh
// the paths stay valid for at least a minute.
func (m *Mirror) SchemaDump(database string) (Schema, error) {
	g := m.serving()
	if g == nil {
		return Schema{}, unavailable(errNotReady)
	}
	if database == "" {
		database = m.opts.Databases[0]
	}
	i := slices.Index(g.info.Databases, database)
	if i < 0 {
		return Schema{}, sqlerr.New(sqlerr.InvalidCatalogName, "database %q is not mirrored", database)
	}
	return Schema{Roles: g.file("roles.sql"), PreData: g.file(fmt.Sprintf("%d.pre.sql", i)), PostData: g.file(fmt.Sprintf("%d.post.sql", i))}, nil
}

// serving is the server in force, nil before the first.
func (m *Mirror) serving() *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

// hold is serving for someone who is about to connect: the server is not stopped before release.
func (m *Mirror) hold() *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != nil {
		m.current.pending++
	}
	return m.current
}

// release ends a hold.
func (m *Mirror) release(g *generation) {
	m.mu.Lock()
	g.pending--
	m.mu.Unlock()
}

// forget drops a closed session.
func (m *Mirror) forget(s *Session) {
	m.mu.Lock()
	delete(m.sessions, s)
	m.mu.Unlock()
}

// on lists the sessions that have not left a server, and says whether someone is just connecting.
func (m *Mirror) on(g *generation) (out []*Session, pending bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.sessions {
		s.cancelMu.Lock()
		b := s.running
		s.cancelMu.Unlock()
		if b != nil && b.server == g {
			out = append(out, s)
		}
	}
	return out, g.pending > 0
}
