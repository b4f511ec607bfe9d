package predict

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

func state(t *testing.T, r *Runner, ahead time.Duration) forecast.PredictedState {
	t.Helper()
	s, err := r.PredictedState(t.Context(), r.o.Clock().Add(ahead))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGrowthFromCreatedAt(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(401, func(int) float64 { return 100 })...)
	f.sample("volume.heap_bytes:public.orders", 0, 4_010_000)
	s := state(t, newRunner(t, f), 90*day)
	v := volumeOf(t, s, "public.orders")
	if want := 40_100 + 9_000.0; math.Abs(v.Rows.P50-want) > 0.01*want || v.Rows.P10 > v.Rows.P50 || v.Rows.P90 < v.Rows.P50 {
		t.Errorf("rows in 90 days: %+v, want %v", v.Rows, want)
	}
	if v.RowsNow != 40_100 || math.Abs(v.Heap.P50-100*v.Rows.P50) > 1e-6*v.Heap.P50 {
		t.Errorf("now %v rows, heap %+v for rows %+v", v.RowsNow, v.Heap, v.Rows)
	}
	if s.AsOfLSN != "16/B374D848" || s.RunID != 1 || !s.Horizon.Equal(noon.Add(90*day)) {
		t.Errorf("state %v %v %v", s.AsOfLSN, s.RunID, s.Horizon)
	}
	if half := volumeOf(t, state(t, newRunner(t, f), 12*time.Hour), "public.orders"); math.Abs(half.Rows.P50-40_150) > 20 {
		t.Errorf("rows in half a day: %+v", half.Rows)
	}
}

// Tables with noise, weekly rhythm and growth of their own: what comes must lie inside p10 to p90 about as often as it says, and nothing is negative.
func TestIntervalsCoverWhatComes(t *testing.T) {
	t.Parallel()
	const seed = 7
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, seed))
	f := &fake{now: noon}
	truth := map[string]float64{}
	for i := range 40 {
		name, base, growth, noise := fmt.Sprintf("t%02d", i), 10+rng.Float64()*500, rng.Float64()*2, 0.1+rng.Float64()*0.6
		level := 0.0
		at := func(d int) float64 {
			level = 0.98*level + noise*rng.NormFloat64()*0.3
			return math.Round(max(0, base*(1+growth*float64(d)/400)*(1+0.3*math.Sin(float64(d)*2*math.Pi/7)+level)))
		}
		past := days(400, at)
		f.table(name, 0, past...)
		sum := 0.0
		for d := range 60 {
			sum += at(400 + d)
		}
		truth["public."+name] = float64(f.tables[i].rows) + sum
	}
	s := state(t, newRunner(t, f), 60*day)
	inside := 0
	for _, v := range s.ProjectedDataVolume {
		if v.Rows.P10 < 0 || v.Rows.P10 > v.Rows.P50 || v.Rows.P50 > v.Rows.P90 {
			t.Fatalf("quantiles out of order: %+v", v)
		}
		if want := truth[v.Relation]; v.Rows.P10 <= want && want <= v.Rows.P90 {
			inside++
		}
	}
	t.Logf("%d of %d inside p10 to p90", inside, len(s.ProjectedDataVolume))
	if inside < 26 {
		t.Errorf("only %d of 40 were inside; 32 should be", inside)
	}
}

