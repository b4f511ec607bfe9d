package predict

import (
	"math"
	"slices"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/risk"
)

// TestAssessUsesTheForecasts holds a rewrite against a table that follows its parent, as predicted_state has both.
func TestAssessUsesTheForecasts(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(200, func(int) float64 { return 1000 })...)
	f.table("items", 600_000)
	f.table("other", 0, days(200, func(int) float64 { return 10 })...)
	for h := range 40 {
		f.sample("lock.readers:public.items", time.Duration(h)*time.Hour, float64(h%2))
	}
	f.sample("volume.heap_bytes:public.items", 0, 90e6)
	r := newRunner(t, f, forecast.Reference{Child: "public.items", Parent: "public.orders"})
	script, err := risk.Parse("ALTER TABLE items ADD COLUMN a float8 DEFAULT random()")
	if err != nil {
		t.Fatal(err)
	}
	c := &risk.Catalog{Version: 17, Named: map[string]uint32{`"items"`: 1}, Volatile: []string{"random"},
		Relations: []*risk.Relation{{OID: 1, Name: "public.items", Kind: "r", Persistence: "p"}}}
	horizon := 90 * day
	found, err := r.Tables().Assess(t.Context(), script, c, horizon)
	if err != nil {
		t.Fatal(err)
	}
	state, err := r.PredictedState(t.Context(), noon.Add(horizon))
	if err != nil {
		t.Fatal(err)
	}
	rows := volumeOf(t, state, "public.items").Rows
	got := found[0].Findings[0]
	if math.Abs(got.Rows.P50/rows.P50-1) > 1e-9 || got.Rows.P50 < 700_000 || got.Bytes.P50 <= 90e6 {
		t.Errorf("rows %+v, predicted state %+v, bytes %+v", got.Rows, rows, got.Bytes)
	}
	if got.Wait != 0.5 || found[0].Verdict != risk.Careful {
		t.Errorf("wait %v s, %s: %s", got.Wait, found[0].Verdict, found[0].Because)
	}
	if now, err := r.Tables().Assess(t.Context(), script, c, 0); err != nil || now[0].Findings[0].Rows.P50 != 600_000 {
		t.Errorf("now: %+v, %v", now, err)
	}
}

// TestExpectedChangesAreAssessed takes a key that runs out, which will force a rewrite of a table that is large by then.
func TestExpectedChangesAreAssessed(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(200, func(int) float64 { return 100_000 })...)
	f.sample("volume.heap_bytes:public.orders", 0, 2e9)
	f.sample("volume.index_bytes:public.orders", 0, 6e8)
	f.sample("key.last:public.orders.id", 0, 1<<31-1-5_000_000)
	f.sample("key.max:public.orders.id", 0, 1<<31-1)
	r := newRunner(t, f)
	state, err := r.PredictedState(t.Context(), noon.Add(120*day))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(state.RiskAssessment.Changes, func(c forecast.ChangeRisk) bool { return c.What == "alter_type" })
	if i < 0 {
		t.Fatalf("%+v", state.RiskAssessment)
	}
	c := state.RiskAssessment.Changes[i]
	if c.Relation != "public.orders" || c.Verdict != string(risk.Dangerous) || c.Work != "rewrite" || c.Lock != "ACCESS EXCLUSIVE" || c.Hold.P50 < 10 || c.Probability < 0.5 {
		t.Errorf("%+v", c)
	}
	table, err := r.Tables().PredictedState(t.Context(), 120*day)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(table.Rows, func(row []any) bool { return row[1] == "alter_type_seconds" && row[4] == c.Hold.P50 }) {
		t.Errorf("no such row in %v", table.Rows)
	}
}

