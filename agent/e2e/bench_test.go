package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const million = `CREATE ROLE analyst LOGIN;
CREATE TABLE wide AS SELECT i AS id, i * 3 AS number, 'row number ' || i AS text, now() - i * interval '1 second' AS at, (i % 1000)::numeric(10,2) / 4 AS amount FROM generate_series(1, 1000000) i;
ALTER TABLE wide ADD PRIMARY KEY (id);
GRANT SELECT ON wide TO analyst;`

// BenchmarkThroughTheAgent compares the agent with the primary on the same rows in the same run: a million rows, connecting, a catalog query.
func BenchmarkThroughTheAgent(b *testing.B) {
	file := filepath.Join(b.TempDir(), "million.sql")
	if err := os.WriteFile(file, []byte(million), 0o600); err != nil {
		b.Fatal(err)
	}
	d := startDev(b, "", "--init", file)
	agent := connectTo(b, d.url(b, "analyst", "shop"))
	primary := connectTo(b, d.primary)
	for b.Loop() {
		const rows = "SELECT id, number, text, at, amount FROM wide"
		through, direct := medianOf(3, func() { drain(b, agent, rows) }), medianOf(3, func() { drain(b, primary, rows) })
		b.ReportMetric(through.Seconds()/direct.Seconds(), "x-time-of-primary-for-1M-rows")
		b.ReportMetric(1e6/through.Seconds(), "rows/s")
		connect := medianOf(20, func() { _ = connectTo(b, d.url(b, "analyst", "shop")).Close(context.Background()) })
		b.ReportMetric(float64(connect.Microseconds())/1000, "ms-connect-p50")
		point := medianOf(500, func() { drain(b, agent, "SELECT relname FROM pg_class WHERE oid = 1259") })
		b.ReportMetric(float64(point.Microseconds())/1000, "ms-mirror-point-p50")
		base := medianOf(500, func() { drain(b, primary, "SELECT relname FROM pg_class WHERE oid = 1259") })
		b.ReportMetric(float64(base.Microseconds())/1000, "ms-primary-point-p50")
	}
}

func connectTo(b *testing.B, url string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// drain reads a result as a driver does, without decoding it.
func drain(b *testing.B, conn *pgx.Conn, sql string) {
	b.Helper()
	r := conn.PgConn().ExecParams(b.Context(), sql, nil, nil, nil, nil)
	for r.NextRow() {
		_ = r.Values()
	}
	if _, err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// medianOf times a function several times.
func medianOf(n int, f func()) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		f()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[n/2]
}
