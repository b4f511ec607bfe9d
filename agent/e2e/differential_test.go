package e2e_test

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent"
	"foreshadow/agent/change"
	"foreshadow/agent/mirror"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/pgwire/encode"
	"foreshadow/sql/catalog"
	"foreshadow/sql/engine"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

//go:embed testdata/differential.setup.sql
var setupSQL string

//go:embed testdata/differential.sql
var corpusSQL string

// answer is a result as a client sees it.
type answer struct {
	fields []string // name:oid
	oids   []uint32
	mods   []int32
	rows   [][]string
	code   string
	err    string
	words  string // the error's message alone
	at     int    // its position
}

// TestDifferential holds that every statement of the corpus is answered as the primary answers it, or refused where it must be.
func TestDifferential(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", setupSQL)
	parts := stack(t, pg)
	e := newEngine(t, engine.Options{Sources: parts})
	t.Run("session", func(t *testing.T) { sessions(t, e) })
	t.Run("too much to lend", func(t *testing.T) {
		s := connect(t, newEngine(t, engine.Options{Sources: parts, MaxLent: 10_000}), "reader")
		for sql, code := range map[string]string{"SELECT array_agg(name) FROM customers": "", "SELECT array_agg(o::text) FROM orders o": sqlerr.ProgramLimitExceeded,
			"SELECT array_agg(o::text) FROM orders o WHERE id < 10": "", "SELECT sum(id) FROM orders": ""} {
			if a := run(t, s, sql); a.code != code {
				t.Errorf("%s: %s %s, want %q", sql, a.code, a.err, code)
			}
		}
	})
	t.Run("one at a time", func(t *testing.T) { oneAtATime(t, newEngine(t, engine.Options{Sources: parts, MaxQueries: 1})) })
	t.Run("lends once", func(t *testing.T) { lendsOnce(t, e, parts[0]) })
	s := connect(t, e, "reader")
	primary, err := pgconn.Connect(t.Context(), pg.DSN("reader", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = primary.Close(context.Background()) }()
	for _, zone := range []string{"UTC", "America/New_York", "America/Havana"} {
		run(t, s, "SET TimeZone = '"+zone+"'")
		ask(t, primary, "SET TimeZone = '"+zone+"'")
		for _, c := range corpus() {
			want, got := ask(t, primary, c.sql), run(t, s, c.sql)
			if diff := compare(c, want, got); diff != "" {
				t.Errorf("%s (%s)\n%s", c.sql, zone, diff)
			}
		}
	}
}

// oneAtATime holds that a statement waits for one that computes, within its own time, and not for one whose client reads or does nothing.
func oneAtATime(t *testing.T, e *engine.Engine) {
	resting, busy, s := connect(t, e, "reader"), connect(t, e, "reader"), connect(t, e, "reader")
	st, err := resting.Prepare(t.Context(), session.Text{SQL: "SELECT a.id FROM orders a, orders b"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := st.Bind(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if a := run(t, s, "SELECT count(*) FROM orders"); a.code != "" {
		t.Fatalf("beside a client that does not read: %s", a.err)
	}
	run(t, s, "SET statement_timeout = '300ms'")
	done := make(chan answer, 1)
	go func() {
		done <- run(t, busy, "SELECT count(*) FROM orders a, orders b, orders c, orders d WHERE a.amount + b.amount + c.amount + d.amount < -1e9")
	}()
	for end := time.Now().Add(time.Minute); run(t, s, "SELECT count(*) FROM orders").code != sqlerr.QueryCanceled; {
		if time.Now().After(end) {
			t.Fatal("no statement waited in vain")
		}
	}
	busy.Cancel()
	if a := <-done; a.code != sqlerr.QueryCanceled {
		t.Errorf("the statement that computed ended with %q %s", a.code, a.err)
	}
	if a := run(t, s, "SELECT count(*) FROM orders"); a.code != "" {
		t.Errorf("afterwards: %s", a.err)
	}
}

// lendsOnce holds that a prepared statement that a value led to lent rows is translated again for the next value.
func lendsOnce(t *testing.T, e *engine.Engine, source engine.Source) {
	sh, ok := source.Shadow.(realShadow)
	if !ok {
		t.Fatalf("the shadow is a %T", source.Shadow)
	}
	s := connect(t, e, "reader")
	st, err := s.Prepare(t.Context(), session.Text{SQL: "SELECT id FROM orders WHERE id < 3 AND amount < $1 ORDER BY id"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, c := range []struct {
		value string
		lends int64
	}{{"1e6", 0}, {"NaN", 1}, {"1e6", 0}, {"NaN", 1}, {"1e5", 0}} {
		before := sh.loans.Load()
		a := execute(t, s, st, session.Param{Value: []byte(c.value)})
		if fmt.Sprint(a.rows) != "[[1] [2]]" || sh.loans.Load()-before != c.lends {
			t.Errorf("%s: %v %s %s, lent %d times", c.value, a.rows, a.code, a.err, sh.loans.Load()-before)
		}
	}
}

// sessions holds what hangs on a session: parameters, moments, transactions, privileges, and the relations of schema foreshadow.
func sessions(t *testing.T, e *engine.Engine) {
	s := connect(t, e, "reader")
	text := func(v string) session.Param { return session.Param{Value: []byte(v)} }
	steps := []struct {
		sql    string
		params []session.Param
		want   string // rows joined by "; ", or the SQLSTATE
	}{
		{"SELECT id FROM orders WHERE id = $1 AND amount < $2", []session.Param{text("3"), text("10000.5")}, "3"},
		{"SELECT id FROM orders WHERE id = $1", []session.Param{{Format: 1, Value: []byte{0, 0, 0, 0, 0, 0, 0, 7}}}, "7"},
		{"SELECT id FROM orders WHERE id = ANY ($1) ORDER BY id DESC LIMIT $2", []session.Param{text("{1,2,3}"), text("2")}, "3; 2"},
		{"SELECT count(*) FROM orders WHERE created_at < $1", []session.Param{text("yesterdayish")}, "22007"},
		{"SELECT amount / $1 FROM orders WHERE id = 1", []session.Param{text("3.000")}, "-6.9366666666666667"},
		{"SELECT count(*) FROM orders", nil, "400"},
		{"SET foreshadow.missing_collation = 'xx_XX'", nil, ""},
		{"SELECT name FROM customers ORDER BY name", nil, "0A000"},
		{"SELECT array_agg(id ORDER BY name) FROM customers", nil, "0A000"},
		{"SELECT count(*) FROM customers WHERE name = 'nobody'", nil, "0"},
		{"RESET foreshadow.missing_collation", nil, ""},
		{"SET foreshadow.as_of = 'nonsense'", nil, "22023"},
		{"SELECT set_config('foreshadow.as_of', 'nonsense', false)", nil, "nonsense"},
		{"SELECT count(*) FROM orders", nil, "22023"},
		{"SET foreshadow.as_of = 'now'", nil, ""},
		{"SELECT count(*) FROM orders", nil, "400"},
		{"SET foreshadow.as_of = '1999-01-01'", nil, ""},
		{"SELECT count(*) FROM orders", nil, "72000"},
		{"SELECT 1", nil, "1"},
		{"RESET foreshadow.as_of", nil, ""},
		{"SELECT count(*) FROM orders FOR SYSTEM_TIME AS OF '1999-01-01' o", nil, "72000"},
		{"SELECT count(*) FROM orders FOR SYSTEM_TIME AS OF now() o WHERE o.id < 3", nil, "2"},
		{"SELECT count(*) FROM orders FOR SYSTEM_TIME AS OF $1", []session.Param{text("0/1")}, "400"},
		{"BEGIN", nil, ""},
		{"SELECT id / 0 FROM orders", nil, "22012"},
		{"SELECT count(*) FROM orders", nil, "25P02"},
		{"DELETE FROM orders", nil, "25P02"},
		{"ROLLBACK", nil, ""},
		{"BEGIN", nil, ""},
		{"SAVEPOINT foreshadow_constants", nil, ""},
		{"SELECT CASE WHEN false THEN 1/0 ELSE id END FROM orders WHERE id < 3 ORDER BY id", nil, "1; 2"}, // a constant that is never computed
		{"SELECT count(*) + coalesce(1, $1::int / 0) FROM orders", []session.Param{text("7")}, "401"},
		{"ROLLBACK TO foreshadow_constants", nil, ""},
		{"SELECT 1/0 FROM orders", nil, "22012"},
		{"SELECT 1", nil, "25P02"},
		{"ROLLBACK", nil, ""},
		{"SELECT x FROM foreshadow.predicted_state(('x' || 'y')::interval) p(x) WHERE false", nil, "22007"},
		{"SELECT count(*) FROM guarded", nil, "42501"},
		{"SELECT count(*) FROM secret", nil, "42501"},
		{"UPDATE orders SET id = 1", nil, "25006"},
		{"SET search_path = pg_catalog", nil, ""},
		{"SELECT count(*) FROM orders", nil, "42P01"},
		{"SELECT count(*) FROM public.orders", nil, "400"},
		{"RESET search_path", nil, ""},
		{"SELECT count(*) FROM foreshadow.change_log WHERE transaction_type = 'delete' AND after->>'id' = '5'", nil, "0"},
		{"SELECT relation FROM foreshadow.change_log ORDER BY commit_time DESC, lsn, seq LIMIT 1", nil, ""},
		{"SELECT count(*) FROM foreshadow.series s JOIN foreshadow.series_points p USING (series)", nil, "0"},
		{"SELECT count(query), max(mean) FROM foreshadow.load_forecast WHERE at > now()", nil, "0,NULL"},
		{"SELECT rows FROM foreshadow.tables WHERE relation = 'public.orders'", nil, "400"},
		{"SELECT * FROM foreshadow.capture_gaps", nil, ""},
		{"SELECT count(*) FROM foreshadow.volume_forecast v JOIN foreshadow.forecast_runs r ON r.run_id = v.run_id", nil, "0"},
		{"SELECT count(*) FROM foreshadow.limits_forecast WHERE p50 < now() + '90 days'", nil, "0"},
		{"SELECT count(*) FROM foreshadow.change_profile WHERE surprise > 3", nil, "0"},
		{"SELECT * FROM foreshadow.predicted_state('1 day')", nil, "55000"},
	}
	for _, step := range steps {
		a := run(t, s, step.sql, step.params...)
		got := a.code
		if a.code == "" {
			var rows []string
			for _, r := range a.rows {
				rows = append(rows, strings.Join(r, ","))
			}
			got = strings.Join(rows, "; ")
		}
		if got != step.want {
			t.Errorf("%s\ngot  %s %s\nwant %s", step.sql, got, a.err, step.want)
		}
	}
	if a := run(t, connect(t, e, "outsider"), "SELECT count(*) FROM orders"); a.code != sqlerr.InsufficientPrivilege {
		t.Errorf("outsider: %+v", a)
	}
}

// statement is one line of the corpus.
type statement struct {
	sql                     string
	refused, fails, ordered bool
}

func corpus() []statement {
	var out []statement
	scan := bufio.NewScanner(strings.NewReader(corpusSQL))
	for scan.Scan() {
		line := strings.TrimSuffix(strings.TrimSpace(scan.Text()), ";")
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		sql, mark, _ := strings.Cut(line, " -- ")
		out = append(out, statement{sql, mark == "refused", mark == "error", strings.Contains(sql[strings.LastIndex(sql, ")")+1:], "ORDER BY")})
	}
	return out
}

// compare says what differs, or "".
func compare(c statement, want, got answer) string {
	switch {
	case c.refused:
		if want.code != "" || got.code != sqlerr.FeatureNotSupported {
			return fmt.Sprintf("not refused: %+v", got)
		}
		return ""
	case want.code != got.code:
		return fmt.Sprintf("primary: %s %s\n  agent: %s %s", want.code, want.err, got.code, got.err)
	case want.code != "":
		if !c.fails {
			return "both fail: " + want.err
		}
		return ""
	case c.fails:
		return "no error"
	case len(want.rows) > 0 && !slices.Equal(want.fields, got.fields):
		return fmt.Sprintf("columns\nprimary: %v\n  agent: %v", want.fields, got.fields)
	case len(want.rows) != len(got.rows):
		return fmt.Sprintf("%d rows instead of %d", len(got.rows), len(want.rows))
	}
	if !c.ordered {
		slices.SortFunc(want.rows, slices.Compare)
		slices.SortFunc(got.rows, slices.Compare)
	}
	for i := range want.rows {
		for j := range want.rows[i] {
			if !equal(want.oids[j], want.rows[i][j], got.rows[i][j]) {
				return fmt.Sprintf("row %d column %s\nprimary: %s\n  agent: %s", i, want.fields[j], want.rows[i][j], got.rows[i][j])
			}
		}
	}
	return ""
}

// equal allows floats their last digits, which depend on the order of summation.
func equal(oid uint32, a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return oid == types.Float8 && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), 1)
}

func ask(t *testing.T, c *pgconn.PgConn, sql string) answer {
	t.Helper()
	var a answer
	var r pgconn.Result
	described, err := c.Prepare(t.Context(), "", sql, nil)
	if err == nil {
		r = *c.ExecPrepared(t.Context(), "", nil, nil, nil).Read()
		err = r.Err
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return answer{code: pe.Code, err: pe.Message, words: pe.Message, at: int(pe.Position)}
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range described.Fields { // not those of the plan, which may have lost a branch of a UNION
		a.fields = append(a.fields, fmt.Sprintf("%s:%d", f.Name, f.DataTypeOID))
		a.oids, a.mods = append(a.oids, f.DataTypeOID), append(a.mods, f.TypeModifier)
	}
	for _, row := range r.Rows {
		a.rows = append(a.rows, texts(row))
	}
	return a
}

func texts(row [][]byte) []string {
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = "NULL"
		if v != nil {
			out[i] = "'" + string(v)
		}
		out[i] = strings.TrimPrefix(out[i], "'")
	}
	return out
}

func newEngine(t testing.TB, o engine.Options) *engine.Engine {
	t.Helper()
	o.Logins = plainLogins{}
	e, err := engine.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// stack is a real mirror and a real shadow of the primary.
func stack(t *testing.T, pg *pgtest.Server) []engine.Source {
	t.Helper()
	m := mirrored(t, pg)
	db, err := shadow.Open(shadow.Options{Dir: t.TempDir(), MemoryLimit: "1GB", Threads: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, r := range pg.Query(t, "postgres", "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')") {
		load(t, pg, db, r[0], r[1])
	}
	return sources(m, db)
}

func sources(m *mirror.Mirror, db *shadow.DB) []engine.Source {
	s := agent.EngineSource("postgres", m, db)
	s.Shadow = realShadow{s.Shadow, db, new(atomic.Int64), new(atomic.Int64)}
	return []engine.Source{s}
}

// mirrored is a mirror that is ready.
func mirrored(t testing.TB, pg *pgtest.Server) *mirror.Mirror {
	t.Helper()
	m, err := mirror.New(mirror.Options{Dir: pgtest.Dir(t), SourceDSN: pg.DSN("postgres", "postgres"), CatalogSQL: catalog.SQL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	during(t, m.Run)
	await(t, m.Ready(), 2*time.Minute)
	return m
}

// during runs something until the test ends.
func during(t testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

// await waits for a part to become ready.
func await(t testing.TB, ready <-chan struct{}, limit time.Duration) {
	t.Helper()
	select {
	case <-ready:
	case <-time.After(limit):
		t.Fatal("it does not become ready")
	}
}

// load copies a table into the shadow as an initial copy does.
func load(t *testing.T, pg *pgtest.Server, db *shadow.DB, schema, table string) {
	t.Helper()
	rel := &change.Relation{Schema: schema, Name: table, Identity: change.IdentityDefault, Version: 1}
	name := pgx.Identifier{schema, table}.Sanitize()
	var names []string
	for _, r := range pg.Query(t, "postgres", `SELECT a.attrelid::bigint, a.attname, a.atttypid::bigint, a.atttypmod, format_type(a.atttypid, a.atttypmod), coalesce(a.attnum = ANY (i.indkey), false)
		FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND a.attgenerated = '' ORDER BY a.attnum`, name) {
		oid, _ := strconv.ParseUint(r[0], 10, 32)
		typ, _ := strconv.ParseUint(r[2], 10, 32)
		mod, _ := strconv.Atoi(r[3])
		rel.OID = uint32(oid)
		names = append(names, pgx.Identifier{r[1]}.Sanitize())
		rel.Columns = append(rel.Columns, change.Column{Name: r[1], TypeOID: uint32(typ), TypMod: int32(mod), TypeName: r[4], Key: r[5] == "t"})
	}
	conn, err := pgconn.Connect(t.Context(), pg.DSN("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	ask(t, conn, "SET timezone = 'UTC'")
	rows := conn.ExecParams(t.Context(), "SELECT "+strings.Join(names, ", ")+" FROM "+name, nil, nil, nil, nil).Read()
	for err := shadow.ErrAsText; errors.Is(err, shadow.ErrAsText); { // once for each column that DuckDB's type is too small for
		if err = fill(t, db, rel, rows.Rows); err != nil && !errors.Is(err, shadow.ErrAsText) {
			t.Fatal(err)
		}
	}
}

func fill(t *testing.T, db *shadow.DB, rel *change.Relation, rows [][][]byte) error {
	l, err := db.Load(t.Context(), rel, 1, time.Now(), nil)
	if err != nil {
		return err
	}
	for _, row := range rows {
		values := make([]change.Value, len(row))
		for i, v := range row {
			if v != nil {
				values[i] = change.Value{Text: v, State: change.Set}
			}
		}
		if err := l.Row(values); err != nil {
			return err
		}
	}
	return l.Commit()
}

// plainLogins takes every user for the role of the same name.
type plainLogins struct{}

func (plainLogins) Verifier(context.Context, string) (string, error) { return "", nil }
func (plainLogins) Login(_ context.Context, user string) (engine.Login, error) {
	return engine.Login{Name: user, Role: user}, nil
}
func (plainLogins) SetVerifier(context.Context, engine.Login, string) error { return nil }

// realShadow counts its queries, and how often rows were lent.
type realShadow struct {
	engine.Shadow
	db      *shadow.DB
	queries *atomic.Int64
	loans   *atomic.Int64
}

func (r realShadow) Query(ctx context.Context, q engine.Query) (result.Rows, error) {
	r.queries.Add(1)
	return r.Shadow.Query(ctx, q)
}

func (r realShadow) Together(ctx context.Context, do func(func(engine.Query) (result.Rows, error)) error) error {
	r.loans.Add(1)
	return r.Shadow.Together(ctx, do)
}

func connect(t *testing.T, e *engine.Engine, user string) session.Session {
	t.Helper()
	s, err := e.Connect(t.Context(), session.Startup{User: user, Database: "postgres", Params: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// run executes one statement through a session as pgwire does, in text format.
func run(t *testing.T, s session.Session, sql string, params ...session.Param) answer {
	t.Helper()
	st, err := s.Prepare(t.Context(), session.Text{SQL: sql}, nil)
	if err != nil {
		if err := s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		return failed(err)
	}
	defer func() { _ = st.Close() }()
	return execute(t, s, st, params...)
}

// failed is an error as a client sees it.
func failed(err error) answer {
	e := sqlerr.From(err)
	return answer{code: e.Code, err: e.Message + " " + e.Detail + " " + e.Hint, words: e.Message, at: e.Position}
}

// execute binds and runs a statement, and ends its implicit transaction.
func execute(t *testing.T, s session.Session, st session.Statement, params ...session.Param) (a answer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	defer func() {
		if err := s.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}()
	p, err := st.Bind(ctx, params, nil)
	if err != nil {
		return failed(err)
	}
	for _, f := range p.Fields() {
		a.fields = append(a.fields, fmt.Sprintf("%s:%d", f.Name, f.TypeOID))
		a.oids, a.mods = append(a.oids, f.TypeOID), append(a.mods, f.TypMod)
	}
	rows, err := p.Rows(ctx)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = rows.Close() }()
	enc, err := encode.New(p.Fields(), nil, func() (*encode.Settings, error) { return encode.ParseSettings(s.Status()) })
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return a
		}
		if err != nil {
			return failed(err)
		}
		if err := enc.Batch(b); err != nil {
			return failed(err)
		}
		for i := range b.Len {
			row, err := enc.AppendRow(nil, b, i)
			if err != nil {
				return failed(err)
			}
			a.rows = append(a.rows, texts(cells(row)))
		}
	}
}

// cells reads a DataRow message.
func cells(msg []byte) [][]byte {
	msg = msg[5:]
	out := make([][]byte, binary.BigEndian.Uint16(msg))
	msg = msg[2:]
	for i := range out {
		n := int32(binary.BigEndian.Uint32(msg))
		msg = msg[4:]
		if n >= 0 {
			out[i], msg = msg[:n], msg[n:]
		}
	}
	return out
}
