package ingest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkLargeTransaction captures one transaction of many rows by an agent process of its own and prints the most memory that it ever had,
// and its rate beside that of the primary's own insert. FORESHADOW_BENCH_ROWS sets the rows, 200,000 when it is not set.
func BenchmarkLargeTransaction(b *testing.B) {
	rows := benchNumber("FORESHADOW_BENCH_ROWS", 200_000)
	for b.Loop() {
		pg := pgtest.Start(b, "shared_buffers=256MB", "max_wal_size=8GB")
		pg.Exec(b, "postgres", "CREATE TABLE big (id bigint PRIMARY KEY, v int, t text); CREATE TABLE beat (n bigint PRIMARY KEY)")
		dir := filepath.Join(b.TempDir(), "shadow")
		a := run(b, pg, dir)
		a.catchUp()
		a.stop()
		cmd := agentProcess(b, pg, dir, crashMemory+"=192MB", "GOGC=50") // as foreshadow run sets it
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		began := time.Now()
		if _, err := pg.Conn(b, "postgres").Exec(b.Context(), fmt.Sprintf("INSERT INTO big SELECT g, g %% 1000, md5(g::text) FROM generate_series(1, %d) g", rows)); err != nil {
			b.Fatal(err)
		}
		inserted := time.Since(began)
		end := a.lsn()
		confirmed := func() bool {
			return pg.Query(b, "postgres", "SELECT (confirmed_flush_lsn >= $1::pg_lsn)::text FROM pg_replication_slots", end.String())[0][0] == "true"
		}
		for deadline := time.Now().Add(time.Hour); !confirmed(); {
			select {
			case err := <-ended:
				b.Fatalf("the agent ended: %v\n%s", err, said.String())
			case <-time.After(100 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				b.Fatal("the transaction was not captured within an hour")
			}
		}
		took := time.Since(began)
		peak := peakMemory(b, cmd.Process.Pid)
		_ = cmd.Process.Kill()
		<-ended
		a = launch(b, pg, dir)
		if n := a.in.Status().Changes; int(n) < rows {
			b.Fatalf("%d changes were stored when the slot was confirmed", n)
		}
		a.catchUp()
		if n, err := a.store.RowCount(b.Context(), a.oid("big")); err != nil || int(n) != rows {
			b.Fatalf("%d rows captured of %d: %v", n, rows, err)
		}
		a.stop()
		b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
		b.ReportMetric(took.Seconds()/inserted.Seconds(), "times-the-insert")
		fmt.Printf("a transaction of %d rows: captured %.1f s after it began, its insert took %.1f s; the agent's memory peaked at %d MB\n", rows, took.Seconds(), inserted.Seconds(), peak>>20)
	}
}

// agentProcess is an agent in a process of its own, not started yet.
func agentProcess(t testing.TB, pg *pgtest.Server, dir string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), crashDir+"="+dir, crashDSN+"="+pg.DSN("postgres", "postgres")), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// peakMemory is the most resident memory that a process had, in bytes.
func peakMemory(t testing.TB, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
