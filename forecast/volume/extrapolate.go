package volume

import (
	"math"
	"slices"

	"foreshadow/forecast"
	"foreshadow/forecast/ols"
)

// extrapolations are the members of the median. Each gives the change after the last value at each of the steps ahead, so that all are anchored there.
var extrapolations = []func(values []float64, at []int) []float64{
	stay, dampedHolt, winsorisedDrift, medianChange, regressionSlope,
}

// extrapolate gives each member's path at the steps ahead.
func extrapolate(values []float64, at []int) [][]float64 {
	last := values[len(values)-1]
	recent := settle(values[max(0, len(values)-window-1):])
	out := make([][]float64, len(extrapolations))
	for i, f := range extrapolations {
		out[i] = f(recent, at)
		for k := range out[i] {
			out[i][k] += last
		}
	}
	return out
}

// drop is the share of an amount that must go in one step for it to count as a purge or a cleaning rather than as growth.
const drop = 0.1

// settle takes out single drops: what came before one is moved to the level after it, so that slopes are those of the growth around it.
// Drops that come often are part of how the amount moves and stay; when they have come to an end, only what follows the last one counts.
func settle(values []float64) []float64 {
	at := drops(values)
	if n := len(at); n >= habit && len(values)-at[n-1] > max(outgrown*(at[n-1]-at[0])/(n-1), 30) {
		return values[at[n-1]:] // a job that has ended
	}
	if len(at) == 0 || len(at) >= habit || len(at)*oftenDays > len(values) {
		return values
	}
	out := slices.Clone(values)
	for _, t := range at {
		by := values[t] - values[t-1]
		for i := range t {
			out[i] += by
		}
	}
	return out
}

// habit is the number of drops within a year that are a job rather than an accident, and oftenDays the steps within which a second one is.
// After outgrown times their usual distance without one they have ended.
const (
	habit     = 3
	oftenDays = 90
	outgrown  = 3
)

// stay expects no change.
func stay(_ []float64, at []int) []float64 { return make([]float64, len(at)) }

// line is a constant change a step.
func line(slope float64, at []int) []float64 {
	out := make([]float64, len(at))
	for i, k := range at {
		out[i] = slope * float64(k)
	}
	return out
}

// winsorisedDrift is the mean change a step with the rarest twentieth at either end cut to what is usual.
func winsorisedDrift(values []float64, at []int) []float64 {
	changes := differences(values, 1)
	if len(changes) == 0 {
		return make([]float64, len(at))
	}
	slices.Sort(changes)
	lo, hi := forecast.QuantileOfSorted(changes, 0.05), forecast.QuantileOfSorted(changes, 0.95)
	var sum float64
	for _, c := range changes {
		sum += min(max(c, lo), hi)
	}
	return line(sum/float64(len(changes)), at)
}

// medianChange is the median of the changes over as many steps, as far as the values reach; beyond, in proportion.
func medianChange(values []float64, at []int) []float64 {
	out := make([]float64, len(at))
	for i, k := range at {
		lag := reach(values, k)
		if lag > 0 {
			out[i] = forecast.Median(differences(values, lag)) * float64(k) / float64(lag)
		}
	}
	return out
}

// reach is the number of steps, at most k, over which the values give changes enough to compare: half of them.
func reach(values []float64, k int) int { return min(k, len(values)/2) }

// differences are the changes over lag steps.
func differences(values []float64, lag int) []float64 {
	out := make([]float64, 0, len(values))
	for t := lag; t < len(values); t++ {
		out = append(out, values[t]-values[t-lag])
	}
	return out
}

// regressionSlope is the least-squares slope of the values, put at the last value.
func regressionSlope(values []float64, at []int) []float64 {
	if len(values) < 3 {
		return make([]float64, len(at))
	}
	unit := max(slices.Max(values), math.SmallestNonzeroFloat64)
	d := ols.NewDesign(1, len(values))
	for t, v := range values {
		d.Row(v/unit, 1)[0] = float64(t) / float64(len(values))
	}
	g := ols.NewGram(1)
	g.Add(d, 0, d.Len())
	fit, err := g.Regress(0)
	if err != nil {
		return make([]float64, len(at))
	}
	return line(fit.Slopes[0]*unit/float64(len(values)), at)
}

// dampedHolt is exponential smoothing with a damped trend (Gardner and McKenzie, 1985); its weights are those of a small grid with the least
// one-step error. Its trend is put at the last value.
func dampedHolt(values []float64, at []int) []float64 {
	out := make([]float64, len(at))
	if len(values) < 4 {
		return out
	}
	bestError, bestTrend, bestDamp := math.Inf(1), 0.0, 0.0
	for _, damp := range []float64{0.9, 0.98} {
		for _, alpha := range []float64{0.2, 0.5, 0.8, 1} {
			for _, beta := range []float64{0.01, 0.05, 0.1, 0.3} {
				if e, trend := holt(values, alpha, beta, damp); e < bestError {
					bestError, bestTrend, bestDamp = e, trend, damp
				}
			}
		}
	}
	for i, k := range at {
		out[i] = bestTrend * bestDamp * (1 - math.Pow(bestDamp, float64(k))) / (1 - bestDamp)
	}
	return out
}

// holt runs the smoothing and gives the sum of squared one-step errors and the trend at the end.
func holt(values []float64, alpha, beta, damp float64) (squares, trend float64) {
	level := values[0]
	trend = forecast.Median(differences(values[:min(len(values), 15)], 1))
	for _, v := range values[1:] {
		expected := level + damp*trend
		e := v - expected
		squares += e * e
		level = expected + alpha*e
		trend = damp*trend + alpha*beta*e
	}
	return squares, trend
}
