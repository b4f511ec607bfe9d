package chart

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"foreshadow/forecast"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// picture makes a history and a forecast that goes on as it did, with an interval of a fifth.
func picture(shape func(t int) float64, points, ahead int, step time.Duration) (forecast.Series, forecast.Result) {
	s := forecast.Series{ID: "load.calls:orders", Unit: "calls/s", Start: start, Step: step}
	for t := range points {
		s.Values = append(s.Values, shape(t))
	}
	r := forecast.Result{Model: "weighted-median", Level: 95, Backtest: forecast.Backtest{Origins: 9, Skill: 0.25, Coverage: 0.94}}
	r.Series.Step = step
	for k := range ahead {
		v := shape(points + k)
		r.Points = append(r.Points, forecast.Point{At: s.End().Add(time.Duration(k) * step), Mean: v, Lo: v - math.Abs(v)/5, Hi: v + math.Abs(v)/5})
	}
	return s, r
}

var shapes = map[string]func(t int) float64{
	"wave":     func(t int) float64 { return 100 + 50*math.Sin(float64(t)*math.Pi/12) },
	"constant": func(int) float64 { return 42 },
	"zero":     func(int) float64 { return 0 },
	"growth":   func(t int) float64 { return 1e6 + 2500*float64(t) },
	"gaps": func(t int) float64 {
		if t%20 > 12 && t < 100 {
			return math.NaN()
		}
		return float64(t % 7)
	},
	"small": func(t int) float64 { return -0.002 + 0.0001*float64(t%40) },
}

func TestGolden(t *testing.T) {
	t.Parallel()
	datadriven.RunTest(t, "testdata/charts", func(t *testing.T, d *datadriven.TestData) string {
		shape, step := "", "1h"
		points, ahead, width, height := 0, 0, 80, 14
		d.ScanArgs(t, "shape", &shape)
		d.ScanArgs(t, "points", &points)
		d.ScanArgs(t, "ahead", &ahead)
		d.MaybeScanArgs(t, "step", &step)
		d.MaybeScanArgs(t, "width", &width)
		d.MaybeScanArgs(t, "height", &height)
		every, err := time.ParseDuration(step)
		if err != nil {
			t.Fatal(err)
		}
		s, r := picture(shapes[shape], points, ahead, every)
		return Draw(s, r, width, height)
	})
}

func TestAnyChart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 100), rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(-1)))
		s := forecast.Series{ID: "a\nb", Start: start, Step: time.Hour, Values: rapid.SliceOfN(value, 0, 300).Draw(t, "values")}
		var r forecast.Result
		for k, v := range rapid.SliceOfN(value, 0, 100).Draw(t, "ahead") {
			r.Points = append(r.Points, forecast.Point{At: s.End().Add(time.Duration(k) * s.Step), Mean: v, Lo: v - 1, Hi: v + 1})
		}
		width, height := rapid.IntRange(-5, 130).Draw(t, "width"), rapid.IntRange(-5, 40).Draw(t, "height")
		out := Draw(s, r, width, height)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) > max(height, minHeight) {
			t.Fatalf("%d lines of %d", len(lines), height)
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > max(width, minWidth) {
				t.Fatalf("line of %d characters of %d: %q", n, width, line)
			}
		}
	})
}
