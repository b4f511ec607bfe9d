package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// shown is a statement's columns and rows as text, or its SQLSTATE.
func shown(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	r := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
	var e *pgconn.PgError
	if errors.As(r.Err, &e) {
		return e.Code + " " + e.Message
	}
	if r.Err != nil {
		t.Fatalf("%s: %v", sql, r.Err)
	}
	var b strings.Builder
	for _, f := range r.FieldDescriptions {
		fmt.Fprintf(&b, "%s:%d:%d ", f.Name, f.DataTypeOID, f.TypeModifier)
	}
	for _, row := range r.Rows {
		b.WriteString("\n")
		for i, v := range row {
			if i > 0 {
				b.WriteString("|")
			}
			if v == nil {
				b.WriteString("~")
			}
			b.Write(v)
		}
	}
	return b.String()
}

// remembered is what the primary answered at a moment.
type remembered struct{ lsn, at, sql, want string }

// travels does things on the primary and remembers what it answered between them.
type travels struct {
	primary, agent *pgx.Conn
	moments        []remembered
}

func (w *travels) do(t *testing.T, sql string) {
	t.Helper()
	if _, err := w.primary.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// stays is how long each state lasts: the agent looks at the catalog every second, and knows a state for sure between two looks.
const stays = 4 * time.Second

// remember asks the primary until the agent has shown its state for a while; the moments before that must be answered alike or be refused.
func (w *travels) remember(t *testing.T, table string) {
	t.Helper()
	var first time.Time
	began := len(w.moments)
	eventually(t, time.Minute, "a moment after the last change of "+table+" is known", func() bool {
		m := remembered{sql: "SELECT * FROM " + table + " %s ORDER BY 1"}
		m.want = shown(t, w.primary, fmt.Sprintf(m.sql, ""))
		at := "SELECT pg_current_wal_insert_lsn()::text, clock_timestamp()::text"
		if err := w.primary.QueryRow(t.Context(), at).Scan(&m.lsn, &m.at); err != nil {
			t.Fatal(err)
		}
		w.moments = append(w.moments, m)
		got := shown(t, w.agent, fmt.Sprintf(m.sql, "FOR SYSTEM_TIME AS OF '"+m.lsn+"'"))
		if got == m.want && first.IsZero() {
			first = time.Now()
		}
		return got == m.want && time.Since(first) > stays
	})
	w.moments = append(w.moments[:began+2], w.moments[len(w.moments)-1])
}

// TestTravel holds that every moment shows what the primary answered then: names, columns, types and rows, whatever was altered, renamed,
// dropped and made again since.
func TestTravel(t *testing.T) {
	t.Parallel()
	d := startDev(t, "", "--init", "testdata/travel.sql")
	w := &travels{primary: d.onPrimary(t), agent: d.connect(t, "analyst", "shop")}
	w.remember(t, "t")
	for _, step := range []struct{ sql, table string }{
		{"UPDATE t SET a = 'uno' WHERE id = 1; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (4, 'four', 4, 'ok')", "t"},
		{"ALTER TABLE t ADD COLUMN c integer DEFAULT 7", "t"},
		{"UPDATE t SET c = 8 WHERE id = 2", "t"},
		{"ALTER TABLE t DROP COLUMN a", "t"},
		{"UPDATE t SET c = 9 WHERE id = 1; INSERT INTO t VALUES (5, 5, NULL, 5)", "t"},
		{"ALTER TABLE t RENAME COLUMN c TO cc", "t"},
		{"ALTER TABLE t RENAME TO u", "u"},
		{"DELETE FROM u WHERE id = 2", "u"},
		{"ALTER TABLE u ALTER COLUMN cc TYPE text USING 'n' || cc", "u"},
		{"DROP VIEW seen; DROP TABLE u; CREATE TABLE t (id bigint PRIMARY KEY, fresh date); INSERT INTO t VALUES (1, '2026-01-01')", "t"},
	} {
		w.do(t, step.sql)
		w.remember(t, step.table)
	}
	last := w.moments[len(w.moments)-1]
	setting := d.connect(t, "analyst", "shop")
	exact := map[string]bool{}
	for _, m := range w.moments {
		for _, at := range []string{"'" + m.lsn + "'", "'" + m.at + "'"} {
			for _, how := range []string{"FOR SYSTEM_TIME AS OF " + at, "AS OF " + at, "session"} {
				var got string
				if how == "session" {
					if _, err := setting.Exec(t.Context(), "SET foreshadow.as_of = "+at); err != nil {
						t.Fatal(err)
					}
					got = shown(t, setting, fmt.Sprintf(m.sql, ""))
				} else {
					got = shown(t, w.agent, fmt.Sprintf(m.sql, how))
				}
				if got == m.want {
					exact[m.want] = true
				} else if !strings.HasPrefix(got, "72000") {
					t.Errorf("%s %s\n    got: %s\nprimary: %s", m.sql, how, got, m.want)
				}
			}
		}
	}
	if len(exact) < 8 { // of ten, as a table's name is not in its columns; near a change of them a moment may be refused
		t.Errorf("%d states of 10 were seen as they were", len(exact))
	}
	if got := shown(t, w.agent, "SELECT * FROM t ORDER BY 1"); got != last.want {
		t.Errorf("the present: %s", got)
	}
	w.statements(t, d)
}

// statements tries moments in all the places where they may stand.
func (w *travels) statements(t *testing.T, d *dev) {
	t.Helper()
	first, last := w.moments[0], w.moments[len(w.moments)-1]
	for _, s := range []struct{ sql, want string }{
		{"SELECT past.a, now.fresh FROM t AS OF $first AS past JOIN t AS now USING (id)", "a:25:-1 fresh:1082:-1 \none|2026-01-01"},
		{"WITH w AS (SELECT id, a FROM t FOR SYSTEM_TIME AS OF $first p) SELECT count(*) FROM w WHERE a = 'two' UNION ALL SELECT count(*) FROM t", "count:20:-1 \n1\n1"},
		{"SELECT max(b) FROM (SELECT b FROM t AS OF LSN $first) x WHERE b IN (SELECT b FROM t AS OF pg_lsn $first)", "max:1700:-1 \n1.50"},
		{"SELECT count(*) FROM t AS OF now() - interval '0 seconds'", "count:20:-1 \n1"},
		{"SELECT count(*) FROM t FOR SYSTEM_TIME AS OF (SELECT now())", "0A000"},
		{"SELECT count(*) FROM t AS OF 'whenever'", "22007"},
		{"SELECT count(*) FROM t AS OF '1999-01-01'", "72000"},
		{"SELECT count(*) FROM t AS OF now() + interval '1 hour'", "72000"},
		{"SELECT count(*) FROM t AS OF 'FFFFFFFF/FFFFFFFF'", "72000"},
		{"SELECT count(*) FROM t AS OF 'FFFFFFFFF/0'", "22007"},
		{"SELECT count(*) FROM t AS OF '0/1''; DROP TABLE t'", "22007"},
		{"SELECT count(*) FROM nothing AS OF $first", "42P01"},
		{"SELECT count(*) FROM u AS OF $first", "42P01"},
		{"SELECT nothing FROM t AS OF $first", "42703"},
		{"SELECT * FROM generate_series(1, 2) FOR SYSTEM_TIME AS OF $first", "0A000"},
		{"WITH w AS (SELECT 1) SELECT * FROM w FOR SYSTEM_TIME AS OF $first", "0A000"},
		{"SELECT count(*), min(v) FROM part FOR SYSTEM_TIME AS OF $last", "count:20:-1 min:25:-1 \n2|high"},
		{"SELECT count(*) FROM part FOR SYSTEM_TIME AS OF '1999-01-01'", "72000"},
		{"SELECT x, y, valid_to IS NULL FROM bare VERSIONS BETWEEN MINVALUE AND MAXVALUE ORDER BY 1", "x:23:-1 y:25:-1 ?column?:16:-1 \n1|same|t\n1|same|t\n2|~|t"},
		{"SELECT id, a, valid_to IS NULL, valid_from < valid_to, valid_to_lsn > valid_from_lsn FROM t VERSIONS BETWEEN MINVALUE AND $second v WHERE id = 1 ORDER BY valid_from",
			"id:23:-1 a:25:-1 ?column?:16:-1 ?column?:16:-1 ?column?:16:-1 \n1|one|f|t|t\n1|uno|f|t|t"},
		{"SELECT count(*) FROM t FOR SYSTEM_TIME FROM $second TO $second", "count:20:-1 \n0"},
		{"SELECT count(*) FROM t FOR SYSTEM_TIME BETWEEN $first AND $first", "count:20:-1 \n3"},
		{"SELECT count(*) FROM t FOR SYSTEM_TIME BETWEEN '1999-01-01' AND $first", "72000"},
		{"SELECT count(*) FROM t VERSIONS BETWEEN $first AND $last", "72000"},
		{"SELECT versions FROM (SELECT 1 AS versions) x WHERE versions BETWEEN 1 AND 2", "versions:23:-1 \n1"},
		{"SELECT change, primary_key ->> 'id', before ->> 'a', after ->> 'a', changed_columns FROM foreshadow.diff('t', $first, $second) ORDER BY 2",
			"change:25:-1 ?column?:25:-1 ?column?:25:-1 ?column?:25:-1 changed_columns:1009:-1 \nupdated|1|one|uno|{\"a\"}\ndeleted|3|it's|~|~\ninserted|4|~|four|~"},
		{"SELECT count(*) FROM foreshadow.diff('public.t', pg_lsn $first, pg_lsn $first)", "count:20:-1 \n0"},
		{"SELECT count(*) FROM foreshadow.diff('t', now() - interval '20 years', now())", "72000"},
		{"SELECT count(*) FROM foreshadow.diff('nothing', $first, $second)", "42P01"},
		{"SELECT count(*) FROM foreshadow.diff('t', $first, $last)", "0A000"},
		{"SELECT count(*) FROM pg_class AS OF $first", "0A000"},
		{"SELECT count(*) FROM foreshadow.tables AS OF $first", "0A000"},
	} {
		sql := strings.NewReplacer("$first", "'"+first.lsn+"'", "$second", "'"+w.second(t)+"'", "$last", "'"+last.lsn+"'").Replace(s.sql)
		got := shown(t, w.agent, sql)
		if got != s.want && !(len(s.want) == 5 && strings.HasPrefix(got, s.want+" ")) {
			t.Errorf("%s\n got: %s\nwant: %s", sql, got, s.want)
		}
	}
	w.prepared(t, d)
}

// second is a moment after the first changes of rows.
func (w *travels) second(t *testing.T) string {
	t.Helper()
	for _, m := range w.moments {
		if strings.Contains(m.want, "uno") {
			return m.lsn
		}
	}
	t.Fatal("no such moment")
	return ""
}

// prepared tries the extended protocol, and the setting in transactions and at the start.
func (w *travels) prepared(t *testing.T, d *dev) {
	t.Helper()
	first := w.moments[0].lsn
	conn := d.connect(t, "analyst", "shop")
	for i, at := range []string{first, w.second(t)} {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t FOR SYSTEM_TIME AS OF $1", at).Scan(&n); err != nil || n != 3 {
			t.Errorf("parameter %d: %d %v", i, n, err)
		}
	}
	if _, err := conn.Prepare(t.Context(), "all", "SELECT * FROM t"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "BEGIN; SET LOCAL foreshadow.as_of = '"+first+"'"); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, conn, "SELECT count(*) FROM t"); got != "count:20:-1 \n3" {
		t.Errorf("SET LOCAL: %s", got)
	}
	var e *pgconn.PgError
	if r := conn.PgConn().ExecPrepared(t.Context(), "all", nil, nil, nil).Read(); !errors.As(r.Err, &e) || e.Code != "0A000" || e.Message != "cached plan must not change result type" {
		t.Errorf("prepared for another moment: %v", r.Err)
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if r := conn.PgConn().ExecPrepared(t.Context(), "all", nil, nil, nil).Read(); r.Err != nil || len(r.Rows) != 1 {
		t.Errorf("after SET LOCAL: %v", r.Err)
	}
	for value, want := range map[string]string{first: "3", "now": "1"} {
		cfg, err := pgx.ParseConfig(d.url(t, "analyst", "shop"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.RuntimeParams["options"] = "-c foreshadow.as_of=" + value
		started, err := pgx.ConnectConfig(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(t, started, "SELECT count(*)::text FROM t"); got != "count:25:-1 \n"+want {
			t.Errorf("started at %s: %s", value, got)
		}
		_ = started.Close(t.Context())
	}
	out, err := d.psql(t, "analyst", "shop", "-At", "-c", "SET foreshadow.as_of = '"+first+"'", "-c", "SHOW foreshadow.as_of", "-c", "SELECT count(*) FROM t",
		"-c", "COPY (SELECT a FROM t ORDER BY id LIMIT 1) TO STDOUT", "-c", "SET foreshadow.as_of TO DEFAULT", "-c", "SELECT count(*) FROM t")
	if want := "SET\n" + first + "\n3\none\nSET\n1"; err != nil || out != want {
		t.Errorf("psql: %v\n%s\nwant\n%s", err, out, want)
	}
	if out, err := d.psql(t, "analyst", "shop", "-c", "SET foreshadow.as_of = 'once upon a time'"); err == nil || !strings.Contains(out, "invalid value for parameter \"foreshadow.as_of\"") || !strings.Contains(out, "HINT") {
		t.Errorf("a wrong value: %s", out)
	}
}

// TestPastRights holds that the past is read by today's grants: dropped columns with one on the whole table, dropped tables by who may read everything.
func TestPastRights(t *testing.T) {
	t.Parallel()
	d := startGuarded(t)
	primary, agent := d.onPrimary(t), d.connect(t, "analyst", "shop")
	var at string
	if err := primary.QueryRow(t.Context(), "SELECT clock_timestamp()::text").Scan(&at); err != nil {
		t.Fatal(err)
	}
	if _, err := primary.Exec(t.Context(), "UPDATE partly SET open = 'later'; UPDATE salaries SET amount = amount"); err != nil { // what they were is known up to then
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the change is captured", func() bool { return shown(t, agent, "SELECT open FROM partly") == "open:25:-1 \nlater" })
	const again = "SELECT min(id) > 0 FROM orders" // a session may keep what it has found out about a text, but not beyond a REVOKE
	for range 2 {
		if got := shown(t, agent, again); got != "?column?:16:-1 \nt" {
			t.Fatal(got)
		}
	}
	if _, err := primary.Exec(t.Context(), "ALTER TABLE partly DROP COLUMN secret; DROP TABLE salaries CASCADE; REVOKE SELECT ON orders FROM analyst"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the changes are taken over", func() bool {
		return strings.HasPrefix(shown(t, agent, again), "42501") && strings.HasPrefix(shown(t, agent, "SELECT * FROM salaries"), "42P01") && strings.HasPrefix(shown(t, agent, "SELECT * FROM partly"), "id:23:-1 open:25:-1 \n")
	})
	for _, s := range []struct{ sql, want string }{
		{"SELECT open, id FROM partly AS OF $at", "open:25:-1 id:23:-1 \nopen|1"},
		{"SELECT count(*) FROM partly AS OF $at", "count:20:-1 \n1"},
		{"SELECT open FROM partly VERSIONS BETWEEN $at AND MAXVALUE ORDER BY open", "open:25:-1 \nlater\nopen"},
		{"SELECT secret FROM partly AS OF $at", "42501"},
		{"SELECT * FROM partly AS OF $at", "42501"},
		{"SELECT count(*) FROM partly AS OF $at WHERE secret IS NOT NULL", "42501"},
		{"SELECT p.id FROM partly AS OF $at p JOIN partly AS OF $at q USING (secret)", "42501"},
		{"SELECT count(*) FROM foreshadow.diff('partly', $at, $at)", "42501"},
		{"SELECT count(*) FROM salaries AS OF $at", "42501"},
		{"SELECT count(*) FROM orders AS OF $at", "42501"},
		{"SELECT count(*) FROM foreshadow.diff('orders', $at, $at)", "42501"},
	} {
		got := shown(t, agent, strings.ReplaceAll(s.sql, "$at", "'"+at+"'"))
		if got != s.want && !(len(s.want) == 5 && strings.HasPrefix(got, s.want+" ")) {
			t.Errorf("%s\n got: %s\nwant: %s", s.sql, got, s.want)
		}
	}
}