func TestChildFollowsParentAndUnknownStaysWide(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(300, func(int) float64 { return 50 })...)
	f.table("order_items", 45_000)
	f.table("products", 0, days(300, func(int) float64 { return 1 })...)
	f.table("settings", 12)
	f.table("empty", 0)
	r := newRunner(t, f, forecast.Reference{Child: "public.order_items", Parent: "public.products"},
		forecast.Reference{Child: "public.order_items", Parent: "public.orders"}, forecast.Reference{Child: "public.orders", Parent: "public.settings"})
	s := state(t, r, 30*day)
	orders, items := volumeOf(t, s, "public.orders"), volumeOf(t, s, "public.order_items")
	if math.Abs(items.Rows.P50-3*orders.Rows.P50) > 1 || items.RowsNow != 45_000 {
		t.Errorf("items %+v, orders %+v", items, orders)
	}
	if v := volumeOf(t, s, "public.settings"); v.Rows.P50 != 12 || v.Rows.P10 != 0 || v.Rows.P90 <= 12 {
		t.Errorf("a table of unknown past: %+v", v.Rows)
	}
	if v := volumeOf(t, s, "public.empty"); v.Rows.P50 != 0 || v.Rows.P10 != 0 {
		t.Errorf("an empty table: %+v", v.Rows)
	}
}

// A table that is emptied as fast as it is filled holds only young rows, which looks like growth from nothing.
func TestRetentionIsNotGrowth(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("log", 0, days(60, func(int) float64 { return 1000 })...)
	f.sample("volume.rows_inserted:public.log", 0, 1_000_000)
	f.sample("volume.rows_deleted:public.log", 0, 1_000_000)
	if v := volumeOf(t, state(t, newRunner(t, f), 90*day), "public.log"); v.Rows.P50 > 61_000 {
		t.Errorf("rows in 90 days: %+v, want about 60,000", v.Rows)
	}
}

// Where some rows are deleted again, how many of them is not known from those that are left, and the forecast says so.
func TestDeletedRowsAreDoubt(t *testing.T) {
	t.Parallel()
	width := func(deleted float64) (forecast.TableVolume, float64) {
		f := &fake{now: noon}
		f.table("log", 0, days(300, func(int) float64 { return 1000 })...)
		f.sample("volume.rows_inserted:public.log", 0, 1_000_000)
		f.sample("volume.rows_deleted:public.log", 0, deleted)
		r := newRunner(t, f)
		v := volumeOf(t, state(t, r, 90*day), "public.log")
		if text := r.last.run.Results[0].Series.Text; strings.Contains(text, "deleted") != (deleted > 0) {
			t.Errorf("%v deleted: the series is %q", deleted, text)
		}
		return v, v.Rows.P90 - v.Rows.P10
	}
	all, certain := width(0)
	half, unsure := width(500_000)
	_, none := width(1_000_000)
	if math.Abs(all.Rows.P50-390_000) > 4000 || math.Abs(half.Rows.P50-345_000) > 4000 || unsure < certain+40_000 || none > 5000 {
		t.Errorf("all stay: %+v, half: %+v; widths %v, %v, none %v", all.Rows, half.Rows, certain, unsure, none)
	}
}

func TestIntegerKeyRunsOut(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("events", 0, days(400, func(i int) float64 { return 900 + 100*float64(i%3) })...)
	last := 1<<31 - 1 - 200*1000.0
	f.sample("key.last:public.events.id", 0, last)
	f.sample("key.max:public.events.id", 0, 1<<31-1)
	f.sample("key.first:public.events.id", 0, last-float64(f.tables[0].rows)+1)
	f.sample("key.last:public.lonely_seq", 0, 5)
	f.sample("key.max:public.lonely_seq", 0, 1<<31-1)
	f.sample("limit.xid_age", 0, 60_000_000)
	f.sample("host.disk_free", 0, 1e12)
	f.sample("host.disk_total", 0, 2e12)
	r := newRunner(t, f)
	run, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]forecast.Limit{}
	for _, l := range run.Limits {
		found[l.Kind] = l
	}
	key, truth := found["integer_key"], noon.Add(200*day)
	if off := key.P50.Sub(truth); off.Abs() > 10*day || key.P10.After(truth) || (!key.P90.IsZero() && key.P90.Before(truth)) || key.Current != last {
		t.Errorf("the key runs out %v %v %v, truth %v", key.P10, key.P50, key.P90, truth)
	}
	if run.Limits[0].Kind != "integer_key" {
		t.Errorf("the first limit is %+v", run.Limits[0])
	}
	for _, kind := range []string{"sequence", "transaction_ids", "disk"} {
		if l, there := found[kind]; !there || !l.P50.IsZero() || l.Note == "" {
			t.Errorf("%s: %+v", kind, l)
		}
	}
	s := state(t, r, 365*day)
	if len(s.RiskAssessment) != 1 || s.RiskAssessment[0].Kind != "integer_key" {
		t.Errorf("risks within a year: %+v", s.RiskAssessment)
	}
	if s := state(t, r, 30*day); len(s.RiskAssessment) != 0 {
		t.Errorf("risks within a month: %+v", s.RiskAssessment)
	}
}

