package orchestrator_test

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/orchestrator"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/postgres"
	"foreshadow/forecast"
	"foreshadow/sql/result"
	"foreshadow/sql/types"

	"github.com/jackc/pgx/v5"
)

// now is the moment of all plans in these tests.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// primary stands in for the shadow, the mirror and the predictor: it reads a real server by SQL.
type primary struct {
	*pgtest.Server
	t      testing.TB
	db     string
	dir    string
	growth map[string]float64    // projected rows of a table, by schema.name
	bytes  float64               // projected heap bytes of each
	before func(context.Context) // called before the rows of each relation are read
}

// newPrimary makes a source from SQL.
func newPrimary(t testing.TB, sql string) *primary {
	t.Helper()
	p := &primary{Server: pgtest.Start(t), t: t, db: "shop", dir: pgtest.Dir(t), growth: map[string]float64{}}
	p.CreateDatabase(t, p.db)
	p.Exec(t, p.db, sql)
	return p
}

func (p *primary) PredictedState(_ context.Context, horizon time.Time) (forecast.PredictedState, error) {
	s := forecast.PredictedState{Horizon: horizon, RunID: 7}
	for name, rows := range p.growth {
		v := forecast.TableVolume{Relation: name, Rows: forecast.Quantiles{P10: rows / 2, P50: rows, P90: rows * 2}, RowsNow: rows / 2}
		v.Heap = forecast.Quantiles{P10: p.bytes, P50: p.bytes, P90: p.bytes}
		s.ProjectedDataVolume = append(s.ProjectedDataVolume, v)
	}
	return s, nil
}

func (p *primary) SchemaDump(ctx context.Context, _ string) (roles, pre, post string, err error) {
	files := map[string][]string{"roles": {"--roles-only", "--no-role-passwords"}, "pre": {"--section=pre-data", p.db}, "post": {"--section=post-data", p.db}}
	for name, args := range files {
		tool := "pg_dump"
		if name == "roles" {
			tool = "pg_dumpall"
		}
		out, err := p.Command(ctx, tool, args...).Output()
		if err != nil {
			return "", "", "", err
		}
		if err := os.WriteFile(filepath.Join(p.dir, name+".sql"), out, 0o600); err != nil {
			return "", "", "", err
		}
	}
	return filepath.Join(p.dir, "roles.sql"), filepath.Join(p.dir, "pre.sql"), filepath.Join(p.dir, "post.sql"), nil
}

func (p *primary) Relations(context.Context) ([]change.Relation, error) {
	var out []change.Relation
	for _, r := range p.Query(p.t, p.db, `SELECT c.oid, nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind = 'r' AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' ORDER BY 1`) {
		oid, _ := new(big.Int).SetString(r[0], 10)
		out = append(out, change.Relation{OID: uint32(oid.Int64()), Schema: r[1], Name: r[2]})
	}
	return out, nil
}

func (p *primary) Position(context.Context) (change.LSN, time.Time, error) { return 0x1000, now, nil }

// Rows reads a table in PostgreSQL's text form and makes batches of it as the shadow does.
func (p *primary) Rows(ctx context.Context, oid uint32, _ change.LSN) (result.Rows, error) {
	if p.before != nil {
		p.before(ctx)
	}
	conn, err := pgx.Connect(ctx, p.DSN(postgres.Superuser, p.db))
	if err != nil {
		return nil, err
	}
	var name string
	if err := conn.QueryRow(ctx, "SELECT $1::oid::regclass::text", oid).Scan(&name); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT * FROM ONLY "+name, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, err
	}
	out := &sqlRows{conn: conn, rows: rows}
	for _, f := range rows.FieldDescriptions() {
		out.fields = append(out.fields, result.Field{Name: f.Name, TypeOID: f.DataTypeOID, TypMod: f.TypeModifier, TypeSize: f.DataTypeSize})
	}
	return out, nil
}

// sqlRows are rows of a query as batches.
type sqlRows struct {
	conn   *pgx.Conn
	rows   pgx.Rows
	fields []result.Field
	once   sync.Once
}

func (r *sqlRows) Fields() []result.Field { return r.fields }
func (r *sqlRows) Tag() string            { return "" }
func (r *sqlRows) Close() error {
	r.once.Do(func() { r.rows.Close(); _ = r.conn.Close(context.Background()) })
	return nil
}

func (r *sqlRows) Next(context.Context) (*result.Batch, error) {
	b := &result.Batch{Columns: make([]result.Column, len(r.fields))}
	for i, f := range r.fields {
		t := types.Of(f.TypeOID, f.TypMod)
		b.Columns[i].Kind = t.Kind
		if t.Kind == result.Decimal {
			_, b.Columns[i].Scale, _ = types.Precision(f.TypMod)
		}
	}
	for b.Len < 1000 && r.rows.Next() {
		for i, v := range r.rows.RawValues() {
			c := &b.Columns[i]
			c.Nulls = append(c.Nulls, v == nil)
			add(c, string(v))
		}
		b.Len++
	}
	if err := r.rows.Err(); err != nil {
		return nil, err
	}
	if b.Len == 0 {
		return nil, io.EOF
	}
	return b, nil
}

// add parses one value of the kinds that the tests use; a NULL comes as an empty text.
func add(c *result.Column, v string) {
	since := func(layout string) int64 {
		at, _ := time.Parse(layout, v)
		return at.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Microseconds()
	}
	number := func() int64 {
		n, _ := new(big.Int).SetString(strings.ReplaceAll("0"+v, "0-", "-"), 10)
		return n.Int64()
	}
	switch c.Kind {
	case result.Bool:
		c.Ints = append(c.Ints, map[string]int64{"t": 1}[v])
	case result.Int:
		c.Ints = append(c.Ints, number())
	case result.Float:
		f, _, err := big.ParseFloat(v, 10, 53, big.ToNearestEven)
		if err != nil {
			c.Floats = append(c.Floats, math.NaN())
			return
		}
		x, _ := f.Float64()
		c.Floats = append(c.Floats, x)
	case result.Decimal:
		v = strings.Replace(v, ".", "", 1)
		c.Ints = append(c.Ints, number())
	case result.Date:
		c.Ints = append(c.Ints, since("2006-01-02")/86_400_000_000)
	case result.Timestamp:
		layout := "2006-01-02 15:04:05.999999"
		if strings.Contains(v, "+") {
			layout += "-07"
		}
		c.Ints = append(c.Ints, since(layout))
	case result.Bytea:
		raw, _ := hex.DecodeString(strings.TrimPrefix(v, `\x`))
		c.Bytes = append(c.Bytes, raw)
	case result.UUID:
		raw, _ := hex.DecodeString(strings.ReplaceAll(v, "-", ""))
		c.Bytes = append(c.Bytes, raw)
	default:
		c.Bytes = append(c.Bytes, []byte(v))
	}
}

// newOrchestrator makes one beside a primary; it is closed at the test's end.
func newOrchestrator(t testing.TB, p *primary, change func(*orchestrator.Options)) *orchestrator.Orchestrator {
	t.Helper()
	o := orchestrator.Options{Dir: filepath.Join(pgtest.Dir(t), "instances"), Predictor: p, Store: p, Schema: p, Now: func() time.Time { return now },
		Reserved: func() []string { return []string{p.db} }}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if change != nil {
		change(&o)
	}
	orch, err := orchestrator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := orch.Close(); err != nil {
			t.Errorf("close orchestrator: %v", err)
		}
	})
	return orch
}

// within bounds a test.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
