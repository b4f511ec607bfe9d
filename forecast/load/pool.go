package load

// model is one member of the pool: a lag regression or a rule. Exactly one of lags and rule is set.
type model struct {
	name string
	lags *lagSpec
	rule func(p *prepared, origin, horizon int) []float64 // on the scale of prepared.onScale; nil when the history is too short
}

// pool is every model. A new one is a row here, with its file; the order is part of the golden results.
// The lag regressions differ so that their median is better than each of them.
var pool = []model{
	{name: "lags", lags: &lagSpec{set: dense}},
	{name: "lags-sparse", lags: &lagSpec{set: sparse}},
	{name: "lags-weekly-difference", lags: &lagSpec{set: short, difference: longSeason}},
	{name: "lags-daily-difference", lags: &lagSpec{set: withWeek, difference: shortSeason}},
	{name: "lags-raw", lags: &lagSpec{set: dense, raw: true}},
	{name: "lags-recent", lags: &lagSpec{set: dense, recent: true}},
	{name: "lags-two-weeks", lags: &lagSpec{set: twoWeeks}},
	{name: "seasonal-naive", rule: seasonalNaive(shortSeason)},
	{name: "seasonal-naive-long", rule: seasonalNaive(longSeason)},
	{name: "phase-median", rule: phaseMedian},
	{name: "naive", rule: naive},
	{name: "season-median", rule: seasonMedian},
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
