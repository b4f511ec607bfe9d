package hazard

import "math"

// features is how many regressors a table has at a day.
const features = 10

// halfLives are those with which past changes fade, in days.
var halfLives = [...]float64{30, 90, 365}

// usualActivity is what is taken for a schema's activity before it is known. It weighs as much as usualDays that are, half as much when so many are.
const (
	usualActivity = 6.3e-4
	usualDays     = 30
)

// activity is how busy a schema is at a day: the changes of each table and day, those long past less than those of late.
type activity struct{ slow, fast float64 }

// activityAt counts with half-lives of a year and of a quarter; a young history is taken for as long as it is.
func (h *history) activityAt(at float64) activity {
	var a activity
	tables := 0.0
	for i := range h.tables {
		l := &h.tables[i]
		if l.born >= at {
			continue
		}
		if l.alive(at) {
			tables++
		}
		a.slow += l.decayed(at, 365)
		a.fast += l.decayed(at, 90)
	}
	tables, unknown := max(tables, 1), usualDays*math.Exp2(-at/usualDays)
	a.slow = (a.slow + tables*unknown*usualActivity) / (tables * (exposure(at, 365) + unknown))
	a.fast = (a.fast + tables*unknown*a.slow) / (tables * (exposure(at, 90) + unknown))
	return a
}

// exposure is how many days a decayed count stands for, when days of history came before it.
func exposure(days, halfLife float64) float64 {
	return halfLife / math.Ln2 * (1 - math.Exp2(-max(days, 1)/halfLife))
}

// decayed counts the changes before a day, each half as much for every half-life that has passed.
func (l *life) decayed(at, halfLife float64) float64 {
	sum := 0.0
	for _, c := range l.changes[:l.before(at)] {
		sum += math.Exp2((c - at) / halfLife)
	}
	return sum
}

// featuresAt describes a table at a day by what was known then.
func (l *life) featuresAt(at float64, a activity) [features]float64 {
	age := at - l.born
	n := l.before(at)
	since := age
	if n > 0 {
		since = at - l.changes[n-1]
	}
	x := [features]float64{math.Log1p(age), math.Log1p(float64(n)), math.Log1p(since)}
	for i, half := range halfLives {
		x[3+i] = math.Log1p(l.decayed(at, half))
	}
	x[6] = math.Log(a.slow + 1e-5)
	x[7] = math.Log((a.fast + 1e-5) / (a.slow + 1e-5))
	x[8] = math.Exp(-age / 60)
	x[9] = math.Log((float64(n) + 0.5) / (age + 365)) // the rate over its whole life
	return x
}
