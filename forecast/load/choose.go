package load

import (
	"cmp"
	"slices"
)

// Names of what the pool is mixed into; a result's Model is one of these or the name of a row of the pool.
const (
	lagMedian    = "lag-median"
	seasonalMix  = "lag-seasonal-median"
	bestFive     = "best-five-median"
	afterShift   = "naive-after-shift"
	fewestLags   = 5   // short seasons of history before lag regressions are trusted on their own
	switchMargin = 0.2 // share by which another choice must beat the median of the lag regressions at earlier origins
	mixMargin    = 0.1 // the same for the median of the five best, which errs less in being chosen
)

// run is one forecast being made: paths of every model at earlier origins and at the end.
type run struct {
	p       *prepared
	horizon int
	level   float64
	origins []int         // earlier origins, ascending
	tested  int           // steps after each earlier origin that are compared
	paths   [][][]float64 // by origin (the end is last), by candidate; nil where a model cannot answer
	names   []string      // of candidates: the pool, then the mixes
	scores  []float64     // error of each candidate over the reference's on the same origins; NaN when too few
	model   string
	chosen  int
}

func newRun(p *prepared, horizon int, opt Options) *run {
	r := &run{p: p, horizon: horizon, level: cmp.Or(opt.Level, 95)}
	count := opt.Origins
	if count == 0 {
		count = DefaultOrigins
	}
	r.origins, r.tested = origins(len(p.filled), horizon, p.seasons[0], count)
	r.runPool()
	for i := range r.paths {
		r.paths[i] = append(r.paths[i], median(r.lagPaths(i)), median(r.mixPaths(i)))
	}
	r.names = append(r.names, lagMedian, seasonalMix)
	r.score()
	return r
}

// origins spaces at most count earlier origins a short season apart, the last one early enough to compare the horizon,
// or as much of it as leaves two thirds of the values before it. Each has half of the values before it: with fewer, the models there would not be those of the end.
func origins(n, horizon, season, count int) (at []int, tested int) {
	tested = max(1, min(horizon, n/3))
	least := (n + 1) / 2
	last := n - tested
	if count < 1 || last < least || last < 2 {
		return nil, tested
	}
	step := max(season, 1)
	if season == 1 {
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
		r.paths[i] = make([][]float64, len(pool), len(pool)+3)
	}
	for m, model := range pool {
		r.names = append(r.names, model.name)
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

func (r *run) lagPaths(i int) [][]float64 {
	var out [][]float64
	for m, model := range pool {
		if model.lags != nil && r.paths[i][m] != nil {
			out = append(out, r.paths[i][m])
		}
	}
	return out
}

// mixPaths are the median of the lag regressions and the seasonal rules.
func (r *run) mixPaths(i int) [][]float64 {
	var out [][]float64
	if m := median(r.lagPaths(i)); m != nil {
		out = append(out, m)
	}
	for m, model := range pool {
		switch model.name {
		case "seasonal-naive", "seasonal-naive-long", "phase-median":
			if r.paths[i][m] != nil {
				out = append(out, r.paths[i][m])
			}
		}
	}
	return out
}

// median is the middle of several paths at each step; nil of none.
func median(paths [][]float64) []float64 {
	if len(paths) == 0 {
		return nil
	}
	out := make([]float64, len(paths[0]))
	column := make([]float64, len(paths))
	for k := range out {
		for i, path := range paths {
			column[i] = path[k]
		}
		slices.Sort(column)
		out[k] = (column[(len(column)-1)/2] + column[len(column)/2]) / 2
	}
	return out
}

// choose picks the candidate and gives its path with half widths, on the scale of prepared.onScale.
func (r *run) choose() (path, half []float64) {
	r.chosen = r.pick()
	r.model = r.names[r.chosen]
	end := len(r.origins)
	if r.model != "naive" && r.p.shifted() {
		r.chosen, r.model = slices.Index(r.names, "naive"), afterShift
	}
	return r.paths[end][r.chosen], r.halfWidths()
}

// pick keeps the default unless something else was clearly better at the earlier origins.
func (r *run) pick() int {
	start := r.fallback()
	doubt := 1.0
	if !r.evidence() {
		doubt = 2
	}
	best, at := r.scores[start], start
	for c, score := range r.scores {
		if c < len(pool) && pool[c].lags != nil {
			continue
		}
		margin := switchMargin
		if r.names[c] == bestFive {
			margin = mixMargin
		}
		if score < best && score < r.scores[start]*(1-doubt*margin) {
			best, at = score, c
		}
	}
	return at
}

// evidence says whether the earlier origins can well tell which candidate is good; the margins double where not. They cannot in the first days, nor while the history
// is between ten short seasons and two long ones: there the regressions at the end know seasons that those at the origins did not.
func (r *run) evidence() bool {
	n, m := len(r.p.filled), r.p.seasons[0]
	return (n < 24 || n >= fewestLags*m) && (n < 2*fewestLags*m || n >= 2*r.p.season(longSeason))
}

// fallback is the choice without evidence: the median of the lag regressions; with a short history their mix with seasonal rules, or the seasonal naive.
func (r *run) fallback() int {
	end, n := len(r.origins), len(r.p.filled)
	order := []string{lagMedian, seasonalMix, "seasonal-naive"}
	switch {
	case n < 24 && r.p.seasons[0] == 1:
		order = []string{"naive"}
	case n < 24 || n < fewestLags*r.p.seasons[0]:
		order = []string{"seasonal-naive"}
	case n < 2*fewestLags*r.p.seasons[0]:
		order = []string{seasonalMix, "seasonal-naive"}
	}
	for _, name := range order {
		if c := slices.Index(r.names, name); r.paths[end][c] != nil {
			return c
		}
	}
	return slices.Index(r.names, "naive")
}
