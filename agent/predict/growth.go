package predict

import (
	"math"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/volume"
)

// loadGrowth is by which factor the whole load is expected to have changed at the end of each of so many days, against the week that is forecast hour by
// hour. It is the growth of the weekly mean of all calls, by the model of volumes; nil while three weeks of them are not known.
func (in *inputs) loadGrowth(days, origins int) ([]forecast.Quantiles, error) {
	s := in.weekly("load.total_calls", dayMean, weekMean)
	if days <= weekDays || count(s.Values) < enough {
		return nil, nil
	}
	fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: origins})
	if err != nil {
		return nil, err
	}
	out := make([]forecast.Quantiles, days)
	base := fan.Quantiles[weekDays-1].P50
	for d, q := range fan.Quantiles {
		out[d] = forecast.Quantiles{P10: 1, P50: 1, P90: 1}
		if d >= weekDays && base > 0 {
			out[d] = forecast.Quantiles{P10: q.P10 / base, P50: q.P50 / base, P90: q.P90 / base}
		}
	}
	return out, nil
}

// dayMean is the mean of a day's hours; NaN when too few of them were measured.
func dayMean(hours []float64) float64 {
	if count(hours) < peakHours {
		return math.NaN()
	}
	return mean(hours)
}

// weekMean is the mean of a week; NaN unless all its days are known, as days of rest are not like the others.
func weekMean(days []float64) float64 {
	if count(days) < weekDays {
		return math.NaN()
	}
	return mean(days)
}

// mean is that of the measured values; zero when there are none.
func mean(values []float64) float64 {
	var sum float64
	n := 0
	for _, v := range values {
		if measured(v) {
			sum += v
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// The hours after which the wait for a table is known for each hour of the day, and of the week.
const (
	daysOfWaits  = 7 * 24
	weeksOfWaits = 4 * 168
)

// waits is how long a table's transactions were held in each of the coming hours, by the hours of the week or of the day; nil when too few were sampled.
func (in *inputs) waits(id string, now time.Time) []float64 {
	s := in.series[id]
	known, period := count(s.Values), 168
	switch {
	case s.Step != time.Hour || known < daysOfWaits:
		return nil
	case known < weeksOfWaits:
		period = 24
	}
	hour := func(at time.Time) int { return int(at.Unix()/3600) % period }
	by := make([][]float64, period)
	for i, v := range s.Values {
		h := hour(s.Start.Add(time.Duration(i) * s.Step))
		by[h] = append(by[h], v)
	}
	out := make([]float64, 168)
	for k := range out {
		values := by[hour(now.Add(time.Duration(k+1)*time.Hour))]
		out[k] = mean(values)
		if count(values) == 0 {
			out[k] = mean(s.Values)
		}
	}
	return out
}
