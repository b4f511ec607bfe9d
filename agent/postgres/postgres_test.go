package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/postgres"
)

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestSettingsReachTheServer(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, "work_mem=7MB", `application_name=it's a \ name`)
	rows := s.Query(t, "postgres", "SELECT current_setting('work_mem'), current_setting('application_name'), current_setting('server_encoding'), current_setting('lc_collate'), current_setting('wal_level')")
	if got := strings.Join(rows[0], ","); got != `7MB,it's a \ name,UTF8,C.UTF-8,logical` {
		t.Errorf("settings are %s", got)
	}
	if got := s.Query(t, "postgres", "SELECT $1::int + 1, NULL", 41); got[0][0] != "42" || got[0][1] != pgtest.Null {
		t.Errorf("got %v", got)
	}
}

func TestKilledServerStartsAgain(t *testing.T) {
	t.Parallel()
	ctx := timeout(t)
	s := pgtest.Start(t)
	s.Exec(t, "postgres", "CREATE TABLE kept (a int)")
	conn := s.Conn(t, "postgres")
	busy := make(chan error, 1)
	go func() { _, err := conn.Exec(ctx, "SELECT pg_sleep(600)"); busy <- err }()
	for range 3 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if s.Running() {
			t.Error("killed, yet it runs")
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-busy; err == nil {
		t.Error("a backend survived the kill")
	}
	s.Restart(t)
	s.Query(t, "postgres", "SELECT a FROM kept")
}

// TestServerInheritsNoFiles opens a file as DuckDB does, which children inherit.
func TestServerInheritsNoFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(path, []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	s := pgtest.Start(t)
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.PID()))
	if err != nil || len(open) < 3 {
		t.Fatalf("the server's files: %v, %v", open, err)
	}
	for _, f := range open {
		if to, err := os.Readlink(f); err == nil && to == path {
			t.Errorf("the server has %s as %s", path, f)
		}
	}
}

func TestStrayServerIsStopped(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	again, err := postgres.Open(postgres.Options{Dir: s.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Start(timeout(t)); err != nil {
		t.Fatal(err)
	}
	if s.Running() {
		t.Error("two servers on one directory")
	}
	if err := again.Stop(timeout(t), false); err != nil {
		t.Fatal(err)
	}
}

func TestFailedStartTellsWhy(t *testing.T) {
	t.Parallel()
	ctx := timeout(t)
	s, err := postgres.Create(ctx, postgres.Options{Dir: filepath.Join(pgtest.Dir(t), "data"), Settings: map[string]string{"shared_buffers": "nonsense"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error is %v", err)
	}
	if err := s.Destroy(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir()); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// TestSocketDir holds that a server's socket lies beside its data, and is short enough wherever that is.
func TestSocketDir(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	for name, beside := range map[string]bool{"short": true, strings.Repeat("long", 20): false} {
		data := filepath.Join(dir, name)
		s, err := postgres.Create(timeout(t), postgres.Options{Dir: data})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.SocketDir(); (got == data+".socket") != beside || len(got) > postgres.LongestSocketDir {
			t.Errorf("the socket of %s is in %s", data, got)
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	t.Parallel()
	ctx := timeout(t)
	dir := pgtest.Dir(t)
	if _, err := postgres.Create(ctx, postgres.Options{Dir: dir + "/a", SocketDir: "/" + strings.Repeat("long", 30)}); err == nil || !strings.Contains(err.Error(), "100") {
		t.Errorf("long socket path: %v", err)
	}
	if _, err := postgres.Open(postgres.Options{Dir: dir}); err == nil {
		t.Error("an empty directory was opened")
	}
	if os.Geteuid() == 0 {
		closed := filepath.Join(dir, "closed")
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := postgres.Create(ctx, postgres.Options{Dir: closed + "/data"}); err == nil || !strings.Contains(err.Error(), "cannot enter") {
			t.Errorf("closed parent: %v", err)
		}
	}
}

func TestToolsFindTheServer(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	out, err := s.Command(timeout(t), "psql", "-XAtc", "SELECT current_user || current_database()").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "postgrespostgres" {
		t.Errorf("%v: %s", err, out)
	}
	if s.Version() < 12 {
		t.Errorf("version %d", s.Version())
	}
}

func TestDSNQuotesNames(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	s.CreateDatabase(t, `a 'b\c`)
	if got := s.Query(t, `a 'b\c`, "SELECT current_database()"); got[0][0] != `a 'b\c` {
		t.Errorf("connected to %v", got)
	}
}

func TestNotFoundHasAHint(t *testing.T) {
	t.Setenv(postgres.EnvBin, "/nowhere")
	if _, err := postgres.FindBinDir(); err == nil || !strings.Contains(err.Error(), postgres.EnvBin) {
		t.Errorf("error is %v", err)
	}
}
