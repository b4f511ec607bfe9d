package load

import (
	"math"
	"slices"

	"foreshadow/forecast"
)

// shiftSpreads is how many robust standard deviations of earlier changes a change of level must measure.
const shiftSpreads = 6

// shifted says whether the level moved within the last two cycles, further than the series ever moves: what came before then says
// little about what comes. Each value is compared with the median at the same place of three cycles before, over windows of an eighth of a cycle.
func (p *prepared) shifted() bool {
	m := p.cycle
	w := max(m/8, 3)
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
	return math.Abs(changes[0]) > limit && math.Abs(changes[1]) > limit && p.unseen(len(p.onScale)-2*w, len(p.onScale)-2*m)
}

// unseen says whether the values from from on all lie beyond what the values before until ever were, by half of their range: a level, not a burst of the known kind.
func (p *prepared) unseen(from, until int) bool {
	lo, hi := slices.Min(p.onScale[:until]), slices.Max(p.onScale[:until])
	beyond := (hi - lo) / 2
	return slices.Min(p.onScale[from:]) > hi+beyond || slices.Max(p.onScale[from:]) < lo-beyond
}

// change is the median of values from up to to less the median at the same place of the three cycles before.
func (p *prepared) change(from, to, m int) float64 {
	var moves []float64
	for t := from; t < to; t++ {
		a, b, c := p.onScale[t-m], p.onScale[t-min(2*m, t)], p.onScale[t-min(3*m, t)]
		moves = append(moves, p.onScale[t]-max(min(a, b), min(max(a, b), c)))
	}
	return forecast.Median(moves)
}
