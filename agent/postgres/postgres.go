// Package postgres runs one local PostgreSQL server process: the mirror, local predictive instances, a throw-away
// primary and the tests' servers are all started by it. It knows processes, directories and settings; it must not know
// any SQL, and it speaks the protocol only far enough to see that a server accepts connections.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Superuser is the one role of a new server.
const Superuser = "postgres"

// socketPort names the socket file of a server without TCP.
const socketPort = 5432

// Options say where a server lives and how it is set. Only Dir is required.
type Options struct {
	BinDir    string            // "" = FindBinDir
	Dir       string            // the data directory
	SocketDir string            // "" = beside the data directory, or a temporary one where that is too long
	Port      int               // 0: socket only, no TCP
	Settings  map[string]string // written to a file that postgresql.conf includes last
	Args      []string          // further arguments of the postgres command
	HBA       string            // pg_hba.conf; "" = trust on the socket only
	OSUser    string            // used when we are root; "" = postgres
	Log       *slog.Logger
}

// Server is one data directory and, once started, its process. Methods may be called from several goroutines.
type Server struct {
	opts    Options
	account *account
	major   int
	full    string // what `postgres --version` says; keys the template cache

	mu   sync.Mutex
	proc *process // nil when not running
}

// Create makes a new data directory (UTF8, C.UTF-8, superuser postgres) from a cached template and does not start it.
func Create(ctx context.Context, o Options) (*Server, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if err := s.account.reach(filepath.Dir(s.opts.Dir)); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(s.opts.Dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("create data directory %q: it is not empty", s.opts.Dir)
	}
	if err := s.copyTemplate(ctx); err != nil {
		return nil, fmt.Errorf("create data directory %q: %w", s.opts.Dir, err)
	}
	return s, nil
}

// Open takes an existing data directory; it must be of the same major version as the binaries.
func Open(o Options) (*Server, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(s.opts.Dir, "PG_VERSION"))
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if got := strings.TrimSpace(string(b)); got != fmt.Sprint(s.major) {
		return nil, fmt.Errorf("open data directory %q: it belongs to PostgreSQL %s, the binaries in %s are %d", s.opts.Dir, got, s.opts.BinDir, s.major)
	}
	return s, nil
}

// prepare fills in what the options leave open.
func prepare(o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("no data directory given")
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if o.BinDir == "" {
		if o.BinDir, err = FindBinDir(); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.SocketDir == "" {
		o.SocketDir = socketDir(o.Dir)
	}
	if o.SocketDir, err = filepath.Abs(o.SocketDir); err != nil {
		return nil, err
	}
	if o.HBA == "" {
		o.HBA = "local all all trust\nlocal replication all trust\n"
	}
	s := &Server{opts: o}
	if n := len(s.socketFile()); n >= 100 {
		return nil, fmt.Errorf("socket path %q has %d bytes: it must stay below 100", s.socketFile(), n)
	}
	if s.account, err = lookupAccount(o.OSUser); err != nil {
		return nil, err
	}
	s.major, s.full, err = version(o.BinDir)
	return s, err
}

// Version is the major version of the binaries.
func (s *Server) Version() int { return s.major }

// Dir is the data directory.
func (s *Server) Dir() string { return s.opts.Dir }

// BinDir is where the binaries were found.
func (s *Server) BinDir() string { return s.opts.BinDir }

// SocketDir is the host to connect to.
func (s *Server) SocketDir() string { return s.opts.SocketDir }

// Port is the TCP port, or the number in the socket file's name when there is no TCP.
func (s *Server) Port() int {
	if s.opts.Port == 0 {
		return socketPort
	}
	return s.opts.Port
}

// DSN is the libpq keyword string of a role and a database over the unix socket.
func (s *Server) DSN(user, db string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s", quote(s.opts.SocketDir), s.Port(), quote(user), quote(db))
}

// Destroy stops the server at once and removes its data and socket directories.
func (s *Server) Destroy(ctx context.Context) error {
	if s.Running() {
		if err := s.Stop(ctx, true); err != nil {
			if err := s.Kill(); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(s.opts.Dir), os.RemoveAll(s.opts.SocketDir))
}

// socketFile is the path of the unix socket.
func (s *Server) socketFile() string {
	return filepath.Join(s.opts.SocketDir, fmt.Sprintf(".s.PGSQL.%d", s.Port()))
}

// quote writes a value of a keyword string: single quotes, with backslashes before quotes and backslashes.
func quote(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}
