package predict

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/limits"
	"foreshadow/forecast/volume"
)

// wraparound is a counter of 32 bits of which half is usable, so that old values must be frozen in time.
type wraparound struct{ kind, unit, age, freeze string }

var wraparounds = []wraparound{
	{"transaction_ids", "transactions", "limit.xid_age", "limit.xid_freeze"},
	{"multixacts", "multixacts", "limit.mxid_age", "limit.mxid_freeze"},
}

// The facts of PostgreSQL that limit such counters: the age at which it stops, the setting at which autovacuum freezes in any case, where that is not
// known, and how far beyond the setting a healthy age may come.
const (
	maxAge       = 1<<31 - 3_000_000
	usualFreeze  = 200_000_000
	healthyShare = 1.25
)

// limits says when integer keys, partitions, columns, tables, the disk, processors, memory, connections and transaction ids run out; loads are the run's forecasts of load.
func (in *inputs) limits(ctx context.Context, p Params, loads []forecast.Result) ([]forecast.Limit, error) {
	days := int(p.LimitHorizon / day)
	var out []forecast.Limit
	for _, id := range in.ids {
		name, object, _ := strings.Cut(id, ":")
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		limit, ok, err := forecast.Limit{}, false, error(nil)
		switch name {
		case "key.last":
			if ceiling, known := in.last("key.max:" + object); known {
				limit, ok, err = in.keyLimit(object, ceiling, days, p)
			}
		case "key.partition_until":
			limit, ok = in.untilLimit(object, p)
		case "key.partition_end":
			limit, ok, err = in.partitionLimit(object, days, p)
		}
		if err != nil {
			return nil, fmt.Errorf("forecast key %s: %w", object, err)
		}
		if ok {
			out = append(out, limit)
		}
	}
	for i := range in.tables {
		found, err := in.columnLimits(ctx, &in.tables[i], days, p)
		if err != nil {
			return nil, fmt.Errorf("forecast columns of %s: %w", in.tables[i].relation, err)
		}
		out = append(out, found...)
	}
	sizes, err := in.sizeLimits(days, p)
	if err != nil {
		return nil, fmt.Errorf("forecast sizes: %w", err)
	}
	out = append(out, sizes...)
	host, err := in.hostLimits(loads, days, p)
	if err != nil {
		return nil, fmt.Errorf("forecast host: %w", err)
	}
	out = append(out, host...)
	for _, w := range wraparounds {
		if x, ok := in.wraparoundLimit(w, p); ok {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b forecast.Limit) int { return compareDates(a.P50, b.P50) })
	return out, nil
}

// compareDates puts earlier dates first and none at the end.
func compareDates(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}

// keyLimit forecasts when one integer key reaches a ceiling. What was not measured yet comes from the table's own past: each row took as many values as the
// rows there are took on average.
func (in *inputs) keyLimit(object string, ceiling float64, days int, p Params) (forecast.Limit, bool, error) {
	last, ok := in.last("key.last:" + object)
	if !ok {
		return forecast.Limit{}, false, nil
	}
	ask := limits.Ask{Kind: "sequence", Object: object, Unit: "ids", Max: ceiling}
	s := forecast.Series{ID: "key.last:" + object, Start: in.at, Step: day, Values: []float64{last}}
	if t := in.tableOf(object); t != nil {
		ask.Kind = "integer_key"
		s = in.keyHistory(t, object, last)
	}
	if len(s.Values) < enough {
		s = overlay(s, in.series["key.last:"+object], last, in.at)
	}
	if len(s.Values) < enough {
		l := forecast.Limit{Kind: ask.Kind, Object: object, Unit: ask.Unit, Current: last, Max: ceiling, Note: tooLittle}
		return l, true, nil
	}
	fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: p.Origins})
	if err != nil {
		return forecast.Limit{}, false, err
	}
	return limits.Reach(ask, s, fan), true, nil
}

// tableOf finds the table that a key such as public.events.id belongs to; nil for a sequence of its own.
func (in *inputs) tableOf(object string) *table {
	for i := range in.tables {
		if rest, ok := strings.CutPrefix(object, in.tables[i].relation+"."); ok && rest != "" {
			return &in.tables[i]
		}
	}
	return nil
}

// keyHistory is the key's past by the table's rows; its last value is the one measured.
func (in *inputs) keyHistory(t *table, object string, last float64) forecast.Series {
	rows := t
	ratio := 1.0
	if !t.known() && t.parent != nil {
		rows, ratio = t.parent, t.rows/t.parent.rows
	}
	perRow := 1.0
	if first, ok := in.last("key.first:" + object); ok && t.rows >= minRows {
		// More values than rows means that some were skipped or their rows deleted; far more means that the sequence was moved.
		if used := (last - first + 1) / t.rows; used >= 1 && used <= 10 {
			perRow = used
		}
	}
	s := rows.history
	s.ID, s.Unit = "key.last:"+object, "ids"
	s.Values = make([]float64, len(rows.history.Values))
	for i, v := range rows.history.Values {
		s.Values[i] = max(0, last-(rows.rows-v)*ratio*perRow) // a gap stays a gap
		if !measured(v) {
			s.Values[i] = math.NaN()
		}
	}
	return s
}

