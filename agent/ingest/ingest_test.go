package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/big"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// patience bounds every wait for something new to happen; a loaded machine is slow.
const patience = 60 * time.Second

// agent is a running capture of a server's database postgres.
type agent struct {
	t     testing.TB
	pg    *pgtest.Server
	store *shadow.DB
	in    *Ingest
	conn  *pgx.Conn // what the primary is asked on
	stop  func()
}

func run(t testing.TB, pg *pgtest.Server, dir string) *agent {
	t.Helper()
	return runWith(t, pg, dir, 0)
}

// runWith starts an agent with a budget of log and waits until it has copied everything.
func runWith(t testing.TB, pg *pgtest.Server, dir string, budget int64) *agent {
	t.Helper()
	a := launchWith(t, pg, dir, budget)
	a.ready()
	return a
}

// ready waits until every table has its rows.
func (a *agent) ready() {
	a.t.Helper()
	a.progress("every table is copied", func() bool {
		select {
		case <-a.in.Ready():
			return true
		default:
			return false
		}
	})
}

func launch(t testing.TB, pg *pgtest.Server, dir string) *agent {
	t.Helper()
	return launchWith(t, pg, dir, 0)
}

func launchWith(t testing.TB, pg *pgtest.Server, dir string, budget int64) *agent {
	t.Helper()
	return launchOn(t, pg, dir, pg.DSN("postgres", "postgres"), budget)
}

// launchOn starts an agent with a connection string that may name several servers; pg is the one that the test talks to.
func launchOn(t testing.TB, pg *pgtest.Server, dir, dsn string, budget int64) *agent {
	t.Helper()
	return launchAs(t, pg, dsn, shadow.Options{Dir: dir}, Options{Budget: budget})
}

