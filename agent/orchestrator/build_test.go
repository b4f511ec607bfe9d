package orchestrator_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"foreshadow/agent/orchestrator"

	"github.com/jackc/pgx/v5/pgconn"
)

// shopSQL is the source of most tests.
func shopSQL(t testing.TB) string {
	b, err := os.ReadFile("testdata/shop.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// build plans and creates an instance.
func build(t testing.TB, o *orchestrator.Orchestrator, name string, params map[string]string) orchestrator.InstanceConfig {
	t.Helper()
	ctx := within(t)
	c, err := o.Plan(ctx, orchestrator.Request{Name: name, Source: "shop", Horizon: "90 days", Params: params})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Create(ctx, c, "hash of "+name, 1); err != nil {
		t.Fatal(err)
	}
	return c
}

// enter connects to an instance as a client of the agent would.
func enter(t testing.TB, o *orchestrator.Orchestrator, name, role string) *pgconn.PgConn {
	t.Helper()
	ctx := within(t)
	c, err := o.Dial(ctx, name, role, map[string]string{"application_name": "test", "user": "x", "replication": "database"})
	if err != nil {
		t.Fatal(err)
	}
	if start := string(c.Proxy.Start); !strings.Contains(start, "server_version") || !strings.HasSuffix(start, "Z\x00\x00\x00\x05I") {
		t.Fatalf("start bytes are %q", start)
	}
	cfg, err := pgconn.ParseConfig("host=/nowhere user=x sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	pg, err := pgconn.Construct(&pgconn.HijackedConn{Conn: c.Proxy.Conn, TxStatus: 'I', ParameterStatuses: map[string]string{"standard_conforming_strings": "on", "client_encoding": "UTF8"}, Config: cfg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Close(context.Background()) })
	return pg
}

// query gives the rows of the last statement as text, joined by "|".
func query(t testing.TB, conn *pgconn.PgConn, sql string) []string {
	t.Helper()
	results, err := conn.Exec(within(t), sql).ReadAll()
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	var out []string
	for _, row := range results[len(results)-1].Rows {
		var cells []string
		for _, v := range row {
			cells = append(cells, string(v))
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return out
}

// leftovers lists what stands below an orchestrator's directory, records and empty directories aside.
func leftovers(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	for _, sub := range []string{"data", "run"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			out = append(out, sub+"/"+e.Name())
		}
	}
	return out
}

// TestShopGrows is the main walk: every kind of table reaches its projected count with all constraints valid.
func TestShopGrows(t *testing.T) {
	t.Parallel()
	p := newPrimary(t, shopSQL(t))
	p.growth = map[string]float64{"public.customers": 800, "public.products": 61, "public.orders": 4321, "public.order_items": 9000, "public.item_notes": 1500,
		"public.customer_profiles": 650, "public.wishes": 2500, "public.employees": 130, "public.product_days": 3100, "public.logs": 4000, "public.events": 5555, "public.countries": 9}
	o := newOrchestrator(t, p, nil)
	build(t, o, "next_quarter", nil)
	conn := enter(t, o, "next_quarter", "postgres")
	for name, rows := range p.growth {
		got := query(t, conn, "SELECT count(*) = "+strconv.Itoa(int(rows))+", count(*) FROM "+name)
		if !strings.HasPrefix(got[0], "t|") {
			t.Errorf("%s has %s rows, projected %v", name, got[0][2:], rows)
		}
	}
	for _, r := range o.Reports() {
		t.Logf("%s: %d -> %d, is %d, %d bytes, %s: %s", r.Relation, r.SourceRows, r.ProjectedRows, r.ActualRows, r.SizeBytes, r.CheckName, r.Result)
	}
	sourceRowsKept(t, p, conn)
	for what, sql := range map[string]string{
		"constraints as on the primary": "SELECT count(*) FROM pg_constraint k JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = 'public' AND contype IN ('p', 'u', 'f') AND convalidated",
		"indexes as on the primary":     "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'",
	} {
		if got, want := query(t, conn, sql), p.Query(t, "shop", sql)[0][0]; got[0] != want {
			t.Errorf("%s: %s, want %s", what, got[0], want)
		}
	}
	for what, sql := range map[string]string{
		"new orders lie in the period, in order": `SELECT min(created_at) > '2026-11-22 12:00+00' AND max(created_at) <= '2027-02-20 12:00+00'
			AND count(*) FILTER (WHERE created_at <= before) = 0 FROM (SELECT id, created_at, lag(created_at) OVER (ORDER BY id) AS before FROM orders WHERE id > 3000) s`,
		"the gap to shipping is the donor's": "SELECT bool_and(shipped_at - created_at = interval '2 days') FROM orders",
		"birthdays stay":                     "SELECT max(born) < '1990-01-01' FROM customers",
		"emails keep their shape":            `SELECT bool_and(email ~ '^c\d+@example\.com$') FROM customers`,
		"codes keep their shape":             `SELECT bool_and(sku ~ '^SKU-\d{6}$') FROM products`,
		"events stay in partitions":          "SELECT count(*) FILTER (WHERE id > 4000) = 1555 AND max(created_at) < '2026-12-15' FROM events",
		"generated columns compute":          "SELECT bool_and(doubled = quantity * 2) FROM order_items",
		"new customers have new orders":      "SELECT count(*) > 0 FROM orders WHERE customer_id > 500",
		"those without orders keep none":     "SELECT count(*) FILTER (WHERE customer_id BETWEEN 401 AND 500) = 0 FROM orders",
		"new orders have items":              "SELECT count(DISTINCT order_id) > 500 FROM order_items WHERE order_id > 3000",
		"bosses are of the new ones too":     "SELECT count(*) > 10 FROM employees WHERE boss > 40",
		"the oldest log rows went":           "SELECT min(at) > '2026-01-01 01:00'::timestamp + interval '900 hours' FROM logs",
		"sequences go on":                    "SELECT nextval('orders_id_seq') = 4322 AND nextval('customers_id_seq') = 801 AND nextval('products_id_seq') = 62",
		"statistics are there":               "SELECT reltuples = 4321 FROM pg_class WHERE relname = 'orders'",
		"settings are the plan's":            "SELECT current_setting('fsync') = 'on' AND current_setting('autovacuum') = 'on' AND current_setting('shared_buffers') = '64MB'",
		"nothing of the build is left":       "SELECT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'foreshadow_seed') AND NOT EXISTS (SELECT FROM pg_database WHERE datname = 'foreshadow_shape')",
		"the database has the name":          "SELECT current_database() = 'next_quarter' AND current_setting('application_name') = 'test'",
		"no superuser came along":            "SELECT NOT rolsuper FROM pg_roles WHERE rolname = 'postgres'",
	} {
		if got := query(t, conn, sql); got[0] != "t" {
			t.Errorf("%s: %v", what, got)
		}
	}
	analyst := enter(t, o, "next_quarter", "analyst")
	query(t, analyst, "SELECT count(*) FROM orders")
	if _, err := analyst.Exec(within(t), "SELECT count(*) FROM customers").ReadAll(); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("the analyst reads customers: %v", err)
	}
	if _, err := conn.Exec(within(t), "COPY orders TO PROGRAM 'cat'").ReadAll(); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("a program ran: %v", err)
	}
}

// sourceRowsKept compares the rows of the source that the instance must still hold, value by value.
func sourceRowsKept(t testing.TB, p *primary, conn *pgconn.PgConn) {
	t.Helper()
	for _, sql := range []string{
		"SELECT md5(string_agg(c::text, E'\n' ORDER BY id)) FROM customers c WHERE id <= 500",
		"SELECT md5(string_agg(c::text, E'\n' ORDER BY id)) FROM products c WHERE id <= 50",
		"SELECT md5(string_agg(c::text, E'\n' ORDER BY id)) FROM orders c WHERE id <= 3000",
		"SELECT md5(string_agg(c::text, E'\n' ORDER BY id)) FROM events c WHERE id <= 4000",
		"SELECT md5(string_agg(c::text, E'\n' ORDER BY product_id, day)) FROM product_days c WHERE day < '2026-11-20'",
	} {
		sql = "SET TimeZone = 'UTC'; " + sql
		if got, want := query(t, conn, sql), p.Query(t, "shop", sql)[0][0]; got[0] != want {
			t.Errorf("rows of the source differ: %s", sql)
		}
	}
}
