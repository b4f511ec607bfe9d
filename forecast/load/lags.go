package load

import (
	"math"
	"slices"
	"sort"

	"foreshadow/forecast/ols"
)

// lagSpec is a regression of each value on earlier ones (after P-Store's sparse periodic auto-regression, SIGMOD 2018).
type lagSpec struct {
	set        lagSet
	difference season // regress the change over this season rather than the value; shortSeason and longSeason need differenced
	raw        bool   // not on the log scale
	recent     bool   // weights halve every two long seasons
}

// lagSet gives lags for a short and a long season; long may be 0.
type lagSet struct {
	lags func(short, long int) []int
	diff bool
}

// denseLags is the number of nearest lags that are taken whatever the seasons: an hourly day and one more.
const denseLags = 25

var (
	dense = lagSet{lags: func(s, l int) []int {
		return join(span(1, denseLags), span(s-1, s+1), span(2*s-2, 2*s+1), around(l, 2))
	}}
	sparse = lagSet{lags: func(s, l int) []int {
		return join(span(1, 3), span(s, s+2), around(l, 1), around(l+1, 1))
	}}
	twoWeeks = lagSet{lags: func(s, l int) []int {
		return join(span(1, denseLags), span(s-1, s+1), span(2*s-2, 2*s+1), around(l, 0), around(l+1, 0), around(2*l, 0))
	}}
	short = lagSet{diff: true, lags: func(s, l int) []int {
		return join(span(1, 3), span(s-1, s+1))
	}}
	withWeek = lagSet{diff: true, lags: func(s, l int) []int {
		return join(span(1, 3), span(s-1, s+1), around(l, 1))
	}}
)

func span(from, to int) []int {
	var out []int
	for l := max(from, 1); l <= to; l++ {
		out = append(out, l)
	}
	return out
}

func around(lag, by int) []int {
	if lag < 3 {
		return nil
	}
	return span(lag-by, lag+by)
}

func join(sets ...[]int) []int {
	all := slices.Concat(sets...)
	slices.Sort(all)
	return slices.Compact(all)
}

// ridge and huber were chosen on origins inside the training part of the M4 hourly series.
const ridge = 1e-5

var huber = ols.Huber{K: 2, Passes: 3, Ridge: ridge}

// values gives what the specification regresses: the values or their differences, and the difference's season (0 for none).
// ok is false when the series does not have that season.
func (m *lagSpec) values(p *prepared) (y []float64, diff int, ok bool) {
	y = p.onScale
	if m.raw {
		y = p.onRaw
	}
	if !m.set.diff {
		return y, 0, true
	}
	if diff = p.season(m.difference); diff < 2 {
		return nil, 0, false
	}
	d := make([]float64, len(y))
	for t := diff; t < len(y); t++ {
		d[t] = y[t] - y[t-diff]
	}
	return d, diff, true
}

// feasible drops the longest lags until enough rows are left to estimate the others from the values before origin.
func feasible(lags []int, origin, diff int) []int {
	for n := len(lags); n > 0; n-- {
		if origin-diff-lags[n-1] >= 3*n+24 {
			return lags[:n]
		}
	}
	return nil
}

// fitted is a specification's coefficients at one origin.
type fitted struct {
	lags []int
	fit  ols.Fit
}

// problem is the design of one set of lags, with the time of each row.
type problem struct {
	lags  []int
	rows  *ols.Design
	times []int
}

func newProblem(p *prepared, y []float64, lags []int, diff, end int, halfLife float64) *problem {
	start := diff + lags[len(lags)-1]
	pr := &problem{lags: lags, rows: ols.NewDesign(len(lags), end-start)}
	for t := start; t < end; t++ {
		if p.missing[t] || diff > 0 && p.missing[t-diff] {
			continue
		}
		weight := 1.0
		if halfLife > 0 {
			weight = math.Exp2(float64(t-end) / halfLife)
		}
		x := pr.rows.Row(y[t], weight)
		for j, lag := range lags {
			x[j] = y[t-lag]
		}
		pr.times = append(pr.times, t)
	}
	return pr
}

// before is the number of rows whose time is before origin.
func (pr *problem) before(origin int) int { return sort.SearchInts(pr.times, origin) }

// fit gives the specification's coefficients at each of the origins, which ascend; an element is nil where it cannot be estimated.
// Sums are shared between origins with the same lags, and each starts from the weights of the one before.
func (m *lagSpec) fit(p *prepared, origins []int) []*fitted {
	out := make([]*fitted, len(origins))
	y, diff, ok := m.values(p)
	if !ok {
		return out
	}
	long := p.season(longSeason)
	halfLife := 0.0
	if m.recent {
		halfLife = float64(2 * max(p.seasons[len(p.seasons)-1], 24))
	}
	all := m.set.lags(p.seasons[0], long)
	for i := 0; i < len(origins); {
		lags := feasible(all, origins[i], diff)
		next := i + 1
		for next < len(origins) && len(feasible(all, origins[next], diff)) == len(lags) {
			next++
		}
		if len(lags) > 0 {
			newProblem(p, y, lags, diff, origins[next-1], halfLife).fit(origins[i:next], out[i:next])
		}
		i = next
	}
	return out
}

func (pr *problem) fit(origins []int, out []*fitted) {
	base := ols.NewGram(len(pr.lags))
	done := 0
	var start *ols.Fit
	for i, origin := range origins {
		rows := pr.before(origin)
		if rows < 3*len(pr.lags)/2+8 {
			continue
		}
		base.Add(pr.rows, done, rows)
		done = rows
		h := huber
		if start != nil {
			h.Passes--
		}
		fit, gram, err := h.Fit(pr.rows, rows, base, start)
		if err != nil {
			continue
		}
		if i == len(origins)-1 && len(pr.lags) <= finalBySajari {
			if exact, err := gram.Regress(ridge); err == nil {
				fit = exact
			}
		}
		start = &fit
		out[i] = &fitted{lags: pr.lags, fit: fit}
	}
}

// finalBySajari is the greatest number of lags whose coefficients at the last origin are solved by sajari/regression; it takes milliseconds with more.
const finalBySajari = 12

// path runs the regression forward from origin, each step on the ones before, and gives it on the scale of prepared.onScale.
func (m *lagSpec) path(p *prepared, f *fitted, origin, horizon int) []float64 {
	y, sc := p.onScale, p.scale
	if m.raw {
		y, sc = p.onRaw, p.raw
	}
	diff := 0
	if m.set.diff {
		diff = p.season(m.difference)
	}
	keep := min(origin, f.lags[len(f.lags)-1]+diff)
	v := make([]float64, keep+horizon)
	copy(v, y[origin-keep:origin])
	for k := keep; k < len(v); k++ {
		next := f.fit.Intercept
		for j, lag := range f.lags {
			x := v[k-lag]
			if diff > 0 {
				x -= v[k-lag-diff]
			}
			next += f.fit.Slopes[j] * x
		}
		if diff > 0 {
			next += v[k-diff]
		}
		v[k] = sc.clip(next)
	}
	out := v[keep:]
	if m.raw && p.scale.log {
		for k := range out {
			out[k] = p.scale.clip(p.scale.to(max(sc.back(out[k]), p.scale.least())))
		}
	}
	return out
}

// least is the smallest value the logarithm is taken of.
func (s scale) least() float64 { return s.back(s.lo) }
