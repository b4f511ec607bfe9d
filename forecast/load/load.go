// Package load forecasts series with a rhythm, such as query load and host load: a pool of models (see pool.go), chosen and given
// intervals by rolling-origin cross-validation on the series itself. agent/predict and the command call it.
// It is pure: one series in, one result out, the same result for the same series; callers run many series in parallel.
package load

import (
	"fmt"
	"math"
	"time"

	"foreshadow/forecast"
)

// DefaultOrigins is the number of earlier origins at which the models are tried.
const DefaultOrigins = 9

// Options say how to forecast. The zero value is fit for use.
type Options struct {
	Level   float64          // of the interval in percent, above 0 and below 100; 0 is 95
	Seasons []int            // season lengths in steps, such as 24 and 168; nil finds them in the values, empty is none
	Origins int              // earlier origins to try models at; 0 is DefaultOrigins, negative is none: points first, with a rough interval
	Events  []forecast.Event // what is known to have changed the load, and to change it again
}

// Forecast predicts the horizon's steps after the end of s. Missing values are NaN or infinite; they may stand anywhere.
// The points are never negative when no value of s is, and Lo <= Mean <= Hi always.
func Forecast(s forecast.Series, horizon int, opt Options) (forecast.Result, error) {
	if err := forecast.Check(s, horizon, opt.Level); err != nil {
		return forecast.Result{}, err
	}
	for _, m := range opt.Seasons {
		if m < 1 {
			return forecast.Result{}, fmt.Errorf("season of %d steps is not positive", m)
		}
	}
	if len(opt.Events) > 0 {
		return withEvents(s, horizon, opt)
	}
	p, err := prepare(s, opt)
	if err != nil {
		return forecast.Result{}, fmt.Errorf("forecast %q: %w", s.ID, err)
	}
	r := newRun(p, horizon, opt)
	path, half := r.chosen[len(r.origins)], r.halfWidths()
	result := forecast.Result{
		Series: s, Model: r.model + p.seasonText(), Level: r.level,
		From: s.Start.Add(time.Duration(p.first) * s.Step), To: s.End(),
		Points: make([]forecast.Point, horizon), Backtest: r.backtest(),
	}
	result.Series.Values = nil
	for k := range result.Points {
		mean, lo, hi := p.interval(path[k], half[k])
		result.Points[k] = forecast.Point{At: result.To.Add(time.Duration(k) * s.Step), Mean: mean, Lo: lo, Hi: hi}
	}
	return result, nil
}

// interval turns a point and a half width on the model's scale into values, in order and within what the series can be.
func (p *prepared) interval(path, half float64) (mean, lo, hi float64) {
	mean = p.floor(p.scale.back(path))
	lo = min(p.floor(p.scale.back(path-half)), mean)
	hi = max(p.floor(p.scale.back(path+half)), mean)
	return mean, lo, hi
}

func (p *prepared) floor(v float64) float64 {
	v = min(max(v, -math.MaxFloat64), math.MaxFloat64)
	if p.nonNegative {
		return max(v, 0)
	}
	return v
}
