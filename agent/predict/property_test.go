package predict

import (
	"context"
	"math"
	"testing"
	"time"

	"foreshadow/forecast"

	"pgregory.net/rapid"
)

// Whatever the store holds — gaps, zeros, tables without rows, keys beyond their limit, new and stale series — a run gives finite, ordered
// values that are not negative, and limits whose dates are in order.
func TestRunsHoldWhateverTheStoreHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := &fake{now: noon.Add(time.Duration(rapid.IntRange(0, 86_399).Draw(t, "second")) * time.Second)}
		amount := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 10), rapid.Float64Range(0, 1e12))
		for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(0, 3).Draw(t, "tables")] {
			f.table(name, rapid.Int64Range(0, 1_000_000).Draw(t, "rows"), days(rapid.IntRange(0, 60).Draw(t, "days"), func(int) float64 {
				return rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 1000)).Draw(t, "created")
			})...)
		}
		ids := []string{
			"volume.rows:public.a", "volume.heap_bytes:public.a", "volume.rows_inserted:public.a", "volume.rows_deleted:public.a", "key.last:public.a.id", "key.max:public.a.id",
			"key.first:public.a.id", "key.last:public.s", "key.max:public.s", "load.total_calls", "load.calls:1", "load.calls:other", "host.cpu", "db.connections",
			"db.max_connections", "limit.xid_age", "host.disk_free", "host.disk_total", "host.memory_used", "host.memory_total",
		}
		for range rapid.IntRange(0, 40).Draw(t, "samples") {
			ago := time.Duration(rapid.IntRange(0, 40*24*60).Draw(t, "ago")) * time.Minute
			f.sample(rapid.SampledFrom(ids).Draw(t, "series"), ago, amount.Draw(t, "value"))
		}
		r, err := New(Options{Store: f, Clock: f.Clock, References: func() []forecast.Reference {
			return []forecast.Reference{{Child: "public.b", Parent: "public.a"}, {Child: "public.a", Parent: "public.b"}, {Child: "public.c", Parent: "public.gone"}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		run, err := r.Refresh(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range run.Results {
			for _, p := range res.Points {
				if math.IsNaN(p.Lo+p.Mean+p.Hi) || p.Lo < 0 || p.Lo > p.Mean || p.Mean > p.Hi || math.IsInf(p.Hi, 0) {
					t.Fatalf("%s by %s: %+v", res.Series.ID, res.Model, p)
				}
			}
		}
		for _, l := range run.Limits {
			if !l.P50.IsZero() && (l.P10.IsZero() || l.P10.After(l.P50)) || !l.P90.IsZero() && l.P90.Before(l.P50) {
				t.Fatalf("dates out of order: %+v", l)
			}
		}
		s, err := r.PredictedState(context.Background(), f.now.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "hours"))*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.ProjectedDataVolume {
			for _, q := range []forecast.Quantiles{v.Rows, v.Heap, v.Index, v.Toast} {
				if !(q.P10 >= 0 && q.P10 <= q.P50 && q.P50 <= q.P90) {
					t.Fatalf("%s: %+v", v.Relation, v)
				}
			}
		}
	})
}
