package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// BenchmarkPoint compares the agent with the primary on one row by its key, in the ways in which clients ask for one: a text in a simple query, a
// statement that is parsed each time, and one that was prepared once. The figures are what the agent takes more than the primary, at the median.
func BenchmarkPoint(b *testing.B) {
	file := filepath.Join(b.TempDir(), "million.sql")
	if err := os.WriteFile(file, []byte(million), 0o600); err != nil {
		b.Fatal(err)
	}
	d := startDev(b, "", "--init", file)
	agent, primary := connectTo(b, d.url(b, "analyst", "shop")), connectTo(b, d.primary)
	const row, key = "SELECT text, amount FROM wide WHERE id = $1", "4711"
	for _, conn := range []*pgx.Conn{agent, primary} {
		if _, err := conn.PgConn().Prepare(b.Context(), "row", row, nil); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	ways := map[string]func(*pgx.Conn){
		"same-text": func(c *pgx.Conn) { simple(b, c, "SELECT text, amount FROM wide WHERE id = 4711") },
		"new-text": func(c *pgx.Conn) {
			n++
			simple(b, c, fmt.Sprintf("SELECT text, amount FROM wide WHERE id = %d", n))
		},
		"parsed": func(c *pgx.Conn) {
			read(b, c.PgConn().ExecParams(b.Context(), row, [][]byte{[]byte(key)}, nil, nil, nil))
		},
		"prepared": func(c *pgx.Conn) {
			read(b, c.PgConn().ExecPrepared(b.Context(), "row", [][]byte{[]byte(key)}, nil, nil))
		},
	}
	for b.Loop() {
		for way, ask := range ways {
			more := medianOf(500, func() { ask(agent) }) - medianOf(500, func() { ask(primary) })
			b.ReportMetric(float64(more.Microseconds())/1000, "ms-more-"+way)
		}
	}
}

// simple asks by a simple query.
func simple(b *testing.B, conn *pgx.Conn, sql string) {
	b.Helper()
	if _, err := conn.PgConn().Exec(b.Context(), sql).ReadAll(); err != nil {
		b.Fatal(err)
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
	read(b, conn.PgConn().ExecParams(b.Context(), sql, nil, nil, nil, nil))
}

func read(b *testing.B, r *pgconn.ResultReader) {
	b.Helper()
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
