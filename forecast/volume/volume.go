// Package volume forecasts amounts that accumulate, such as rows and bytes of a table: the median of five anchored, robust extrapolations,
// with intervals from earlier origins and from the changes seen. agent/predict calls it.
// It is pure: one series in, one result out. It never extrapolates a raw regression line, which misses the level after every shift.
package volume

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"foreshadow/forecast"
)

// Model is the name of the one model of this package in a result.
const Model = "anchored-median"

// DefaultOrigins is the number of earlier origins at which the model is tried.
const DefaultOrigins = 12

// Options say how to forecast. The zero value is fit for use.
type Options struct {
	Level   float64 // of Lo and Hi in percent, above 0 and below 100; 0 is 95
	Origins int     // 0 is DefaultOrigins, negative is none
}

// window is the number of last values that slopes are taken from: a year of days.
const window = 365

// valueCap bounds values taken into account, so that no sum of products overflows.
const valueCap = 1e140

// Forecast predicts the horizon's steps after the end of s, whose step is usually a day. Missing values are NaN or infinite.
// No quantile is ever negative, Lo <= Mean <= Hi and P10 <= P50 <= P90, and Mean is P50.
func Forecast(s forecast.Series, horizon int, opt Options) (forecast.Fan, error) {
	if err := forecast.Check(s, horizon, opt.Level); err != nil {
		return forecast.Fan{}, err
	}
	first, values := fill(s.Values)
	if len(values) == 0 {
		return forecast.Fan{}, fmt.Errorf("forecast %q: %w", s.ID, forecast.ErrNoValues)
	}
	level := cmp.Or(opt.Level, 95)
	back := tryOrigins(values, horizon, cmp.Or(opt.Origins, DefaultOrigins))
	at := knots(horizon)
	if archived(values) > 0 { // lines between knots would cut its corners
		at = steps(horizon)
	}
	path := path(values, at)
	fan := forecast.Fan{Quantiles: make([]forecast.Quantiles, horizon)}
	fan.Result = forecast.Result{
		Series: s, Model: Model, Level: level, From: s.Start.Add(time.Duration(first) * s.Step), To: s.End(),
		Points: make([]forecast.Point, horizon), Backtest: back.report(values, level),
	}
	fan.Series.Values = nil
	mean := between(at, path, horizon)
	lo, hi := bounds(values, at, path, back, level)
	p10, p90 := bounds(values, at, path, back, 80)
	los, his, p10s, p90s := between(at, lo, horizon), between(at, hi, horizon), between(at, p10, horizon), between(at, p90, horizon)
	for k := range fan.Points {
		m := floor(mean[k])
		fan.Points[k] = forecast.Point{At: fan.To.Add(time.Duration(k) * s.Step), Mean: m, Lo: min(floor(los[k]), m), Hi: max(floor(his[k]), m)}
		fan.Quantiles[k] = forecast.Quantiles{P10: min(floor(p10s[k]), m), P50: m, P90: max(floor(p90s[k]), m)}
	}
	return fan, nil
}

func floor(v float64) float64 { return max(v, 0) }

// fill drops leading gaps and draws a line over the others; what lies at the end keeps the last value. Amounts below zero count as zero.
func fill(in []float64) (first int, out []float64) {
	measured := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	first = slices.IndexFunc(in, measured)
	if first < 0 {
		return 0, nil
	}
	out = slices.Clone(in[first:])
	last := 0
	for i, v := range out {
		if !measured(v) {
			continue
		}
		out[i] = min(max(v, 0), valueCap)
		for k := last + 1; k < i; k++ {
			out[k] = out[last] + (out[i]-out[last])*float64(k-last)/float64(i-last)
		}
		last = i
	}
	for k := last + 1; k < len(out); k++ {
		out[k] = out[last]
	}
	return first, out
}

// knots are the steps ahead that are computed; those between are interpolated, so that a horizon of years stays cheap.
func knots(horizon int) []int {
	var out []int
	for k := 1; k < horizon; k = max(k+1, k*5/4) {
		out = append(out, k)
	}
	return append(out, horizon)
}

// steps are all steps ahead.
func steps(horizon int) []int {
	out := make([]int, horizon)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// between draws lines through values at knots (starting from the first) and gives steps 1 to horizon.
func between(at []int, values []float64, horizon int) []float64 {
	out := make([]float64, horizon)
	for i, k := range at {
		out[k-1] = values[i]
		if i == 0 {
			continue
		}
		for j := at[i-1] + 1; j < k; j++ {
			share := float64(j-at[i-1]) / float64(k-at[i-1])
			out[j-1] = values[i-1] + share*(values[i]-values[i-1])
		}
	}
	return out
}

// median is the middle of the extrapolations at each knot.
func median(paths [][]float64) []float64 {
	out := make([]float64, len(paths[0]))
	column := make([]float64, len(paths))
	for k := range out {
		for i, path := range paths {
			column[i] = path[k]
		}
		out[k] = forecast.Median(column)
	}
	return out
}
