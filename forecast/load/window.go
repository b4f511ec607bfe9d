package load

import (
	"fmt"
	"time"

	"foreshadow/forecast"
)

// Window is the stretch of one coming day in which the least load is expected, such as for a backup or a migration (Seagull, VLDB 2021).
type Window struct {
	From, To     time.Time
	Mean, Day    float64 // expected mean load within the window and over its whole day
	Hits, Tested int     // on days as far ahead of earlier origins: how often the window was a low one, of how many
}

// nearlyLowest is how much more load than the lowest window of its day a window that counts as hit may have had, as a share of the day's mean.
const nearlyLowest = 0.1

// LowWindows gives the window of so many steps with the least load expected in each of the coming days, which are counted from the end of s.
// Events to come are in what is expected; the hits are those of the history without events.
func LowWindows(s forecast.Series, width, days int, opt Options) ([]Window, error) {
	if s.Step <= 0 || (24*time.Hour)%s.Step != 0 {
		return nil, fmt.Errorf("steps of %v do not divide a day", s.Step)
	}
	day := int(24 * time.Hour / s.Step)
	if width < 1 || width > day || days < 1 {
		return nil, fmt.Errorf("a window of %d steps on %d days: it must last a step to a day, on at least one day", width, days)
	}
	if err := forecast.Check(s, days*day, opt.Level); err != nil {
		return nil, err
	}
	s, put, err := withoutEvents(s, days*day, opt)
	if err != nil {
		return nil, fmt.Errorf("forecast %q: %w", s.ID, err)
	}
	p, err := prepare(s, opt)
	if err != nil {
		return nil, fmt.Errorf("forecast %q: %w", s.ID, err)
	}
	r := newRun(p, days*day, opt)
	out := make([]Window, days)
	for d := range out {
		expected := r.expected(len(r.origins), d*day, day)
		for k := range expected {
			expected[k] = put(d*day+k, expected[k])
		}
		at, mean := lowest(expected, width)
		from := s.End().Add(time.Duration(d*day+at) * s.Step)
		out[d] = Window{From: from, To: from.Add(time.Duration(width) * s.Step), Mean: mean, Day: average(expected)}
		out[d].Hits, out[d].Tested = r.hits(d*day, day, width)
	}
	return out, nil
}

// expected are the values that the choice gives from step from after an origin, or after the end; nil where it does not answer.
func (r *run) expected(origin, from, steps int) []float64 {
	path := r.chosen[origin]
	if len(path) < from+steps {
		return nil
	}
	out := make([]float64, steps)
	for k, v := range path[from : from+steps] {
		out[k] = r.p.floor(r.p.scale.back(v))
	}
	return out
}

// hits compares the windows that would have been named at the earlier origins with what came; days with missing values do not count.
func (r *run) hits(from, day, width int) (hits, tested int) {
	for i, origin := range r.origins {
		expected := r.expected(i, from, day)
		if expected == nil || origin+from+day > len(r.p.values) {
			continue
		}
		actual := r.p.values[origin+from : origin+from+day]
		best, least := lowest(actual, width)
		if best < 0 {
			continue
		}
		at, _ := lowest(expected, width)
		tested++
		if average(actual[at:at+width])-least <= nearlyLowest*average(actual) {
			hits++
		}
	}
	return hits, tested
}

// lowest is where the window of least mean begins, the first of equals, and its mean; -1 where a value is missing.
func lowest(values []float64, width int) (at int, mean float64) {
	at = -1
	for i := range len(values) - width + 1 {
		m := average(values[i : i+width])
		if !finite(m) {
			return -1, m
		}
		if at < 0 || m < mean {
			at, mean = i, m
		}
	}
	return at, mean
}

func average(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}
