package load

import "slices"

// model is one member of the pool: a lag regression or a rule. Exactly one of lags and rule is set.
type model struct {
	name  string
	prior float64 // weight in the median before anything is known of the errors
	lags  *lagSpec
	rule  func(p *prepared, origin, horizon int) []float64 // on the scale of prepared.onScale; nil when the history is too short
}

// pool is every model. A new one is a row here, with its file; the order is part of the golden results.
// The lag regressions differ so that their median is better than each of them. The seasonal rules are fewer and weigh twice, which short histories need most.
// Without a season the seasonal rules are of the last value and of the last few, and the regressions have short lags only.
var pool = []model{
	{name: "lags", prior: 1, lags: &lagSpec{set: dense}},
	{name: "lags-sparse", prior: 1, lags: &lagSpec{set: sparse}},
	{name: "lags-weekly-difference", prior: 1, lags: &lagSpec{set: short, difference: longSeason}},
	{name: "lags-daily-difference", prior: 1, lags: &lagSpec{set: withWeek, difference: shortSeason}},
	{name: "lags-raw", prior: 1, lags: &lagSpec{set: dense, raw: true}},
	{name: "lags-recent", prior: 1, lags: &lagSpec{set: dense, recent: true}},
	{name: "lags-two-weeks", prior: 1, lags: &lagSpec{set: twoWeeks}},
	{name: "seasonal-naive", prior: 2, rule: seasonalNaive(shortSeason)},
	{name: "seasonal-naive-long", prior: 2, rule: seasonalNaive(longSeason)},
	{name: "phase-median-long", prior: 2, rule: phaseMedian(longSeason, 3)},
	{name: "phase-median", prior: 2, rule: phaseMedian(shortSeason, 7)},
	{name: "naive", prior: 1, rule: naive},
	{name: "season-median", prior: 1, rule: seasonMedian},
}

// row is the place of a model in the pool.
func row(name string) int {
	return slices.IndexFunc(pool, func(m model) bool { return m.name == name })
}

// season names one of a series' season lengths.
type season int

const (
	shortSeason season = iota
	longSeason
)

// season is the length in steps; 0 when the series has no such season.
func (p *prepared) season(s season) int {
	if s == shortSeason {
		return p.seasons[0]
	}
	if len(p.seasons) < 2 {
		return 0
	}
	return p.seasons[len(p.seasons)-1]
}
