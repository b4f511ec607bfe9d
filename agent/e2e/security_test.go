package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// startGuarded is an agent beside a shop that has things to hide.
func startGuarded(t *testing.T) *dev {
	t.Helper()
	var text strings.Builder
	for _, name := range []string{"testdata/shop.sql", "testdata/guarded.sql"} {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(part)
	}
	file := filepath.Join(openDir(t), "init.sql")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return startDev(t, "", "--init", file)
}

// attack is a statement that must end with an error of this code that does not hold a secret. A | separates statements of one session.
type attack struct{ login, sql, code string }

// attacks are ordered by what they are after: reading, writing, the server's files, other users' settings, approving.
var attacks = []attack{
	{"analyst", "SELECT * FROM salaries", "42501"},
	{"analyst", "SELECT count(*) FROM salaries FOR SYSTEM_TIME AS OF now()", "42501"},
	{"analyst", "SELECT count(*) FROM salaries VERSIONS BETWEEN MINVALUE AND MAXVALUE", "42501"},
	{"analyst", "EXPLAIN RISK ALTER TABLE salaries ADD COLUMN a int", "42501"},
	{"analyst", "SELECT * FROM foreshadow.assess_ddl('DROP INDEX salaries_pkey')", "42501"},
	{"analyst", "EXPLAIN RISK DROP TABLE foreshadow.requests", "42809"},
	{"alice", "EXPLAIN RISK ALTER TABLE orders ADD COLUMN a int", "42501"},
	{"analyst", "SELECT secret FROM partly VERSIONS BETWEEN MINVALUE AND MAXVALUE", "42501"},
	{"analyst", "SELECT count(*) FROM guarded VERSIONS BETWEEN MINVALUE AND MAXVALUE", "42501"},
	{"analyst", "SELECT count(*) FROM private.t AS OF now()", "42501"},
	{"analyst", "SELECT * FROM foreshadow.diff('salaries', now(), now())", "42501"},
	{"analyst", "SELECT * FROM foreshadow.diff('partly', now(), now())", "42501"},
	{"analyst", "SELECT * FROM foreshadow.diff('guarded', now(), now())", "42501"},
	{"analyst", "SELECT * FROM foreshadow.diff('private.t', now(), now())", "42501"},
	{"analyst", "SELECT count(*) FROM orders AS OF nextval('counter')::text", "0A000"},
	{"analyst", "SELECT count(*) FROM orders FOR SYSTEM_TIME AS OF (SELECT max(amount)::text FROM salaries)", "0A000"},
	{"analyst", "SELECT 1 FROM orders WHERE EXISTS (TABLE salaries)", "42501"},
	{"analyst", "WITH s AS (SELECT * FROM salaries) SELECT count(*) FROM orders, s", "42501"},
	{"analyst", "SELECT * FROM salary_view", "42501"},
	{"analyst", "VERIFY SHADOW TABLE salaries", "42501"},
	{"analyst", "VERIFY SHADOW TABLE orders, guarded", "42501"},
	{"analyst", "VERIFY SHADOW TABLE private.t", "42501"},
	{"analyst", "COPY salaries TO STDOUT", "42501"},
	{"analyst", "COPY (SELECT * FROM salaries) TO STDOUT WITH (FORMAT csv)", "42501"},
	{"analyst", "COPY (SELECT relation FROM foreshadow.tables UNION SELECT amount::text FROM salaries) TO STDOUT", "42501"},
	{"analyst", "SELECT secret FROM partly", "42501"},
	{"analyst", "SELECT * FROM partly", "42501"},
	{"analyst", "SELECT open FROM partly WHERE secret LIKE 's%'", "42501"},
	{"analyst", "SELECT count(*) FROM orders JOIN partly USING (id) GROUP BY partly.secret", "42501"},
	{"analyst", "SELECT (partly).secret FROM partly", "42501"},
	{"analyst", "COPY partly TO STDOUT", "42501"},
	{"analyst", "SELECT * FROM guarded", "42501"},
	{"analyst", "SELECT * FROM private.t", "42501"},
	{"analyst", "SET search_path = private, public | SELECT * FROM t", "42P01"},
	{"analyst", "SET ROLE hr", "42501"},
	{"analyst", "SELECT set_config('role', 'hr', false)", "42501"},
	{"analyst", "SET SESSION AUTHORIZATION postgres", "42501"},
	{"analyst", `SELECT "Open" FROM alike`, "42501"},
	{"analyst", `SELECT array_agg("Open") FROM alike`, "42501"},
	{"analyst", "SELECT array_agg(amount) FROM salaries", "42501"},
	{"analyst", "WITH s AS (SELECT amount FROM salaries) SELECT array_agg(amount) FROM s", "42501"},
	{"analyst", "SELECT array_agg(secret) FROM partly", "42501"},
	{"analyst", "SELECT row_to_json(partly) FROM partly", "42501"},
	{"analyst", "SELECT array_agg(guarded) FROM guarded", "42501"},
	{"analyst", "SELECT id FROM orders FOR UPDATE", "25006"},
	{"analyst", "SELECT * FROM scratch", "0A000"},
	{"analyst", "SELECT salary_total()", "0A000"},
	{"analyst", "SELECT order_count()", "0A000"},
	{"analyst", "PREPARE p AS SELECT public.order_count()", "0A000"},
	{"analyst", "SELECT * FROM order_count()", "0A000"},
	{"analyst", "SELECT query_to_xml('SELECT * FROM orders', true, true, '')", "0A000"},
	{"analyst", "SELECT pg_catalog.table_to_xml('orders', true, true, '')", "0A000"},
	{"analyst", "SET search_path = foreshadow | SELECT * FROM predicted_state('90 days')", "0A000"},
	{"analyst", "SELECT * FROM pg_authid", "42501"},
	{"alice", "SELECT v FROM odd", "42501"},
	{"alice", "COPY odd TO STDOUT", "42501"},

	{"analyst", "INSERT INTO orders SELECT * FROM orders", "25006"},
	{"analyst", "WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d", "25006"},
	{"analyst", "BEGIN READ WRITE | WITH d AS (UPDATE orders SET id = 1 RETURNING *) SELECT * FROM d", "25006"},
	{"analyst", "SELECT * INTO stolen FROM orders", "25006"},
	{"analyst", "SELECT * INTO stolen FROM orders UNION ALL SELECT * FROM orders", "25006"},
	{"analyst", "SET default_transaction_read_only = off | SELECT 1 AS a INTO TEMP stolen UNION ALL SELECT 2", "25006"},
	{"analyst", "EXPLAIN ANALYZE SELECT 1 INTO TEMP stolen", "25006"},
	{"analyst", "EXPLAIN ANALYZE CREATE TEMP TABLE stolen AS SELECT 1", "25006"},
	{"analyst", "EXPLAIN ANALYZE DELETE FROM orders", "25006"},
	{"analyst", "PREPARE p AS INSERT INTO orders DEFAULT VALUES", "25006"},
	{"analyst", "BEGIN READ WRITE | SELECT nextval('counter')", "25006"},
	{"analyst", "SET default_transaction_read_only = off | SELECT pg_catalog.setval('counter', 100)", "25006"},
	{"analyst", "SELECT lo_create(0)", "25006"},
	{"analyst", "SELECT lo_from_bytea(0, 'abc')", "25006"},
	{"analyst", "CREATE TEMP TABLE t (a integer)", "25006"},
	{"analyst", "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "25006"},
	{"analyst", "DO $$ BEGIN PERFORM 1; END $$", "25006"},
	{"analyst", "CALL order_count()", "25006"},
	{"analyst", "TRUNCATE orders", "25006"},
	{"analyst", "COPY orders FROM STDIN", "25006"},
	{"analyst", "LOCK TABLE orders", "25006"},
	{"analyst", "GRANT SELECT ON salaries TO analyst", "25006"},
	{"analyst", "UPDATE pg_settings SET setting = 'off' WHERE name = 'fsync'", "25006"},

	{"analyst", "SELECT pg_read_file('/etc/passwd')", "42501"},
	{"analyst", "SELECT * FROM read_parquet('shadow/segments/*.parquet')", "42883"},
	{"analyst", `SELECT * FROM "shadow/segments/0.0-1.0.parquet"`, "42P01"},
	{"analyst", "SELECT * FROM parquet_metadata('shadow/segments/0.0-1.0.parquet')", "42883"},
	{"analyst", "SELECT * FROM pg_ls_dir('/')", "42501"},
	{"analyst", "SELECT lo_import('/etc/passwd')", "25006"},
	{"analyst", "COPY (SELECT 1) TO '/tmp/stolen'", "42501"},
	{"analyst", "COPY (SELECT * FROM orders) TO PROGRAM 'id'", "42501"},
	{"analyst", "COPY orders FROM PROGRAM 'id'", "25006"},
	{"analyst", "SELECT * FROM read_csv('/etc/passwd')", "42883"},
	{"analyst", "SELECT count(*) FROM orders, read_text('/etc/passwd')", "42883"},
	{"analyst", `SELECT * FROM "/etc/passwd"`, "42P01"},
	{"analyst", "SELECT * FROM orders, duckdb_settings()", "42883"},
	{"analyst", "SELECT current_setting('data_directory')", "42501"},
	{"analyst", "SELECT current_setting('data_directory') FROM orders", "42501"},

	{"analyst", "ALTER ROLE analyst SUPERUSER", "25006"},
	{"analyst", "ALTER ROLE analyst SET work_mem = '1GB'", "25006"},
	{"analyst", "ALTER DATABASE shop SET work_mem = '1GB'", "25006"},
	{"analyst", "ALTER SYSTEM SET fsync = off", "25006"},
	{"analyst", "LOAD 'auto_explain'", "25006"},
	{"analyst", "SET temp_file_limit = -1", "42501"},
	{"analyst", "SELECT pg_reload_conf()", "42501"},
	{"analyst", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()", "42501"},
	{"analyst", "ALTER USER alice PASSWORD 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA'", "42501"},
	{"analyst", "ALTER USER analyst PASSWORD 'plain'", "22023"},

	{"analyst", "DROP PREDICTIVE INSTANCE x", "42704"},
	{"analyst", "FREEZE", "42501"},
	{"analyst", "APPROVE REQUEST 1 HASH 'abc'", "42501"},
	{"analyst", "SELECT set_config('foreshadow.login', 'alice', false) | APPROVE REQUEST 1 HASH 'abc'", "42501"},
	{"analyst", "SHOW REQUEST 1 | APPROVE REQUEST 1", "42501"},
	{"bob", "APPROVE REQUEST 1", "55000"},
	{"bob", "APPROVE REQUEST 1 HASH 'abc'", "55000"},
	{"bob", "BEGIN | SHOW REQUEST 1 | APPROVE REQUEST 1", "25001"},
	{"alice", "SHOW REQUEST 1 | APPROVE REQUEST 1 | SHOW REQUEST 1 | APPROVE REQUEST 1", "42501"},
}

// greedy statements would run without end or take all memory: each must be refused, hit a limit, or end soon at a cancel.
var greedy = []string{
	"SELECT lpad('x', 2000000000)",
	"SELECT length(lpad(kind, 2000000000)) FROM events",
	"SELECT length(repeat(kind, 1000000000)) FROM events",
	"SELECT count(*) FROM generate_series(1, 1000000000000) a, generate_series(1, 1000000000000) b, orders",
	"WITH RECURSIVE r AS (SELECT id AS n FROM orders UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
	"SELECT count(*) FROM orders a, orders b, orders c WHERE a.total + b.total + c.total < 0",
	"SELECT a.id FROM orders a, orders b, orders c ORDER BY a.total + b.total + c.total",
	"SELECT string_agg(a.email, ',') FROM customers a, customers b, customers c",
	"SELECT array_agg(g) FROM generate_series(1, 1000000000000) g",
	"SELECT pg_sleep(1000)",
	"SELECT 1 FROM orders" + strings.Repeat(" UNION ALL SELECT 1 FROM orders", 20000),
	"SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", 20000),
	"SELECT count(*) FROM orders WHERE id IN (1" + strings.Repeat(", 1", 300000) + ")",
	"SELECT count(*) FROM orders WHERE " + strings.Repeat("(", 20000) + "true" + strings.Repeat(")", 20000),
	"SELECT count(*) FROM orders WHERE id = " + strings.Repeat("-", 1) + strings.Repeat("(1 + ", 5000) + "1" + strings.Repeat(")", 5000),
	"SELECT count(*) FROM orders a0" + joins(250),
	"SELECT * FROM foreshadow.chart((SELECT max(series) FROM foreshadow.series), '1000000 years')",
}

// joins are n more copies of a table.
func joins(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " JOIN orders a%d USING (id)", i+1)
	}
	return b.String()
}

