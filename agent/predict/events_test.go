package predict

import (
	"errors"
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

// A sale that comes again at a known time is in the forecast; events that cannot be read leave forecasts without them.
func TestKnownEventsChangeTheLoad(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	at := func(ago int) time.Time { return noon.Add(time.Duration(-ago) * time.Hour) }
	var events []forecast.Event
	for _, ago := range []int{300, 209, 101, -5} {
		events = append(events, forecast.Event{Name: "sale", From: at(ago), To: at(ago - 3)})
	}
	for ago := range 28 * 24 {
		calls := 100 + 50*math.Sin(float64(ago)*math.Pi/12)
		for _, e := range events {
			if e.Covers(at(ago)) {
				calls *= 3
			}
		}
		f.sample("load.total_calls", time.Duration(ago)*time.Hour, calls)
	}
	inSale := func(known func() ([]forecast.Event, error)) (mean float64) {
		r := newRunner(t, f)
		r.o.Events = known
		run, err := r.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range run.Results {
			for _, p := range res.Points {
				if res.Series.ID == "load.total_calls" && p.At.Equal(at(-6)) {
					mean = p.Mean
				}
			}
		}
		return mean
	}
	without := inSale(func() ([]forecast.Event, error) { return nil, errors.New("no such file") })
	with := inSale(func() ([]forecast.Event, error) { return events, nil })
	if math.Abs(with/without-3) > 0.3 {
		t.Errorf("in the sale %.1f calls/s, without events %.1f", with, without)
	}
}
