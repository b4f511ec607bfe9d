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

// BenchmarkCaptureVersusSubscriber measures how fast the same WAL, of a pgbench load, is captured by the agent and applied by PostgreSQL's own subscriber,
// one after the other. It prints both rates and their ratio.
func BenchmarkCaptureVersusSubscriber(b *testing.B) {
	transactions := 30_000
	if s := os.Getenv("FORESHADOW_BENCH_TRANSACTIONS"); s != "" {
		transactions, _ = strconv.Atoi(s)
	}
	for b.Loop() {
		ours, theirs := capturing(b, transactions), subscribing(b, transactions)
		b.ReportMetric(ours, "captured-changes/s")
		b.ReportMetric(theirs, "subscriber-changes/s")
		b.ReportMetric(ours/theirs, "ratio")
		fmt.Printf("capture of %d pgbench transactions: %.0f changes/s, PostgreSQL's subscriber: %.0f changes/s, ratio %.2f\n", transactions, ours, theirs, ours/theirs)
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

func prepareBench(b *testing.B) *pgtest.Server {
	b.Helper()
	pg := pgtest.Start(b, "shared_buffers=256MB", "max_wal_size=8GB", "synchronous_commit=off")
	pgbench(b, pg, "-i", "-s", "10", "-q")
	pg.Exec(b, "postgres", "ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE beat (n bigint PRIMARY KEY)")
	return pg
}

func load(b *testing.B, pg *pgtest.Server, transactions int) {
	b.Helper()
	pgbench(b, pg, "-n", "-c", "4", "-j", "2", "-M", "prepared", "-t", strconv.Itoa(transactions/4))
}

// capturing gives the changes per second at which the agent stores a load that waits in the slot, current tables and all.
func capturing(b *testing.B, transactions int) float64 {
	b.Helper()
	pg := prepareBench(b)
	dir := filepath.Join(b.TempDir(), "shadow")
	a := run(b, pg, dir)
	a.catchUp()
	a.stop()
	load(b, pg, transactions)
	began := time.Now()
	a = launch(b, pg, dir)
	a.catchUp()
	if n, err := a.store.RowCount(b.Context(), a.oid("pgbench_history")); err != nil || int(n) != transactions/4*4 {
		b.Fatalf("%d rows captured of %d: %v", n, transactions, err)
	}
	took := time.Since(began)
	a.stop()
	if err := pg.Destroy(b.Context()); err != nil {
		b.Fatal(err)
	}
	return float64(transactions) * 4 / took.Seconds()
}

// subscribing gives the changes per second at which a PostgreSQL subscriber applies the same kind of load.
func subscribing(b *testing.B, transactions int) float64 {
	b.Helper()
	pg := prepareBench(b)
	sub := pgtest.Start(b, "shared_buffers=256MB", "max_wal_size=8GB", "synchronous_commit=off")
	pgbench(b, sub, "-i", "-s", "10", "-q", "-I", "dtp")
	sub.Exec(b, "postgres", "CREATE TABLE beat (n bigint PRIMARY KEY)")
	pg.Exec(b, "postgres", "CREATE PUBLICATION p FOR ALL TABLES")
	sub.Exec(b, "postgres", fmt.Sprintf("CREATE SUBSCRIPTION s CONNECTION %s PUBLICATION p", "$$"+pg.DSN("postgres", "postgres")+"$$"))
	until(b, "the subscriber has its copy", func() bool {
		return sub.Query(b, "postgres", "SELECT count(*)::text FROM pg_subscription_rel WHERE srsubstate <> 'r'")[0][0] == "0"
	})
	sub.Exec(b, "postgres", "ALTER SUBSCRIPTION s DISABLE")
	load(b, pg, transactions)
	began := time.Now()
	pg.Exec(b, "postgres", "INSERT INTO beat VALUES (1)")
	sub.Exec(b, "postgres", "ALTER SUBSCRIPTION s ENABLE")
	until(b, "the subscriber has applied everything", func() bool { return len(sub.Query(b, "postgres", "SELECT n::text FROM beat")) == 1 })
	return float64(transactions) * 4 / time.Since(began).Seconds()
}
