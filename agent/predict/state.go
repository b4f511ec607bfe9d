package predict

import (
	"context"
	"math"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// maxHorizon is how far ahead a state may be asked for.
const maxHorizon = 3650 * day

// PredictedState is what the primary is expected to be at a time to come, by the inputs of the last run. The anticipated load is that
// of the 24 hours before the horizon. A horizon in the past or beyond ten years is refused with 22023.
func (r *Runner) PredictedState(ctx context.Context, horizon time.Time) (forecast.PredictedState, error) {
	last, err := r.latest(ctx)
	if err != nil {
		return forecast.PredictedState{}, err
	}
	ahead := horizon.Sub(last.in.at)
	if err := checkHorizon(horizon.Sub(r.o.Clock())); err != nil {
		return forecast.PredictedState{}, err
	}
	volumes, err := last.in.volumesAt(ctx, max(ahead, time.Minute), r.Params().Origins)
	if err != nil {
		return forecast.PredictedState{}, err
	}
	growth, err := last.in.loadGrowth(int((ahead+day-1)/day), r.Params().Origins)
	if err != nil {
		return forecast.PredictedState{}, err
	}
	state := forecast.PredictedState{
		Horizon: horizon, AsOfLSN: last.in.lsn.String(), RunID: last.run.ID,
		ProjectedDataVolume: volumes, AnticipatedQueryLoad: queryLoad(last.run, last.in.at, horizon, growth),
		SchemaChanges: last.in.schemaChanges(max(ahead, time.Minute), max(ahead, r.Params().LimitHorizon), last.run.Limits),
	}
	for _, l := range last.run.Limits {
		if !l.P10.IsZero() && !l.P10.After(horizon) {
			state.RiskAssessment.Limits = append(state.RiskAssessment.Limits, l)
		}
	}
	state.RiskAssessment.Changes, err = r.changeRisks(ctx, last, state.SchemaChanges, max(ahead, time.Minute))
	return state, err
}

// checkHorizon refuses horizons that no forecast can mean.
func checkHorizon(ahead time.Duration) error {
	if ahead <= 0 {
		return sqlerr.New(sqlerr.InvalidParameterValue, "the horizon must lie in the future").WithHint("Give a span of time ahead, such as '90 days'.")
	}
	if ahead > maxHorizon {
		return sqlerr.New(sqlerr.InvalidParameterValue, "the horizon is too far ahead").WithHint("At most 3650 days can be forecast.")
	}
	return nil
}

// volumesAt is every table's size so far ahead of the inputs.
func (in *inputs) volumesAt(ctx context.Context, ahead time.Duration, origins int) ([]forecast.TableVolume, error) {
	days := int((ahead + day - 1) / day)
	fans, err := in.volumes(ctx, days, origins)
	if err != nil {
		return nil, err
	}
	out := make([]forecast.TableVolume, len(in.tables))
	for i := range in.tables {
		t := &in.tables[i]
		rows := at(t.rows, fans[i].Quantiles, ahead)
		out[i] = forecast.TableVolume{
			Relation: t.relation, RowsNow: t.rows, Rows: rows,
			Heap: bytes(t, t.heap, rows), Index: bytes(t, t.index, rows), Toast: bytes(t, t.toast, rows),
		}
	}
	return out, nil
}

// at reads daily quantiles between two days.
func at(now float64, q []forecast.Quantiles, ahead time.Duration) forecast.Quantiles {
	to := q[len(q)-1]
	from := forecast.Quantiles{P10: now, P50: now, P90: now}
	if len(q) > 1 {
		from = q[len(q)-2]
	}
	share := min(max(float64(ahead-time.Duration(len(q)-1)*day)/float64(day), 0), 1)
	between := func(a, b float64) float64 { return a + share*(b-a) }
	return forecast.Quantiles{P10: between(from.P10, to.P10), P50: between(from.P50, to.P50), P90: between(from.P90, to.P90)}
}

// queryLoad is each statement's load in the 24 hours before the horizon: the same hours of the week in the run's forecast, with intervals
// that widen by the square root of the weeks in between, grown with the whole load as it is at the end of growth.
func queryLoad(run forecast.Run, now, horizon time.Time, growth []forecast.Quantiles) []forecast.QueryLoad {
	factor := forecast.Quantiles{P10: 1, P50: 1, P90: 1}
	if len(growth) > 0 {
		factor = growth[len(growth)-1]
	}
	times := map[string]*forecast.Result{}
	for i := range run.Results {
		if object, ok := strings.CutPrefix(run.Results[i].Series.ID, "load.time_ms:"); ok {
			times[object] = &run.Results[i]
		}
	}
	var out []forecast.QueryLoad
	first := horizon.Truncate(time.Hour).Add(-24 * time.Hour)
	for i := range run.Results {
		calls := &run.Results[i]
		object, ok := strings.CutPrefix(calls.Series.ID, "load.calls:")
		if !ok || len(calls.Points) == 0 {
			continue
		}
		for h := range 24 {
			at := first.Add(time.Duration(h) * time.Hour)
			q := forecast.QueryLoad{Fingerprint: object, Query: calls.Series.Text, At: at, CallsPerSec: grown(sameHour(calls, now, at), factor)}
			if t := times[object]; t != nil && len(t.Points) > 0 {
				q.MsPerSec = grown(sameHour(t, now, at), factor)
			}
			out = append(out, q)
		}
	}
	return out
}

// grown is a load of the coming week when the whole load has changed by a factor: the wider of the doubts of both.
func grown(q, factor forecast.Quantiles) forecast.Quantiles {
	return forecast.Quantiles{P10: min(q.P10*factor.P50, q.P50*factor.P10), P50: q.P50 * factor.P50, P90: max(q.P90*factor.P50, q.P50*factor.P90)}
}

// sameHour finds the forecast for an hour, or for the same hour of the week in the last week that was forecast.
func sameHour(r *forecast.Result, now, at time.Time) forecast.Quantiles {
	step := time.Hour
	k := int(at.Sub(r.Points[0].At) / step)
	week := 168
	if len(r.Points) < week {
		week = 24
	}
	for k >= len(r.Points) {
		k -= week * ((k-len(r.Points))/week + 1)
	}
	p := r.Points[min(max(k, 0), len(r.Points)-1)]
	z := forecast.NormalQuantile(0.9) / forecast.NormalQuantile((1+r.Level/100)/2)
	z *= math.Sqrt(max(1, float64(at.Sub(now))/float64(7*day)))
	return forecast.Quantiles{P10: max(0, p.Mean-z*(p.Mean-p.Lo)), P50: p.Mean, P90: p.Mean + z*(p.Hi-p.Mean)}
}
