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