// diskLimit forecasts when the disk of the primary's data is full: what is used now, and the growth of all tables together.
func (in *inputs) diskLimit(days int, p Params) (forecast.Limit, bool, error) {
	free, ok := in.last("host.disk_free")
	total, known := in.last("host.disk_total")
	if !ok || !known {
		return forecast.Limit{}, false, nil
	}
	longest := 0
	for _, t := range in.tables {
		longest = max(longest, len(t.history.Values))
	}
	s := forecast.Series{ID: "host.disk_used", Start: in.at.Add(-time.Duration(max(longest-1, 0)) * day), Step: day, Values: make([]float64, max(longest, 1))}
	for i := range s.Values {
		s.Values[i] = total - free
		for k := range in.tables {
			s.Values[i] -= in.tables[k].grownSince(longest - 1 - i)
		}
		s.Values[i] = max(s.Values[i], 0)
	}
	fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: p.Origins})
	if err != nil {
		return forecast.Limit{}, false, err
	}
	return limits.Reach(limits.Ask{Kind: "disk", Object: "host", Unit: "bytes", Max: total}, s, fan), true, nil
}

// grownSince is how many bytes the table has gained over the last days, by its rows; before its history it had what it began with.
func (t *table) grownSince(days int) float64 {
	h, ratio := t.history.Values, 1.0
	now := t.rows
	if !t.known() && t.parent != nil {
		h, now = t.parent.history.Values, t.parent.rows
		ratio = t.rows / t.parent.rows
	}
	i := max(len(h)-1-days, 0)
	if t.rows < 1 || i >= len(h) || !measured(h[i]) {
		return 0
	}
	return (now - h[i]) * ratio / t.rows * (t.heap + t.index + t.toast)
}

// connectionLimit says when connections reach what the server allows: by the forecast of load within its horizon, by their busiest hours beyond.
func (in *inputs) connectionLimit(loads []forecast.Result, days int, p Params) (forecast.Limit, bool, error) {
	now, ceiling, ok := in.use(connections)
	if !ok {
		return forecast.Limit{}, false, nil
	}
	l := forecast.Limit{Kind: connections.kind, Object: connections.object, Unit: connections.unit, Current: now, Max: ceiling, Note: "within the horizon of the load forecast"}
	if i := slices.IndexFunc(loads, func(r forecast.Result) bool { return r.Series.ID == connections.series }); i >= 0 {
		l.Basis = loads[i].Basis()
		for _, p := range slices.Backward(loads[i].Points) {
			for _, at := range []struct {
				value float64
				date  *time.Time
			}{{p.Hi, &l.P10}, {p.Mean, &l.P50}, {p.Lo, &l.P90}} {
				if at.value >= ceiling {
					*at.date = p.At
				}
			}
		}
	}
	if !l.P50.IsZero() {
		return l, true, nil
	}
	far, _, err := in.peakLimit(connections, days, p)
	if far.P10.IsZero() && !l.P10.IsZero() {
		far.P10, far.Note, far.Basis = l.P10, limits.Unlikely, l.Basis
	}
	return far, err == nil, err
}

// wraparoundLimit speaks of wraparound only when freezing lags behind: a healthy age falls back by itself.
func (in *inputs) wraparoundLimit(w wraparound, p Params) (forecast.Limit, bool) {
	s, ok := in.series[w.age]
	age, known := in.last(w.age)
	if !ok || !known {
		return forecast.Limit{}, false
	}
	freeze, known := in.last(w.freeze)
	if !known {
		freeze = usualFreeze
	}
	l := forecast.Limit{Kind: w.kind, Object: "server", Unit: w.unit, Current: age, Max: maxAge}
	if age < healthyShare*freeze {
		l.Note = limits.NoneInSight + ": autovacuum freezes old rows in time"
		return l, true
	}
	var growth []float64
	for i := 1; i < len(s.Values); i++ {
		if d := s.Values[i] - s.Values[i-1]; measured(d) && d > 0 {
			growth = append(growth, d)
		}
	}
	if len(growth) == 0 || s.Step <= 0 {
		l.Note = "old rows are not being frozen; " + tooLittle
		return l, true
	}
	date := func(rate float64) time.Time {
		steps := (maxAge - age) / rate
		if steps*float64(s.Step) > float64(p.LimitHorizon) {
			return time.Time{}
		}
		return in.at.Add(time.Duration(steps * float64(s.Step)))
	}
	l.P10, l.P50, l.P90 = date(forecast.Quantile(growth, 0.9)), date(forecast.Quantile(growth, 0.5)), date(forecast.Quantile(growth, 0.1))
	l.Note = "if old rows stay unfrozen"
	l.Basis = forecast.Basis{Model: "quantiles of past growth", From: s.Start, To: s.End()}
	return l, true
}