func TestStatementsShareTheWholeLoad(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon.Add(10 * time.Minute)}
	rng := rand.New(rand.NewPCG(1, 2))
	for h := range 8 * 168 {
		v := 50 + 40*math.Sin(float64(h)*2*math.Pi/24) + 3*rng.NormFloat64()
		f.sample("load.total_calls", time.Duration(h)*time.Hour+11*time.Minute, v)
		f.sample("host.cpu", time.Duration(h)*time.Hour+11*time.Minute, v/200)
	}
	f.sample("load.total_calls", 0, 60)
	f.sample("load.calls:42", time.Minute, 15)
	f.sample("load.calls:42", 0, 15)
	r := newRunner(t, f)
	run, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]forecast.Result{}
	for _, res := range run.Results {
		byID[res.Series.ID] = res
	}
	total, one := byID["load.total_calls"], byID["load.calls:42"]
	if len(total.Points) != 168 || total.Backtest.Origins == 0 || total.Backtest.Skill < 0.1 || total.Backtest.Coverage < 0.8 {
		t.Errorf("total: %d points, %+v", len(total.Points), total.Backtest)
	}
	if !total.Points[0].At.Equal(noon) {
		t.Errorf("the step under way was taken for a whole one: first point at %v", total.Points[0].At)
	}
	if one.Model != modelShare || len(one.Points) != 168 || one.Points[3].Mean > total.Points[3].Mean || one.Points[3].Hi-one.Points[3].Lo <= 0 {
		t.Errorf("one statement: %s, %+v", one.Model, one.Points[3])
	}
	s := state(t, r, 90*day)
	if len(s.AnticipatedQueryLoad) != 24 {
		t.Fatalf("%d hours of load", len(s.AnticipatedQueryLoad))
	}
	for _, q := range s.AnticipatedQueryLoad {
		if c := q.CallsPerSec; c.P10 < 0 || c.P10 > c.P50 || c.P50 > c.P90 || q.At.After(s.Horizon) {
			t.Errorf("%+v", q)
		}
	}
}

func TestHorizonsAreChecked(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(100, func(int) float64 { return 5 })...)
	r := newRunner(t, f)
	for _, h := range []time.Duration{0, -time.Hour, 4000 * day} {
		if _, err := r.PredictedState(t.Context(), noon.Add(h)); sqlerr.Code(err) != "22023" {
			t.Errorf("horizon %v: %v", h, err)
		}
	}
}

func TestRunWaitsAndRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{now: noon}
		f.table("orders", 0, days(100, func(int) float64 { return 5 })...)
		ready := make(chan struct{})
		r, err := New(Options{Store: f, Ready: ready, Interval: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(time.Hour) // of the test's own clock
		synctest.Wait()
		if _, err := r.PredictedState(ctx, time.Now().Add(day)); sqlerr.Code(err) != "55000" || len(f.runs) != 0 {
			t.Errorf("before capture was ready: %v, %d runs", err, len(f.runs))
		}
		f.failing = errors.New("the store is away")
		close(ready)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		f.failing = nil
		time.Sleep(10*time.Hour + time.Minute)
		synctest.Wait()
		if n := len(f.runs); n < 10 || n > 12 {
			t.Errorf("%d runs in ten hours", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
