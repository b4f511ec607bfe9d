package load

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/forecast"
)

// How many standard errors above zero the autocorrelation at a period must be. A day and a week are expected of a load, so that chance may find them once in
// twenty times; another period is the best of many, and so must be surer. Chosen on origins inside the training parts of the M4, Azure and NAB series.
const (
	likely = 1.645
	surely = 5
)

// findSeasons gives the season lengths of values, NaN where missing: a day and a week in steps where the values repeat over them, the week in what the day
// leaves; without either, another period up to a third of the history. What repeats sooner, such as every six hours, has that shorter season.
// Assumed is the day or week on which the history is too short to decide; 0 where there is none, or the day was looked for in vain.
func findSeasons(values []float64, calendar []int) (found []int, assumed int) {
	take := func(m int, errors float64) {
		if repeats(values, m) > errors {
			m = shortest(values, m, errors)
			values = without(values, m)
			found = append(found, m)
		}
	}
	for i, m := range calendar {
		shorter := len(found) == i
		take(m, likely)
		if shorter && len(found) == i && undecided(values, m) {
			assumed = m
		}
	}
	if len(found) == 0 {
		take(peak(values), surely)
	}
	return found, assumed
}

// undecided says whether the history, of one period at least, is so short that even a perfect season of m steps might not be found: less than two periods, or
// less than two and a half, of which what there is speaks for it.
func undecided(values []float64, m int) bool {
	n := len(values)
	return m <= n && (n < 2*m || 2*n < 5*m && repeats(values, m) > likely/2)
}

// repeats is the mean likeness at the multiples of m steps, in its standard errors; 0 with less than two periods of history, and where the next period alone
// is not alike.
func repeats(values []float64, m int) float64 {
	if m < 2 || 2*m > len(values) {
		return 0
	}
	return newPeriod(values, m).likeness()
}

// period is a series in which a season of so many steps is looked for.
type period struct {
	steps    int
	x        []float64 // without the mean over a period, clipped
	sharp    []float64 // x without what is left of that mean, so that what moves slowly is no season
	variance float64   // of x
}

// newPeriod clips what sticks out less often than every other period.
func newPeriod(values []float64, m int) period {
	x := clipped(detrended(values, m), 0.5/float64(m))
	variance, _ := covariance(x, x, 0)
	return period{m, x, detrended(x, m), variance}
}

// at is how alike values k steps apart are, with the number of pairs.
func (p period) at(k int) (r float64, pairs int) {
	r, pairs = covariance(p.x, p.sharp, k)
	return r / p.variance, pairs
}

// standardError is that of one pair of values when nothing repeats: Bartlett's (1946), from what nearer values have in common.
func (p period) standardError() float64 {
	variance := 1.0
	for k := 1; k <= p.steps/2; k++ {
		near, _ := covariance(p.x, p.x, k)
		variance += 2 * near * near / (p.variance * p.variance)
	}
	return math.Sqrt(variance)
}

// likeness is that of all multiples of the period, in standard errors.
func (p period) likeness() float64 {
	if next, _ := p.at(p.steps); !(next > 0) {
		return 0
	}
	var sum, pairs float64
	for k := p.steps; k+p.steps <= len(p.x); k += p.steps {
		r, n := p.at(k)
		sum, pairs = sum+r*float64(n), pairs+float64(n)
	}
	return sum / math.Sqrt(pairs) / p.standardError()
}

// shortest is m, or its smallest divisor over which values are as alike, but for a standard error, and whose removal leaves nothing that repeats over m.
func shortest(values []float64, m int, errors float64) int {
	p := newPeriod(values, m)
	r, pairs := p.at(m)
	enough := r - p.standardError()/math.Sqrt(float64(pairs))
	for d := 2; 2*d <= m; d++ {
		if m%d != 0 {
			continue
		}
		if sooner, _ := p.at(d); sooner > enough && repeats(values, d) > errors && repeats(without(values, d), m) <= errors {
			return d
		}
	}
	return m
}

