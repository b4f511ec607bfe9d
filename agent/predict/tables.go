package predict

import (
	"context"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/chart"
	"foreshadow/forecast/load"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
)

// Tables answers the table functions and views of SQL that are about forecasts, with the columns of schema foreshadow.
type Tables struct{ r *Runner }

// Tables gives the runner's answers as tables.
func (r *Runner) Tables() Tables { return Tables{r} }

func column(name, kind string) result.TableColumn { return result.TableColumn{Name: name, Type: kind} }

// PredictedState is foreshadow.predicted_state(horizon): every table's rows and bytes now and at the horizon, and for how many seconds the schema
// changes that are likely by then would hold clients up.
func (t Tables) PredictedState(ctx context.Context, horizon time.Duration) (result.Table, error) {
	out := result.Table{Name: "predicted_state", Columns: []result.TableColumn{
		column("relation", "VARCHAR"), column("measure", "VARCHAR"), column("now", "DOUBLE"),
		column("p10", "DOUBLE"), column("p50", "DOUBLE"), column("p90", "DOUBLE"),
	}}
	if err := checkHorizon(horizon); err != nil {
		return out, err
	}
	last, err := t.r.latest(ctx)
	if err != nil {
		return out, err
	}
	ahead := t.r.o.Clock().Add(horizon).Sub(last.in.at)
	volumes, err := last.in.volumesAt(ctx, ahead, t.r.Params().Origins)
	if err != nil {
		return out, err
	}
	risks, err := t.r.changeRisks(ctx, last, last.in.schemaChanges(ahead, max(ahead, t.r.Params().LimitHorizon), last.run.Limits), ahead)
	if err != nil {
		return out, err
	}
	for i, v := range volumes {
		now := &last.in.tables[i]
		for _, m := range []struct {
			name string
			now  float64
			q    forecast.Quantiles
		}{{"rows", now.rows, v.Rows}, {"heap_bytes", now.heap, v.Heap}, {"index_bytes", now.index, v.Index}, {"toast_bytes", now.toast, v.Toast}} {
			out.Rows = append(out.Rows, []any{v.Relation, m.name, m.now, m.q.P10, m.q.P50, m.q.P90})
		}
	}
	for _, c := range risks {
		out.Rows = append(out.Rows, []any{c.Relation, c.What + "_seconds", nil, c.Hold.P10, c.Hold.P50, c.Hold.P90})
	}
	return out, nil
}

// Forecast is foreshadow.forecast(series, horizon, level).
func (t Tables) Forecast(ctx context.Context, series string, horizon time.Duration, level float64) (result.Table, error) {
	out := result.Table{Name: "forecast", Columns: []result.TableColumn{
		column("at", "TIMESTAMPTZ"), column("mean", "DOUBLE"), column("lo", "DOUBLE"), column("hi", "DOUBLE"), column("model", "VARCHAR"),
		column("run_id", "BIGINT"), column("trained_from", "TIMESTAMPTZ"), column("trained_to", "TIMESTAMPTZ"), column("backtest_origins", "INTEGER"),
		column("mase", "DOUBLE"), column("skill", "DOUBLE"), column("coverage", "DOUBLE"),
	}}
	_, r, err := t.r.one(ctx, series, horizon, level)
	if err != nil {
		return out, err
	}
	last, err := t.r.latest(ctx)
	if err != nil {
		return out, err
	}
	b := r.Backtest
	for _, p := range r.Points {
		out.Rows = append(out.Rows, []any{p.At, p.Mean, p.Lo, p.Hi, r.Model, last.run.ID, r.From, r.To, b.Origins, b.MASE, b.Skill, b.Coverage})
	}
	return out, nil
}

// windowDays is how many coming days foreshadow.low_load_windows tells of.
const windowDays = 7

// LowLoadWindows is foreshadow.low_load_windows(duration, series): the stretch of least load on each of the coming days. A part of an hour counts as one.
func (t Tables) LowLoadWindows(ctx context.Context, duration time.Duration, series string) (result.Table, error) {
	out := result.Table{Name: "low_load_windows", Columns: []result.TableColumn{
		column("window_start", "TIMESTAMPTZ"), column("window_end", "TIMESTAMPTZ"), column("expected", "DOUBLE"),
		column("day_mean", "DOUBLE"), column("hit_rate", "DOUBLE"), column("tested", "INTEGER"),
	}}
	if duration <= 0 || duration > day {
		return out, sqlerr.New(sqlerr.InvalidParameterValue, "a window lasts up to a day")
	}
	last, err := t.r.latest(ctx)
	if err != nil {
		return out, err
	}
	s, ok := last.in.series[series]
	if !ok {
		return out, sqlerr.New(sqlerr.UndefinedObject, "series %q does not exist", series).WithHint("%s", last.in.hint(series))
	}
	s = last.in.complete(s)
	if s.Step != time.Hour || count(s.Values) < minHours {
		return out, sqlerr.New(sqlerr.ObjectNotInState, "series %q does not have a day of hourly values yet", series)
	}
	p := t.r.Params()
	windows, err := load.LowWindows(s, int((duration+s.Step-1)/s.Step), windowDays, load.Options{Seasons: p.Seasons, Origins: p.Origins, Events: last.in.events})
	if err != nil {
		return out, err
	}
	for _, w := range windows {
		var rate any
		if w.Tested > 0 {
			rate = float64(w.Hits) / float64(w.Tested)
		}
		out.Rows = append(out.Rows, []any{w.From, w.To, w.Mean, w.Day, rate, w.Tested})
	}
	return out, nil
}

// Chart is foreshadow.chart(series, horizon, width, height): one row for each line of the drawing.
func (t Tables) Chart(ctx context.Context, series string, horizon time.Duration, width, height int) (result.Table, error) {
	out := result.Table{Name: "chart", Columns: []result.TableColumn{column("chart", "VARCHAR")}}
	if width < 40 || width > 400 || height < 5 || height > 100 {
		return out, sqlerr.New(sqlerr.InvalidParameterValue, "a chart is 40 to 400 characters wide and 5 to 100 lines high")
	}
	s, r, err := t.r.one(ctx, series, horizon, t.r.Params().Level)
	if err != nil {
		return out, err
	}
	for _, line := range strings.Split(strings.TrimRight(chart.Draw(s, r, width, height), "\n"), "\n") {
		out.Rows = append(out.Rows, []any{line})
	}
	return out, nil
}

// Models is the view foreshadow.models: every parameter in force.
func (t Tables) Models(context.Context) (result.Table, error) {
	out := result.Table{Name: "models", Columns: []result.TableColumn{
		column("model", "VARCHAR"), column("description", "VARCHAR"), column("version", "BIGINT"), column("parameter", "VARCHAR"),
		column("value", "VARCHAR"), column("initialized", "BOOLEAN"), column("active", "BOOLEAN"),
	}}
	t.r.mu.Lock()
	m := t.r.model
	t.r.mu.Unlock()
	values := inForce(m.Values)
	for _, p := range parameters {
		out.Rows = append(out.Rows, []any{p.model, descriptions[p.model], m.Version, p.name, values[p.name], m.Initialized, m.Active})
	}
	return out, nil
}
