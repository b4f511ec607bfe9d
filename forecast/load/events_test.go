package load

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

// Sales double the load for six hours at times that no season knows, and a deployment halves it for good: a coming sale is forecast, one that is
// over does not come back as a seasonal echo, and the history before the deployment still tells of the rhythm after it.
func TestEvents(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return start.Add(time.Duration(hour) * time.Hour) }
	var events []forecast.Event
	for _, hour := range []int{130, 311, 422, 660, 684} { // the last is to come
		events = append(events, forecast.Event{Name: "sale", From: at(hour), To: at(hour + 6)})
	}
	events = append(events, forecast.Event{Name: "deployment", From: at(640)})
	true1 := func(hour int) float64 {
		v := 100 + 50*math.Sin(float64(hour)*math.Pi/12)
		for _, e := range events {
			if e.Covers(at(hour)) {
				v *= map[string]float64{"sale": 2, "deployment": 0.5}[e.Name]
			}
		}
		return v
	}
	values := busy()
	for hour := range values {
		values[hour] *= true1(hour) / (100 + 50*math.Sin(float64(hour)*math.Pi/12))
	}
	s := forecast.Series{Start: start, Step: time.Hour, Values: values}
	off := func(opt Options) (mean float64, r forecast.Result) {
		r, err := Forecast(s, 24, opt)
		if err != nil {
			t.Fatal(err)
		}
		for k, p := range r.Points {
			mean += math.Abs(p.Mean-true1(len(values)+k)) / 24
			if p.Lo > p.Mean || p.Mean > p.Hi || p.Lo < 0 {
				t.Errorf("%+v", p)
			}
		}
		return mean, r
	}
	without, _ := off(Options{})
	with, r := off(Options{Events: events})
	t.Logf("off by %.2f with events (%s), by %.2f without", with, r.Model, without)
	if with > 4 || with > without/2 {
		t.Errorf("off by %.2f with events, by %.2f without", with, without)
	}
	// What never happened has no effect, and no harm comes of it.
	plain, _ := off(Options{Events: []forecast.Event{{Name: "to come", From: at(680), To: at(690)}}})
	if plain != without {
		t.Errorf("an event without a past moved the forecast: %v, without %v", plain, without)
	}
}

// Where nothing else moves at all, the effect is still found.
func TestEventsOfConstantLoad(t *testing.T) {
	t.Parallel()
	values := make([]float64, 20*24)
	var events []forecast.Event
	for i := range values {
		values[i] = 50
	}
	for _, hour := range []int{100, 303, len(values) + 2} {
		events = append(events, forecast.Event{Name: "batch", From: start.Add(time.Duration(hour) * time.Hour), To: start.Add(time.Duration(hour+1) * time.Hour)})
		if hour < len(values) {
			values[hour] = 500
		}
	}
	r, err := Forecast(forecast.Series{Start: start, Step: time.Hour, Values: values}, 5, Options{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range r.Points {
		if want := map[bool]float64{true: 500, false: 50}[k == 2]; math.Abs(p.Mean-want) > want/20 {
			t.Errorf("hour %d: %+v, want %v", k, p, want)
		}
	}
}

func TestRecurringEvents(t *testing.T) {
	t.Parallel()
	e := forecast.Event{From: start, To: start.Add(2 * time.Hour), Every: 10 * time.Hour}
	for hour, want := range map[int]bool{-1: false, 0: true, 1: true, 2: false, 10: true, 12: false, 101: true, -10: false} {
		if e.Covers(start.Add(time.Duration(hour)*time.Hour)) != want {
			t.Errorf("hour %d: %v", hour, !want)
		}
	}
}
