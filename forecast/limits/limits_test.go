package limits

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fan grows by 10 a day in the middle, 5 and 20 at the edges, from 100 on the second of January.
func fan(days int) forecast.Fan {
	var f forecast.Fan
	for k := range days {
		d := float64(k + 1)
		f.Points = append(f.Points, forecast.Point{At: start.AddDate(0, 0, k+2)})
		f.Quantiles = append(f.Quantiles, forecast.Quantiles{P10: 100 + 5*d, P50: 100 + 10*d, P90: 100 + 20*d})
	}
	return f
}

func TestReach(t *testing.T) {
	t.Parallel()
	day := func(d float64) time.Time {
		return start.Add(time.Duration((d + 1) * 24 * float64(time.Hour)))
	}
	series := forecast.Series{Start: start, Step: 24 * time.Hour, Values: []float64{90, 100, math.NaN()}}
	for name, c := range map[string]struct {
		max           float64
		series        forecast.Series
		days          int
		p10, p50, p90 time.Time
		note          string
	}{
		"all within":  {200, series, 30, day(5), day(10), day(20), ""},
		"half a day":  {105, series, 30, day(0.25), day(0.5), day(1), ""},
		"late beyond": {200, series, 10, day(5), day(10), time.Time{}, ""},
		"early only":  {200, series, 9, day(5), time.Time{}, time.Time{}, Unlikely},
		"none":        {10000, series, 30, time.Time{}, time.Time{}, time.Time{}, NoneInSight},
		"reached":     {100, series, 30, day(0), day(0), day(0), Reached},
		"no forecast": {200, series, 0, time.Time{}, time.Time{}, time.Time{}, NoneInSight},
		"no values":   {200, forecast.Series{Values: []float64{math.NaN()}}, 30, time.Time{}, time.Time{}, time.Time{}, Unknown},
	} {
		got := Reach(Ask{Kind: "integer_key", Object: "orders.id", Unit: "rows", Max: c.max}, c.series, fan(c.days))
		if !got.P10.Equal(c.p10) || !got.P50.Equal(c.p50) || !got.P90.Equal(c.p90) || got.Note != c.note {
			t.Errorf("%s: %v, %v, %v, %q", name, got.P10, got.P50, got.P90, got.Note)
		}
		if got.Kind != "integer_key" || got.Object != "orders.id" || got.Unit != "rows" || got.Max != c.max {
			t.Errorf("%s: words lost in %+v", name, got)
		}
	}
}
