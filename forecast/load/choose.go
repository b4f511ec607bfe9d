package load

import (
	"cmp"
	"math"
	"slices"
)

// Names of what is made of the pool; a result's Model is one of these or the name of a row of the pool.
const (
	mixed      = "weighted-median"
	afterShift = "naive-after-shift"
)

// How the pool is mixed. The power was chosen on origins inside the training parts of the M4, Azure and NAB series.
const (
	fewestSeasons = 4    // short seasons of history before the pool is mixed; the seasonal naive answers until then
	power         = 2    // weights fall with this power of the error
	smallest      = 0.01 // added to errors, so that what never erred does not decide alone
)

// run is one forecast being made: paths of every model at earlier origins and at the end.
type run struct {
	p       *prepared
	horizon int
	level   float64
	origins []int         // earlier origins, ascending
	tested  int           // steps after each earlier origin that are compared
	paths   [][][]float64 // by origin (the end is last), by row of the pool; nil where a model cannot answer
	model   string
	chosen  [][]float64 // the path of what was chosen, by origin; nil where it cannot answer
}

func newRun(p *prepared, horizon int, opt Options) *run {
	r := &run{p: p, horizon: horizon, level: cmp.Or(opt.Level, 95)}
	count := opt.Origins
	if count == 0 {
		count = DefaultOrigins
	}
	r.origins, r.tested = origins(len(p.filled), horizon, p.cycle, count)
	r.runPool()
	r.choose()
	return r
}

// origins spaces at most count earlier origins a cycle apart, the last one early enough to compare the horizon,
// or as much of it as leaves two thirds of the values before it. Each has half of the values before it: with fewer, the models there would not be those of the end.
func origins(n, horizon, cycle, count int) (at []int, tested int) {
	tested = max(1, min(horizon, n/3))
	least := (n + 1) / 2
	last := n - tested
	if count < 1 || last < least || last < 2 {
		return nil, tested
	}
	step := max(cycle, 1)
	if cycle == 1 {
		step = max(1, tested/4)
	}
	if count > 1 {
		step = max(1, min(step, (last-least)/(count-1)))
	}
	for o := last; o >= max(least, 2) && len(at) < count; o -= step {
		at = append(at, o)
	}
	slices.Reverse(at)
	return at, tested
}

// runPool fills paths with every model of the pool at every origin and at the end.
func (r *run) runPool() {
	n := len(r.p.filled)
	all := append(slices.Clone(r.origins), n)
	r.paths = make([][][]float64, len(all))
	for i := range all {
		r.paths[i] = make([][]float64, len(pool))
	}
	for m, model := range pool {
		var fits []*fitted
		if model.lags != nil {
			fits = model.lags.fit(r.p, all)
		}
		for i, origin := range all {
			steps := r.tested
			if origin == n {
				steps = r.horizon
			}
			switch {
			case model.lags == nil:
				r.paths[i][m] = model.rule(r.p, origin, steps)
			case fits[i] != nil:
				r.paths[i][m] = model.lags.path(r.p, fits[i], origin, steps)
			}
		}
	}
}

// choose takes the weighted median of the pool, or one rule where the pool is of no use: in the first days, and after a shift of level.
func (r *run) choose() {
	n, m := len(r.p.filled), r.p.seasons[0]
	switch {
	case r.p.shifted():
		r.take("naive")
		r.model = afterShift
	case n < 24 && m == 1:
		r.take("naive")
	case n < 24 || n < fewestSeasons*m:
		r.take("seasonal-naive")
	default:
		r.mix()
	}
}

// take chooses one row of the pool.
func (r *run) take(name string) {
	r.model = name
	for _, paths := range r.paths {
		r.chosen = append(r.chosen, paths[row(name)])
	}
}

// mix chooses the median of the whole pool, each row weighted by its prior and by how little it erred at the earlier origins.
func (r *run) mix() {
	r.model = mixed
	weights := make([]float64, len(pool))
	for i, m := range pool {
		weights[i] = m.prior / math.Pow(smallest+r.relative(i), power)
	}
	for _, paths := range r.paths {
		r.chosen = append(r.chosen, weightedMedian(paths, weights))
	}
}

// weighted is a value with its weight.
type weighted struct{ value, weight float64 }

// weightedMedian is, at each step, the value on either side of which half of the weight lies: each value stands in the middle of its own weight, and between two
// the median is interpolated, so that equal weights give the common median. Paths that are nil are left out.
func weightedMedian(paths [][]float64, weights []float64) []float64 {
	steps := len(slices.MaxFunc(paths, func(a, b []float64) int { return cmp.Compare(len(a), len(b)) }))
	out := make([]float64, steps)
	column := make([]weighted, 0, len(paths))
	for k := range out {
		column = column[:0]
		var half float64
		for i, path := range paths {
			if path != nil {
				column = append(column, weighted{path[k], weights[i]})
				half += weights[i] / 2
			}
		}
		slices.SortFunc(column, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
		out[k] = middle(column, half)
	}
	return out
}

// middle is the weighted median of values in ascending order whose weights add up to twice half.
func middle(column []weighted, half float64) float64 {
	at := column[0].weight / 2
	for i := 1; i < len(column); i++ {
		a, b := column[i-1], column[i]
		next := at + (a.weight+b.weight)/2
		if next >= half {
			return a.value + (b.value-a.value)*min(max((half-at)/(next-at), 0), 1)
		}
		at = next
	}
	return column[len(column)-1].value
}
