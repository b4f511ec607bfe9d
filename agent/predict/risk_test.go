package predict

import (
	"math"
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
