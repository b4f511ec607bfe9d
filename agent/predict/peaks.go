package predict

import (
	"errors"
	"math"
	"slices"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/limits"
	"foreshadow/forecast/volume"
)

// The peak of a day is known when most of its hours were measured, and the level of the busiest hours when most days of a week have one.
const (
	peakHours  = 18
	weekDays   = 7
	knownPeaks = 4
)

// gauge is a resource whose use goes up and down with the hours, so that its busiest ones meet the maximum first. Most is the series of the maximum,
// empty for a share.
type gauge struct{ kind, object, unit, series, most string }

// The gauges with a maximum.
var (
	processors  = gauge{"cpu", "host", "share", "host.cpu", ""}
	memory      = gauge{"memory", "host", "bytes", "host.memory_used", "host.memory_total"}
	connections = gauge{"connections", "server", "connections", "db.connections", "db.max_connections"}
)

// use is what is used of a gauge now, and its maximum.
func (in *inputs) use(g gauge) (now, most float64, ok bool) {
	now, sampled := in.fresh(g.series)
	if g.most == "" {
		return now, 1, sampled
	}
	most, known := in.last(g.most)
	return now, most, sampled && known
}

// hostLimits says when the disk is full, connections run out, and all processors or all memory are in use.
func (in *inputs) hostLimits(loads []forecast.Result, days int, p Params) ([]forecast.Limit, error) {
	var out []forecast.Limit
	keep := func(l forecast.Limit, ok bool, err error) error {
		if ok {
			out = append(out, l)
		}
		return err
	}
	err := errors.Join(keep(in.diskLimit(days, p)), keep(in.connectionLimit(loads, days, p)), keep(in.peakLimit(processors, days, p)), keep(in.peakLimit(memory, days, p)))
	return out, err
}

// peakLimit says when the busiest hours of a gauge reach its maximum, as their level grows from day to day.
func (in *inputs) peakLimit(g gauge, days int, p Params) (forecast.Limit, bool, error) {
	now, most, ok := in.use(g)
	if !ok {
		return forecast.Limit{}, false, nil
	}
	s := in.busiest(g.series)
	if count(s.Values) < enough {
		return forecast.Limit{Kind: g.kind, Object: g.object, Unit: g.unit, Current: now, Max: most, Note: tooLittle}, true, nil
	}
	fan, err := volume.Forecast(s, days, volume.Options{Level: volumeLevel, Origins: p.Origins})
	if err != nil {
		return forecast.Limit{}, false, err
	}
	l := limits.Reach(limits.Ask{Kind: g.kind, Object: g.object, Unit: g.unit, Max: most}, s, fan)
	if !l.P10.IsZero() && l.Note == "" {
		l.Note = "in the busiest hours"
	}
	return l, true, nil
}

// busiest is the level of a gauge's busiest hours: the second highest of the last week's daily peaks. Days of rest do not lower it, and one odd day does
// not raise it.
func (in *inputs) busiest(id string) forecast.Series { return in.weekly(id, peak, second) }

// weekly is a level of an hourly series by whole days: each is that of the week up to it, so that no weekday shows.
func (in *inputs) weekly(id string, ofDay, ofWeek func([]float64) float64) forecast.Series {
	s := in.series[id]
	first := s.Start.Truncate(day)
	out := forecast.Series{ID: id, Unit: s.Unit, Start: first.Add((weekDays - 1) * day), Step: day}
	if s.Step != time.Hour {
		return out
	}
	var levels []float64
	for at := first; !at.Add(day).After(in.at) && at.Before(s.End()); at = at.Add(day) {
		from := int(at.Sub(s.Start) / s.Step)
		levels = append(levels, ofDay(s.Values[max(from, 0):min(from+24, len(s.Values))]))
	}
	for i := weekDays; i <= len(levels); i++ {
		out.Values = append(out.Values, ofWeek(levels[i-weekDays:i]))
	}
	return out
}

// peak is the highest of a day's hours; NaN when too few of them were measured.
func peak(hours []float64) float64 {
	if count(hours) < peakHours {
		return math.NaN()
	}
	highest := math.Inf(-1)
	for _, v := range hours {
		if measured(v) {
			highest = max(highest, v)
		}
	}
	return highest
}

// second is the second highest of a week's peaks; NaN when too few of them are known.
func second(peaks []float64) float64 {
	if count(peaks) < knownPeaks {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(peaks)) // NaN first
	return sorted[len(sorted)-2]
}
