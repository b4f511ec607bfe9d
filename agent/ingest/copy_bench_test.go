package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkInitialCopy measures how long the initial copy of one large table takes, from the agent's start until every row can be queried, beside the
// time of COPY TO a file of the same server for the same table, taken in turn, and the CPU time that agent and server spend on both, which a busy
// machine does not change as much. FORESHADOW_BENCH_ROWS sets the rows, 2,000,000 when it is not set.
func BenchmarkInitialCopy(b *testing.B) {
	rows := benchNumber("FORESHADOW_BENCH_ROWS", 2_000_000)
	pg := pgtest.Start(b, "shared_buffers=1GB", "max_wal_size=8GB", "synchronous_commit=off", "autovacuum=off")
	pg.Exec(b, "postgres", `CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status text, amount numeric(12,2), placed timestamptz, note text)`)
	pg.Exec(b, "postgres", fmt.Sprintf(`INSERT INTO orders SELECT g, g %% 50000, (ARRAY['new', 'paid', 'shipped', 'returned'])[1 + g %% 4], (g %% 100000) / 7.0,
		'2026-01-01 UTC'::timestamptz + g * interval '1.234567 s', md5(g::text) FROM generate_series(1, %d) g`, rows))
	pg.Exec(b, "postgres", "VACUUM (ANALYZE, FREEZE) orders")
	pg.Exec(b, "postgres", "CHECKPOINT")
	file := filepath.Join(os.TempDir(), fmt.Sprintf("foreshadow-copy-%d", os.Getpid()))
	theirs := func() spent {
		began := now(b, pg)
		pg.Exec(b, "postgres", "COPY orders TO '"+file+"'")
		took := began.since(b, pg)
		if err := os.Remove(file); err != nil {
			b.Fatal(err)
		}
		return took
	}
	ours := func() spent {
		dir := filepath.Join(b.TempDir(), "shadow")
		began := now(b, pg)
		a := run(b, pg, dir)
		took := began.since(b, pg)
		if n, err := a.store.RowCount(b.Context(), a.oid("orders")); err != nil || int(n) != rows {
			b.Fatalf("%d rows copied of %d: %v", n, rows, err)
		}
		a.stop()
		return took
	}
	theirs() // so that the table is in memory for both
	for b.Loop() {
		var copying, file spent
		const rounds = 3
		for range rounds {
			file.add(theirs())
			copying.add(ours())
		}
		rate := func(s spent) float64 { return rounds * float64(rows) / s.wall }
		b.ReportMetric(rate(copying), "copied-rows/s")
		b.ReportMetric(rate(file), "COPY-rows/s")
		b.ReportMetric(copying.wall/file.wall, "x-COPY-time")
		b.ReportMetric((copying.server+copying.agent)/(file.server+file.agent), "x-COPY-CPU")
		fmt.Printf("initial copy of %d rows: %.0f rows/s, COPY to a file: %.0f rows/s, %.2f times its time; CPU seconds for one: server %.1f and agent %.1f, COPY %.1f\n",
			rows, rate(copying), rate(file), copying.wall/file.wall, copying.server/rounds, copying.agent/rounds, (file.server+file.agent)/rounds)
	}
}

// spent is seconds: of the clock, and of CPU in the server's processes and in this one.
type spent struct{ wall, server, agent float64 }

// now is where the clocks stand.
func now(b *testing.B, pg *pgtest.Server) spent {
	b.Helper()
	server := cpu(b, pg.PID(), 4)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pg.PID()))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range strings.Fields(string(children)) {
		pid, _ := strconv.Atoi(c)
		if n, err := cpuOf(pid, 2); err == nil { // one that has ended by now is counted by its parent
			server += n
		}
	}
	return spent{float64(time.Now().UnixMicro()) / 1e6, server, cpu(b, os.Getpid(), 2)}
}

func (s spent) since(b *testing.B, pg *pgtest.Server) spent {
	b.Helper()
	n := now(b, pg)
	return spent{n.wall - s.wall, n.server - s.server, n.agent - s.agent}
}

func (s *spent) add(o spent) {
	s.wall, s.server, s.agent = s.wall+o.wall, s.server+o.server, s.agent+o.agent
}