// TestAssessUsesTheLoadToCome has a load of office days that doubles in 80 days, of which half are statements on the table, and a report that holds
// the table every night from three to five.
func TestAssessUsesTheLoadToCome(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 100_000)
	f.sample("volume.heap_bytes:public.orders", 0, 10e6)
	growing := func(d int) float64 { return 100 * (1 + float64(d-80)/160) }
	office(f, "load.total_calls", 80, growing)
	office(f, "load.calls:1", 80, func(d int) float64 { return growing(d) / 2 })
	for i := range f.samples {
		if f.samples[i].Series.ID == "load.calls:1" {
			f.samples[i].Series.Text = "SELECT * FROM orders WHERE id = $1"
		}
	}
	for h := range 20 * 24 {
		held := 0.0
		if at := noon.Add(-time.Duration(h) * time.Hour); at.Hour() == 3 || at.Hour() == 4 {
			held = 120
		}
		f.sample("lock.readers:public.orders", time.Duration(h)*time.Hour, held)
	}
	r := newRunner(t, f)
	script, err := risk.Parse("ALTER TABLE orders ADD COLUMN a int")
	if err != nil {
		t.Fatal(err)
	}
	c := &risk.Catalog{Version: 17, Named: map[string]uint32{`"orders"`: 1}, Relations: []*risk.Relation{{OID: 1, Name: "public.orders", Kind: "r", Persistence: "p"}}}
	finding := func(horizon time.Duration) risk.Finding {
		t.Helper()
		found, err := r.Tables().Assess(t.Context(), script, c, horizon)
		if err != nil {
			t.Fatal(err)
		}
		return found[0].Findings[0]
	}
	now, week, then := finding(0), finding(7*day), finding(87*day)
	if now.Conflicting <= 0 || week.Conflicting != now.Conflicting {
		t.Errorf("the week that is forecast: %v statements a second now, %v in a week", now.Conflicting, week.Conflicting)
	}
	if grown := then.Conflicting / now.Conflicting; grown < 1.3 || grown > 1.6 {
		t.Errorf("in 80 days more the load is %.2f times that of the coming week, not 1.5", grown)
	}
	anticipated := func(ahead time.Duration) (calls forecast.Quantiles) {
		t.Helper()
		state, err := r.PredictedState(t.Context(), noon.Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range state.AnticipatedQueryLoad {
			if q.CallsPerSec.P10 > q.CallsPerSec.P50 || q.CallsPerSec.P50 > q.CallsPerSec.P90 {
				t.Fatalf("%+v", q)
			}
			calls.P50 += q.CallsPerSec.P50
			calls.P90 += q.CallsPerSec.P90
		}
		return calls
	}
	soon, later := anticipated(7*day), anticipated(91*day) // the same day of the week
	if grown := later.P50 / soon.P50; grown < 1.3 || grown > 1.65 || later.P90-later.P50 <= soon.P90-soon.P50 {
		t.Errorf("the anticipated load of a day grows from %+v to %+v", soon, later)
	}
	if h := now.BestHour.Hour(); h == 3 || h == 4 || math.Abs(now.Wait-10) > 0.1 || now.QueuedBest >= now.Queued/5 {
		t.Errorf("the best hour is %v: %+v", now.BestHour, now)
	}
}

func TestWaitsByTheHour(t *testing.T) {
	t.Parallel()
	held := func(days int) []float64 { // at ten on any day, and all Sunday
		f := &fake{now: noon}
		for h := range days * 24 {
			v := 0.0
			if at := noon.Add(-time.Duration(h) * time.Hour); at.Hour() == 10 || at.Weekday() == time.Sunday {
				v = 60
			}
			f.sample("lock.readers:public.orders", time.Duration(h)*time.Hour, v)
		}
		series, err := f.Series(t.Context(), forecast.SeriesFilter{})
		if err != nil {
			t.Fatal(err)
		}
		in := inputs{series: map[string]forecast.Series{series[0].ID: series[0]}}
		return in.waits(series[0].ID, noon.Add(20*time.Minute))
	}
	if got := held(6); got != nil {
		t.Errorf("of six days: %v", got)
	}
	if got := held(14); got[21] != 60 || got[0] <= 0 || got[0] >= 20 || got[0] != got[24] {
		t.Errorf("of two weeks, by the hour of the day: %v", got)
	}
	// noon is a Monday: the first hour to come is Monday's thirteenth, and Sunday begins 131 hours later.
	if got := held(35); got[21] != 60 || got[0] != 0 || got[130] != 0 || got[131] != 60 || got[154] != 60 || got[155] != 0 {
		t.Errorf("of five weeks, by the hour of the week: %v", got)
	}
}
