package predict

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"
)

// The bounds of what counts as a created-at column, and of what is kept of its history.
const (
	maxNullShare   = 0.02
	maxFutureShare = 0.001
	minDays        = enough
	minRows        = 50
	maxDays        = 800
	columnCheck    = 6 * time.Hour // a choice of column is looked at again after so long
)

// chosenColumn remembers which column tells when a row was created; empty is none.
type chosenColumn struct {
	name    string
	version int32
	at      time.Time
}

// createdCounts counts the table's rows by the day of their creation; no counts when no column tells it.
func (r *Runner) createdCounts(ctx context.Context, rel change.Relation, now time.Time) (time.Time, []float64, error) {
	c, known := r.columns[rel.OID]
	if !known || c.version != rel.Version || now.Sub(c.at) > columnCheck {
		columns, err := r.o.Store.TimeColumns(ctx, rel.OID)
		if err != nil {
			return time.Time{}, nil, err
		}
		c = chosenColumn{createdColumn(columns), rel.Version, now}
		r.columns[rel.OID] = c
	}
	if c.name == "" {
		return time.Time{}, nil, nil
	}
	return r.o.Store.DailyCounts(ctx, rel.OID, c.name)
}

// createdColumn chooses the column that tells when rows were created: hardly NULL, not in the future, spread over days; among those the
// one whose name says it best, then the one with the most days. Empty when none qualifies.
func createdColumn(columns []forecast.TimeColumn) string {
	best, bestScore := "", -1.0
	for _, c := range columns {
		rows := float64(c.Rows)
		if c.Rows < minRows || c.Days < minDays || float64(c.Nulls) > maxNullShare*rows || float64(c.Future) > maxFutureShare*rows {
			continue
		}
		score := nameScore(c.Name)
		if score < 0 {
			continue
		}
		score += math.Min(float64(c.Days)/1e5, 0.5) - float64(c.Nulls)/rows
		if score > bestScore {
			best, bestScore = c.Name, score
		}
	}
	return best
}

// nameScore says how much a column's name promises a time of creation; negative for times that move after creation or lie elsewhere.
func nameScore(name string) float64 {
	name = strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case has("updat", "modif", "chang", "delet", "expir", "last", "ship", "deliver", "due", "end", "finish", "clos", "birth", "valid", "next", "start", "sched"):
		return -1
	case has("creat"):
		return 4
	case has("insert", "regist", "signup", "joined", "added", "placed", "ordered", "occurred", "logged", "received", "event", "posted", "recorded"):
		return 3
	case name == "at" || name == "ts" || has("time", "date"):
		return 2
	}
	return 0
}

// cumulate turns rows by day of creation into the table's rows at this time of day on each day up to now. What lies before now is
// the count of now less what was created since, of which only the surviving share counts: a table that is emptied as it is
// filled has not grown from nothing. Rows without a time are spread in proportion.
func cumulate(s forecast.Series, start time.Time, counts []float64, rows, survival float64, now time.Time) forecast.Series {
	today := now.Truncate(day)
	n := int(today.Sub(start.Truncate(day)) / day)
	if n < 0 || len(counts) == 0 {
		return s
	}
	days := make([]float64, n+1)
	var total float64
	for i, c := range counts {
		if i < len(days) {
			days[i] = c
			total += c
		}
	}
	if total == 0 {
		return s
	}
	scale := survival * min(rows/total, 1.5)
	if survival >= 1 {
		scale = rows / total
	}
	passed := float64(now.Sub(today)) / float64(day)
	values := make([]float64, n+1)
	level := rows
	for i := n; i >= 0; i-- {
		values[i] = max(level, 0)
		if i == n {
			level -= scale * days[i] // all of today's lies before now
		} else {
			level -= scale * passed * days[i]
		}
		if i > 0 {
			level -= scale * (1 - passed) * days[i-1]
		}
	}
	values = values[max(0, len(values)-maxDays):]
	s.Start, s.Step, s.Values = now.Add(-time.Duration(len(values)-1)*day), day, values
	return s
}

// ratePerDay is how many rows were created a day in the last quarter.
func ratePerDay(counts []float64) float64 {
	recent := counts[max(0, len(counts)-90):]
	var sum float64
	for _, c := range recent {
		sum += c
	}
	return sum / float64(len(recent))
}

// overlay puts what was measured over what created-at columns tell, from the first measured day on, and moves the older part to meet it.
// Without such a column the history is what was measured.
func overlay(s, stored forecast.Series, rows float64, now time.Time) forecast.Series {
	today := now.Truncate(day)
	passed := float64(now.Sub(today)) / float64(day)
	first := slices.IndexFunc(stored.Values, measured)
	at := func(i int) float64 { // the rows at this time of day on the stored series' day i
		before, v := math.NaN(), stored.Values[i]
		if i > first && first >= 0 {
			before = stored.Values[i-1]
		}
		if !measured(v) || !measured(before) {
			return v
		}
		return before + passed*(v-before)
	}
	past := int(today.Sub(stored.Start.Truncate(day)) / day) // the stored series' index of today
	if first < 0 || past <= first {
		if len(s.Values) == 0 {
			s.Start, s.Step, s.Values = now, day, []float64{rows}
		}
		return s
	}
	recent := make([]float64, 0, past-first+1)
	for i := first; i < past; i++ {
		v := math.NaN()
		if i < len(stored.Values) {
			v = at(i)
		}
		recent = append(recent, v)
	}
	recent = append(recent, rows)
	older := s.Values[:max(0, len(s.Values)-len(recent))]
	if len(older) > 0 {
		shift := recent[0] - s.Values[len(older)]
		for i := range older {
			older[i] = max(0, older[i]+shift)
		}
	}
	values := append(slices.Clone(older), recent...)
	s.Start, s.Step, s.Values = now.Add(-time.Duration(len(values)-1)*day), day, values
	return s
}

// unstored gives the history from created-at columns as samples, for days that the stored copy does not have yet.
func (in *inputs) unstored(t table) []forecast.Sample {
	id := "volume.rows_created:" + t.relation
	stored := in.series[id]
	s, ok := sampler.Describe(id)
	if !ok {
		return nil
	}
	s.Source = "created_at"
	var out []forecast.Sample
	for i, v := range t.history.Values {
		at := t.history.Start.Add(time.Duration(i) * day)
		if len(stored.Values) == 0 || !at.Truncate(day).Before(stored.End()) {
			out = append(out, forecast.Sample{Series: s, At: at, Value: v})
		}
	}
	return out
}

// measured tells a value from a gap.
func measured(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
