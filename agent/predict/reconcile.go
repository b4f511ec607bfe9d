package predict

import (
	"strings"
	"time"

	"foreshadow/forecast"
)

// wholes names, for each kind of part, the series that is the sum of all parts, the one called "other" among them.
var wholes = map[string]string{
	"load.calls": "load.total_calls", "load.time_ms": "load.total_time_ms",
	"activity.user": "activity.total", "activity.application": "activity.total",
}

// reconcile makes parts add up to their whole at each step. The whole is kept, being the smoothest and the longest known; what is missing or too much
// is shared among the parts in proportion to the variance of each, which is weighted least squares with independent errors (Wickramasuriya et al., 2019, with a certain total).
func reconcile(results []forecast.Result) {
	byID := map[string]*forecast.Result{}
	parts := map[string][]*forecast.Result{}
	for i := range results {
		r := &results[i]
		byID[r.Series.ID] = r
		if name, _, single := strings.Cut(r.Series.ID, ":"); single && wholes[name] != "" {
			parts[name] = append(parts[name], r)
		}
	}
	for name, of := range parts {
		whole := byID[wholes[name]]
		if whole == nil {
			continue
		}
		for _, p := range whole.Points {
			var at []*forecast.Point
			for _, r := range of {
				if pt := pointAt(r, p.At); pt != nil {
					at = append(at, pt)
				}
			}
			share(at, p.Mean)
		}
	}
}

// pointAt is a result's point at a time; nil where it has none.
func pointAt(r *forecast.Result, at time.Time) *forecast.Point {
	if len(r.Points) == 0 || r.Series.Step <= 0 {
		return nil
	}
	k := int(at.Sub(r.Points[0].At) / r.Series.Step)
	if k < 0 || k >= len(r.Points) || !r.Points[k].At.Equal(at) {
		return nil
	}
	return &r.Points[k]
}

// share moves points with their intervals until they add up to sum; none falls below zero.
func share(points []*forecast.Point, sum float64) {
	for range points { // each round but the last brings a point to zero
		var missing, variance, left float64
		missing = sum
		for _, p := range points {
			missing -= p.Mean
			left += p.Mean
			if p.Mean > 0 {
				variance += spreadOf(p)
			}
		}
		if missing == 0 || left == 0 {
			return
		}
		below := false
		for _, p := range points {
			if p.Mean <= 0 {
				continue
			}
			by := missing * p.Mean / left
			if variance > 0 {
				by = missing * spreadOf(p) / variance
			}
			by = max(by, -p.Mean)
			below = below || by == -p.Mean
			p.Mean, p.Lo, p.Hi = p.Mean+by, max(p.Lo+by, 0), max(p.Hi+by, 0)
		}
		if !below {
			return
		}
	}
}

// spreadOf is proportional to the variance that an interval tells of.
func spreadOf(p *forecast.Point) float64 { return (p.Hi - p.Lo) * (p.Hi - p.Lo) }
