package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/postgres"
)

// TestRefusals gives bad input and wants the error that PostgreSQL's users would expect, with its code, and a session that goes on.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d := startDev(t, "")
	for _, c := range []struct{ login, sql, code, says string }{
		{"alice", "CREATE PREDICTIVE INSTANCE x AT HORIZON 'someday'", "22007", "interval"},
		{"alice", "CREATE PREDICTIVE INSTANCE x AT HORIZON '-3 days'", "22023", "positive"},
		{"alice", "CREATE PREDICTIVE INSTANCE x AT HORIZON '90 days' WITH (colour = blue)", "22023", "colour"},
		{"alice", "CREATE PREDICTIVE INSTANCE x AT HORIZON '90 days' WITH (fidelity = sample)", "0A000", "fidelity"},
		{"alice", "CREATE PREDICTIVE INSTANCE x AT HORIZON '90 days' WITH (max_size = '1MB')", "53400", "max_size"},
		{"alice", "CREATE PREDICTIVE INSTANCE shop AT HORIZON '90 days'", "42710", "shop"},
		{"alice", "CREATE PREDICTIVE INSTANCE", "42601", "syntax error"},
		{"alice", "DROP PREDICTIVE INSTANCE nothing_there", "42704", "nothing_there"},
		{"alice", "ALTER PREDICTIVE MODEL SET (flavour = 'sweet')", "22023", "flavour"},
		{"alice", "APPROVE REQUEST 4711", "55000", "SHOW REQUEST 4711"},
		{"alice", "SHOW REQUEST 4711", "42704", "4711"},
		{"analyst", "CREATE PREDICTIVE INSTANCE x AT HORIZON '90 days'; APPROVE REQUEST 1", "42501", ""},
		{"analyst", "INSERT INTO customers (email, city) VALUES ('a', 'b')", "25006", "INSERT"},
		{"analyst", "DELETE FROM orders", "25006", "DELETE"},
		{"analyst", "DROP TABLE orders", "25006", "DROP TABLE"},
		{"analyst", "SELECT * FROM salaries", "42501", "permission denied"},
		{"analyst", "SELECT * FROM nothing_there", "42P01", "nothing_there"},
		{"analyst", "SELECT nothing FROM orders", "42703", "nothing"},
		{"analyst", "SELECT * FROM foreshadow.low_load_windows('2 days')", "22023", "up to a day"},
		{"analyst", "SELECT window_start, hit_rate FROM foreshadow.low_load_windows(series => 'load.nothing')", "42704", "load.nothing"},
		{"analyst", "SELECT 1/0", "22012", "division by zero"},
		{"analyst", "SELECT id / 0 FROM orders", "22012", "division by zero"},
		{"analyst", "SELEC 1", "42601", "syntax error"},
		{"analyst", "SET foreshadow.as_of = 'once upon a time'; SELECT count(*) FROM orders", "22023", "as_of"},
		{"analyst", "SET foreshadow.as_of = '1999-01-01'; SELECT count(*) FROM orders", "72000", ""},
		{"alice", "SELECT * FROM orders", "42501", "permission denied"},
	} {
		conn := d.connect(t, c.login, "shop")
		_, err := conn.Exec(t.Context(), c.sql, pgx.QueryExecModeSimpleProtocol)
		var e *pgconn.PgError
		switch {
		case err == nil:
			t.Errorf("%s: %q was not refused", c.login, c.sql)
		case !errors.As(err, &e):
			t.Errorf("%q: %v", c.sql, err)
		case e.Code != c.code || !strings.Contains(strings.ToLower(e.Message+e.Detail+e.Hint), strings.ToLower(c.says)):
			t.Errorf("%q: got %s %s (%s; %s), want %s with %q", c.sql, e.Code, e.Message, e.Detail, e.Hint, c.code, c.says)
		}
		one := 0
		if err := conn.QueryRow(t.Context(), "SELECT 1").Scan(&one); err != nil {
			t.Errorf("the session must go on after %q: %v", c.sql, err)
		}
	}
	for name, url := range map[string]string{
		"28P01":  strings.Replace(d.url(t, "alice", "shop"), d.password(t, "alice"), "wrong", 1),
		"28P01 ": strings.Replace(d.url(t, "alice", "shop"), "alice", "nobody", 1),
		"3D000":  d.url(t, "alice", "nowhere"),
	} {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			_ = conn.Close(t.Context())
		}
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != strings.TrimSpace(name) {
			t.Errorf("connecting: want %s, got %v", name, err)
		}
	}
}

// TestSourceWithoutLogicalWAL wants each command that would capture to say what is missing, and to keep nothing.
func TestSourceWithoutLogicalWAL(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t, "wal_level=replica", "max_wal_senders=0")
	dsn := primary.DSN(postgres.Superuser, "postgres")
	dir := filepath.Join(openDir(t), "data")
	for _, args := range [][]string{
		{"check", "--source", dsn}, {"dev", "--source", dsn, "--data-dir", dir}, {"run", "--source-dsn", dsn, "--data-dir", dir},
	} {
		out, err := exec.Command("foreshadow", args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "ALTER SYSTEM SET wal_level = 'logical'") {
			t.Errorf("%s: %v\n%s", args[0], err, out)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("kept: %v, %v", left, err)
	}
}
