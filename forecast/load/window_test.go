package load

import (
	"testing"
	"time"

	"foreshadow/forecast"
)

// A night from three to five o'clock in which little happens is found on every coming day, and was found before.
func TestLowWindows(t *testing.T) {
	t.Parallel()
	values := busy()
	for i := range values {
		if h := i % 24; h == 3 || h == 4 {
			values[i] = 10 + wobble(i)/5
		}
	}
	s := forecast.Series{Start: start, Step: time.Hour, Values: values}
	windows, err := LowWindows(s, 2, 3, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for d, w := range windows {
		if want := s.End().Add(time.Duration(24*d+3) * time.Hour); !w.From.Equal(want) || !w.To.Equal(want.Add(2*time.Hour)) {
			t.Errorf("day %d: from %v to %v, want from %v", d, w.From, w.To, want)
		}
		if w.Tested < 5 || w.Hits != w.Tested || w.Mean > 15 || w.Day < 80 {
			t.Errorf("day %d: %+v", d, w)
		}
	}
	for _, width := range []int{0, 25} {
		if _, err := LowWindows(s, width, 1, Options{}); err == nil {
			t.Errorf("a window of %d hours was given", width)
		}
	}
	if _, err := LowWindows(forecast.Series{Step: time.Hour, Values: []float64{1}}, 1, 2, Options{}); err != nil {
		t.Errorf("of one value: %v", err)
	}
}

// A job that runs in the usual low hours of the coming day, and ran so before, moves that day's window and no other's.
func TestLowWindowsKeepClearOfEvents(t *testing.T) {
	t.Parallel()
	values := busy()
	s := forecast.Series{Start: start, Step: time.Hour, Values: values}
	quiet, err := LowWindows(s, 2, 2, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var events []forecast.Event
	for _, day := range []int{-20, -13, -9, -4, 0} {
		from := quiet[0].From.Add(time.Duration(24*day-3) * time.Hour)
		events = append(events, forecast.Event{Name: "job", From: from, To: from.Add(8 * time.Hour)})
	}
	for i := range values {
		for _, e := range events {
			if e.Covers(start.Add(time.Duration(i) * time.Hour)) {
				values[i] *= 5
			}
		}
	}
	windows, err := LowWindows(s, 2, 2, Options{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	if job := events[len(events)-1]; windows[0].From.Before(job.To) && windows[0].To.After(job.From) {
		t.Errorf("the window from %v to %v lies in the job from %v to %v", windows[0].From, windows[0].To, job.From, job.To)
	}
	if away := windows[1].From.Sub(quiet[1].From).Abs(); away > 2*time.Hour {
		t.Errorf("the day without a job has its window at %v, and %v without events", windows[1].From, quiet[1].From)
	}
}

// Load without a rhythm has its lowest hour anywhere: the hit rate must say so.
func TestLowWindowsOfNoise(t *testing.T) {
	t.Parallel()
	values := make([]float64, 28*24)
	for i := range values {
		values[i] = 10 + 2*wobble(i*31)
	}
	windows, err := LowWindows(forecast.Series{Step: time.Hour, Values: values}, 1, 1, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if w := windows[0]; w.Tested < 5 || 2*w.Hits > w.Tested {
		t.Errorf("%+v", w)
	}
}

// On virtual machines the named window of two hours must be a low one on most days, as the hit rate promises.
func TestLowWindowsOfMachines(t *testing.T) {
	t.Parallel()
	d := data(t, "azure_vm", "hourly_train.csv", "hourly_test.csv")
	var hits, tested, promised float64
	for i, train := range d.train {
		windows, err := LowWindows(forecast.Series{Step: time.Hour, Values: train}, 2, 1, Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := windows[0]
		at := int(w.From.Sub(time.Time{})/time.Hour) - len(train)
		actual := d.test[i][:24]
		_, least := lowest(actual, 2)
		tested++
		if average(actual[at:at+2])-least <= nearlyLowest*average(actual) {
			hits++
		}
		promised += float64(w.Hits) / float64(w.Tested)
	}
	t.Logf("%.0f of %.0f windows were low, %.1f were promised", hits, tested, promised)
	if hits < 0.7*tested || hits < promised-0.15*tested {
		t.Errorf("%.0f of %.0f windows were low, %.1f were promised", hits, tested, promised)
	}
}
