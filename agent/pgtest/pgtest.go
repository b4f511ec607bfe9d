// Package pgtest starts real PostgreSQL servers for tests. Any test may import it; nothing else may.
// Each call gives a server of its own, so that tests run in parallel. A machine without PostgreSQL fails the test, it never skips it.
package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/postgres"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step; a loaded machine is slow, a hanging test is worse.
const patience = 90 * time.Second

// Null is how Query shows NULL.
const Null = "NULL"

// Server is a running server that is destroyed at the test's end.
type Server struct{ *postgres.Server }

// Start runs a new server. It survives a kill but not a power cut, logical decoding works and pg_stat_statements is loaded;
// settings of the form name=value override that.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartWith(t, postgres.Options{Settings: defaults(t, settings)})
}

// Open runs a server, set as by Start, in a data directory that is there already.
func Open(t testing.TB, dir string, settings ...string) *Server {
	t.Helper()
	s, err := postgres.Open(postgres.Options{Dir: dir, Settings: defaults(t, settings)})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

func defaults(t testing.TB, settings []string) map[string]string {
	t.Helper()
	all := map[string]string{
		"fsync": "off", "full_page_writes": "off",
		"wal_level": "logical", "max_connections": "60", "shared_buffers": "32MB",
		"max_wal_senders": "10", "max_replication_slots": "10",
		"shared_preload_libraries": "pg_stat_statements", "jit": "off",
	}
	for _, kv := range settings {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			t.Fatalf("setting %q is not name=value", kv)
		}
		all[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return all
}

// Major is the major version of the servers that Start runs.
func Major(t testing.TB) int {
	t.Helper()
	dir, err := postgres.FindBinDir()
	if err != nil {
		t.Fatal(err)
	}
	major, err := postgres.Major(dir)
	if err != nil {
		t.Fatal(err)
	}
	return major
}

// StartWith runs a new server with these options as they are; an empty Dir is made.
func StartWith(t testing.TB, o postgres.Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if o.Dir == "" {
		o.Dir = filepath.Join(Dir(t), "data")
	}
	s, err := postgres.Create(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

// start runs a server until the test's end.
func start(t testing.TB, s *postgres.Server) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if t.Failed() {
			t.Logf("log of PostgreSQL: %s", s.LogTail(20))
		}
		if err := s.Destroy(ctx); err != nil {
			t.Errorf("destroy server: %v", err)
		}
	})
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return &Server{s}
}

// Dir is a temporary directory that PostgreSQL's OS user may enter, unlike t.TempDir when root runs the test.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fstest-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove test directory: %v", err)
		}
	})
	return dir
}

// Restart stops the server as an administrator would and starts it again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// Conn is a superuser's connection, closed at the test's end.
func (s *Server) Conn(t testing.TB, db string) *pgx.Conn {
	t.Helper()
	conn := s.connect(t, db)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// connect opens a connection as the superuser.
func (s *Server) connect(t testing.TB, db string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN(postgres.Superuser, db))
	if err != nil {
		t.Fatalf("connect to %q: %v", db, err)
	}
	return conn
}

// CreateDatabase makes an empty database.
func (s *Server) CreateDatabase(t testing.TB, name string) {
	t.Helper()
	s.Exec(t, "postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// Exec runs SQL on a connection of its own; several statements are allowed when there are no arguments.
func (s *Server) Exec(t testing.TB, db, sql string, args ...any) {
	t.Helper()
	s.Query(t, db, sql, args...)
}

// Query gives all rows in PostgreSQL's text form, of the last statement when there are several.
func (s *Server) Query(t testing.TB, db, sql string, args ...any) [][]string {
	t.Helper()
	conn := s.connect(t, db)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer func() { _ = conn.Close(ctx) }()
	var out [][]string
	if len(args) == 0 {
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			t.Fatalf("%v in: %s", err, sql)
		}
		if len(results) > 0 {
			for _, row := range results[len(results)-1].Rows {
				out = append(out, texts(row))
			}
		}
		return out
	}
	rows, err := conn.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	if err != nil {
		t.Fatalf("%v in: %s", err, sql)
	}
	defer rows.Close()
	for rows.Next() {
		out = append(out, texts(rows.RawValues()))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v in: %s", err, sql)
	}
	return out
}

// texts copies one row.
func texts(row [][]byte) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = string(v)
		if v == nil {
			out[i] = Null
		}
	}
	return out
}
