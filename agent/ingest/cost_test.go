package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkPrimaryCost measures what capture costs the primary: the throughput of pgbench's standard script on a server that nobody follows, against
// the same server followed by an agent, in turns on one machine, so that the agent's own work counts too. A third kind of turn has the agent at
// niceness 7, which weighs as much as the CPUWeight of deploy/systemd, and a fourth has pg_recvlogical writing to /dev/null in the agent's place: what any
// reader of the log costs. It prints the medians, how long the agent had to catch up after such turns, and the
// CPU time of walsender and agent for each million changes.
func BenchmarkPrimaryCost(b *testing.B) {
	turn, turns := 10*time.Second, 5
	if s := os.Getenv("FORESHADOW_BENCH_TURN"); s != "" {
		turn, _ = time.ParseDuration(s)
	}
	for b.Loop() {
		c := newCost(b, turn)
		for range turns {
			c.alone = append(c.alone, c.throughput())
			tps, _ := c.turn(0)
			c.followed = append(c.followed, tps)
			c.received = append(c.received, c.receiving())
			tps, behind := c.turn(7)
			c.polite, c.behind = append(c.polite, tps), append(c.behind, behind.Seconds())
		}
		c.report(b)
	}
}

// cost is one measurement under way.
type cost struct {
	b                                 *testing.B
	pg                                *pgtest.Server
	dir                               string
	length                            time.Duration
	alone, followed, polite, received []float64 // transactions per second
	behind                            []float64 // seconds that a polite agent took to catch up
	sender, agent                     float64   // CPU seconds of the turns with an agent
	changes                           float64   // of the last turn
	captured                          float64   // of all turns with an agent
}

func newCost(b *testing.B, turn time.Duration) *cost {
	b.Helper()
	pg := pgtest.Start(b, "shared_buffers=256MB", "max_wal_size=8GB", "synchronous_commit=off")
	pgbench(b, pg, "-i", "-s", "10", "-q")
	pg.Exec(b, "postgres", "ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE beat (n bigint PRIMARY KEY)")
	return &cost{b: b, pg: pg, dir: filepath.Join(b.TempDir(), "shadow"), length: turn}
}

// rate finds what pgbench says of itself.
var rate = regexp.MustCompile(`number of transactions actually processed: (\d+)[\s\S]*tps = ([0-9.]+)`)

// throughput loads the primary for one turn and gives the transactions per second.
func (c *cost) throughput() float64 {
	c.b.Helper()
	args := []string{"-n", "-c", "4", "-j", "2", "-M", "prepared", "-T", strconv.Itoa(int(c.length.Seconds())), "postgres"}
	out, err := c.pg.Command(c.b.Context(), "pgbench", args...).CombinedOutput()
	m := rate.FindSubmatch(out)
	if err != nil || m == nil {
		c.b.Fatalf("pgbench: %v\n%s", err, out)
	}
	n, _ := strconv.ParseFloat(string(m[1]), 64)
	c.changes = 4 * n
	tps, _ := strconv.ParseFloat(string(m[2]), 64)
	return tps
}

// turn is the throughput while an agent of some niceness, in a process of its own, follows, and how long the agent takes to catch up after it. The log of
// turns without an agent is caught up with before.
func (c *cost) turn(niceness int) (tps float64, behind time.Duration) {
	c.b.Helper()
	agent := agentProcess(c.b, c.pg, c.dir)
	agent.SysProcAttr.Setsid = true // a scheduling group of its own, as every service has one
	if err := agent.Start(); err != nil {
		c.b.Fatal(err)
	}
	if err := renice(agent.Process.Pid, niceness); err != nil {
		c.b.Fatal(err)
	}
	c.caughtUp()
	sender, err := strconv.Atoi(slot(c.b, c.pg, "active_pid"))
	if err != nil {
		c.b.Fatal(err)
	}
	sent, took := seconds(c.b, sender), seconds(c.b, agent.Process.Pid)
	tps = c.throughput()
	ended := time.Now()
	c.caughtUp()
	behind = time.Since(ended)
	c.sender += seconds(c.b, sender) - sent
	c.agent += seconds(c.b, agent.Process.Pid) - took
	c.captured += c.changes
	if err := agent.Process.Kill(); err != nil {
		c.b.Fatal(err)
	}
	_ = agent.Wait() // it was killed
	return tps, behind
}