// TestSecurity attacks one agent through its front door and wants proper errors, no secret in them, and an agent that goes on capturing.
func TestSecurity(t *testing.T) {
	t.Parallel()
	d := startGuarded(t)
	alice := d.connect(t, "alice", "shop")
	if _, err := alice.Exec(t.Context(), "INITIALIZE PREDICTIVE MODEL"); err != nil {
		t.Logf("no request to attack: %v", err)
	}
	d.secure(t)
	t.Run("attacks", func(t *testing.T) {
		for _, a := range attacks {
			d.attacked(t, a)
		}
	})
	t.Run("greed", func(t *testing.T) {
		for i, sql := range greedy {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				d.starved(t, sql)
			})
		}
	})
	d.unharmed(t)
}

// secure turns row-level security on while the agent runs; from then on the table must not be shown.
func (d *dev) secure(t *testing.T) {
	t.Helper()
	if _, err := d.onPrimary(t).Exec(t.Context(), "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY"); err != nil {
		t.Fatal(err)
	}
	conn := d.connect(t, "analyst", "shop")
	eventually(t, 30*time.Second, "row-level security is taken over", func() bool {
		_, err := conn.Exec(t.Context(), "SELECT * FROM guarded")
		return err != nil
	})
}

// attacked runs one attack in a session of its own.
func (d *dev) attacked(t *testing.T, a attack) {
	t.Helper()
	conn := d.connect(t, a.login, "shop")
	defer conn.Close(t.Context())
	statements := strings.Split(a.sql, " | ")
	for _, sql := range statements[:len(statements)-1] {
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("%s: %q before the attack: %v", a.login, sql, err)
			return
		}
	}
	last := statements[len(statements)-1]
	tag, err := conn.Exec(t.Context(), last, pgx.QueryExecModeSimpleProtocol)
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != a.code {
		t.Errorf("%s: %q gave %v %v, want %s", a.login, a.sql, tag, err, a.code)
		return
	}
	if all := e.Message + e.Detail + e.Hint + e.Where; strings.Contains(all, "s3cret") || strings.Contains(all, "foreshadow_p") || strings.Contains(all, "/agent/") {
		t.Errorf("%s: %q tells too much: %s", a.login, a.sql, all)
	}
}

