package forecast

import (
	"math"
	"slices"
)

// Median is the middle value; NaN for none. The argument is left as it was.
func Median(values []float64) float64 {
	return Quantile(values, 0.5)
}

// Quantile is the value below which the share p lies, with linear interpolation between order statistics
// (type 7 of Hyndman and Fan, 1996); NaN for none. The argument is left as it was and must hold no NaN.
func Quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return QuantileOfSorted(sorted, p)
}

// QuantileOfSorted is Quantile of values that are in ascending order.
func QuantileOfSorted(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i < 0 {
		return sorted[0]
	}
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// ConformalOfSorted is the quantile that covers a new value with at least the given probability when it is exchangeable
// with the sorted ones: the ceil((n+1)p)-th smallest, or the largest (Vovk et al., 2005).
func ConformalOfSorted(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	k := int(math.Ceil(float64(len(sorted)+1) * p))
	return sorted[min(max(k, 1), len(sorted))-1]
}

// NormalQuantile is the p-quantile of the standard normal distribution.
func NormalQuantile(p float64) float64 {
	return math.Sqrt2 * math.Erfinv(2*p-1)
}

// SMAPE is the symmetric absolute percentage error, 0 to 200, by the M4 competition's definition. NaN actuals are left out.
func SMAPE(actual, predicted []float64) float64 {
	var sum float64
	n := 0
	for i, y := range actual {
		if math.IsNaN(y) {
			continue
		}
		n++
		if d := math.Abs(y) + math.Abs(predicted[i]); d > 0 {
			sum += 200 * math.Abs(y-predicted[i]) / d
		}
	}
	return sum / float64(n)
}

// SeasonalScale is the mean absolute difference between values one season apart: the denominator of MASE and MSIS.
// It falls back to a season of one, and is NaN when nothing can be compared.
func SeasonalScale(values []float64, season int) float64 {
	var sum float64
	n := 0
	for i := season; i < len(values); i++ {
		if d := math.Abs(values[i] - values[i-season]); !math.IsNaN(d) {
			sum += d
			n++
		}
	}
	if n == 0 && season > 1 {
		return SeasonalScale(values, 1)
	}
	return sum / float64(n)
}

// IntervalScore is the mean width of the intervals plus the penalty for what fell outside (Gneiting and Raftery, 2007);
// divided by SeasonalScale it is MSIS. level is in percent. NaN actuals are left out.
func IntervalScore(actual, lo, hi []float64, level float64) float64 {
	penalty := 2 / (1 - level/100)
	var sum float64
	n := 0
	for i, y := range actual {
		if math.IsNaN(y) {
			continue
		}
		n++
		sum += hi[i] - lo[i] + penalty*(max(lo[i]-y, 0)+max(y-hi[i], 0))
	}
	return sum / float64(n)
}