// receiving is the throughput while pg_recvlogical follows.
func (c *cost) receiving() float64 {
	c.b.Helper()
	c.pg.Exec(c.b, "postgres", "SELECT pg_create_logical_replication_slot('receiver', 'pgoutput')")
	cmd := receiver(c.b, c.pg, "foreshadow")
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		c.b.Fatal(err)
	}
	active := func() string {
		return c.pg.Query(c.b, "postgres", "SELECT active::text FROM pg_replication_slots WHERE slot_name = 'receiver'")[0][0]
	}
	until(c.b, "the receiver reads", func() bool { return active() == "true" })
	tps := c.throughput()
	if active() != "true" {
		c.b.Fatal("the receiver did not read to the end")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	until(c.b, "the receiver has let go", func() bool { return active() == "false" })
	c.pg.Exec(c.b, "postgres", "SELECT pg_drop_replication_slot('receiver')")
	return tps
}

// renice gives a process that leads a session its niceness: as a group, where Linux weighs the processes of each session together, else by itself.
func renice(pid, niceness int) error {
	err := os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(niceness)), 0)
	if errors.Is(err, os.ErrNotExist) {
		return syscall.Setpriority(syscall.PRIO_PROCESS, pid, niceness)
	}
	return err
}

// caughtUp waits until the agent has stored and confirmed what is committed now.
func (c *cost) caughtUp() {
	c.b.Helper()
	c.pg.Exec(c.b, "postgres", "INSERT INTO beat SELECT coalesce(max(n), 0) + 1 FROM beat")
	at := c.pg.Query(c.b, "postgres", "SELECT pg_current_wal_lsn()::text")[0][0]
	until(c.b, "the agent has caught up", func() bool {
		return slot(c.b, c.pg, "active AND confirmed_flush_lsn >= '"+at+"'") == "true"
	})
}

// seconds is the CPU time that a process has used.
func seconds(b *testing.B, pid int) float64 {
	b.Helper()
	return cpu(b, pid, 2)
}

// cpu is cpuOf of a process that must be there.
func cpu(b *testing.B, pid, times int) float64 {
	b.Helper()
	sum, err := cpuOf(pid, times)
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

// cpuOf sums the first of a process's times, in seconds: its own in user and in system mode, then those of its children that have ended.
func cpuOf(pid, times int) (sum float64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	for _, f := range strings.Fields(rest)[11 : 11+times] {
		n, _ := strconv.ParseFloat(f, 64)
		sum += n
	}
	return sum / 100, nil // clock ticks are hundredths on every Linux that Go runs on
}

func (c *cost) report(b *testing.B) {
	b.Helper()
	alone, followed, polite, received := median(c.alone), median(c.followed), median(c.polite), median(c.received)
	b.ReportMetric(followed/alone, "followed-ratio")
	b.ReportMetric(polite/alone, "nice-ratio")
	b.ReportMetric(received/alone, "recvlogical-ratio")
	b.ReportMetric(c.sender/c.captured*1e6, "walsender-s/M")
	b.ReportMetric(c.agent/c.captured*1e6, "agent-s/M")
	fmt.Printf("pgbench: %.0f transactions/s alone %.0f, %.0f followed (%.3f) %.0f, %.0f with the agent at nice 7 (%.3f) %.0f, which then caught up in %.1f s, %.0f with pg_recvlogical (%.3f) %.0f; a million changes cost the walsender %.1f s of CPU and the agent %.1f s\n",
		alone, c.alone, followed, followed/alone, c.followed, polite, polite/alone, c.polite, median(c.behind), received, received/alone, c.received, c.sender/c.captured*1e6, c.agent/c.captured*1e6)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
