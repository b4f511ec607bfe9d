package hazard

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"foreshadow/forecast"
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func event(table, kind string, days float64) forecast.SchemaEvent {
	return forecast.SchemaEvent{Relation: table, Kind: kind, At: start.Add(time.Duration(days * float64(day)))}
}

// schema has a table that changes every three weeks, one that changed long ago, one that was dropped and a new one.
func schema() []forecast.SchemaEvent {
	var out []forecast.SchemaEvent
	for i := range 10 {
		out = append(out, event(fmt.Sprintf("still%d", i), CreateTable, 0))
	}
	out = append(out, event("busy", CreateTable, 0), event("old", CreateTable, 0), event("old", "add_column", 10), event("gone", CreateTable, 1), event("gone", DropTable, 300))
	for d := 20.0; d < 700; d += 21 {
		out = append(out, event("busy", "add_column", d), event("busy", "add_index", d))
	}
	return append(out, event("new", CreateTable, 695))
}

func TestForecast(t *testing.T) {
	t.Parallel()
	o := Options{At: start.AddDate(0, 0, 700), Horizon: 1095 * day}
	any := map[string]forecast.SchemaChange{}
	kinds := map[string]float64{}
	for _, c := range Forecast(schema(), o) {
		if c.What == AnyChange {
			any[c.Relation] = c
		} else {
			kinds[c.Relation+" "+c.What] = c.Probability
		}
	}
	busy, old := any["busy"], any["old"]
	if len(any) != 13 || busy.Probability < 0.5 || old.Probability > 0.1 || any["new"].Probability <= any["still1"].Probability {
		t.Errorf("busy %v, old %v, new %v, still %v of %d", busy.Probability, old.Probability, any["new"].Probability, any["still1"].Probability, len(any))
	}
	if busy.P50.IsZero() || busy.P50.After(o.At.AddDate(0, 3, 0)) || !busy.P10.Before(busy.P50) || !old.P50.IsZero() {
		t.Errorf("busy at %v, old at %v", busy.P50, old.P50)
	}
	if kinds["busy add_column"] < 0.3 || kinds["busy drop_table"] > 0 {
		t.Errorf("kinds are %v", kinds)
	}
	if b := busy.Basis; b.Model != Name || b.Backtest.Origins != 4 || !(b.Backtest.Skill > 0.3) || !b.From.Equal(start) {
		t.Errorf("the basis is %+v", b)
	}
	if want := "changed on 18 days in the last year, on 33 in all, last 8 days ago"; busy.Because != want {
		t.Errorf("because %q, not %q", busy.Because, want)
	}
	if got := Forecast(schema(), Options{At: o.At, Tables: []Table{{Name: "old"}}}); len(got) != 1 || got[0].Relation != "old" || !got[0].P10.IsZero() {
		t.Errorf("of one table: %+v", got)
	}
	if Forecast(nil, o) != nil {
		t.Error("a forecast from nothing")
	}
}

// On the first day nothing is known but that tables exist: they are taken as tables usually are, the young ones for busier. What happened is learnt.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	o := Options{At: start.AddDate(0, 0, 1), From: start, Horizon: 1095 * day, Tables: []Table{{Name: "old", Since: start.AddDate(-5, 0, 0)}, {Name: "unknown"}, {Name: "young", Since: start.AddDate(0, 0, -10)}}}
	chances := func(events ...forecast.SchemaEvent) map[string]float64 {
		out := map[string]float64{}
		for _, c := range Forecast(events, o) {
			if c.What == AnyChange {
				out[c.Relation] = c.Probability
			}
		}
		return out
	}
	p := chances()
	if len(p) != 3 || !(p["young"] > 2*p["unknown"]) || p["unknown"] < 0.005 || p["unknown"] > 0.1 || p["old"] < 0.005 || p["old"] > 0.1 {
		t.Errorf("on the first day: %v", p)
	}
	if q := chances(event("old", "add_column", 0.5), event("gone", DropTable, 0.6)); len(q) != 3 || !(q["old"] > p["old"]) {
		t.Errorf("after a change: %v, before %v", q, p)
	}
	o.At = start.AddDate(0, 0, 400)
	if q := chances(); !(q["old"] < p["old"]) {
		t.Errorf("after a still year: %v, before %v", q, p)
	}
}

// What happens after a moment must not change what is forecast at it, whatever the past.
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{CreateTable, DropTable, "add_column", "alter_type", "nonsense"})
		var past, all []forecast.SchemaEvent
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			e := event(rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "table"), kind.Draw(t, "kind"), rapid.Float64Range(0, 1500).Draw(t, "day"))
			all = append(all, e)
			if !e.At.After(start.AddDate(0, 0, 1000)) {
				past = append(past, e)
			}
		}
		o := Options{At: start.AddDate(0, 0, 1000), Horizon: 1095 * day, Within: time.Duration(rapid.IntRange(1, 400).Draw(t, "within")) * day}
		got, want := Forecast(all, o), Forecast(past, o)
		if len(got) != len(want) {
			t.Fatalf("%d rows, not %d", len(got), len(want))
		}
		for i, c := range got {
			if c.Probability != want[i].Probability || c.What != want[i].What {
				t.Fatalf("%+v, not %+v", c, want[i])
			}
			if !(c.Probability >= 0 && c.Probability <= 1) || c.P50.Before(c.P10) && !c.P50.IsZero() || c.P90.Before(c.P50) && !c.P90.IsZero() || !c.P10.IsZero() && c.P10.Before(o.At) {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{0.01, 0.3, 0.9} {
		for _, q := range []float64{0.1, 0.5, 0.9} {
			if got := chanceWithin(p, daysUntil(p, q), shape); math.Abs(got-q) > 1e-9 {
				t.Errorf("after the days of %v the chance is %v", q, got)
			}
		}
		if got := chanceWithin(p, window, shape); math.Abs(got-p) > 1e-12 {
			t.Errorf("within the window the chance is %v, not %v", got, p)
		}
	}
}
