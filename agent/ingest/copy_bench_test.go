package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkInitialCopy measures how long the initial copy of one large table takes, from the agent's start until every row can be queried, beside the
// time of COPY TO a file of the same server for the same table, taken in turn. FORESHADOW_BENCH_ROWS sets the rows, 2,000,000 when it is not set.
func BenchmarkInitialCopy(b *testing.B) {
	rows := 2_000_000
	if s := os.Getenv("FORESHADOW_BENCH_ROWS"); s != "" {
		rows, _ = strconv.Atoi(s)
	}
	pg := pgtest.Start(b, "shared_buffers=1GB", "max_wal_size=8GB", "synchronous_commit=off", "autovacuum=off")
	pg.Exec(b, "postgres", `CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status text, amount numeric(12,2), placed timestamptz, note text)`)
	pg.Exec(b, "postgres", fmt.Sprintf(`INSERT INTO orders SELECT g, g %% 50000, (ARRAY['new', 'paid', 'shipped', 'returned'])[1 + g %% 4], (g %% 100000) / 7.0,
		'2026-01-01 UTC'::timestamptz + g * interval '1.234567 s', md5(g::text) FROM generate_series(1, %d) g`, rows))
	pg.Exec(b, "postgres", "VACUUM (ANALYZE, FREEZE) orders")
	pg.Exec(b, "postgres", "CHECKPOINT")
	file := filepath.Join(os.TempDir(), fmt.Sprintf("foreshadow-copy-%d", os.Getpid()))
	theirs := func() time.Duration {
		began := time.Now()
		pg.Exec(b, "postgres", "COPY orders TO '"+file+"'")
		took := time.Since(began)
		if err := os.Remove(file); err != nil {
			b.Fatal(err)
		}
		return took
	}
	ours := func() time.Duration {
		dir := filepath.Join(b.TempDir(), "shadow")
		began := time.Now()
		a := run(b, pg, dir)
		took := time.Since(began)
		if n, err := a.store.RowCount(b.Context(), a.oid("orders")); err != nil || int(n) != rows {
			b.Fatalf("%d rows copied of %d: %v", n, rows, err)
		}
		a.stop()
		return took
	}
	theirs() // so that the table is in memory for both
	for b.Loop() {
		var copying, file time.Duration
		const rounds = 3
		for range rounds {
			file += theirs()
			copying += ours()
		}
		rate := func(d time.Duration) float64 { return rounds * float64(rows) / d.Seconds() }
		b.ReportMetric(rate(copying), "copied-rows/s")
		b.ReportMetric(rate(file), "COPY-rows/s")
		b.ReportMetric(copying.Seconds()/file.Seconds(), "x-COPY-time")
		fmt.Printf("initial copy of %d rows: %.0f rows/s, COPY to a file: %.0f rows/s, %.2f times its time\n", rows, rate(copying), rate(file), copying.Seconds()/file.Seconds())
	}
}
