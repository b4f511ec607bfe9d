package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/pgtest"
)

// BenchmarkConnections has 200 clients connect at once and each ask for rows by their keys and for a catalog entry, all together; first of the primary, then
// of the agent. The figures are the agent's times as multiples of the primary's, at the median and at the 99th percentile, and the agent's memory for
// each client: its own and that of the mirror's backends, without what they share.
func BenchmarkConnections(b *testing.B) {
	const clients, rounds = 200, 10
	pg := pgtest.Start(b, "max_connections=300")
	pg.CreateDatabase(b, "shop")
	pg.Exec(b, "shop", strings.ReplaceAll(million, "1000000", "100000"))
	d := startDev(b, "", "--source", pg.DSN("postgres", "shop"))
	urls := []string{pg.DSN("postgres", "shop"), d.url(b, "analyst", "shop")}
	for b.Loop() {
		var connects, asks [2][]time.Duration
		var memory int
		for side, url := range urls {
			before := private(b, d.cmd.Process.Pid)
			connects[side], asks[side] = crowd(b, url, clients, rounds, func() { memory = private(b, d.cmd.Process.Pid) - before })
		}
		at := func(times []time.Duration, p int) float64 {
			return float64(times[len(times)*p/100].Microseconds()) / 1000
		}
		for _, p := range []int{50, 99} {
			b.ReportMetric(at(connects[1], p)/at(connects[0], p), fmt.Sprintf("x-connect-p%d", p))
			b.ReportMetric(at(asks[1], p)/at(asks[0], p), fmt.Sprintf("x-ask-p%d", p))
		}
		b.ReportMetric(at(connects[1], 99), "ms-connect-p99")
		b.ReportMetric(at(asks[1], 99), "ms-ask-p99")
		b.ReportMetric(float64(memory)/clients/1024, "MB-per-client")
	}
}

// crowd connects clients at once, lets each ask in rounds, and gives the sorted times of both. While all are connected it calls there.
func crowd(b *testing.B, url string, clients, rounds int, there func()) (connects, asks []time.Duration) {
	b.Helper()
	var mu sync.Mutex
	var arrived, done sync.WaitGroup
	arrived.Add(clients)
	leave := make(chan struct{})
	for n := range clients {
		done.Go(func() {
			began := time.Now()
			conn, err := pgx.Connect(context.Background(), url)
			if err != nil {
				arrived.Done()
				b.Error(err)
				return
			}
			mu.Lock()
			connects = append(connects, time.Since(began))
			mu.Unlock()
			for i := range rounds {
				for _, sql := range []string{fmt.Sprintf("SELECT text, amount FROM wide WHERE id = %d", n*rounds+i+1), "SELECT relname FROM pg_class WHERE oid = 1259"} {
					began = time.Now()
					if r := conn.PgConn().ExecParams(context.Background(), sql, nil, nil, nil, nil).Read(); r.Err != nil || len(r.Rows) != 1 {
						b.Errorf("%s: %d rows, %v", sql, len(r.Rows), r.Err)
					}
					mu.Lock()
					asks = append(asks, time.Since(began))
					mu.Unlock()
				}
			}
			arrived.Done()
			<-leave
			_ = conn.Close(context.Background())
		})
	}
	arrived.Wait()
	there()
	close(leave)
	done.Wait()
	if b.Failed() {
		b.FailNow()
	}
	slices.Sort(connects)
	slices.Sort(asks)
	return connects, asks
}

// private is how many kilobytes a process and its descendants have for themselves.
func private(b *testing.B, pid int) int {
	b.Helper()
	sum := 0
	files, err := filepath.Glob("/proc/[0-9]*/smaps_rollup")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		if !descends(filepath.Base(filepath.Dir(file)), strconv.Itoa(pid)) {
			continue
		}
		text, _ := os.ReadFile(file) // of a process that has ended meanwhile
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); strings.HasPrefix(line, "Private_") {
				n, err := strconv.Atoi(f[1])
				if err != nil {
					b.Fatal(err)
				}
				sum += n
			}
		}
	}
	return sum
}

// descends says whether a process is another one or comes from it.
func descends(pid, from string) bool {
	for pid != from {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || pid == "1" || pid == "0" {
			return false
		}
		pid = strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[1]
	}
	return true
}
