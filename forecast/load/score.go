package load

import (
	"cmp"
	"math"
	"slices"

	"foreshadow/forecast"
)

// score compares every candidate with what happened after each earlier origin, relative to the seasonal naive, and adds the median of the five best.
func (r *run) score() {
	var best []int
	r.scores = make([]float64, len(r.names))
	for c := range r.names {
		r.scores[c] = r.relative(c)
		if c < len(pool) && !math.IsNaN(r.scores[c]) {
			best = append(best, c)
		}
	}
	slices.SortStableFunc(best, func(a, b int) int { return cmp.Compare(r.scores[a], r.scores[b]) })
	if len(best) < 5 {
		return
	}
	for i := range r.paths {
		var five [][]float64
		for _, c := range best[:5] {
			if r.paths[i][c] != nil {
				five = append(five, r.paths[i][c])
			}
		}
		r.paths[i] = append(r.paths[i], median(five))
	}
	r.names = append(r.names, bestFive)
	r.scores = append(r.scores, r.relative(len(r.names)-1))
}

// relative is a candidate's absolute error over the reference's, on the origins where both answer; NaN on fewer than half of them
// and for a candidate that has no answer at the end.
func (r *run) relative(c int) float64 {
	var own, reference float64
	n := 0
	for i := range r.origins {
		if r.paths[i][c] == nil {
			continue
		}
		e, ok := r.err(i, r.paths[i][c])
		if !ok {
			continue
		}
		ref, _ := r.err(i, r.reference(i))
		own += e
		reference += ref
		n++
	}
	if n == 0 || 2*n < len(r.origins) || r.paths[len(r.origins)][c] == nil {
		return math.NaN()
	}
	if reference == 0 {
		return 1 + own
	}
	return own / reference
}

// reference is the seasonal naive at an origin, or the last value where there is less than a season.
func (r *run) reference(i int) []float64 {
	if path := r.paths[i][slices.Index(r.names, "seasonal-naive")]; path != nil {
		return path
	}
	return r.paths[i][slices.Index(r.names, "naive")]
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
		path := r.paths[i][r.chosen]
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
