package predict

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/limits"
)

// office is the use of a gauge in so many days up to today, by their number: busy in the middle of working days, a fifth at other times.
func office(f *fake, id string, n int, peak func(day int) float64) {
	for h := n * 24; h > 0; h-- {
		at := f.now.Add(-time.Duration(h) * time.Hour)
		v := peak(n - int(f.now.Truncate(day).Sub(at.Truncate(day))/day))
		if at.Hour() < 9 || at.Hour() > 16 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			v /= 5
		}
		f.sample(id, time.Duration(h)*time.Hour, v)
	}
}

// limitOf is a run's limit of one kind.
func limitOf(t *testing.T, f *fake, kind string) forecast.Limit {
	t.Helper()
	run, err := newRunner(t, f).Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range run.Limits {
		if l.Kind == kind {
			return l
		}
	}
	t.Fatalf("no limit of %s in %+v", kind, run.Limits)
	return forecast.Limit{}
}

// TestBusiestHoursReachTheirLimit lets the working days' peak grow by a hundredth of the processors a week. Rest, an odd day and days without samples
// move nothing: 0.70 now, so that all are busy in 30 weeks.
func TestBusiestHoursReachTheirLimit(t *testing.T) {
	t.Parallel()
	growing := func(d int) float64 { return 0.70 - 0.01*float64(120-d)/7 }
	for name, peak := range map[string]func(int) float64{
		"steady":  growing,
		"odd day": func(d int) float64 { return growing(d) + map[int]float64{117: 0.29}[d] },
		"gap": func(d int) float64 {
			if d > 60 && d < 75 {
				return math.NaN()
			}
			return growing(d)
		},
	} {
		for _, at := range []time.Time{noon, noon.AddDate(0, 0, -2)} { // a Monday and a Saturday
			f := &fake{now: at}
			office(f, "host.cpu", 120, peak)
			l := limitOf(t, f, "cpu")
			if in := l.P50.Sub(f.now).Hours() / 24 / 7; l.P50.IsZero() || in < 24 || in > 38 || math.Abs(l.Current-0.70) > 0.02 || l.P10.After(l.P50) || l.Max != 1 {
				t.Errorf("%s, on %s: in %.1f weeks: %+v", name, at.Weekday(), in, l)
			}
		}
	}
}

func TestHostLimitsAreHonest(t *testing.T) {
	t.Parallel()
	level := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	for name, c := range map[string]struct {
		days int
		peak func(int) float64
		note string
	}{
		"level":       {90, level(0.6), limits.NoneInSight},
		"falling":     {90, func(d int) float64 { return 0.9 - 0.004*float64(d) }, limits.NoneInSight},
		"short":       {12, level(0.6), tooLittle},
		"always busy": {90, level(1), limits.Reached},
	} {
		f := &fake{now: noon}
		office(f, "host.cpu", c.days, c.peak)
		if l := limitOf(t, f, "cpu"); l.Note != c.note || l.P50.IsZero() != (c.note != limits.Reached) {
			t.Errorf("%s: %+v, want %q", name, l, c.note)
		}
	}
	f := &fake{now: noon}
	for d := range 60 { // the agent was away for most of each day: no day's peak is known
		f.sample("host.cpu", time.Duration(d)*day, 0.01*float64(60-d))
	}
	if l := limitOf(t, f, "cpu"); l.Note != tooLittle {
		t.Errorf("one hour a day: %+v", l)
	}
}

// TestConnectionsBeyondTheLoadForecast lets them run out in ten weeks, which the forecast of a week's load does not see.
func TestConnectionsBeyondTheLoadForecast(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	office(f, "db.connections", 60, func(d int) float64 { return 30 + float64(d)/2 })
	f.sample("db.max_connections", 0, 97)
	l := limitOf(t, f, "connections")
	if in := l.P50.Sub(f.now).Hours() / 24; l.P50.IsZero() || in < 55 || in > 95 {
		t.Errorf("in %.0f days: %+v", in, l)
	}
}
