package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/postgres"
)

// TestSurface does what people and BI tools do first, over relations of the shadow; the clients themselves are run by TestClients.
func TestSurface(t *testing.T) {
	t.Parallel()
	d := startGuarded(t)
	for name, test := range map[string]func(*testing.T, *dev){
		"backslash": backslashCommands, "own relations": ownRelations, "own functions": ownFunctions, "copy": copies,
		"psql copy": psqlCopy, "listen": listens, "timeout": timedOut, "context": noInnerNames, "risk": assessesRisk,
	} {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
	t.Run("password", func(t *testing.T) { changedPassword(t, d) }) // last, as nobody knows the passwords then
}

// backslashCommands are psql's own questions.
func backslashCommands(t *testing.T, d *dev) {
	for command, want := range map[string]string{
		`\d foreshadow.change_log`: "primary_key", `\dt foreshadow.*`: "volume_forecast", `\df foreshadow.*`: "predicted_state",
		`\d orders`: "orders_by_customer", `\d+ odd`: "generated always", `\dn+`: "foreshadow", `\l`: "shop", `\du`: "analyst", `\dp orders`: "analyst",
	} {
		if out, err := d.psql(t, "analyst", "shop", "-c", command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// ownRelations reads every relation of schema foreshadow as a reader and as an approver who is nobody on the primary.
func ownRelations(t *testing.T, d *dev) {
	names := strings.Fields(d.value(t, "analyst", "shop", "SELECT relname FROM pg_class WHERE relnamespace = 'foreshadow'::regnamespace AND relkind IN ('r', 'v')"))
	if len(names) < 20 {
		t.Fatalf("only %d relations", len(names))
	}
	for _, login := range []string{"analyst", "alice"} {
		conn := d.connect(t, login, "shop")
		for _, name := range names {
			for _, sql := range []string{"SELECT * FROM foreshadow.%s LIMIT 100", "SELECT count(*) FROM foreshadow.%s", "SELECT * FROM foreshadow.%s LIMIT 0",
				"SELECT count(*), max(r::text) FROM (SELECT 1 AS r FROM foreshadow.%s) x", "TABLE foreshadow.%s", "SELECT x.*, o.id FROM orders o CROSS JOIN foreshadow.%s x WHERE o.id < 3"} {
				if login == "alice" && strings.Contains(sql, "orders") {
					continue
				}
				rows, err := conn.Query(t.Context(), fmt.Sprintf(sql, name))
				if err == nil {
					for rows.Next() {
						if _, err = rows.Values(); err != nil {
							break
						}
					}
					rows.Close()
					err = rows.Err()
				}
				if err != nil {
					t.Errorf("%s: "+sql+": %v", login, name, err)
				}
			}
		}
	}
}

// ownFunctions are called with parameters, as drivers do.
func ownFunctions(t *testing.T, d *dev) {
	conn := d.connect(t, "analyst", "shop")
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{"SELECT * FROM foreshadow.predicted_state('90 days')", nil},
		{"SELECT relation, p50 FROM foreshadow.predicted_state($1) WHERE measure = $2 ORDER BY 1", []any{"90 days", "rows"}},
		{"SELECT * FROM foreshadow.forecast($1, $2)", []any{"volume.rows:public.orders", "30 days"}},
		{"SELECT * FROM foreshadow.forecast($1, $2, $3) LIMIT 5", []any{"volume.rows:public.orders", "30 days", 80}},
		{"SELECT mean FROM foreshadow.forecast(series => $1, level => 80, horizon => '14 days')", []any{"volume.rows:public.orders"}},
		{"SELECT count(*) FROM foreshadow.load_by_hour_of_week WHERE day_of_week BETWEEN 1 AND 7 AND p50 <= p90", nil},
		{"SELECT verdict FROM foreshadow.assess_ddl($1)", []any{"CREATE INDEX ON orders (total)"}},
		{"SELECT relation, hold_p50 FROM foreshadow.assess_ddl($1, $2) WHERE lock = 'SHARE'", []any{"CREATE INDEX ON orders (total)", "90 days"}},
		{"SELECT * FROM foreshadow.chart($1)", []any{"volume.rows:public.orders"}},
		{"SELECT chart FROM foreshadow.chart($1, '90 days', $2, $3)", []any{"volume.rows:public.orders", 60, 10}},
	} {
		rows, err := conn.Query(t.Context(), c.sql, c.args...)
		n := 0
		if err == nil {
			for rows.Next() {
				n++
			}
			err = rows.Err()
		}
		if err != nil || n == 0 {
			t.Errorf("%s: %d rows, %v", c.sql, n, err)
		}
	}
}

// copyStatements give the same bytes from the agent and from the primary.
var copyStatements = []string{
	"COPY odd TO STDOUT", "COPY odd TO STDOUT WITH (FORMAT csv, HEADER)", "COPY odd (v, id) TO STDOUT CSV", "COPY odd TO STDOUT (FORMAT csv, FORCE_QUOTE (v, n), NULL 'NULL')",
	"COPY odd TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *, DELIMITER ';', QUOTE '''', ESCAPE '\\')", "COPY odd TO STDOUT WITH (DELIMITER ',', NULL '', HEADER true)",
	"COPY (SELECT v FROM odd ORDER BY id) TO STDOUT CSV", "COPY (SELECT gen, o FROM odd o ORDER BY id) TO STDOUT", "COPY (SELECT id, (total * 2)::numeric(12,1) AS t, status FROM orders WHERE id < 50 ORDER BY id) TO STDOUT CSV HEADER",
	"COPY (SELECT count(*), min(created_at), NULL FROM orders) TO STDOUT", "COPY (SELECT id FROM odd WHERE id > 1000) TO STDOUT CSV HEADER",
	"COPY odd TO STDOUT (FORMAT binary)", "COPY (SELECT * FROM orders ORDER BY id) TO STDOUT (FORMAT binary)", "COPY (SELECT id FROM odd WHERE id > 1000) TO STDOUT WITH BINARY",
	"COPY (SELECT count(*), sum(total), avg(total), min(created_at), NULL FROM orders) TO STDOUT (FORMAT \"binary\")",
	"COPY (SELECT 1 AS one, 'a,b') TO STDOUT CSV HEADER", "COPY (SELECT g FROM generate_series(1, 5000) g, odd WHERE odd.id = 1 ORDER BY 1) TO STDOUT",
}

func copies(t *testing.T, d *dev) {
	agent, primary := d.connect(t, "analyst", "shop"), d.onPrimary(t)
	for _, conn := range []*pgx.Conn{agent, primary} {
		if _, err := conn.Exec(t.Context(), "SET TimeZone = 'Asia/Kolkata'"); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range copyStatements {
		var got, want bytes.Buffer
		tag, err := agent.PgConn().CopyTo(t.Context(), &got, sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		wantTag, err := primary.PgConn().CopyTo(t.Context(), &want, sql)
		if err != nil {
			t.Fatalf("%s on the primary: %v", sql, err)
		}
		if got.String() != want.String() || tag.String() != wantTag.String() {
			t.Errorf("%s:\n%s%s\nwant\n%s%s", sql, &got, tag, &want, wantTag)
		}
	}
	for sql, at := range map[string]string{"COPY (SELECT nothing FROM orders) TO STDOUT": "42703 14", "COPY orders (nothing) TO STDOUT": "42703 0",
		"COPY orders TO STDOUT (FORMAT binary, HEADER)": "42601 0", "COPY salary_sum TO STDOUT": "42809 0", "COPY orders TO STDOUT (DELIMITER 'ab')": "22023 0"} {
		_, err := agent.PgConn().CopyTo(t.Context(), &bytes.Buffer{}, sql)
		if got := codeAndPosition(err); got != at {
			t.Errorf("%s: %s (%v), want %s", sql, got, err, at)
		}
	}
}

// psqlCopy is \copy into a file, and a rollback after an error in the middle.
func psqlCopy(t *testing.T, d *dev) {
	file := filepath.Join(t.TempDir(), "orders.csv")
	out, err := d.psql(t, "analyst", "shop", "-c", `\copy (SELECT id, status FROM orders ORDER BY id) TO '`+file+`' CSV HEADER`)
	text, rerr := os.ReadFile(file)
	if err != nil || rerr != nil || out != "COPY 10000" || !strings.HasPrefix(string(text), "id,status\n1,paid\n") {
		t.Errorf("%s %v %v: %.40s", out, err, rerr, text)
	}
	out, err = d.psql(t, "analyst", "shop", "-c", `\copy (SELECT 1 / (id - 9000) FROM orders) TO '`+file+`'`, "-c", "SELECT 1")
	if err == nil || !strings.Contains(out, "division by zero") {
		t.Errorf("%v: %s", err, out)
	}
}

// listens hears of requests: at once while idle, after the transaction otherwise, and from nobody but the agent.
func listens(t *testing.T, d *dev) {
	listener, alice := d.connect(t, "analyst", "shop"), d.connect(t, "alice", "shop")
	exec := func(c *pgx.Conn, sql string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	heard := func(state string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		n, err := listener.WaitForNotification(ctx)
		if err != nil || n.Channel != "foreshadow_requests" || !strings.Contains(n.Payload, `"state":"`+state+`","kind":"CREATE PREDICTIVE INSTANCE","target":"heard_of`) {
			t.Errorf("want %s: %+v, %v", state, n, err)
		}
	}
	var id int64
	propose := func() {
		t.Helper()
		if err := alice.QueryRow(t.Context(), "CREATE PREDICTIVE INSTANCE heard_of AT HORIZON '90 days'", pgx.QueryExecModeSimpleProtocol).Scan(&id, nil, nil, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	exec(listener, "LISTEN foreshadow_requests")
	propose()
	heard("PENDING")
	exec(listener, "BEGIN")
	exec(alice, fmt.Sprintf("REJECT REQUEST %d", id))
	exec(listener, "SELECT 1")
	exec(listener, "COMMIT")
	heard("REJECTED")
	for _, sql := range []string{"NOTIFY foreshadow_requests, 'forged'", "SELECT pg_notify('foreshadow_requests', 'forged')"} {
		if _, err := alice.Exec(t.Context(), sql); strings.HasPrefix(sql, "NOTIFY") && codeAndPosition(err) != "42501 0" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	exec(listener, "BEGIN; UNLISTEN *; ROLLBACK")
	propose()
	heard("PENDING")
	exec(listener, "UNLISTEN foreshadow_requests")
	exec(alice, fmt.Sprintf("WITHDRAW REQUEST %d", id))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := listener.WaitForNotification(ctx); err == nil {
		t.Errorf("heard %+v", n)
	}
}

// changedPassword is psql's \password: the new one works, the old one does not, and nobody changes another's.
func changedPassword(t *testing.T, d *dev) {
	bin, err := postgres.FindBinDir()
	if err != nil {
		t.Fatal(err)
	}
	for login, command := range map[string]string{"alice": `\password alice`, "bob": `\password`} {
		old := d.url(t, login, "shop")
		cmd := exec.Command(filepath.Join(bin, "psql"), "-X", "-v", "ON_ERROR_STOP=1", old, "-c", command)
		cmd.Stdin = strings.NewReader("a new one\na new one\n")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal psql reads the password from its input
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
			continue
		}
		if c, err := pgx.Connect(t.Context(), old); err == nil {
			_ = c.Close(context.WithoutCancel(t.Context()))
			t.Errorf("%s: the old password still works", login)
		}
		c, err := pgx.Connect(t.Context(), strings.Replace(old, d.password(t, login), "a%20new%20one", 1))
		if err != nil {
			t.Errorf("%s: the new password: %v", login, err)
			continue
		}
		_ = c.Close(context.WithoutCancel(t.Context()))
	}
}

// codeAndPosition words an error in short.
func codeAndPosition(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%s %d", e.Code, e.Position)
}

// timedOut wants statement_timeout to hold for the shadow too.
func timedOut(t *testing.T, d *dev) {
	conn := d.connect(t, "analyst", "shop")
	if _, err := conn.Exec(t.Context(), "SET statement_timeout = '300ms'"); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Exec(t.Context(), "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id < 0")
	if err == nil || !strings.Contains(err.Error(), "statement timeout") {
		t.Errorf("statement_timeout: %v", err)
	}
	if got := conn.QueryRow(t.Context(), "SELECT count(*) FROM orders").Scan(new(int64)); got != nil {
		t.Error(got)
	}
}

// noInnerNames wants errors in constants and parameters without the names that the agent uses inside.
func noInnerNames(t *testing.T, d *dev) {
	conn := d.connect(t, "analyst", "shop")
	for _, sql := range []string{"SELECT $1::int", "SELECT id FROM orders WHERE id = $1::int", "SELECT id FROM orders WHERE id = $1", "SELECT id + 1 / $1::int FROM orders"} {
		result := conn.PgConn().ExecParams(t.Context(), sql, [][]byte{[]byte("abc")}, nil, nil, nil).Read()
		var e *pgconn.PgError
		if !errors.As(result.Err, &e) || e.Code != "22P02" || strings.Contains(e.Where, "foreshadow") {
			t.Errorf("%s: %v, context %q", sql, result.Err, func() string {
				if e == nil {
					return ""
				}
				return e.Where
			}())
		}
	}
}
