package volume

import (
	"slices"

	"foreshadow/forecast"
)

// path is what the model expects at the steps ahead: the cycle of an archive job where there is one, or else the median of the extrapolations.
func path(values []float64, at []int) []float64 {
	if period := archived(values); period > 0 {
		return cycle(values, at, period)
	}
	return median(extrapolate(values, at))
}

// drops are the steps at which more than a share of the amount went at once.
func drops(values []float64) []int {
	var at []int
	for t := 1; t < len(values); t++ {
		if values[t] < (1-drop)*values[t-1] {
			at = append(at, t)
		}
	}
	return at
}

// archived is the number of steps from one drop of the last year to the next, where they come so evenly that a job must make them and the next one is not
// overdue; 0 otherwise.
func archived(values []float64) int {
	values = values[max(0, len(values)-window-1):]
	at := drops(values)
	if len(at) < habit {
		return 0
	}
	gaps := make([]float64, len(at)-1)
	for i := range gaps {
		gaps[i] = float64(at[i+1] - at[i])
	}
	period := forecast.Median(gaps)
	near := func(gap float64) bool { return gap >= 0.8*period-1 && gap <= 1.2*period+1 }
	overdue := float64(len(values)-at[len(at)-1]) > 1.2*period+1
	if overdue || slices.ContainsFunc(gaps, func(gap float64) bool { return !near(gap) }) {
		return 0
	}
	return int(period)
}

// cycle repeats the last period, with what was left of one after another.
func cycle(values []float64, at []int, period int) []float64 {
	n := len(values)
	left := forecast.Median(differences(values[max(0, n-window-1):], period))
	out := make([]float64, len(at))
	for i, k := range at {
		periods := (k + period - 1) / period
		out[i] = values[max(0, n-1+k-periods*period)] + left*float64(periods)
	}
	return out
}