// launchAs starts an agent whose shadow and loop have options of their own.
func launchAs(t testing.TB, pg *pgtest.Server, dsn string, so shadow.Options, o Options) *agent {
	t.Helper()
	so.MemoryLimit, so.Threads = "2GB", 2
	if _, bench := t.(*testing.B); !bench {
		so.Seal, so.Direct = cmp.Or(so.Seal, 200*time.Millisecond), -1 // small tables go the way of large ones
	}
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	so.Log = o.Log
	store, err := shadow.Open(so)
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.New(capture.Options{DSN: dsn, Failover: true, Spool: filepath.Join(so.Dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	o.Name, o.Source, o.Store, o.Watch = "test", src, store, 200*time.Millisecond
	in, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = in.Run(ctx)
	}()
	a := &agent{t: t, pg: pg, store: store, in: in}
	a.stop = func() {
		if cancel != nil {
			cancel()
			cancel = nil
			<-done
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(a.stop)
	return a
}

// query asks the primary, with the settings in which values are compared, whatever the database's are.
func (a *agent) query(sql string, args ...any) [][]string {
	a.t.Helper()
	if a.conn == nil {
		cfg, err := pgx.ParseConfig(a.pg.DSN("postgres", "postgres"))
		if err != nil {
			a.t.Fatal(err)
		}
		for name, value := range map[string]string{"datestyle": "ISO", "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1", "timezone": "UTC"} {
			cfg.RuntimeParams[name] = value
		}
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
		if a.conn, err = pgx.ConnectConfig(a.t.Context(), cfg); err != nil {
			a.t.Fatal(err)
		}
		a.t.Cleanup(func() { _ = a.conn.Close(context.Background()) })
	}
	rows, err := a.conn.Query(a.t.Context(), sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	if err != nil {
		a.t.Fatal(err)
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		var row []string
		for _, v := range rows.RawValues() {
			if row = append(row, string(v)); v == nil {
				row[len(row)-1] = pgtest.Null
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		a.t.Fatalf("%v in: %s", err, sql)
	}
	return out
}

// lsn is the primary's position now.
func (a *agent) lsn() change.LSN {
	a.t.Helper()
	l, err := change.ParseLSN(a.query("SELECT pg_current_wal_flush_lsn()::text")[0][0])
	if err != nil {
		a.t.Fatal(err)
	}
	return l
}

// until polls a condition.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		if f() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// progress polls a condition for as long as the agent gets on.
func (a *agent) progress(what string, f func() bool) {
	a.t.Helper()
	state := func() string {
		s := a.in.Status()
		return fmt.Sprint(s.Received, s.Changes, a.in.Operations())
	}
	last, end := state(), time.Now().Add(patience)
	for !f() {
		if now := state(); now != last {
			last, end = now, time.Now().Add(patience)
		}
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			a.t.Fatalf("nothing happens any more while waiting until %s: %+v\n%s", what, a.in.Status(), stacks[:runtime.Stack(stacks, true)])
		}
		<-time.After(10 * time.Millisecond)
	}
}

// catchUp waits until everything that is committed now is stored.
func (a *agent) catchUp() change.LSN {
	a.t.Helper()
	a.query("CREATE TABLE IF NOT EXISTS public.beat (n bigint PRIMARY KEY)")
	oid := a.oid("beat")
	until(a.t, "table beat is captured", func() bool { _, err := a.store.RowCount(a.t.Context(), oid); return err == nil })
	a.query("INSERT INTO public.beat VALUES ((random() * 1e18)::bigint)")
	end := a.lsn()
	a.progress("the last commit is stored", func() bool { return a.in.Status().Received >= end })
	pos, _, err := a.store.Position(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return pos
}

func (a *agent) oid(table string) uint32 {
	a.t.Helper()
	n, err := strconv.ParseUint(a.query("SELECT $1::regclass::oid::text", "public."+table)[0][0], 10, 32)
	if err != nil {
		a.t.Fatal(err)
	}
	return uint32(n)
}

// primary reads a table from the primary as text, sorted.
func (a *agent) primary(table string) []string {
	a.t.Helper()
	cols := a.query(`SELECT CASE WHEN format_type(atttypid, NULL) = 'interval' THEN format('CASE WHEN %1$I IS NULL THEN NULL ELSE format(''%%s %%s %%s'',
		(extract(year from %1$I) * 12 + extract(month from %1$I))::int, extract(day from %1$I)::int, (extract(hour from %1$I) * 3600000000 +
		extract(minute from %1$I) * 60000000 + extract(microseconds from %1$I))::bigint) END', attname)
		WHEN format_type(atttypid, NULL) = 'character' THEN format('textin(bpcharout(%I))', attname)
		WHEN format_type(atttypid, NULL) = 'xml' THEN format('textin(xml_out(%I))', attname)
		WHEN atttypid = '"char"'::regtype THEN format('CASE WHEN %1$I::int < 0 THEN ''\'' || (%1$I::int + 256) / 64 || (%1$I::int + 256) / 8 %% 8 || (%1$I::int + 256) %% 8 ELSE %1$I::text END', attname)
		WHEN format_type(atttypid, NULL) = 'inet' THEN format('textin(inet_out(%I))', attname)
		ELSE quote_ident(attname) || '::text' END
		FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, "public."+table)
	var list []string
	for _, c := range cols {
		list = append(list, c[0])
	}
	var out []string
	for _, r := range a.query("SELECT " + strings.Join(list, ", ") + " FROM public." + table) {
		out = append(out, strings.Join(r, "|"))
	}
	slices.Sort(out)
	return out
}

// shadowed reads a table from the shadow in the same form.
func (a *agent) shadowed(oid uint32, at change.LSN) ([]string, error) {
	rows, err := a.store.Rows(a.t.Context(), oid, at)
	if err != nil {
		return nil, err
	}
	return a.texts(rows)
}

// then reads a table from the shadow as it was, with the columns of then, in DuckDB's types.
func (a *agent) then(oid uint32, at change.LSN) ([]string, error) {
	sql, err := a.store.Source(a.t.Context(), shadow.Ref{OID: oid, AsOf: shadow.AsOf{LSN: at}, Then: true})
	if err != nil {
		return nil, err
	}
	rows, err := a.store.Query(a.t.Context(), shadow.Query{SQL: sql})
	if err != nil {
		return nil, err
	}
	return a.texts(rows)
}

// texts reads rows as text, sorted.
func (a *agent) texts(rows result.Rows) ([]string, error) {
	defer rows.Close()
	var out []string
	for {
		b, err := rows.Next(a.t.Context())
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.Len {
			cells := make([]string, len(b.Columns))
			for j := range b.Columns {
				cells[j] = render(&b.Columns[j], rows.Fields()[j].TypeOID, i)
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
}

// same compares a table with the primary row by row. A change of columns that no row followed is seen in the catalog, a moment later.
func (a *agent) same(table string) {
	a.t.Helper()
	want := a.primary(table)
	diff := ""
	for end := time.Now().Add(patience); time.Now().Before(end); {
		got, err := a.shadowed(a.oid(table), 0)
		if diff = differ(got, want); err == nil && diff == "" {
			return
		}
		if err != nil {
			diff = err.Error()
		}
		<-time.After(50 * time.Millisecond)
	}
	a.t.Errorf("table %s: %.2000s", table, diff)
}

func differ(got, want []string) string {
	var b strings.Builder
	if len(got) != len(want) {
		fmt.Fprintf(&b, "%d rows, want %d; ", len(got), len(want))
	}
	if len(got) == len(want) {
		for i := range got {
			g, w := strings.Split(got[i], "|"), strings.Split(want[i], "|")
			if len(g) != len(w) {
				return fmt.Sprintf("%d columns, want %d", len(g), len(w))
			}
			for k := range g {
				if g[k] != w[k] {
					fmt.Fprintf(&b, "\n  row %s column %d: %.200q, want %.200q", g[0], k+1, g[k], w[k])
				}
			}
		}
		return b.String()
	}
	for i, j, n := 0, 0, 0; (i < len(got) || j < len(want)) && n < 5; {
		switch {
		case i < len(got) && j < len(want) && got[i] == want[j]:
			i, j = i+1, j+1
		case j == len(want) || i < len(got) && got[i] < want[j]:
			fmt.Fprintf(&b, "\n  only in the shadow: %.300q", got[i])
			i, n = i+1, n+1
		default:
			fmt.Fprintf(&b, "\n  only in the primary: %.300q", want[j])
			j, n = j+1, n+1
		}
	}
	return b.String()
}

// render writes a value as PostgreSQL's cast to text does.
func render(c *result.Column, oid uint32, i int) string {
	if c.Null(i) {
		return pgtest.Null
	}
	switch c.Kind {
	case result.Bool:
		return strconv.FormatBool(c.Ints[i] != 0)
	case result.Int:
		if oid == types.LSN {
			return change.LSN(c.Ints[i]).String()
		}
		return strconv.FormatInt(c.Ints[i], 10)
	case result.Float:
		return float(c.Floats[i], oid)
	case result.Decimal:
		return decimal(c, i)
	case result.Bytea:
		return fmt.Sprintf("\\x%x", c.Bytes[i])
	case result.UUID:
		b := c.Bytes[i]
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case result.Date:
		return stamp(c.Ints[i], 1, "")
	case result.Time:
		return clock(c.Ints[i])
	case result.Timestamp:
		zone := ""
		if oid == types.TimestampTZ {
			zone = "+00"
		}
		return stamp(c.Ints[i], 86_400_000_000, zone)
	case result.Interval:
		s := c.Intervals[i]
		return fmt.Sprintf("%d %d %d", s.Months, s.Days, s.Micros)
	}
	return string(c.Bytes[i])
}

func float(f float64, oid uint32) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	bits := 64
	if oid == types.Float4 {
		bits = 32
	}
	format := byte('f')
	if v := math.Abs(f); f != 0 && (v < 1e-4 || v >= 1e15 || bits == 32 && v >= 1e6) {
		format = 'e'
	}
	return strconv.FormatFloat(f, format, -1, bits)
}

func decimal(c *result.Column, i int) string {
	n := new(big.Int)
	if c.Bigs != nil {
		n = c.Bigs[i]
	} else {
		n.SetInt64(c.Ints[i])
	}
	s := new(big.Int).Abs(n).String()
	for len(s) <= c.Scale {
		s = "0" + s
	}
	if c.Scale > 0 {
		s = s[:len(s)-c.Scale] + "." + s[len(s)-c.Scale:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

func clock(us int64) string {
	s := fmt.Sprintf("%02d:%02d:%02d", us/3_600_000_000, us/60_000_000%60, us/1_000_000%60)
	if f := us % 1_000_000; f != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", f), "0")
	}
	return s
}

// stamp writes a date or a timestamp of PostgreSQL's epoch.
func stamp(n, perDay int64, zone string) string {
	switch n {
	case math.MaxInt64:
		return "infinity"
	case math.MinInt64:
		return "-infinity"
	}
	days := n / perDay
	rest := n % perDay
	if rest < 0 {
		days, rest = days-1, rest+perDay
	}
	// Go's calendar is exact for any year; days are counted in steps that time.Duration need not hold
	d := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(days))
	year, era := d.Year(), ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	s := fmt.Sprintf("%04d-%02d-%02d", year, d.Month(), d.Day())
	if perDay > 1 {
		s += " " + clock(rest)
	}
	return s + zone + era
}
