package predict

import (
	"context"
	"fmt"
	"math"
	"time"

	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/forecast/volume"
)

// The names of the two ways to forecast a table that the volume model cannot: following its parent, and saying how little is known.
const (
	modelParent = "rows per parent row"
	modelNaive  = "last value, wide interval"
)

// volumeLevel is the level of stored volume forecasts: Lo and Hi are the 10 % and 90 % points.
const volumeLevel = 80

// volumes forecasts the rows of every table for so many days, in the order of the tables.
func (in *inputs) volumes(ctx context.Context, days, origins int) ([]forecast.Fan, error) {
	fans := make([]forecast.Fan, len(in.tables))
	own := map[*table]*forecast.Fan{}
	for i := range in.tables {
		t := &in.tables[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !t.known() {
			continue
		}
		fan, err := volume.Forecast(t.history, days, volume.Options{Level: volumeLevel, Origins: origins})
		if err != nil {
			return nil, fmt.Errorf("forecast rows of %s: %w", t.relation, err)
		}
		fans[i] = fan
		t.widen(&fans[i])
		own[t] = &fans[i]
	}
	for i := range in.tables {
		t := &in.tables[i]
		switch parent := own[t.parent]; {
		case own[t] != nil:
		case parent != nil:
			fans[i] = follow(t, parent)
		default:
			fans[i] = wide(t, days)
		}
	}
	return fans, in.reconcile(fans, days, origins)
}

// widen adds what is not known of deleted rows: where all of them stay, or none, the growth is certain, and in between it is least known.
func (t *table) widen(fan *forecast.Fan) {
	if t.doubt == 0 {
		return
	}
	for k := range fan.Quantiles {
		q := &fan.Quantiles[k]
		half := t.doubt * float64(k+1)
		q.P10, q.P90 = max(0, min(q.P10, q.P50-half)), max(q.P90, q.P50+half)
	}
}

// follow scales the parent's forecast by the rows that each parent row has now.
func follow(t *table, parent *forecast.Fan) forecast.Fan {
	ratio := t.rows / t.parent.rows
	fan := forecast.Fan{Result: parent.Result, Quantiles: make([]forecast.Quantiles, len(parent.Quantiles))}
	fan.Series = withoutValues(t.history)
	fan.Series.Source = "created_at"
	fan.Series.Text = "rows of a table that grows with " + t.parent.relation
	fan.Model = modelParent
	fan.Points = make([]forecast.Point, len(parent.Points))
	for k, p := range parent.Points {
		fan.Points[k] = forecast.Point{At: p.At, Mean: ratio * p.Mean, Lo: ratio * p.Lo, Hi: ratio * p.Hi}
		q := parent.Quantiles[k]
		fan.Quantiles[k] = forecast.Quantiles{P10: ratio * q.P10, P50: ratio * q.P50, P90: ratio * q.P90}
	}
	return fan
}

// wide forecasts a table of unknown past: it stays as it is, within a tenth after a week and more as the square root of time.
func wide(t *table, days int) forecast.Fan {
	s := t.history
	fan := forecast.Fan{Quantiles: make([]forecast.Quantiles, days)}
	fan.Result = forecast.Result{Series: withoutValues(s), Model: modelNaive, Level: volumeLevel, From: s.Start, To: s.End(), Points: make([]forecast.Point, days)}
	for k := range fan.Points {
		half := 0.1 * math.Sqrt(float64(k+1)/7) * max(t.rows, 100)
		q := forecast.Quantiles{P10: max(0, t.rows-half), P50: t.rows, P90: t.rows + half}
		fan.Quantiles[k] = q
		fan.Points[k] = forecast.Point{At: s.End().Add(time.Duration(k) * day), Mean: q.P50, Lo: q.P10, Hi: q.P90}
	}
	return fan
}

func withoutValues(s forecast.Series) forecast.Series {
	s.Values = nil
	return s
}

// bytes turns the quantiles of a table's rows into those of one of its files: as many bytes a row as now, and never less than now,
// because files do not shrink when rows are deleted. A table without rows keeps its bytes.
func bytes(t *table, now float64, rows forecast.Quantiles) forecast.Quantiles {
	if t.rows < 1 {
		return forecast.Quantiles{P10: now, P50: now, P90: now}
	}
	grown := func(r float64) float64 { return now * max(1, r/t.rows) }
	return forecast.Quantiles{P10: grown(rows.P10), P50: grown(rows.P50), P90: grown(rows.P90)}
}

// measure is one of a table's sizes in bytes.
type measure struct {
	name string
	now  func(*table) float64
}

var measures = []measure{
	{"heap_bytes", func(t *table) float64 { return t.heap }},
	{"index_bytes", func(t *table) float64 { return t.index }},
	{"toast_bytes", func(t *table) float64 { return t.toast }},
}

// volumeResults are the forecasts of rows and bytes to be stored, at days that thin out with their distance.
func (in *inputs) volumeResults(ctx context.Context, p Params) ([]forecast.Result, error) {
	days := int((p.Horizon + day - 1) / day)
	fans, err := in.volumes(ctx, days, p.Origins)
	if err != nil {
		return nil, err
	}
	var out []forecast.Result
	for i := range in.tables {
		t, fan := &in.tables[i], fans[i]
		rows := fan.Result
		rows.Points = nil
		var kept []int
		for k := range fan.Points {
			if k < 7 || (k+1)%7 == 0 || k == days-1 {
				kept = append(kept, k)
				rows.Points = append(rows.Points, point(fan.Points[k].At, fan.Quantiles[k]))
			}
		}
		out = append(out, rows)
		for _, m := range measures {
			r := rows
			r.Series, _ = sampler.Describe("volume." + m.name + ":" + t.relation)
			r.Series.Start, r.Series.Source = fan.Series.Start, fan.Series.Source
			r.Points = nil
			for _, k := range kept {
				r.Points = append(r.Points, point(fan.Points[k].At, bytes(t, m.now(t), fan.Quantiles[k])))
			}
			out = append(out, r)
		}
	}
	sums, err := in.groupResults(out, days, p.Origins)
	return append(out, sums...), err
}

func point(at time.Time, q forecast.Quantiles) forecast.Point {
	return forecast.Point{At: at, Mean: q.P50, Lo: q.P10, Hi: q.P90}
}
