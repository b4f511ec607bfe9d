package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"foreshadow/forecast"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// shapes are the made-up series of the golden files, as a function of the step.
var shapes = map[string]func(t int) float64{
	"constant": func(int) float64 { return 42 },
	"zero":     func(int) float64 { return 0 },
	"daily":    func(t int) float64 { return 100 + 50*math.Sin(float64(t)*math.Pi/12) + wobble(t) },
	"weekly": func(t int) float64 {
		v := 100 + 50*math.Sin(float64(t)*math.Pi/12) + wobble(t)
		if t/24%7 >= 5 {
			v *= 0.4
		}
		return v
	},
	"nights-off": func(t int) float64 {
		if t%24 < 8 {
			return 0
		}
		return 20 + wobble(t)
	},
	"below-zero": func(t int) float64 { return 10*math.Sin(float64(t)*math.Pi/12) + wobble(t)/5 },
	"line":       func(t int) float64 { return float64(t) },
	"shift": func(t int) float64 {
		if t >= 480 {
			return 80 + wobble(t)/5
		}
		return 20 + wobble(t)/5
	},
}

// wobble is noise that is the same everywhere: a small linear congruence.
func wobble(t int) float64 {
	x := uint32(t)*2654435761 + 12345
	x ^= x >> 13
	x *= 2246822519
	return float64(x>>16)/65536*10 - 5
}

func TestGolden(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return golden(t, d)
		})
	})
}

// golden runs: forecast shape=NAME points=N horizon=H [level=L] [step=DURATION] [gaps=FROM-TO,...] [seasons=A,B]
func golden(t *testing.T, d *datadriven.TestData) string {
	var shape, step string
	n, horizon, level := 0, 1, 0
	var seasons []int
	d.ScanArgs(t, "shape", &shape)
	d.ScanArgs(t, "points", &n)
	d.ScanArgs(t, "horizon", &horizon)
	d.MaybeScanArgs(t, "level", &level)
	s := forecast.Series{ID: shape, Start: start, Step: time.Hour}
	if d.MaybeScanArgs(t, "step", &step) {
		s.Step, _ = time.ParseDuration(step)
	}
	for _, arg := range d.CmdArgs {
		if arg.Key == "seasons" {
			for _, v := range arg.Vals {
				m, _ := strconv.Atoi(v)
				seasons = append(seasons, m)
			}
		}
	}
	for i := range n {
		s.Values = append(s.Values, shapes[shape](i))
	}
	for _, arg := range d.CmdArgs {
		for _, v := range arg.Vals {
			var from, to int
			if arg.Key == "gaps" {
				if _, err := fmt.Sscanf(v, "%d-%d", &from, &to); err != nil {
					t.Fatal(err)
				}
				for i := from; i <= to; i++ {
					s.Values[i] = math.NaN()
				}
			}
		}
	}
	r, err := Forecast(s, horizon, Options{Level: float64(level), Seasons: seasons})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %g %%, trained %s to %s\n", r.Model, r.Level, r.From.Format("01-02 15:04"), r.To.Format("01-02 15:04"))
	fmt.Fprintf(&b, "backtest: %d origins, MASE %.3f, skill %.3f, coverage %.3f\n", r.Backtest.Origins, r.Backtest.MASE, r.Backtest.Skill, r.Backtest.Coverage)
	for _, p := range r.Points {
		fmt.Fprintf(&b, "%s %.5g [%.5g, %.5g]\n", p.At.Format("01-02 15:04"), p.Mean, p.Lo, p.Hi)
	}
	return b.String()
}

// wild draws any series at all.
func wild(t *rapid.T) forecast.Series {
	value := rapid.OneOf(
		rapid.Float64Range(0, 100), rapid.Just(0.0), rapid.Just(math.NaN()), rapid.Just(7.0), rapid.Float64(), rapid.Just(math.Inf(1)), rapid.Float64Range(-10, 10),
	)
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	if kind == 1 {
		value = rapid.Float64Range(0, 1e6)
	}
	n := rapid.IntRange(0, 420).Draw(t, "n")
	values := rapid.SliceOfN(value, n, n).Draw(t, "values")
	step := rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour, 6 * time.Hour, 24 * time.Hour}).Draw(t, "step")
	return forecast.Series{ID: "wild", Start: start, Step: step, Values: values}
}

func TestAnySeries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := wild(t)
		horizon := rapid.IntRange(1, 60).Draw(t, "horizon")
		opt := Options{
			Level:   rapid.SampledFrom([]float64{0, 1, 50, 80, 99.9}).Draw(t, "level"),
			Seasons: rapid.SampledFrom([][]int{nil, {}, {24, 168}, {7}, {1}, {3, 5, 11}}).Draw(t, "seasons"),
			Origins: rapid.SampledFrom([]int{0, -1, 1, 4}).Draw(t, "origins"),
		}
		r, err := Forecast(s, horizon, opt)
		if errors.Is(err, forecast.ErrNoValues) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Forecast(s, horizon, opt)
		if diff := cmp.Diff(r, again, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("two runs differ: %s", diff)
		}
		holds(t, s, r, horizon)
	})
}

// holds checks what is promised of every result.
func holds(t *rapid.T, s forecast.Series, r forecast.Result, horizon int) {
	positive := true
	for _, v := range s.Values {
		positive = positive && !(finite(v) && v < 0)
	}
	if len(r.Points) != horizon {
		t.Fatalf("%d points of %d", len(r.Points), horizon)
	}
	for k, p := range r.Points {
		if !finite(p.Mean) || !finite(p.Lo) || !finite(p.Hi) || p.Lo > p.Mean || p.Mean > p.Hi {
			t.Fatalf("step %d: %v [%v, %v] by %s", k, p.Mean, p.Lo, p.Hi, r.Model)
		}
		if positive && p.Lo < 0 {
			t.Fatalf("step %d: %v is negative", k, p.Lo)
		}
	}
	if b := r.Backtest; b.Origins > 0 && (b.MASE < 0 || b.Coverage < 0 || b.Coverage > 1) {
		t.Fatalf("backtest %+v", b)
	}
}

// A series must not be changed by being forecast, nor may its future leak into it: what comes later cannot change an earlier forecast.
func TestInputIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := forecast.Series{ID: "x", Start: start, Step: time.Hour}
	for i := range 400 {
		s.Values = append(s.Values, shapes["weekly"](i))
	}
	s.Values[50] = math.NaN()
	before := append([]float64(nil), s.Values...)
	if _, err := Forecast(s, 24, Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.Values, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
}

func TestWrongAsks(t *testing.T) {
	t.Parallel()
	s := forecast.Series{ID: "x", Step: time.Hour, Values: []float64{1, 2, 3}}
	for name, try := range map[string]func() error{
		"horizon":  func() error { _, err := Forecast(s, 0, Options{}); return err },
		"level":    func() error { _, err := Forecast(s, 1, Options{Level: 100}); return err },
		"season":   func() error { _, err := Forecast(s, 1, Options{Seasons: []int{-1}}); return err },
		"no value": func() error { _, err := Forecast(forecast.Series{}, 1, Options{}); return err },
		"too far": func() error {
			_, err := Forecast(forecast.Series{Step: 1 << 60, Values: []float64{1}}, 100, Options{})
			return err
		},
	} {
		if try() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
