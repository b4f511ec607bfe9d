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

// The facts of PostgreSQL that limit transaction ids: where it stops, and the age up to which freezing is merely due.
const (
	maxXIDAge     = 1<<31 - 3_000_000
	healthyXIDAge = 250_000_000
)

// limits says when integer keys, the disk, connections and transaction ids run out; loads are the run's forecasts of load.
func (in *inputs) limits(ctx context.Context, p Params, loads []forecast.Result) ([]forecast.Limit, error) {
	days := int(p.LimitHorizon / day)
	var out []forecast.Limit
	for _, id := range in.ids {
		name, object, _ := strings.Cut(id, ":")
		if name != "key.last" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		limit, ok, err := in.keyLimit(object, days, p)
		if err != nil {
			return nil, fmt.Errorf("forecast key %s: %w", object, err)
		}
		if ok {
			out = append(out, limit)
		}
	}
	disk, ok, err := in.diskLimit(days, p)
	if err != nil {
		return nil, fmt.Errorf("forecast disk: %w", err)
	}
	if ok {
		out = append(out, disk)
	}
	if c, ok := in.connectionLimit(loads); ok {
		out = append(out, c)
	}
	if x, ok := in.xidLimit(p); ok {
		out = append(out, x)
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

// keyLimit forecasts one integer key. What was not measured yet comes from the table's own past: each row took as many values as the
// rows there are took on average.
func (in *inputs) keyLimit(object string, days int, p Params) (forecast.Limit, bool, error) {
	last, ok := in.last("key.last:" + object)
	ceiling, known := in.last("key.max:" + object)
	if !ok || !known {
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
		l := forecast.Limit{Kind: ask.Kind, Object: object, Unit: ask.Unit, Current: last, Max: ceiling, Note: "too little history to say when"}
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

// connectionLimit says when the forecast of connections reaches what the server allows, within the horizon of load.
func (in *inputs) connectionLimit(loads []forecast.Result) (forecast.Limit, bool) {
	now, ok := in.last("db.connections")
	ceiling, known := in.last("db.max_connections")
	if !ok || !known {
		return forecast.Limit{}, false
	}
	l := forecast.Limit{Kind: "connections", Object: "server", Unit: "connections", Current: now, Max: ceiling, Note: limits.NoneInSight}
	if i := slices.IndexFunc(loads, func(r forecast.Result) bool { return r.Series.ID == "db.connections" }); i >= 0 {
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
	if !l.P10.IsZero() {
		l.Note = "within the horizon of the load forecast"
	}
	return l, true
}

// xidLimit speaks of wraparound only when freezing lags behind: a healthy age falls back by itself.
func (in *inputs) xidLimit(p Params) (forecast.Limit, bool) {
	s, ok := in.series["limit.xid_age"]
	age, known := in.last("limit.xid_age")
	if !ok || !known {
		return forecast.Limit{}, false
	}
	l := forecast.Limit{Kind: "transaction_ids", Object: "server", Unit: "transactions", Current: age, Max: maxXIDAge}
	if age < healthyXIDAge {
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
		l.Note = "old rows are not being frozen; too little history to say when ids run out"
		return l, true
	}
	date := func(rate float64) time.Time {
		steps := (maxXIDAge - age) / rate
		if steps*float64(s.Step) > float64(p.LimitHorizon) {
			return time.Time{}
		}
		return in.at.Add(time.Duration(steps * float64(s.Step)))
	}
	l.P10, l.P50, l.P90 = date(forecast.Quantile(growth, 0.9)), date(forecast.Quantile(growth, 0.5)), date(forecast.Quantile(growth, 0.1))
	l.Note = "if old rows stay unfrozen"
	return l, true
}
