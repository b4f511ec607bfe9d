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
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("meminfo", "MemTotal:       1000 kB\nMemFree:   1 kB\nMemAvailable:    400 kB\n")
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
	b = &batch{at: time.Unix(10, 0)}
	if err := s.readHost(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if cpu := values(b.samples)["host.cpu"]; math.Abs(cpu-0.4) > 1e-9 {
		t.Fatalf("cpu = %v, want 0.4", cpu)
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
