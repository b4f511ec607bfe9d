package predict

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/load"
)

// modelShare is the name of the model for statements with little history: their share of the whole load.
const modelShare = "share of the whole load"

// modelFew is the name of the model for a load of which hardly anything was seen.
const modelFew = "median of few hours, wide interval"

// forecastLoads lists the series, by the part of their ID before the colon, whose load is forecast at every run; the others are on demand.
var forecastLoads = map[string]bool{
	"load.calls": true, "load.time_ms": true, "load.total_calls": true, "load.total_time_ms": true,
	"activity.total": true, "activity.user": true, "activity.application": true,
	"db.commits": true, "db.wal_bytes": true, "db.connections": true, "host.cpu": true, "host.memory_used": true, "host.disk_free": true,
}

// loadResults forecasts the hourly series of load and host.
func (in *inputs) loadResults(ctx context.Context, p Params, log *slog.Logger) ([]forecast.Result, error) {
	steps := int(p.LoadHorizon / time.Hour)
	totals := map[string]*forecast.Result{}
	var out []forecast.Result
	for _, id := range in.ids {
		name, object, single := strings.Cut(id, ":")
		if !forecastLoads[name] || single {
			continue
		}
		r, err := in.load(id, steps, p, p.Level)
		if err != nil {
			log.Warn("a load series could not be forecast", "series", id, "error", err)
			continue
		}
		if object == "" {
			totals[name] = &r
		}
		out = append(out, r)
	}
	for _, id := range in.ids {
		name, _, single := strings.Cut(id, ":")
		if !forecastLoads[name] || !single {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		whole := totals[wholes[name]]
		if whole != nil && whole.To.Sub(in.series[id].End()) > left {
			continue
		}
		r, err := in.statement(id, whole, steps, p)
		if err != nil {
			log.Warn("a load series could not be forecast", "series", id, "error", err)
			continue
		}
		out = append(out, r)
	}
	reconcile(out)
	return out, nil
}

// left is how long a part may be without samples before it counts as gone: what it did since is in "other".
const left = 24 * time.Hour

// load forecasts one hourly series by the load models.
func (in *inputs) load(id string, steps int, p Params, level float64) (forecast.Result, error) {
	s, ok := in.series[id]
	if !ok {
		return forecast.Result{}, fmt.Errorf("series %q is not known", id)
	}
	s = in.complete(s)
	if n := count(s.Values); n > 0 && n < minHours {
		return few(s, steps, level), nil
	}
	var seasons []int
	if s.Step == time.Hour {
		seasons = p.Seasons
	}
	return load.Forecast(s, steps, load.Options{Level: level, Seasons: seasons, Origins: p.Origins, Events: in.events})
}

// minHours is how many values the load models need; before that nothing is known of how a day goes.
const minHours = 24

// few forecasts a load of which only some hours were seen: their median, within a factor that is wide, and wider the fewer they are.
func few(s forecast.Series, steps int, level float64) forecast.Result {
	r := forecast.Result{Series: withoutValues(s), Model: modelFew, Level: level, From: s.Start, To: s.End(), Points: make([]forecast.Point, steps)}
	var seen []float64
	for _, v := range s.Values {
		if measured(v) {
			seen = append(seen, max(v, 0))
		}
	}
	mean := forecast.Median(seen)
	z := forecast.NormalQuantile((1+level/100)/2) / forecast.NormalQuantile(0.975)
	factor := math.Pow(3+3/math.Sqrt(float64(len(seen))), z)
	for k := range r.Points {
		r.Points[k] = forecast.Point{At: r.To.Add(time.Duration(k) * s.Step), Mean: mean, Lo: mean / factor, Hi: max(mean, forecast.Quantile(seen, 1)) * factor}
	}
	return r
}

// complete drops the step that is still under way, once there is enough before it: its mean would be that of a few minutes.
func (in *inputs) complete(s forecast.Series) forecast.Series {
	if s.Step > 0 && s.End().After(in.at) && count(s.Values) > 24 {
		s.Values = s.Values[:len(s.Values)-1]
	}
	return s
}

// statement forecasts one statement's load: by its own history, or while that is short by its share of the whole, with an interval that
// is wider by the square root of the hours missing.
func (in *inputs) statement(id string, total *forecast.Result, steps int, p Params) (forecast.Result, error) {
	s := in.series[id]
	hours := count(s.Values)
	if total == nil || s.Step <= 0 || time.Duration(hours)*s.Step >= p.MinHistory {
		return in.load(id, steps, p, p.Level)
	}
	whole := in.series[total.Series.ID]
	if count(whole.Values) <= hours || time.Duration(count(whole.Values))*whole.Step < p.MinHistory {
		return in.load(id, steps, p, p.Level)
	}
	share := shareOf(s, whole)
	widen := 1 + math.Sqrt(float64(p.MinHistory/s.Step)/float64(max(hours, 1)))/4
	r := forecast.Result{Series: withoutValues(s), Model: modelShare, Level: total.Level, From: s.Start, To: s.End(), Points: make([]forecast.Point, len(total.Points))}
	for k, pt := range total.Points {
		mean := share * pt.Mean
		r.Points[k] = forecast.Point{At: pt.At, Mean: mean, Lo: max(0, mean-widen*share*(pt.Mean-pt.Lo)), Hi: mean + widen*share*(pt.Hi-pt.Mean)}
	}
	return r, nil
}

// shareOf is how much of the whole one series was over the steps that both have.
func shareOf(s, whole forecast.Series) float64 {
	var part, all float64
	for i, v := range s.Values {
		k := int(s.Start.Add(time.Duration(i)*s.Step).Sub(whole.Start) / whole.Step)
		if k < 0 || k >= len(whole.Values) || !measured(v) || !measured(whole.Values[k]) {
			continue
		}
		part += v
		all += whole.Values[k]
	}
	if all <= 0 {
		return 0
	}
	return min(part/all, 1)
}

// count is the number of measured values.
func count(values []float64) int {
	n := 0
	for _, v := range values {
		if measured(v) {
			n++
		}
	}
	return n
}