// peak is the period up to a third of the history at whose multiples the mean autocovariance rises most above the least at shorter periods; 0 where there is
// none. A longer one must rise by a tenth more than a shorter.
func peak(values []float64) int {
	most := len(values) / 3
	if most < 2 {
		return 0
	}
	x := clipped(detrended(values, most), 0.01)
	r := make([]float64, len(values)/2+1)
	for k := range r {
		r[k], _ = covariance(x, x, k)
	}
	at, height, least := 0, 0.0, math.Inf(1)
	for k, before := 2, r[1]; k <= most; k++ {
		mean, next := atMultiples(r, k), atMultiples(r, k+1)
		if rise := mean - max(least, 0); rise > 1.1*height && mean > before && mean >= next {
			at, height = k, rise
		}
		least, before = min(least, mean), mean
	}
	return at
}

// atMultiples is the mean of the values at the multiples of k; 0 where there is none.
func atMultiples(r []float64, k int) float64 {
	var sum, n float64
	for i := k; i < len(r); i += k {
		sum, n = sum+r[i], n+1
	}
	return sum / max(n, 1)
}

// detrended takes from each value the mean of the m values around it, or of the m nearest the end.
func detrended(values []float64, m int) []float64 {
	sum, count := make([]float64, len(values)+1), make([]float64, len(values)+1)
	for i, v := range values {
		sum[i+1], count[i+1] = sum[i], count[i]
		if !math.IsNaN(v) {
			sum[i+1], count[i+1] = sum[i]+v, count[i]+1
		}
	}
	out := make([]float64, len(values))
	for i, v := range values {
		from := min(max(i-m/2, 0), len(values)-m)
		out[i] = v - (sum[from+m]-sum[from])/(count[from+m]-count[from])
	}
	return out
}

// clipped limits values to those between the quantiles tail and 1 - tail.
func clipped(values []float64, tail float64) []float64 {
	sorted := measured(values)
	slices.Sort(sorted)
	lo, hi := forecast.QuantileOfSorted(sorted, tail), forecast.QuantileOfSorted(sorted, 1-tail)
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = min(max(v, lo), hi)
	}
	return out
}

// measured are the values that are not missing.
func measured(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

// covariance is that of x with what y was k steps before, both of mean zero, over the pairs that were measured.
func covariance(x, y []float64, k int) (mean float64, pairs int) {
	var sum float64
	for i, v := range x[k:] {
		if product := v * y[i]; !math.IsNaN(product) {
			sum += product
			pairs++
		}
	}
	return sum / float64(max(pairs, 1)), pairs
}

// without takes the usual course of a season of m steps out of the values: the median at each place of it.
func without(values []float64, m int) []float64 {
	x, out := detrended(values, m), slices.Clone(values)
	for phase := range m {
		var same []float64
		for i := phase; i < len(x); i += m {
			same = append(same, x[i])
		}
		if same = measured(same); len(same) == 0 {
			continue
		}
		usual := forecast.Median(same)
		for i := phase; i < len(out); i += m {
			out[i] -= usual
		}
	}
	return out
}

// calendar is a day and a week in steps, as far as they are whole numbers above one.
func calendar(step time.Duration) []int {
	var out []int
	for _, season := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if step > 0 && season%step == 0 && season/step > 1 {
			out = append(out, int(season/step))
		}
	}
	return out
}

// usable sorts season lengths and leaves out those that do not fit once into n values; a season of one step, which is none, remains when nothing else does.
func usable(seasons []int, n int) []int {
	var out []int
	for _, m := range seasons {
		if m > 1 && m <= n && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return []int{1}
	}
	slices.Sort(out)
	return out
}

// cycle is the stretch over which a series is judged, such as between two origins: so many short seasons that they last a day, or one where n values hold no more.
func cycle(season int, step time.Duration, n int) int {
	if step <= 0 {
		return season
	}
	day := int(min(24*time.Hour/step, time.Duration(n)+1))
	if whole := (day + season - 1) / season * season; whole > 0 && whole <= n {
		return whole
	}
	return season
}

// seasonText says which seasons the pool was given.
func (p *prepared) seasonText() string {
	if p.seasons[0] == 1 {
		return ", no season"
	}
	lengths := make([]string, len(p.seasons))
	for i, m := range p.seasons {
		lengths[i] = strconv.Itoa(m)
		if m == p.assumed {
			lengths[i] += " assumed"
		}
	}
	return ", season " + strings.Join(lengths, ",")
}
