package load

import (
	"slices"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/ols"
)

// withEvents takes the effect of known events out of the history, forecasts what is left, and puts the effect of coming events on the points.
// The backtest is that of the history without them; the effects themselves are estimated from all of it.
func withEvents(s forecast.Series, horizon int, opt Options) (forecast.Result, error) {
	s, put, err := withoutEvents(s, horizon, opt)
	if err != nil {
		return forecast.Result{}, err
	}
	opt.Events = nil
	result, err := Forecast(s, horizon, opt)
	for k := range result.Points {
		pt := &result.Points[k]
		pt.Mean, pt.Lo, pt.Hi = put(k, pt.Mean), put(k, pt.Lo), put(k, pt.Hi)
	}
	result.Model += " with events"
	return result, err
}

// withoutEvents is the series without the effect of known events, and a function that puts the effect of those to come on the value of a step ahead.
// Effects are added on the model's scale, so that an event multiplies a load that is forecast on the logarithm.
func withoutEvents(s forecast.Series, horizon int, opt Options) (forecast.Series, func(k int, v float64) float64, error) {
	p, err := prepare(s, opt)
	if err != nil {
		return s, nil, err
	}
	effect := p.effects(s, horizon, opt.Events)
	shift := func(v, by float64) float64 {
		if by == 0 {
			return v
		}
		return p.floor(p.scale.back(p.scale.to(v) + by))
	}
	n := len(s.Values)
	s.Values = slices.Clone(s.Values)
	for i := p.first; i < n; i++ {
		s.Values[i] = shift(s.Values[i], -effect[i])
	}
	return s, func(k int, v float64) float64 { return shift(v, effect[n+k]) }, nil
}

// effects is what the events do to each step of the history and of the horizon, on the model's scale: the change over a cycle, or a long season, is regressed on
// the change of being in each kind of event, so that what recurs with the season is left to the season.
func (p *prepared) effects(s forecast.Series, horizon int, events []forecast.Event) []float64 {
	m := p.cycle
	if long := p.season(longSeason); long > 0 && 3*long <= len(p.onScale) {
		m = long
	}
	out := make([]float64, len(s.Values)+horizon)
	var columns [][]float64
	for _, name := range names(events) {
		x := during(events, name, s, len(out))
		if slices.ContainsFunc(p.rows(m), func(t int) bool { return x[p.first+t] != x[p.first+t-m] }) {
			columns = append(columns, x)
		}
	}
	if len(columns) == 0 {
		return out
	}
	design := ols.NewDesign(len(columns), len(p.onScale))
	for _, t := range p.rows(m) {
		row := design.Row(p.onScale[t]-p.onScale[t-m], 1)
		for j, x := range columns {
			row[j] = x[p.first+t] - x[p.first+t-m]
		}
	}
	gram := ols.NewGram(len(columns))
	gram.Add(design, 0, design.Len())
	fit, err := gram.Regress(ridge)
	if err != nil {
		return out
	}
	for j, x := range columns {
		for i := range out {
			out[i] += fit.Slopes[j] * x[i]
		}
	}
	return out
}

// rows are the steps at which the change over m steps was measured.
func (p *prepared) rows(m int) []int {
	var out []int
	for t := m; t < len(p.onScale); t++ {
		if !p.missing[t] && !p.missing[t-m] {
			out = append(out, t)
		}
	}
	return out
}

// names are the kinds of events, each once.
func names(events []forecast.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// during is 1 at the steps of a series, and of the horizon, that begin within an event of the name, and 0 at others.
func during(events []forecast.Event, name string, s forecast.Series, steps int) []float64 {
	out := make([]float64, steps)
	for i := range out {
		at := s.Start.Add(time.Duration(i) * s.Step)
		if slices.ContainsFunc(events, func(e forecast.Event) bool { return e.Name == name && e.Covers(at) }) {
			out[i] = 1
		}
	}
	return out
}
