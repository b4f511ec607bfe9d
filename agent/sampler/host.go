package sampler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// host reads the kernel's figures of the machine that the agent runs on, which is the primary's.
type host struct {
	proc, disk string
	busy, all  float64 // processor time at the last reading
	counters   map[string]float64
	at         time.Time // of the counters
}

// readHost measures processor, memory and disk. Where the kernel has no /proc, only the disk is measured.
func (s *Sampler) readHost(_ context.Context, b *batch) error {
	h := s.host
	if err := errors.Join(h.cpu(b), h.memory(b), h.traffic(b)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(h.disk, &st); err != nil {
		return fmt.Errorf("measure disk of %q: %w", h.disk, err)
	}
	b.add("host.disk_free", float64(st.Bavail)*float64(st.Bsize), "")
	b.add("host.disk_total", float64(st.Blocks-st.Bfree+st.Bavail)*float64(st.Bsize), "")
	return nil
}

// cpu reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. Time stolen by other guests counts as busy.
func (h *host) cpu(b *batch) error {
	text, err := os.ReadFile(filepath.Join(h.proc, "stat"))
	if err != nil {
		return fmt.Errorf("read processor time: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return errors.New("read processor time: the first line of stat is not the one of all processors")
	}
	var all, idle float64
	for i, f := range fields[1:min(len(fields), 9)] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return fmt.Errorf("read processor time: %w", err)
		}
		all += v
		if i == 3 || i == 4 {
			idle += v
		}
	}
	spanBusy, spanAll := all-idle-h.busy, all-h.all
	first := h.all == 0
	h.busy, h.all = all-idle, all
	if !first && spanAll > 0 {
		b.add("host.cpu", min(max(spanBusy/spanAll, 0), 1), "")
	}
	return nil
}

// memory reads /proc/meminfo; what the kernel could free at once is not in use.
func (h *host) memory(b *batch) error {
	f, err := os.Open(filepath.Join(h.proc, "meminfo"))
	if err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	defer f.Close()
	found := map[string]float64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if name == "MemTotal" || name == "MemAvailable" {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err != nil {
				return fmt.Errorf("read memory: %w", err)
			}
			found[name] = kb * 1024
		}
	}
	if found["MemTotal"] == 0 {
		return errors.New("read memory: meminfo has no total")
	}
	b.add("host.memory_used", found["MemTotal"]-found["MemAvailable"], "")
	b.add("host.memory_total", found["MemTotal"], "")
	return nil
}

// sector is the unit of /proc/diskstats, whatever the disk's own is.
const sector = 512

// traffic reads /proc/diskstats and /proc/net/dev, counters since the host started. Partitions, which follow their disk, and devices made of others
// are left out, so that nothing counts twice; so is the loop.
func (h *host) traffic(b *batch) error {
	disks, err := os.ReadFile(filepath.Join(h.proc, "diskstats"))
	if err != nil {
		return fmt.Errorf("read disk traffic: %w", err)
	}
	network, err := os.ReadFile(filepath.Join(h.proc, "net", "dev"))
	if err != nil {
		return fmt.Errorf("read network traffic: %w", err)
	}
	now := map[string]float64{}
	disk := "none"
	for line := range strings.Lines(string(disks)) {
		f := strings.Fields(line)
		if len(f) < 10 || strings.HasPrefix(f[2], disk) || made.MatchString(f[2]) {
			continue
		}
		disk = f[2]
		now["host.disk_read"] += sector * number(f[5])
		now["host.disk_written"] += sector * number(f[9])
	}
	for line := range strings.Lines(string(network)) {
		name, figures, ok := strings.Cut(line, ":")
		if f := strings.Fields(figures); ok && len(f) >= 9 && strings.TrimSpace(name) != "lo" {
			now["host.network_in"] += number(f[0])
			now["host.network_out"] += number(f[8])
		}
	}
	before, seconds := h.counters, b.at.Sub(h.at).Seconds()
	h.counters, h.at = now, b.at
	for name, v := range now {
		if last, known := before[name]; known && seconds > 0 && v >= last {
			b.add(name, (v-last)/seconds, "")
		}
	}
	return nil
}

// made are the names of devices that lie on others.
var made = regexp.MustCompile(`^(loop|ram|zram|dm-|md|sr)`)

// number is 0 for what is no number.
func number(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64)
	return v
}
