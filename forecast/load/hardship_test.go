package load

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

// busy is four weeks of an hourly rhythm between 50 and 150.
func busy() []float64 {
	values := make([]float64, 28*24)
	for t := range values {
		values[t] = shapes["daily"](t)
	}
	return values
}

// What happens to series of a living server must not throw the forecast of the next day off: each case harms the history and says how far
// the forecast may then lie from what the rhythm, or what is left of it, would give.
func TestHardship(t *testing.T) {
	t.Parallel()
	after := func(t int) float64 { return 100 + 50*math.Sin(float64(t)*math.Pi/12) }
	for name, c := range map[string]struct {
		harm func(v []float64) []float64
		want func(t int) float64
		off  float64 // mean absolute error at most
	}{
		"nothing": {func(v []float64) []float64 { return v }, after, 3},
		"spikes": {func(v []float64) []float64 {
			for t := 50; t < len(v); t += 97 {
				v[t] *= 40
			}
			return v
		}, after, 5},
		"a spike at the end": {func(v []float64) []float64 { v[len(v)-1] *= 20; return v }, after, 12},
		"a day is missing": {func(v []float64) []float64 {
			for t := len(v) - 100; t < len(v)-76; t++ {
				v[t] = math.NaN()
			}
			return v
		}, after, 4},
		"the last hours are missing": {func(v []float64) []float64 {
			for t := len(v) - 10; t < len(v); t++ {
				v[t] = math.NaN()
			}
			return v
		}, after, 4},
		"holes": {func(v []float64) []float64 {
			for t := range v {
				if t*7919%5 == 0 {
					v[t] = math.NaN()
				}
			}
			return v
		}, after, 5},
		"an outage two days ago": {func(v []float64) []float64 {
			for t := len(v) - 48; t < len(v)-42; t++ {
				v[t] = 0
			}
			return v
		}, after, 8},
		"died three days ago": {func(v []float64) []float64 {
			for t := len(v) - 72; t < len(v); t++ {
				v[t] = 0
			}
			return v
		}, func(int) float64 { return 0 }, 5},
		"born six days ago": {func(v []float64) []float64 {
			for t := range len(v) - 144 {
				v[t] = 0
			}
			return v
		}, after, 8},
		"tripled four days ago": {func(v []float64) []float64 {
			for t := len(v) - 96; t < len(v); t++ {
				v[t] *= 3
			}
			return v
		}, func(t int) float64 { return 3 * after(t) }, 25},
		"only twelve hours": {func(v []float64) []float64 { return v[len(v)-12:] }, after, 60},
		"only three days":   {func(v []float64) []float64 { return v[len(v)-72:] }, after, 6},
		"only zeros":        {func(v []float64) []float64 { clear(v); return v }, func(int) float64 { return 0 }, 0},
		"zero but for one": {func(v []float64) []float64 {
			clear(v)
			v[300] = 5
			return v
		}, func(int) float64 { return 0 }, 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Forecast(forecast.Series{Step: time.Hour, Values: c.harm(busy())}, 24, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var off float64
			for k, p := range r.Points {
				off += math.Abs(p.Mean-c.want(28*24+k)) / 24
				if p.Lo < 0 || p.Lo > p.Mean || p.Mean > p.Hi || math.IsNaN(p.Hi) {
					t.Errorf("hour %d: %+v", k, p)
				}
			}
			t.Logf("%s is off by %.2f", r.Model, off)
			if off > c.off {
				t.Errorf("%s is off by %.2f, at most %v is wanted: %v", r.Model, off, c.off, r.Points[:6])
			}
		})
	}
}
