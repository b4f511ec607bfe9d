package volume

import (
	"math"
	"slices"

	"foreshadow/forecast"
)

// tried is what the model would have said at earlier origins.
type tried struct {
	origins []int
	at      []int       // steps ahead that were compared
	errors  [][]float64 // by origin and step: what happened less what was said
	naive   [][]float64 // the same for the last value
	values  []float64
	paths   [][]float64
}

// minOrigin is the least number of values that an earlier origin has before it.
const minOrigin = 4

// tryOrigins runs the model at up to count origins within the last year or two, comparing the horizon or a third of the values.
func tryOrigins(values []float64, horizon, count int) tried {
	b := tried{values: values}
	tested := max(1, min(horizon, len(values)/3))
	last := len(values) - tested
	if count < 1 || last < minOrigin {
		return b
	}
	b.at = knots(tested)
	least := max(minOrigin, min(tested, last/3)) // what is said after a few values tells nothing of what is said after many
	step := 1
	if count > 1 {
		step = max(1, min(30, (last-least)/(count-1)))
	}
	for o := last; o >= least && len(b.origins) < count; o -= step {
		b.origins = append(b.origins, o)
	}
	slices.Reverse(b.origins)
	for _, o := range b.origins {
		path := path(values[:o], b.at)
		missed, naive := make([]float64, len(path)), make([]float64, len(path))
		for i, k := range b.at {
			missed[i] = values[o+k-1] - floor(path[i])
			naive[i] = values[o+k-1] - values[o-1]
		}
		b.errors, b.naive, b.paths = append(b.errors, missed), append(b.naive, naive), append(b.paths, path)
	}
	return b
}

// half is the conformal half width at step k from the errors of origins other than skip (-1 for none): beyond what was compared it grows in proportion.
func (b tried) half(k, skip int, level float64) float64 {
	if len(b.at) == 0 {
		return 0
	}
	i, found := slices.BinarySearch(b.at, k)
	if !found {
		i = min(i, len(b.at)-1)
	}
	var near []float64
	for o, errors := range b.errors {
		if o == skip {
			continue
		}
		for j := max(0, i-1); j <= min(len(errors)-1, i+1); j++ {
			near = append(near, math.Abs(errors[j]))
		}
	}
	if len(near) == 0 {
		return 0
	}
	slices.Sort(near)
	return forecast.ConformalOfSorted(near, level/100) * max(1, float64(k)/float64(b.at[len(b.at)-1]))
}

// bounds are the interval at each step: the wider of the conformal one and the spread of the changes seen over as many steps. Where a job archives again and
// again only the former: what it takes away in a while is no doubt about what comes.
func bounds(values []float64, at []int, path []float64, b tried, level float64) (lo, hi []float64) {
	lo, hi = make([]float64, len(at)), make([]float64, len(at))
	job := archived(values) > 0
	for i, k := range at {
		down, up := path[i]-values[len(values)-1], path[i]-values[len(values)-1]
		if !job {
			down, up = changesSeen(values, k, level)
		}
		half := max(b.half(k, -1, level), math.Abs(path[i]-values[len(values)-1])*doubt(len(values)))
		lo[i] = min(path[i]-half, values[len(values)-1]+down)
		hi[i] = max(path[i]+half, values[len(values)-1]+up)
		if i > 0 { // less is never known of a later day
			hi[i] = max(hi[i], path[i]+hi[i-1]-path[i-1])
			lo[i] = min(lo[i], path[i]+lo[i-1]-path[i-1])
		}
	}
	return lo, hi
}

// surePoints is the number of values from which growth counts as known.
const surePoints = 30

// doubt is the share of the expected change that may be wrong because few values were seen.
func doubt(values int) float64 { return max(0, 1-float64(values)/surePoints) }

// rounding is the share of a value below which an error is that of the arithmetic.
const rounding = 1e-9

// unknownShare is how far a single value may be off after one step when no change has been seen.
const unknownShare = 0.1

// changesSeen are the quantiles of the changes over k steps; beyond half of the values, in proportion.
func changesSeen(values []float64, k int, level float64) (down, up float64) {
	lag := reach(values, k)
	if lag == 0 {
		far := unknownShare * values[0] * math.Sqrt(float64(k))
		return -far, far
	}
	changes := differences(values[max(0, len(values)-3*window-lag):], lag)
	slices.Sort(changes)
	tail := (1 - level/100) / 2
	up = forecast.ConformalOfSorted(changes, 1-tail)
	down = changes[max(int(math.Floor(float64(len(changes)+1)*tail)), 1)-1]
	far := float64(k) / float64(lag)
	return down * far, up * far
}

// report is the backtest: MASE is the error over the mean absolute change over as many steps, skill against the last value, coverage by leaving each origin out.
func (b tried) report(values []float64, level float64) forecast.Backtest {
	out := forecast.Backtest{Origins: len(b.origins), MASE: math.NaN(), Skill: math.NaN(), Coverage: math.NaN()}
	var own, naive, scaled, inside, judged, n float64
	for i, k := range b.at {
		scale := meanAbs(differences(values, k))
		for o, errors := range b.errors {
			own += math.Abs(errors[i])
			naive += math.Abs(b.naive[o][i])
			if errors[i] != 0 {
				scaled += math.Abs(errors[i]) / max(scale, rounding*b.values[b.origins[o]+k-1])
			}
			n++
			if (len(b.at)-1-i)%3 != 0 { // every third step tells enough of the coverage, which is dear
				continue
			}
			judged++
			if b.inside(o, i, k, level) {
				inside++
			}
		}
	}
	if n > 0 {
		out.MASE, out.Skill, out.Coverage = scaled/n, 1-ratio(own, naive), inside/judged
	}
	return out
}

// inside says whether what happened k steps after origin o lay in the interval that the values before it and the other origins give.
func (b tried) inside(o, i, k int, level float64) bool {
	before := b.values[:b.origins[o]]
	half := b.half(k, o, level)
	last, path, actual := before[len(before)-1], b.paths[o][i], b.values[b.origins[o]+k-1]
	if archived(before) > 0 {
		return actual >= floor(path-half) && actual <= path+half
	}
	down, up := changesSeen(before, k, level)
	return actual >= floor(min(path-half, last+down)) && actual <= max(path+half, last+up)
}

func meanAbs(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += math.Abs(v) / float64(len(values))
	}
	return sum
}

// ratio is a/b, where nothing over nothing is one: no better and no worse.
func ratio(a, b float64) float64 {
	if a == 0 && b == 0 {
		return 1
	}
	return a / b
}
