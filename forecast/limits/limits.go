// Package limits turns the forecast of an amount into the dates at which it reaches a maximum: integer keys, disks, anything that fills.
// agent/predict calls it with forecasts of forecast/volume. It is pure and makes no forecast of its own.
package limits

import (
	"math"
	"time"

	"foreshadow/forecast"
)

// Notes that a Limit carries.
const (
	NoneInSight = "no limit in sight"
	Reached     = "reached"
	Unlikely    = "more likely not within the horizon"
	Unknown     = "no values"
)

// Ask is the resource that may run out: its words and its maximum, in the unit of the series.
type Ask struct {
	Kind, Object, Unit string
	Max                float64
}

// Reach says when the series reaches the maximum by its forecast: P50 is where the median does, P10 the early date, where the 90 % point of the amount does,
// P90 the late one. A date that lies beyond the forecast is zero. Dates within a step are interpolated; the current amount is the last one measured.
func Reach(ask Ask, s forecast.Series, fan forecast.Fan) forecast.Limit {
	limit := forecast.Limit{Kind: ask.Kind, Object: ask.Object, Unit: ask.Unit, Max: ask.Max, Current: math.NaN(), Basis: fan.Basis()}
	at := s.End()
	for i := len(s.Values) - 1; i >= 0; i-- {
		if v := s.Values[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			limit.Current = v
			at = s.Start.Add(time.Duration(i) * s.Step)
			break
		}
	}
	switch {
	case math.IsNaN(limit.Current):
		limit.Note = Unknown
		return limit
	case limit.Current >= ask.Max:
		limit.P10, limit.P50, limit.P90, limit.Note = at, at, at, Reached
		return limit
	}
	limit.P10 = crossing(ask.Max, at, limit.Current, fan, func(q forecast.Quantiles) float64 { return q.P90 })
	limit.P50 = crossing(ask.Max, at, limit.Current, fan, func(q forecast.Quantiles) float64 { return q.P50 })
	limit.P90 = crossing(ask.Max, at, limit.Current, fan, func(q forecast.Quantiles) float64 { return q.P10 })
	switch {
	case limit.P10.IsZero() && limit.P50.IsZero() && limit.P90.IsZero():
		limit.Note = NoneInSight
	case limit.P50.IsZero():
		limit.Note = Unlikely
	}
	return limit
}

// crossing is the first moment at which the chosen quantile is at the maximum; zero when it never is.
func crossing(ceiling float64, from time.Time, last float64, fan forecast.Fan, of func(forecast.Quantiles) float64) time.Time {
	for i, q := range fan.Quantiles {
		v, at := of(q), fan.Points[i].At
		if v >= ceiling {
			if v > last && at.After(from) {
				share := (ceiling - last) / (v - last)
				at = from.Add(time.Duration(share * float64(at.Sub(from))))
			}
			return at
		}
		last, from = v, at
	}
	return time.Time{}
}