// starved runs a greedy statement for a moment, cancels it, and wants an answer soon. Its session goes on.
func (d *dev) starved(t *testing.T, sql string) {
	t.Helper()
	conn := d.connect(t, "analyst", "shop")
	cancel := time.AfterFunc(700*time.Millisecond, func() {
		for range 3 { // a cancel that comes between two steps of a statement has nothing to cancel, as in PostgreSQL
			_ = conn.PgConn().CancelRequest(context.WithoutCancel(t.Context()))
		}
	})
	defer cancel.Stop()
	start := time.Now()
	_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	var e *pgconn.PgError
	short := sql[:min(len(sql), 80)]
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%s: took %v", short, took)
	}
	if err != nil && (!errors.As(err, &e) || e.Code == "XX000") {
		t.Errorf("%s: %v", short, err)
	}
	eventually(t, 20*time.Second, "the session answers", func() bool {
		_, err := conn.Exec(t.Context(), "SELECT 1")
		return err == nil
	})
}

// unharmed wants a change of the primary to be seen, and what the attacks must not have changed to be as before.
func (d *dev) unharmed(t *testing.T) {
	t.Helper()
	if _, err := d.onPrimary(t).Exec(t.Context(), "INSERT INTO events (kind) VALUES ('after')"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "a change is captured", func() bool {
		return d.value(t, "analyst", "shop", "SELECT count(*) FROM events WHERE kind = 'after'") == "1"
	})
	if got := d.value(t, "analyst", "shop", "SELECT count(*) FROM pg_class WHERE relname = 'stolen'"); got != "0" {
		t.Errorf("%s tables were made", got)
	}
	if got := d.value(t, "analyst", "shop", "SELECT twice(21)"); got != "42" {
		t.Errorf("an immutable function gave %s", got)
	}
	if got := d.value(t, "analyst", "shop", "SELECT s FROM salary_sum"); got != "55000.00" {
		t.Errorf("a granted view over a table that is not gave %s", got)
	}
	if got := d.value(t, "analyst", "shop", "SELECT open, array_agg(open) FROM alike GROUP BY open"); got != "open|{open}" {
		t.Errorf("a column whose name differs from another's in its letters' case only gave %s", got)
	}
	if _, err := os.Stat("/tmp/stolen"); err == nil {
		t.Error("a file was written")
	}
}
