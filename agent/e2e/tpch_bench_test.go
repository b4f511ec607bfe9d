package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/capture"
	"foreshadow/agent/ingest"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/engine"
	"foreshadow/sql/result"
)

// tpchTimes is how many times larger than 0.004 the scale of TPC-H is.
var tpchTimes = flag.Int("tpch", 250, "scale of TPC-H in the benchmarks, in 0.004ths: 250 is scale 1")

// BenchmarkTPCH compares the 22 queries of TPC-H through the agent with the primary itself, and with the same DuckDB SQL without the agent around it.
// Then it compares the ends of the range: five million rows at once in both formats, and one row by its key. Every time is the median of three, the
// primary's that of one run after one that warms it.
func BenchmarkTPCH(b *testing.B) {
	pg := pgtest.Start(b, "shared_buffers=1GB", "work_mem=64MB", "max_wal_size=8GB")
	setup, err := corpusFiles.ReadFile("testdata/tpch.setup.sql")
	if err != nil {
		b.Fatal(err)
	}
	owner := dialFor(b, pg.DSN("postgres", "postgres"))
	for _, sql := range []string{fmt.Sprintf("CREATE ROLE reader LOGIN; SET tpch.times = %d", *tpchTimes), string(setup),
		"CREATE INDEX ON tpch.lineitem (l_partkey, l_suppkey); CREATE INDEX ON tpch.orders (o_custkey); CREATE INDEX ON tpch.partsupp (ps_suppkey)", "VACUUM ANALYZE"} {
		if _, err := owner.Exec(b.Context(), sql).ReadAll(); err != nil {
			b.Fatal(err)
		}
	}
	db := captured(b, pg)
	parts := sources(mirrored(b, pg), db)
	told := &listening{realShadow: parts[0].Shadow.(realShadow)}
	parts[0].Shadow = told
	addr := serveWire(b, newEngine(b, engine.Options{Sources: parts}))
	agent, primary := dialFor(b, "postgres://reader:correct%20horse@"+addr+"/postgres?sslmode=disable"), dialFor(b, pg.DSN("reader", "postgres"))
	for _, c := range []*pgconn.PgConn{agent, primary} {
		pull(b, c, "SET search_path = tpch", 0)
	}
	for b.Loop() {
		var faster, slower []float64
		for i, q := range readCorpus(b, "testdata/corpus/tpch.sql") {
			pull(b, primary, q.sql, 0)
			direct := timed(1, func() { pull(b, primary, q.sql, 0) })
			through := timed(3, func() { pull(b, agent, q.sql, 0) })
			bare := timed(3, func() { told.again(b) })
			faster, slower = append(faster, direct.Seconds()/through.Seconds()), append(slower, through.Seconds()/bare.Seconds())
			b.Logf("query %2d: primary %6.3f s, agent %6.3f s, DuckDB alone %6.3f s", i+1, direct.Seconds(), through.Seconds(), bare.Seconds())
		}
		b.ReportMetric(geometricMean(faster), "x-faster-than-primary")
		b.ReportMetric(slices.Min(faster), "x-faster-worst")
		b.ReportMetric(geometricMean(slower), "x-time-of-DuckDB-alone")
		many := fmt.Sprintf("SELECT l_orderkey, l_partkey, l_quantity, l_shipdate, l_comment FROM lineitem LIMIT %d", 20_000*(*tpchTimes))
		for format, name := range []string{"text", "binary"} {
			through, direct := timed(3, func() { pull(b, agent, many, int16(format)) }), timed(3, func() { pull(b, primary, many, int16(format)) })
			b.ReportMetric(through.Seconds()/direct.Seconds(), "x-time-of-primary-for-many-rows-"+name)
		}
		one := "SELECT o_totalprice FROM orders WHERE o_orderkey = 77"
		through, direct := timed(200, func() { pull(b, agent, one, 0) }), timed(200, func() { pull(b, primary, one, 0) })
		b.ReportMetric((through-direct).Seconds()*1000, "ms-more-than-primary-for-one-row-p50")
		b.ReportMetric(slowReaders(b, addr), "MB-for-8-slow-readers")
	}
}

// captured is a shadow of the primary by a capture of its own, after the initial copy.
func captured(b *testing.B, pg *pgtest.Server) *shadow.DB {
	b.Helper()
	dir := b.TempDir()
	db, err := shadow.Open(shadow.Options{Dir: dir, MemoryLimit: "4GB", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	src, err := capture.New(capture.Options{DSN: pg.DSN("postgres", "postgres"), Spool: filepath.Join(dir, "spool")})
	if err != nil {
		b.Fatal(err)
	}
	in, err := ingest.New(ingest.Options{Name: "test", Source: src, Store: db})
	if err != nil {
		b.Fatal(err)
	}
	during(b, in.Run)
	await(b, in.Ready(), 20*time.Minute)
	return db
}

// listening remembers the last query of a shadow.
type listening struct {
	realShadow
	last engine.Query
}

func (l *listening) Query(ctx context.Context, q engine.Query) (result.Rows, error) {
	l.last = q
	return l.realShadow.Query(ctx, q)
}

// again runs the last query without anything around it.
func (l *listening) again(b *testing.B) {
	rows, err := l.db.Query(b.Context(), shadow.Query(l.last))
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for {
		if _, err := rows.Next(b.Context()); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// slowReaders is how much more memory the process takes while eight clients have begun to read ten million rows each and stop.
func slowReaders(b *testing.B, addr string) float64 {
	b.Helper()
	before := resident(b)
	var all sync.WaitGroup
	var begun atomic.Int32
	release := make(chan struct{})
	for range 8 {
		c := dialFor(b, "postgres://reader:correct%20horse@"+addr+"/postgres?sslmode=disable")
		all.Go(func() {
			r := c.ExecParams(b.Context(), "SELECT a.l_orderkey, a.l_comment FROM tpch.lineitem a, generate_series(1, 2) LIMIT 10000000", nil, nil, nil, nil)
			for n := 0; r.NextRow(); n++ {
				if n == 1000 {
					begun.Add(1)
					<-release
					break
				}
			}
		})
	}
	for end := time.Now().Add(2 * time.Minute); begun.Load() < 8; {
		if time.Now().After(end) {
			b.Fatalf("only %d clients have begun", begun.Load())
		}
		<-time.After(10 * time.Millisecond)
	}
	after := resident(b)
	close(release)
	all.Wait()
	return after - before
}

// resident is the memory of this process, in megabytes.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

func dialFor(b *testing.B, dsn string) *pgconn.PgConn {
	b.Helper()
	c, err := pgconn.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// pull reads a result in one format and throws it away.
func pull(b *testing.B, c *pgconn.PgConn, sql string, format int16) {
	b.Helper()
	r := c.ExecParams(b.Context(), sql, nil, nil, nil, []int16{format})
	for r.NextRow() {
		_ = r.Values()
	}
	if _, err := r.Close(); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// timed is the median time of a function.
func timed(n int, f func()) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		f()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[n/2]
}

func geometricMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
