package mirror_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"foreshadow/agent/mirror"
	"foreshadow/agent/pgtest"
	"foreshadow/sql/catalog"
)

// typesSQL asks what drivers that load all types ask first: the row types of all tables, their arrays, and the attributes of composites.
const typesSQL = `SELECT n.nspname, t.oid, t.typname, t.typtype, t.typnotnull, e.oid, r.rngsubtype,
  (SELECT string_agg(a.attname || ' ' || a.atttypid, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'c')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid LEFT JOIN pg_type e ON e.oid = t.typelem LEFT JOIN pg_range r ON r.rngtypid = t.oid
WHERE t.typtype IN ('b', 'r', 'm', 'e', 'd') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'p' ORDER BY t.typname`

// BenchmarkManyTables has a primary with very many tables (FORESHADOW_BENCH_TABLES, 1000 when it is not set): how long the mirror takes to be there and to
// show a change, a session to open, and a driver to load all types; the last two also as ratios against the primary.
func BenchmarkManyTables(b *testing.B) {
	tables := 1000
	if n, err := strconv.Atoi(os.Getenv("FORESHADOW_BENCH_TABLES")); err == nil {
		tables = n
	}
	for b.Loop() {
		p := pgtest.Start(b, "max_locks_per_transaction=1024")
		p.CreateDatabase(b, "shop")
		p.Exec(b, "shop", fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP
			EXECUTE format('CREATE TABLE t%%s (id bigint PRIMARY KEY, a text, b numeric(10,2), c timestamptz)', i); IF i %% 500 = 0 THEN COMMIT; END IF; END LOOP; END $$`, tables))
		f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(b), SourceDSN: p.DSN("postgres", "shop"), CatalogSQL: catalog.SQL}}
		began := time.Now()
		m, err := mirror.New(f.opts)
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		f.Mirror, f.cancel, f.done = m, cancel, make(chan error, 1)
		go func() { f.done <- m.Run(ctx) }()
		<-m.Ready()
		ready := time.Since(began)

		open := median(func() { _ = f.session(b, "postgres").Close() })
		s := f.session(b, "postgres")
		types := median(func() { must(b, s, typesSQL) })
		conn := p.Conn(b, "shop")
		opened := median(func() { _ = p.Conn(b, "shop").Close(ctx) })
		loaded := median(func() {
			if _, err := conn.PgConn().Exec(ctx, typesSQL).ReadAll(); err != nil {
				b.Fatal(err)
			}
		})
		began = time.Now()
		p.Exec(b, "shop", "CREATE TABLE brand_new (id int PRIMARY KEY)")
		for rows := 0; rows == 0; <-time.After(20 * time.Millisecond) {
			rows = len(must(b, s, "SELECT FROM pg_class WHERE relname = 'brand_new'"))
		}
		shown := time.Since(began)
		_ = s.Close()
		f.stop()

		b.ReportMetric(ready.Seconds(), "ready-s")
		b.ReportMetric(shown.Seconds(), "change-shown-s")
		b.ReportMetric(float64(open.Microseconds())/1e3, "open-ms")
		b.ReportMetric(float64(open)/float64(opened), "x-primary-open")
		b.ReportMetric(float64(types.Microseconds())/1e3, "types-ms")
		b.ReportMetric(float64(types)/float64(loaded), "x-primary-types")
		if err := p.Destroy(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// median is how long something takes, the median of nine times.
func median(f func()) time.Duration {
	took := make([]time.Duration, 9)
	for i := range took {
		began := time.Now()
		f()
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)/2]
}
