package sampler

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"foreshadow/forecast"
)

// values is the batch as a map.
func values(samples []forecast.Sample) map[string]float64 {
	m := map[string]float64{}
	for _, s := range samples {
		m[s.Series.ID] = s.Value
	}
	return m
}

func TestHostFigures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "net"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("meminfo", "MemTotal:       1000 kB\nMemFree:   1 kB\nMemAvailable:    400 kB\n")
	write("diskstats", " 8 0 sda 9 0 100 0 9 0 10 0\n 8 1 sda1 9 0 90 0 9 0 9 0\n 253 0 dm-0 9 0 90 0 9 0 9 0\n 8 16 sdb 9 0 1 0 9 0 2 0\n")
	write("net/dev", "Inter-|   Receive\n face |bytes\n    lo: 999 1 0 0 0 0 0 0 999 1\n  eth0: 1000 1 0 0 0 0 0 0 500 1\n")
	write("stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1 1\n")
	s := &Sampler{host: &host{proc: dir, disk: dir}}
	b := &batch{at: time.Unix(0, 0)}
	if err := s.readHost(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	got := values(b.samples)
	if _, there := got["host.cpu"]; there || got["host.memory_used"] != 600*1024 || got["host.disk_free"] <= 0 || got["host.disk_total"] < got["host.disk_free"] {
		t.Fatalf("first reading: %v", got)
	}
	write("stat", "cpu  160 0 120 800 120 0 0 0 0 0\n")
	write("diskstats", " 8 0 sda 9 0 110 0 9 0 10 0\n 8 1 sda1 9 0 99 0 9 0 9 0\n 253 0 dm-0 9 0 99 0 9 0 9 0\n 8 16 sdb 9 0 11 0 9 0 12 0\n")
	write("net/dev", "  eth0: 3000 1 0 0 0 0 0 0 400 1\n")
	b = &batch{at: time.Unix(10, 0)}
	if err := s.readHost(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if cpu := values(b.samples)["host.cpu"]; math.Abs(cpu-0.4) > 1e-9 {
		t.Fatalf("cpu = %v, want 0.4", cpu)
	}
	for id, want := range map[string]float64{"host.disk_read": 1024, "host.disk_written": 512, "host.network_in": 200} {
		if got := values(b.samples)[id]; got != want {
			t.Errorf("%s = %v, want %v", id, got, want)
		}
	}
	if _, there := values(b.samples)["host.network_out"]; there {
		t.Error("a counter that fell gave a rate")
	}
	write("stat", "nonsense\n")
	if err := s.readHost(t.Context(), b); err == nil {
		t.Fatal("nonsense in stat was taken for figures")
	}
	s.host.proc = filepath.Join(dir, "missing")
	b = &batch{at: time.Unix(20, 0)}
	if err := s.readHost(t.Context(), b); err != nil || values(b.samples)["host.disk_total"] <= 0 {
		t.Fatalf("without /proc: %v, %v", err, values(b.samples))
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s, ok := Describe("volume.heap_bytes:public.orders")
	if !ok || s.Kind != "volume" || s.Object != "public.orders" || s.Measure != "heap_bytes" || s.Step != 24*time.Hour {
		t.Fatalf("%+v, %v", s, ok)
	}
	if s, ok := Describe("host.cpu"); !ok || s.Object != "host" {
		t.Fatalf("%+v, %v", s, ok)
	}
	if _, ok := Describe("nothing:at all"); ok {
		t.Fatal("an unknown name was described")
	}
}
