package shadow

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"foreshadow/forecast"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// hourly gives samples of a series for so many hours from monday on.
func hourly(id, kind, unit string, step time.Duration, hours int, value func(h int) float64) []forecast.Sample {
	s := forecast.Series{ID: id, Kind: kind, Object: id, Measure: "m", Unit: unit, Source: "sample", Step: step}
	out := make([]forecast.Sample, hours)
	for h := range out {
		out[h] = forecast.Sample{Series: s, At: monday.Add(time.Duration(h) * time.Hour), Value: value(h)}
	}
	return out
}

// TestAccuracy holds two runs against what happened after them, by hand-made errors.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	wave := func(h int) float64 { return 100 + float64(h%24) + float64(h/24) } // a day later it is one more
	samples := hourly("load.total_calls", "load", "1/s", time.Hour, 200, wave)
	samples = append(samples, hourly("volume.rows:public.a", "volume", "rows", 24*time.Hour, 200, func(h int) float64 { return float64(10 * h) })...)
	samples = append(samples, hourly("key.last:public.a.id", "limit", "ids", 24*time.Hour, 200, func(h int) float64 { return float64(h) })...)
	if err := d.AppendSamples(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	for _, begun := range []int{96, 120} {
		at := monday.Add(time.Duration(begun) * time.Hour)
		result := func(s forecast.Series, level float64, to time.Time, points ...forecast.Point) forecast.Result {
			return forecast.Result{Series: s, Model: "m", Level: level, From: monday, To: to, Points: points}
		}
		var load []forecast.Point
		for k := range 48 { // half an off, and outside the interval at every fourth
			v := wave(begun + k)
			p := forecast.Point{At: at.Add(time.Duration(k) * time.Hour), Mean: v + 0.5, Lo: v - 1, Hi: v + 1}
			if k%4 == 0 {
				p.Lo = v + 0.25
			}
			load = append(load, p)
		}
		noon := at.Add(12 * time.Hour) // a level at a moment within the day
		run := forecast.Run{StartedAt: at, Version: 7, Parameters: map[string]string{"level": "95"}, Results: []forecast.Result{
			result(samples[0].Series, 95, at, load...),
			result(samples[200].Series, 80, at.Add(24*time.Hour), forecast.Point{At: noon, Mean: float64(10*begun) + 300, Lo: 0, Hi: 1e6}),
			result(samples[400].Series, 80, at, forecast.Point{At: noon, Mean: 1, Lo: 0, Hi: 2}),
		}}
		if _, err := d.SaveRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	accuracy := func(readable []uint32) string {
		return ask(t, d, "SELECT series, extract(epoch FROM horizon)::BIGINT // 3600, runs, points, round(error, 3), round(naive_error, 3), round(skill, 3), level, round(coverage, 2), flag FROM ("+
			source(t, d, Ref{Name: "foreshadow.forecast_accuracy", Readable: readable})+") ORDER BY series, horizon")
	}
	// The load's first point has no lead yet. Its naive is one too small for each day ahead. The rows grew by 120, and 300 were said.
	got := accuracy(nil)
	for _, want := range []string{
		"load.total_calls|1|2|2|0.5|1|0.5|95|1|~", "load.total_calls|24|2|36|0.5|1.056|0.526|95|0.72|intervals too narrow",
		"load.total_calls|72|2|46|0.5|2|0.75|95|0.78|intervals too narrow",
		"volume.rows:public.a|24|2|2|180|120|-0.5|80|1|no better than the seasonal naive",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if !strings.Contains(got, "key.last") || strings.Contains(accuracy([]uint32{}), "key.last") {
		t.Error("how far a key has come is shown to who may not read its table, or to nobody")
	}
	if got := ask(t, d, "SELECT DISTINCT model_version, parameters FROM ("+source(t, d, Ref{Name: "foreshadow.forecast_runs"})+")"); got != `7|{"level":"95"}` {
		t.Errorf("the runs' parameters: %s", got)
	}
}

// TestFlags holds that every view of forecasts flags the skill at or below zero that was measured, and no other.
func TestFlags(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	run := forecast.Run{StartedAt: monday}
	for name, b := range map[string]forecast.Backtest{
		"good": {Origins: 5, Skill: 0.2}, "even": {Origins: 5, Skill: 0}, "bad": {Origins: 5, Skill: -0.5},
		"unknown": {Origins: 5, Skill: math.NaN()}, "untested": {},
	} {
		point := forecast.Point{At: monday, Mean: 1, Lo: 0, Hi: 2}
		for _, kind := range []string{"load", "volume"} {
			s := forecast.Series{ID: kind + ":" + name, Kind: kind, Object: name, Step: time.Hour}
			run.Results = append(run.Results, forecast.Result{Series: s, Model: "m", Level: 95, From: monday, To: monday, Backtest: b, Points: []forecast.Point{point}})
		}
		run.Limits = append(run.Limits, forecast.Limit{Kind: "disk", Object: name, Basis: forecast.Basis{Model: "m", From: monday, To: monday, Backtest: b}})
	}
	if _, err := d.SaveRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for view, object := range map[string]string{"volume_forecast": "relation", "load_forecast": "series", "limits_forecast": "object", "forecast_runs": "series"} {
		got := ask(t, d, "SELECT string_agg(DISTINCT split_part("+object+", ':', -1), ' ' ORDER BY split_part("+object+", ':', -1)) FROM ("+
			source(t, d, Ref{Name: "foreshadow." + view})+") WHERE flag = 'no better than the seasonal naive'")
		if got != "bad even" {
			t.Errorf("%s flags %q, want bad and even", view, got)
		}
	}
}

// TestThinning keeps the points of the newest runs, and of older ones enough to be held against what happens.
func TestThinning(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	r := forecast.Result{Series: forecast.Series{ID: "x", Step: time.Hour}, Backtest: forecast.Backtest{Skill: math.NaN()}, Points: []forecast.Point{{At: monday}}}
	for i := range 60 * 4 { // sixty days, four runs a day
		if _, err := d.SaveRun(t.Context(), forecast.Run{StartedAt: monday.Add(time.Duration(i) * 6 * time.Hour), Results: []forecast.Result{r}}); err != nil {
			t.Fatal(err)
		}
	}
	// Thirty runs reach back 7.5 days, before them lie 27 or 28 days with one each, and before those 4 weeks or so.
	got := ask(t, d, "SELECT count(*), count(DISTINCT run_id // 4) FROM run_points WHERE run_id <= 210")
	var runs, days int
	if _, err := fmt.Sscanf(got, "%d|%d", &runs, &days); err != nil || runs < 29 || runs > 34 || runs-days > 1 {
		t.Errorf("%s older runs and days are kept, %v", got, err)
	}
	if got := ask(t, d, "SELECT count(*) FROM run_points WHERE run_id > 210"); got != "30" {
		t.Errorf("%s new runs are kept", got)
	}
}
