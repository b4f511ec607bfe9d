package orchestrator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"foreshadow/agent/orchestrator"
	"foreshadow/agent/pgtest"
)

// benchSQL is a source of 300,000 rows in a shop's proportions.
const benchSQL = `
CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, created_at timestamptz NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, total numeric(12,2) NOT NULL, status text, created_at timestamptz NOT NULL);
CREATE TABLE items (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, product integer, quantity integer, note text);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (created_at);
CREATE INDEX ON items (order_id);
INSERT INTO customers (email, created_at) SELECT 'c' || i || '@example.com', timestamptz '2025-11-01' + i * interval '26 minutes' FROM generate_series(1, 20000) i;
INSERT INTO orders (customer_id, total, status, created_at) SELECT 1 + (i::bigint * 7919) % 20000, i % 1000 + 0.5, (ARRAY['new', 'paid', 'sent'])[1 + i % 3], timestamptz '2025-11-01' + i * interval '5 minutes' FROM generate_series(1, 100000) i;
INSERT INTO items (order_id, product, quantity, note) SELECT 1 + i % 100000, i % 500, 1 + i % 4, md5(i::text) FROM generate_series(1, 180000) i;`

// BenchmarkBuildInstance measures a whole build, growing 300,000 rows to 1,000,000, and for comparison the time that the
// same server needs to make, index and prove the finished rows from a copy of them: COPY in the binary format, then the same indexes and constraints.
func BenchmarkBuildInstance(b *testing.B) {
	p := newPrimary(b, benchSQL)
	p.growth = map[string]float64{"public.customers": 60000, "public.orders": 340000, "public.items": 600000}
	for n := 0; b.Loop(); n++ {
		dir := filepath.Join(pgtest.Dir(b), "instances")
		o := newOrchestrator(b, p, func(o *orchestrator.Options) { o.Dir = dir })
		start := time.Now()
		build(b, o, "bench", nil)
		took := time.Since(start)
		reference := copyAndIndex(b, p, o)
		b.ReportMetric(1e6/took.Seconds(), "rows/s")
		b.ReportMetric(took.Seconds(), "build-s")
		b.ReportMetric(reference.Seconds(), "copy+index-s")
		b.ReportMetric(took.Seconds()/reference.Seconds(), "ratio")
		if err := o.Drop(within(b), "bench"); err != nil {
			b.Fatal(err)
		}
	}
}

// copyAndIndex times a plain COPY of the built rows into an empty database of the primary's server, with indexes and constraints afterwards.
func copyAndIndex(b *testing.B, p *primary, o *orchestrator.Orchestrator) time.Duration {
	b.Helper()
	dir := pgtest.Dir(b)
	p.Exec(b, "postgres", "DROP DATABASE IF EXISTS reference")
	p.CreateDatabase(b, "reference")
	conn := enter(b, o, "bench", "postgres")
	for _, table := range []string{"customers", "orders", "items"} {
		to := createFile(b, filepath.Join(dir, table))
		if _, err := conn.CopyTo(within(b), to, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			b.Fatal(err)
		}
		if err := to.Close(); err != nil {
			b.Fatal(err)
		}
	}
	_, pre, post, err := p.SchemaDump(within(b), "")
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	load(b, p, "reference", pre)
	to := p.Conn(b, "reference")
	for _, table := range []string{"customers", "orders", "items"} {
		from := openFile(b, filepath.Join(dir, table))
		sql := fmt.Sprintf("COPY public.%s FROM STDIN (FORMAT binary)", table)
		if _, err := to.PgConn().CopyFrom(within(b), from, sql); err != nil {
			b.Fatal(err)
		}
		_ = from.Close()
	}
	load(b, p, "reference", post)
	p.Exec(b, "reference", "ANALYZE")
	took := time.Since(start)
	_ = to.Close(within(b))
	return took
}

// load runs a file of SQL through psql.
func load(b *testing.B, p *primary, db, path string) {
	b.Helper()
	cmd := p.Command(within(b), "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", db, "-f", "-")
	cmd.Stdin = openFile(b, path)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("psql: %v: %s", err, out)
	}
}

// openFile opens a file that is closed at the benchmark's end at the latest.
func openFile(b *testing.B, path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return f
}

// createFile makes an empty file.
func createFile(b *testing.B, path string) *os.File {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	return f
}
