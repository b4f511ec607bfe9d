// Package local runs predictive instances as PostgreSQL servers on the agent's host: it makes, opens, connects to and
// removes one. agent/orchestrator calls it. It knows nothing of forecasts, approvals or rows, and a server of it listens
// on a unix socket in a private directory only.
package local

import (
	"context"
	_ "embed" // the lock-down statements
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"

	"foreshadow/agent/postgres"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// Owner is the superuser of an instance. The primary's own superusers are loaded as ordinary roles, since a superuser
// could run programs on the agent's host; no client ever connects as Owner.
const Owner = "foreshadow_instance_owner"

// LongestSocketDir is how long the name of a socket's directory may be.
const LongestSocketDir = postgres.LongestSocketDir

//go:embed lockdown.sql
var lockdownSQL string

// Options place a server.
type Options struct {
	Dir, SocketDir, BinDir, OSUser string
	Settings                       map[string]string
	Log                            *slog.Logger
}

// Server is one instance's PostgreSQL.
type Server struct {
	opts Options
	pg   *postgres.Server
}

// hba lets in whoever can enter the socket's directory: the agent, and the OS user that runs the server.
const hba = "local all all trust\n"

// place gives the floor package's options.
func (o Options) place() postgres.Options {
	return postgres.Options{BinDir: o.BinDir, Dir: o.Dir, SocketDir: o.SocketDir, Settings: o.Settings, HBA: hba, OSUser: o.OSUser, Log: o.Log}
}

// Loading adds to an instance's settings what makes loading fast. Nothing durable is needed before an instance is ready.
func Loading(settings map[string]string) map[string]string {
	out := maps.Clone(settings)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
		"autovacuum": "off", "max_wal_size": "4GB", "checkpoint_timeout": "1h", "jit": "off", "work_mem": "256MB",
		"maintenance_work_mem": "512MB", "hash_mem_multiplier": "2", "max_connections": "10",
	})
	return out
}

// Create makes and starts a new server. What is left of a failure is removed by Remove.
func Create(ctx context.Context, o Options) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil {
		return nil, err
	}
	pg, err := postgres.Create(ctx, o.place())
	if err != nil {
		return nil, fmt.Errorf("create instance server: %w", err)
	}
	s := &Server{opts: o, pg: pg}
	err = pg.Start(ctx)
	if err == nil {
		err = s.renameSuperuser(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start instance server: %w", err), pg.Destroy(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// Open takes the server of an instance that is ready, without starting it.
func Open(o Options) (*Server, error) {
	pg, err := postgres.Open(o.place())
	if err != nil {
		return nil, err
	}
	return &Server{opts: o, pg: pg}, nil
}

// Start runs the server.
func (s *Server) Start(ctx context.Context) error { return s.pg.Start(ctx) }

// Stop ends it quickly but cleanly.
func (s *Server) Stop(ctx context.Context) error { return s.pg.Stop(ctx, true) }

// Running says whether it lives.
func (s *Server) Running() bool { return s.pg.Running() }

// PID is the postmaster's, 0 when it does not run.
func (s *Server) PID() int { return s.pg.PID() }

// Destroy ends the server at once and removes its files. Nothing is saved, so nothing is waited for.
func (s *Server) Destroy(ctx context.Context) error {
	return errors.Join(s.pg.Kill(), s.pg.Destroy(ctx))
}

// Remove clears away a server of an earlier process, running or not, complete or not.
func Remove(ctx context.Context, o Options) error {
	if _, err := os.Stat(filepath.Join(o.Dir, "postmaster.pid")); err == nil {
		if s, err := Open(o); err == nil {
			_ = s.pg.Start(ctx) // ends a stray one first; whether it then starts does not matter
			if err := s.Destroy(ctx); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(o.Dir), os.RemoveAll(o.SocketDir))
}

// Connect opens a connection as the owner.
func (s *Server) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return s.connectAs(ctx, Owner, database)
}

// connectAs opens a connection under a role.
func (s *Server) connectAs(ctx context.Context, role, database string) (*pgx.Conn, error) {
	c, err := pgx.Connect(ctx, s.pg.DSN(role, database))
	if err != nil {
		return nil, fmt.Errorf("connect to instance: %w", err)
	}
	return c, nil
}

// exec runs statements on a connection of its own.
func (s *Server) exec(ctx context.Context, role, database, sql string) error {
	c, err := s.connectAs(ctx, role, database)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	_, err = c.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// renameSuperuser takes the name postgres from the bootstrap superuser, so that the primary's role of that name can be an ordinary one here.
func (s *Server) renameSuperuser(ctx context.Context) error {
	if err := s.exec(ctx, postgres.Superuser, "postgres", "CREATE ROLE foreshadow_renames SUPERUSER LOGIN"); err != nil {
		return err
	}
	if err := s.exec(ctx, "foreshadow_renames", "postgres", "ALTER ROLE postgres RENAME TO "+Owner); err != nil {
		return err
	}
	return s.exec(ctx, Owner, "postgres", "DROP ROLE foreshadow_renames")
}

// Prepare loads the roles, makes the instance's database and loads its tables, without indexes and constraints.
func (s *Server) Prepare(ctx context.Context, database, roles, pre string) error {
	// A role may exist already, or be granted to one that a managed service hides: neither makes the instance wrong.
	if err := s.Load(ctx, "postgres", roles, false); err != nil {
		return fmt.Errorf("load roles: %w", err)
	}
	if err := s.exec(ctx, Owner, "postgres", "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err := s.Load(ctx, database, pre, true); err != nil {
		return fmt.Errorf("load schema: %w", err)
	}
	return nil
}

// Settle locks the roles down and restarts the server with the settings it will keep, its files safely on disk.
func (s *Server) Settle(ctx context.Context, settings map[string]string) error {
	databases, err := s.databases(ctx)
	if err != nil {
		return err
	}
	for _, db := range databases {
		if err := s.exec(ctx, Owner, db, lockdownSQL); err != nil {
			return fmt.Errorf("lock down instance: %w", err)
		}
	}
	if err := s.pg.Stop(ctx, true); err != nil {
		return fmt.Errorf("stop after loading: %w", err)
	}
	if err := syncTree(s.opts.Dir); err != nil {
		return err
	}
	s.opts.Settings = settings
	pg, err := postgres.Open(s.opts.place())
	if err != nil {
		return err
	}
	if err := pg.Start(ctx); err != nil {
		return err
	}
	s.pg = pg
	return nil
}

// databases lists those that can be connected to.
func (s *Server) databases(ctx context.Context) ([]string, error) {
	c, err := s.Connect(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	rows, err := c.Query(ctx, "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// syncTree flushes the file system of a directory, since loading wrote without waiting for the disk.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %q: %w", dir, err)
	}
	return nil
}

// ReadOnly makes new transactions in the instance read-only, or writable again. Open sessions keep their setting until they end.
func (s *Server) ReadOnly(ctx context.Context, database string, on bool) error {
	verb := " RESET default_transaction_read_only"
	if on {
		verb = " SET default_transaction_read_only = on"
	}
	return s.exec(ctx, Owner, "postgres", "ALTER DATABASE "+pgx.Identifier{database}.Sanitize()+verb)
}

// Size is what a directory takes on disk, holes not counted. Files that vanish meanwhile do not matter.
func Size(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil {
			total += st.Blocks * 512
		}
		return nil
	})
	return total, err
}
