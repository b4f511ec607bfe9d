package verify

import (
	"fmt"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkVerify measures a comparison of a table of eight columns, and what it is to a plain checksum of the table on the primary, in one run.
func BenchmarkVerify(b *testing.B) {
	const rows = 1_000_000
	pg := pgtest.Start(b, "shared_buffers=512MB", "max_wal_size=8GB", "max_parallel_workers_per_gather=0")
	w := start(b, pg, fmt.Sprintf(`CREATE TABLE o (id bigint PRIMARY KEY, customer int, status text, price numeric(10,2), created timestamptz, note text, ok boolean, j jsonb);
		INSERT INTO o SELECT g, g %% 1000, 'state' || g %% 5, g %% 10000 / 7.0, '2026-01-01'::timestamptz + g * interval '1 s', 'some note with spaces ' || g, g %% 2 = 0, '{"a":1}'
		FROM generate_series(1, %d) g`, rows), Options{})
	w.exec("VACUUM ANALYZE o")
	c := pg.Conn(b, "postgres")
	for b.Loop() {
		began := time.Now()
		if _, err := c.Exec(b.Context(), "SELECT count(*), sum(hashtext(t::text)) FROM o t"); err != nil {
			b.Fatal(err)
		}
		plain := time.Since(began)
		began = time.Now()
		if r := w.verify()["o"]; r.State != Equal || r.Rows != rows {
			b.Fatalf("%+v", r)
		}
		took := time.Since(began)
		b.ReportMetric(took.Seconds()/rows*1e6, "s/Mrow")
		b.ReportMetric(took.Seconds()/plain.Seconds(), "ratio")
		fmt.Printf("comparison of %d rows: %.2f s; plain checksum on the primary: %.2f s; ratio %.2f\n", rows, took.Seconds(), plain.Seconds(), took.Seconds()/plain.Seconds())
	}
}
