package predict

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"

	"github.com/jackc/pgx/v5/pgxpool"
)

const scripts = "../../scripts/shop"

// primary is a Store that counts rows on a real server; series and runs stay in memory.
type primary struct {
	fake
	pool *pgxpool.Pool
}

func (p *primary) Relations(ctx context.Context) ([]change.Relation, error) {
	rows, err := p.pool.Query(ctx, `SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []change.Relation
	for rows.Next() {
		r := change.Relation{Schema: "public", Version: 1}
		if err := rows.Scan(&r.OID, &r.Name); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (p *primary) RowCount(ctx context.Context, oid uint32) (n int64, err error) {
	err = p.pool.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM %s`, p.name(ctx, oid))).Scan(&n)
	return n, err
}

func (p *primary) name(ctx context.Context, oid uint32) (name string) {
	_ = p.pool.QueryRow(ctx, `SELECT $1::oid::regclass::text`, oid).Scan(&name)
	return name
}

func (p *primary) TimeColumns(ctx context.Context, oid uint32) ([]forecast.TimeColumn, error) {
	rows, err := p.pool.Query(ctx, `SELECT attname FROM pg_attribute WHERE attrelid = $1 AND atttypid = 'timestamptz'::regtype AND attnum > 0`, oid)
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	var out []forecast.TimeColumn
	for _, n := range names {
		c := forecast.TimeColumn{Name: n}
		err := p.pool.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(*) - count(%[1]s), count(*) FILTER (WHERE %[1]s > now()), count(DISTINCT %[1]s::date), min(%[1]s), max(%[1]s) FROM %[2]s`, n, p.name(ctx, oid))).
			Scan(&c.Rows, &c.Nulls, &c.Future, &c.Days, &c.First, &c.Last)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (p *primary) DailyCounts(ctx context.Context, oid uint32, column string) (time.Time, []float64, error) {
	rows, err := p.pool.Query(ctx, fmt.Sprintf(`SELECT (%s AT TIME ZONE 'UTC')::date::timestamp, count(*)::float8 FROM %s GROUP BY 1 ORDER BY 1`, column, p.name(ctx, oid)))
	if err != nil {
		return time.Time{}, nil, err
	}
	defer rows.Close()
	var start time.Time
	var counts []float64
	for rows.Next() {
		var d time.Time
		var n float64
		if err := rows.Scan(&d, &n); err != nil {
			return start, nil, err
		}
		if start.IsZero() {
			start = d
		}
		for len(counts) < int(d.Sub(start)/day) {
			counts = append(counts, 0)
		}
		counts = append(counts, n)
	}
	return start, counts, rows.Err()
}

// run runs one of the shop's scripts against the server.
func run(t *testing.T, pg *pgtest.Server, name string, args ...string) *exec.Cmd {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join(scripts, name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), abs, args...)
	for _, env := range pg.Command(t.Context(), "psql").Env {
		if strings.HasPrefix(env, "PG") {
			cmd.Env = append(cmd.Env, env)
		}
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
	return cmd
}

// The demo's shop, from an empty server to a predicted state: what its data was made with is what must come out.
func TestShop(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	began := time.Now()
	if out, err := run(t, pg, "create", "shop").CombinedOutput(); err != nil {
		t.Fatalf("create: %v\n%s", err, out)
	}
	t.Logf("the shop was made in %v", time.Since(began).Round(time.Millisecond))
	pool, err := pgxpool.New(t.Context(), pg.DSN("foreshadow", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store := &primary{pool: pool}
	history := filepath.Join(t.TempDir(), "history.csv")
	csv, err := run(t, pg, "history", "8").Output()
	if err == nil {
		err = os.WriteFile(history, csv, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := sampler.New(sampler.Options{DSN: pg.DSN("foreshadow", "shop"), Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Store: store, References: s.References})
	if err != nil {
		t.Fatal(err)
	}
	store.now = time.Now()
	if n, err := r.ImportCSV(t.Context(), history); err != nil || n != 4*8*168 {
		t.Fatalf("imported %d: %v", n, err)
	}
	last, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkShop(t, r, last)
}

// checkShop compares the run with what data.sql says of the shop.
func checkShop(t *testing.T, r *Runner, last *forecast.Run) {
	t.Helper()
	s := state(t, r, 90*day)
	for _, v := range s.ProjectedDataVolume {
		t.Logf("%-20s %8.0f rows now, in 90 days %8.0f to %8.0f, median %8.0f; heap %.0f", v.Relation, v.RowsNow, v.Rows.P10, v.Rows.P90, v.Rows.P50, v.Heap.P50)
	}
	for relation, perDay := range map[string]float64{"public.customers": 105, "public.orders": 440, "public.order_items": 987, "public.events": 1320, "public.products": 4.2} {
		v := volumeOf(t, s, relation)
		if want := v.RowsNow + 90*perDay; math.Abs(v.Rows.P50-want) > 0.06*want {
			t.Errorf("%s: %+v in 90 days, want about %.0f", relation, v.Rows, want)
		}
	}
	key := last.Limits[0]
	t.Logf("first limit: %+v", key)
	if left := key.P50.Sub(last.StartedAt); key.Object != "public.events.id" || left < 150*day || left > 300*day || key.P10.After(key.P50) {
		t.Errorf("events.id runs out in %v: %+v", left, key)
	}
	for _, res := range last.Results {
		if res.Series.ID == "load.total_calls" && (res.Backtest.Skill <= 0 || res.Backtest.Coverage < 0.8) {
			t.Errorf("the imported load: %s, %+v", res.Model, res.Backtest)
		}
	}
	chart, err := r.Tables().Chart(t.Context(), "key.last:public.events.id", 365*day, 90, 14)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range chart.Rows {
		t.Log(row[0])
	}
}

// The load runs its real statements without an error, and stops when it is told to.
func TestShopLoad(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	if out, err := run(t, pg, "create", "shop").CombinedOutput(); err != nil {
		t.Fatalf("create: %v\n%s", err, out)
	}
	load := run(t, pg, "load", "shop", "4")
	var said strings.Builder
	load.Stderr = &said
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	count := `SELECT count(*) FROM pg_stat_statements WHERE calls > 0 AND (query LIKE 'INSERT INTO order%' OR query LIKE 'INSERT INTO events%' OR query LIKE 'UPDATE orders%' OR query LIKE 'SELECT%LIMIT $%' OR query LIKE 'SELECT o.id%') AND userid = 'shop_app'::regrole`
	deadline := time.Now().Add(90 * time.Second)
	for {
		if got := pg.Query(t, "shop", count)[0][0]; got >= "6" {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("not all statements of the load were seen: %v; it said %s", pg.Query(t, "shop", `SELECT calls, left(query, 60) FROM pg_stat_statements WHERE userid = 'shop_app'::regrole`), &said)
			break
		}
	}
	if err := load.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := load.Wait(); err != nil {
		t.Errorf("load ended with %v: %s", err, &said)
	}
	if left := pg.Query(t, "shop", `SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app' AND state = 'active'`); left[0][0] != "0" {
		t.Errorf("%v of its sessions are left", left)
	}
}
