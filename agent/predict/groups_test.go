package predict

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"foreshadow/forecast"
)

// TestPartsAddUp holds that tables add up to the total and partitions to their table, at every stored moment, and that the newest partition takes what
// the older ones took before it.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	for m := range 6 { // a partition of 30 days each, the last of which began three days ago
		daily := make([]float64, 153-30*m)
		for d := range min(30, len(daily)) {
			daily[d] = 100
		}
		f.table(fmt.Sprintf("log_%d", m), 0, daily...)
	}
	f.tables[5].columns = nil // too few days
	f.table("orders", 0, days(200, func(int) float64 { return 10 })...)
	f.sample("volume.heap_bytes:public.log_0", 0, 50_000)
	f.sample("volume.heap_bytes:public.orders", 0, 80_000)
	var partitions []forecast.Reference
	for m := range 6 {
		partitions = append(partitions, forecast.Reference{Child: fmt.Sprintf("public.log_%d", m), Parent: "public.log"})
		if m < 3 {
			partitions = append(partitions, forecast.Reference{Child: fmt.Sprintf("public.log_%d", m), Parent: "public.log_old"})
		}
	}
	r, err := New(Options{Store: f, Clock: f.Clock, Partitions: func() []forecast.Reference { return partitions }})
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]forecast.Result{}
	for _, res := range run.Results {
		byID[res.Series.ID] = res
	}
	for _, measure := range []string{"volume.rows:", "volume.heap_bytes:"} {
		for whole, parts := range map[string][]string{
			"public.log": {"public.log_0", "public.log_1", "public.log_2", "public.log_3", "public.log_4", "public.log_5"}, "total": {"public.log", "public.orders"},
			"public.log_old": {"public.log_0", "public.log_1", "public.log_2"},
		} {
			got := byID[measure+whole]
			if len(got.Points) < 10 || got.Model != modelSum || got.Backtest.Origins == 0 {
				t.Fatalf("%s%s: %+v", measure, whole, got)
			}
			for k, p := range got.Points {
				for _, part := range parts {
					o := byID[measure+part].Points[k]
					p.Mean, p.Lo, p.Hi = p.Mean-o.Mean, p.Lo-o.Lo, p.Hi-o.Hi
				}
				if math.Abs(p.Mean)+math.Abs(p.Lo)+math.Abs(p.Hi) > 1e-6 {
					t.Errorf("%s%s is off by %+v", measure, whole, p)
				}
			}
		}
	}
	log, newest, old := byID["volume.rows:public.log"], byID["volume.rows:public.log_5"], byID["volume.rows:public.log_1"]
	if end := log.Points[len(log.Points)-1]; math.Abs(end.Mean-24_300) > 500 {
		t.Errorf("the whole in 90 days: %+v, want 24,300 rows", end)
	}
	if end := newest.Points[len(newest.Points)-1]; math.Abs(end.Mean-9_300) > 500 || !strings.Contains(newest.Model, "of public.log") {
		t.Errorf("the newest partition in 90 days: %+v by %s, want 9,300 rows", end, newest.Model)
	}
	if end := old.Points[len(old.Points)-1]; math.Abs(end.Mean-3_000) > 1 {
		t.Errorf("a full partition in 90 days: %+v", end)
	}
	if got := volumeOf(t, state(t, r, 90*day), "public.log_5"); math.Abs(got.Rows.P50-9_300) > 500 {
		t.Errorf("the predicted state has %+v", got.Rows)
	}
	s, _, err := r.one(t.Context(), "volume.rows:public.log", 30*day, 90)
	if err != nil || len(s.Values) != 153 || s.Values[152] != 15_300 {
		t.Errorf("the history of the whole: %v, %d values", err, len(s.Values))
	}
	var stored float64
	for _, p := range f.samples {
		if p.Series.ID == "volume.rows:total" {
			stored = p.Value
		}
	}
	if stored != 17_300 {
		t.Errorf("the stored total is %v", stored)
	}
}
