package hazard

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"foreshadow/forecast"
)

// Name is how forecasts of this model are called.
const Name = "logistic hazard"

// AnyChange is what a forecast of a table's next change says, whatever it will be.
const AnyChange = "any change"

// least is the probability from which on a kind of change has a row of its own.
const least = 0.05

// Table is one that exists. Since is a moment at which it was there for sure, such as that of its oldest row; zero where nothing tells.
type Table struct {
	Name  string
	Since time.Time
}

// Options says when, and how far ahead: no date lies beyond Horizon, and probabilities are for Within, 90 days when it is zero.
// Tables are those that exist; events of others only say how busy the schema is. None means those that the events leave. All events after
// From are known; zero is the first one.
type Options struct {
	At, From        time.Time
	Within, Horizon time.Duration
	Tables          []Table
}

// Forecast says for each table when its schema will change next, and with which probability it does within a span of time: the row of any change, then
// those of the likeliest kinds. Rows are in descending probability of their tables.
func Forecast(events []forecast.SchemaEvent, o Options) []forecast.SchemaChange {
	if o.Within <= 0 {
		o.Within = time.Duration(window) * day
	}
	events = slices.DeleteFunc(slices.Clone(events), func(e forecast.SchemaEvent) bool { return e.At.After(o.At) })
	h := newHistory(events, o.From, o.Tables)
	if len(h.tables) == 0 {
		return nil
	}
	at := h.day(o.At)
	basis := forecast.Basis{Model: Name, From: h.epoch, To: o.At, Backtest: shipped.backtest(h, at)}
	shares := h.shares()
	exists := map[string]bool{}
	for _, t := range o.Tables {
		exists[t.Name] = true
	}
	var out []forecast.SchemaChange
	chances := shipped.chances(h, at)
	names := slices.SortedFunc(maps.Keys(chances), func(a, b string) int {
		return cmp.Or(cmp.Compare(chances[b], chances[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		if o.Tables != nil && !exists[name] {
			continue
		}
		l := h.life(name)
		any := l.next(AnyChange, chances[name], o)
		any.Because, any.Basis = l.because(at), basis
		out = append(out, any)
		for _, k := range l.likeliest(shares) {
			kind := l.next(k.name, 1-math.Pow(1-chances[name], k.share), o)
			if kind.Probability < least {
				break
			}
			kind.Because, kind.Basis = fmt.Sprintf("%.0f %% of its changes are expected to be of this kind", 100*k.share), basis
			out = append(out, kind)
		}
	}
	return out
}

// next is the change to come when its chance within the window is p.
func (l *life) next(what string, p float64, o Options) forecast.SchemaChange {
	date := func(q float64) time.Time {
		d := daysUntil(p, q)
		if !(d*24 < o.Horizon.Hours()) {
			return time.Time{}
		}
		return o.At.Add(time.Duration(d * float64(day)))
	}
	return forecast.SchemaChange{Relation: l.name, What: what, Within: o.Within, Probability: chanceWithin(p, o.Within.Hours()/24, shape),
		P10: date(0.1), P50: date(0.5), P90: date(0.9)}
}

// because says what is known of the table.
func (l *life) because(at float64) string {
	n := l.before(at)
	if n == 0 {
		return fmt.Sprintf("no change in the %.0f days that it is watched", at-max(l.born, 0))
	}
	year := n - l.before(at-365)
	return fmt.Sprintf("changed on %d days in the last year, on %d in all, last %.0f days ago", year, n, at-l.changes[n-1])
}

// share is how much of a table's changes one kind makes up.
type share struct {
	name  string
	share float64
}

// shares are those of the whole schema, smoothed by those of other applications.
func (h *history) shares() map[string]float64 {
	const prior = 30 // events
	out, total := map[string]float64{}, 0.0
	for k, v := range kinds {
		out[k] = prior * v
	}
	for i := range h.tables {
		for k, n := range h.tables[i].kinds {
			out[k] += n
		}
	}
	for _, k := range slices.Sorted(maps.Keys(out)) { // in one order, so that the same events give the same bits
		total += out[k]
	}
	for k := range out {
		out[k] /= total
	}
	return out
}

// likeliest gives the table's shares, smoothed by the schema's, in descending order.
func (l *life) likeliest(schema map[string]float64) []share {
	const prior = 5 // events
	total := float64(prior)
	for _, n := range l.kinds {
		total += n
	}
	out := make([]share, 0, len(schema))
	for k, v := range schema {
		out = append(out, share{k, (prior*v + l.kinds[k]) / total})
	}
	slices.SortFunc(out, func(a, b share) int { return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.name, b.name)) })
	return out
}

// origins is at how many quarters before now the model is tried on the schema's own past.
const origins = 4

// backtest measures the model on the schema's own last quarters. Skill is 1 - Brier score / that of the share of tables which changed; NaN where nothing did.
func (m *Model) backtest(h *history, at float64) forecast.Backtest {
	b := forecast.Backtest{MASE: math.NaN(), Skill: math.NaN(), Coverage: math.NaN()}
	var brier, changed, n float64
	for k := 1; k <= origins && at-float64(k)*window >= window; k++ {
		origin := at - float64(k)*window
		b.Origins++
		for name, p := range m.chances(h, origin) {
			y := 0.0
			if h.life(name).changed(origin, window) {
				y = 1
			}
			brier, changed, n = brier+(p-y)*(p-y), changed+y, n+1
		}
	}
	if changed > 0 && changed < n {
		b.Skill = 1 - brier/(changed*(1-changed/n))
	}
	return b
}
