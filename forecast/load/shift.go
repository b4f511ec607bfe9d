package load

import (
	"math"
	"slices"

	"foreshadow/forecast"
)

// shiftSpreads is how many robust standard deviations of earlier changes a change of level must measure.
const shiftSpreads = 6

// shifted says whether the level moved within the last two short seasons, further than the series ever moves: what came before then says
// little about what comes. Each value is compared with the median at the same place of three seasons before, over windows of a quarter season.
func (p *prepared) shifted() bool {
	m := p.seasons[0]
	w := max(m/4, 3)
	if len(p.onScale) < 8*max(m, w) {
		return false
	}
	changes := make([]float64, 0, len(p.onScale)/w)
	for end := len(p.onScale); end-w >= 3*m+w; end -= w {
		changes = append(changes, p.change(end-w, end, m))
	}
	recent := max(2*m/w, 1)
	if len(changes) < 3*recent {
		return false
	}
	earlier := changes[recent:]
	abs := make([]float64, len(earlier))
	for i, c := range earlier {
		abs[i] = math.Abs(c)
	}
	limit := max(shiftSpreads*1.4826*forecast.Median(abs), 1.25*slices.Max(abs), 0.1)
	now := 0
	for _, c := range changes[:2] { // the new level must still stand
		if math.Abs(c) > limit {
			now++
		}
	}
	return now == 2
}

// change is the median of values from up to to less the median at the same place of the three seasons before.
func (p *prepared) change(from, to, m int) float64 {
	var moves []float64
	for t := from; t < to; t++ {
		a, b, c := p.onScale[t-m], p.onScale[t-min(2*m, t)], p.onScale[t-min(3*m, t)]
		moves = append(moves, p.onScale[t]-max(min(a, b), min(max(a, b), c)))
	}
	return forecast.Median(moves)
}
