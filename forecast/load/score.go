package load

import (
	"math"

	"foreshadow/forecast"
)

// relative is the absolute error of a row of the pool over the reference's, on the origins where both answer; 1 on fewer than half of them.
func (r *run) relative(at int) float64 {
	var own, reference float64
	n := 0
	for i := range r.origins {
		if r.paths[i][at] == nil {
			continue
		}
		e, ok := r.err(i, r.paths[i][at])
		if !ok {
			continue
		}
		ref, _ := r.err(i, r.reference(i))
		own += e
		reference += ref
		n++
	}
	switch {
	case n == 0 || 2*n < len(r.origins):
		return 1
	case reference == 0:
		return 1 + own
	}
	return own / reference
}

// reference is the seasonal naive at an origin, or the last value where there is less than a season.
func (r *run) reference(i int) []float64 {
	if path := r.paths[i][row("seasonal-naive")]; path != nil {
		return path
	}
	return r.paths[i][row("naive")]
}

// rounding is the share of a value below which an error is that of the arithmetic and counts as none.
const rounding = 1e-9

// err is the mean absolute error of a path after an earlier origin, in the series' unit; false when nothing was measured there.
func (r *run) err(i int, path []float64) (float64, bool) {
	var sum float64
	n := 0
	for k, v := range path {
		t := r.origins[i] + k
		if t >= len(r.p.values) || r.p.missing[t] {
			continue
		}
		n++
		e := math.Abs(r.p.values[t] - r.p.floor(r.p.scale.back(v)))
		if e > rounding*math.Abs(r.p.values[t]) {
			sum += e
		}
	}
	return sum / max(float64(n), 1), n > 0
}

// backtest tells how the choice did at the earlier origins.
func (r *run) backtest() forecast.Backtest {
	b := forecast.Backtest{MASE: math.NaN(), Skill: math.NaN(), Coverage: math.NaN()}
	scale := forecast.SeasonalScale(r.p.values, r.p.seasons[0])
	var own, reference float64
	for i := range r.origins {
		path := r.chosen[i]
		if path == nil {
			continue
		}
		if e, ok := r.err(i, path); ok {
			ref, _ := r.err(i, r.reference(i))
			own, reference = own+e, reference+ref
			b.Origins++
		}
	}
	if b.Origins == 0 {
		return b
	}
	if b.MASE = own / float64(b.Origins) / scale; own == 0 {
		b.MASE = 0
	} else if scale == 0 {
		b.MASE = math.NaN() // nothing moved before, so there is no measure
	}
	b.Skill = 1 - ratio(own, reference)
	b.Coverage = r.covered()
	return b
}

// ratio is a/b, where nothing over nothing is one: no better and no worse.
func ratio(a, b float64) float64 {
	if a == 0 && b == 0 {
		return 1
	}
	return a / b
}
