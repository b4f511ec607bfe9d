package ingest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// benchNumber is a benchmark's size, which an environment variable can change.
func benchNumber(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

// BenchmarkCapture measures how fast the same WAL is read by three consumers, one after the other: pg_recvlogical writing to /dev/null, the agent (change log and
// current tables), and PostgreSQL's own subscriber. The WAL is that of a pgbench load of small transactions, and of one large transaction.
func BenchmarkCapture(b *testing.B) {
	transactions := benchNumber("FORESHADOW_BENCH_TRANSACTIONS", 100_000)
	rows := benchNumber("FORESHADOW_BENCH_ROWS", 1_000_000)
	b.Run("small", func(b *testing.B) {
		consume(b, transactions/4*4*4, func(pg *pgtest.Server) {
			pgbench(b, pg, "-n", "-c", "4", "-j", "2", "-M", "prepared", "-t", strconv.Itoa(transactions/4))
		})
	})
	b.Run("large", func(b *testing.B) {
		consume(b, rows, func(pg *pgtest.Server) {
			pg.Exec(b, "postgres", fmt.Sprintf("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= %d", rows))
		})
	})
}

// consume lets a load of so many changes wait for the consumers and times each.
func consume(b *testing.B, changes int, load func(*pgtest.Server)) {
	for b.Loop() {
		pg, dir := prepareBench(b), filepath.Join(b.TempDir(), "shadow")
		a := run(b, pg, dir)
		a.catchUp()
		a.stop()
		sub := subscriber(b, pg)
		pg.Exec(b, "postgres", "SELECT pg_create_logical_replication_slot('receiver', 'pgoutput')")
		load(pg)
		pg.Exec(b, "postgres", "INSERT INTO beat SELECT max(n) + 1 FROM beat")
		end := pg.Query(b, "postgres", "SELECT pg_current_wal_lsn()::text")[0][0]

		began := time.Now()
		if out, err := receiver(b, pg, "p", "--endpos", end).CombinedOutput(); err != nil {
			b.Fatalf("pg_recvlogical: %v\n%s", err, out)
		}
		received := time.Since(began)

		began = time.Now()
		a = launch(b, pg, dir)
		a.catchUp()
		if _, err := a.store.RowCount(b.Context(), a.oid("pgbench_history")); err != nil { // folds
			b.Fatal(err)
		}
		captured := time.Since(began)
		a.same("pgbench_tellers")
		a.stop()

		began = time.Now()
		sub.Exec(b, "postgres", "ALTER SUBSCRIPTION s ENABLE")
		until(b, "the subscriber has applied everything", func() bool {
			return sub.Query(b, "postgres", "SELECT max(n)::text FROM beat")[0][0] == pg.Query(b, "postgres", "SELECT max(n)::text FROM beat")[0][0]
		})
		applied := time.Since(began)

		b.ReportMetric(float64(changes)/captured.Seconds(), "captured-changes/s")
		b.ReportMetric(float64(applied)/float64(captured), "x-subscriber-rate")
		b.ReportMetric(float64(captured)/float64(received), "x-recvlogical-time")
		for _, s := range []*pgtest.Server{sub, pg} {
			if err := s.Destroy(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// pgbench runs the standard script on a server, until it has done the transactions.
func pgbench(b *testing.B, pg *pgtest.Server, args ...string) {
	b.Helper()
	ctx := b.Context()
	if out, err := pg.Command(ctx, "pgbench", append(args, "postgres")...).CombinedOutput(); err != nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
}

func prepareBench(b *testing.B, settings ...string) *pgtest.Server {
	b.Helper()
	pg := pgtest.Start(b, append([]string{"shared_buffers=256MB", "max_wal_size=8GB", "synchronous_commit=off"}, settings...)...)
	pgbench(b, pg, "-i", "-s", "10", "-q")
	pg.Exec(b, "postgres", "ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE beat (n bigint PRIMARY KEY)")
	return pg
}

// subscriber is a server with a subscription that has its copy and rests.
func subscriber(b *testing.B, pg *pgtest.Server) *pgtest.Server {
	b.Helper()
	sub := pgtest.Start(b, "shared_buffers=256MB", "max_wal_size=8GB", "synchronous_commit=off")
	pgbench(b, sub, "-i", "-s", "10", "-q", "-I", "dtp")
	sub.Exec(b, "postgres", "CREATE TABLE beat (n bigint PRIMARY KEY)")
	pg.Exec(b, "postgres", "CREATE PUBLICATION p FOR ALL TABLES")
	sub.Exec(b, "postgres", fmt.Sprintf("CREATE SUBSCRIPTION s CONNECTION %s PUBLICATION p", "$$"+pg.DSN("postgres", "postgres")+"$$"))
	until(b, "the subscriber has its copy", func() bool {
		return sub.Query(b, "postgres", "SELECT count(*)::text FROM pg_subscription_rel WHERE srsubstate <> 'r'")[0][0] == "0"
	})
	sub.Exec(b, "postgres", "ALTER SUBSCRIPTION s DISABLE")
	return sub
}

// receiver is pg_recvlogical, which reads the slot receiver and throws everything away.
func receiver(b *testing.B, pg *pgtest.Server, publication string, args ...string) *exec.Cmd {
	b.Helper()
	return pg.Command(b.Context(), "pg_recvlogical", append([]string{"-d", "postgres", "--slot", "receiver", "--start", "--no-loop", "-f", "/dev/null",
		"-o", "proto_version=1", "-o", "publication_names=" + publication}, args...)...)
}

// BenchmarkLatency measures how long after its commit a row can be read from the shadow, while pgbench makes changes at half of the peak rate:
// the rate at which the agent captures a load that waits for it, or the one that pgbench reaches without an agent, whichever is less. Commits are synchronous
// here: the primary sends no others before its WAL writer has flushed them, up to 200 ms later.
func BenchmarkLatency(b *testing.B) {
	const warmup, probes = 20_000, 100
	for b.Loop() {
		pg, dir := prepareBench(b, "synchronous_commit=on"), filepath.Join(b.TempDir(), "shadow")
		pg.Exec(b, "postgres", "CREATE TABLE probe (n bigint PRIMARY KEY)")
		a := run(b, pg, dir)
		a.catchUp()
		a.stop()
		began := time.Now()
		pgbench(b, pg, "-n", "-c", "4", "-j", "2", "-M", "prepared", "-t", strconv.Itoa(warmup/4))
		written := time.Since(began)
		began = time.Now()
		a = launch(b, pg, dir)
		a.catchUp()
		peak := warmup / max(written, time.Since(began)).Seconds() // transactions a second
		cmd := pg.Command(b.Context(), "pgbench", "-n", "-c", "4", "-j", "2", "-M", "prepared", "-T", "600", "-R", fmt.Sprint(peak/2), "postgres")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		first := a.in.Status().Transactions
		began = time.Now()
		waits := probe(b, a, probes)
		rate := float64(a.in.Status().Transactions-first) / time.Since(began).Seconds()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		slices.Sort(waits)
		b.ReportMetric(float64(waits[probes/2].Microseconds())/1e3, "p50-ms")
		b.ReportMetric(float64(waits[probes*99/100].Microseconds())/1e3, "p99-ms")
		b.ReportMetric(rate/peak, "x-peak-rate")
		a.stop()
		if err := pg.Destroy(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// probe commits rows one after the other, at moments of a fixed seed, and waits until each can be read.
func probe(b *testing.B, a *agent, n int) []time.Duration {
	b.Helper()
	oid, rnd := a.oid("probe"), rand.New(rand.NewPCG(1, 1))
	waits := make([]time.Duration, n)
	for i := range n {
		<-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond)
		a.query("INSERT INTO probe VALUES ($1::text::bigint)", strconv.Itoa(i))
		committed := time.Now()
		for deadline := committed.Add(patience); ; <-time.After(time.Millisecond) {
			rows, err := a.shadowed(oid, 0)
			if err != nil || time.Now().After(deadline) {
				b.Fatalf("row %d cannot be read: %v", i, err)
			}
			if len(rows) == i+1 {
				break
			}
		}
		waits[i] = time.Since(committed)
	}
	return waits
}
