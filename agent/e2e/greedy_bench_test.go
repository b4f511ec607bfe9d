package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/sql/sqlerr"
)

// deadline is the statement_timeout of greedy statements here.
const deadline = 2 * time.Second

// BenchmarkGreedy runs the greedy statements of the security test, one after the other, under a statement_timeout. It tells how long after it they end,
// what a commit on the primary needs meanwhile until a query sees it, how many of these queries find no memory left, and the most memory that the agent took.
func BenchmarkGreedy(b *testing.B) {
	d := startDev(b, "")
	primary, watcher := connectTo(b, d.primary), connectTo(b, d.url(b, "analyst", "shop"))
	for _, sql := range []string{"CREATE TABLE beat (n bigint PRIMARY KEY)", "GRANT SELECT ON beat TO analyst", "INSERT INTO beat VALUES (0)"} {
		if _, err := primary.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	var worst, starved atomic.Int64 // the worst latency since it was last asked for, and queries without memory
	eventually(b, time.Minute, "table beat is queryable", func() bool {
		_, err := watcher.Exec(b.Context(), "SELECT n FROM beat")
		return err == nil
	})
	ctx, end := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- beats(ctx, primary, watcher, &worst, &starved) }()
	for b.Loop() {
		worst.Store(0)
		starved.Store(0)
		timedOut := time.NewTimer(5 * time.Second)
		<-timedOut.C // the latency without any of them
		idle, over, lag := time.Duration(worst.Load()), time.Duration(0), time.Duration(0)
		for _, sql := range greedy {
			worst.Store(0)
			took, err := greed(b, d, sql)
			late := max(0, took-deadline)
			b.Logf("%-70.70s %6.2f s after the deadline, latency %4.2f s, %v", sql, late.Seconds(), time.Duration(worst.Load()).Seconds(), err)
			over, lag = max(over, late), max(lag, time.Duration(worst.Load()))
		}
		b.ReportMetric(over.Seconds(), "s-after-deadline-max")
		b.ReportMetric((lag - idle).Seconds(), "s-latency-growth-max")
		b.ReportMetric(float64(starved.Load()), "queries-out-of-memory")
		b.ReportMetric(peak(b, d.cmd.Process.Pid), "MB-peak-of-the-agent")
	}
	end()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// greed runs one statement under the deadline.
func greed(b *testing.B, d *dev, sql string) (time.Duration, error) {
	conn := connectTo(b, d.url(b, "analyst", "shop"))
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	if _, err := conn.Exec(b.Context(), fmt.Sprintf("SET statement_timeout = %d", deadline.Milliseconds())); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	_, err := conn.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	took := time.Since(start)
	var e *pgconn.PgError
	if err != nil && !errors.As(err, &e) {
		b.Errorf("%.70s: %v", sql, err)
	}
	return took, err
}

// beats commits on the primary and waits until a query through the agent sees it, over and over. A query that finds no memory left is asked again.
func beats(ctx context.Context, primary, watcher *pgx.Conn, worst, starved *atomic.Int64) error {
	for n := int64(1); ; n++ {
		if _, err := primary.Exec(ctx, "UPDATE beat SET n = $1", n); err != nil {
			return ended(ctx, err)
		}
		start := time.Now()
		for seen := int64(0); seen < n; {
			var e *pgconn.PgError
			err := watcher.QueryRow(ctx, "SELECT n FROM beat").Scan(&seen)
			if errors.As(err, &e) && e.Code == sqlerr.OutOfMemory {
				starved.Add(1)
			} else if err != nil {
				return ended(ctx, err)
			}
			worst.Store(max(worst.Load(), int64(time.Since(start))))
		}
	}
}

// ended tells the end that was asked for from a failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that a process took, in megabytes.
func peak(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := highWater.FindSubmatch(status)
	if m == nil {
		b.Fatal("the kernel does not tell the peak")
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
