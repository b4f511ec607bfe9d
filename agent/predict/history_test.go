package predict

import (
	"math"
	"testing"
	"time"

	"foreshadow/forecast"
)

func TestCreatedColumn(t *testing.T) {
	t.Parallel()
	full := func(name string) forecast.TimeColumn { return forecast.TimeColumn{Name: name, Rows: 1000, Days: 100} }
	with := func(c forecast.TimeColumn, f func(*forecast.TimeColumn)) forecast.TimeColumn { f(&c); return c }
	for _, test := range []struct {
		want    string
		columns []forecast.TimeColumn
	}{
		{"created_at", []forecast.TimeColumn{full("updated_at"), full("created_at"), full("seen_at")}},
		{"placed_on", []forecast.TimeColumn{full("placed_on"), full("whatever")}},
		{"ts", []forecast.TimeColumn{full("ts"), full("whatever")}},
		{"", []forecast.TimeColumn{full("updated_at"), full("shipped_at"), full("expires")}},
		{"", []forecast.TimeColumn{with(full("created_at"), func(c *forecast.TimeColumn) { c.Nulls = 300 })}},
		{"", []forecast.TimeColumn{with(full("created_at"), func(c *forecast.TimeColumn) { c.Future = 300 })}},
		{"", []forecast.TimeColumn{with(full("created_at"), func(c *forecast.TimeColumn) { c.Days = 2 })}},
		{"", []forecast.TimeColumn{with(full("created_at"), func(c *forecast.TimeColumn) { c.Rows = 3 })}},
		{"", nil},
	} {
		if got := createdColumn(test.columns); got != test.want {
			t.Errorf("of %+v: %q, want %q", test.columns, got, test.want)
		}
	}
}

func TestCumulate(t *testing.T) {
	t.Parallel()
	start := noon.Truncate(day).Add(-3 * day)
	s := cumulate(forecast.Series{}, start, []float64{10, 20, 30, 8}, 68, 1, noon)
	// At noon of each day: what was created before it, half of a day's rows before and half after noon.
	for i, want := range []float64{5, 20, 45, 68} {
		if s.Values[i] != want {
			t.Errorf("day %d: %v, want %v", i, s.Values[i], want)
		}
	}
	if !s.Start.Add(3 * day).Equal(noon) {
		t.Errorf("it starts at %v", s.Start)
	}
	if s := cumulate(forecast.Series{}, start, []float64{10, 20, 30, 8}, 136, 1, noon); s.Values[3] != 136 || s.Values[0] != 10 {
		t.Errorf("rows without a time: %v", s.Values)
	}
	if s := cumulate(forecast.Series{}, start, []float64{0, 0}, 5, 1, noon); len(s.Values) != 0 {
		t.Errorf("nothing created: %v", s.Values)
	}
	if s := cumulate(forecast.Series{}, noon.Add(5*day), []float64{7}, 5, 1, noon); len(s.Values) != 0 {
		t.Errorf("all in the future: %v", s.Values)
	}
}

func TestOverlayPutsMeasuredOverTold(t *testing.T) {
	t.Parallel()
	midnight := noon.Truncate(day)
	told := cumulate(forecast.Series{}, midnight.Add(-5*day), []float64{10, 10, 10, 10, 10, 10}, 60, 1, noon)
	nan := math.NaN()
	measured := forecast.Series{Start: midnight.Add(-3 * day), Step: day, Values: []float64{100, nan, 102, 110}}
	got := overlay(told, measured, 112, noon)
	if n := len(got.Values); n != 6 || got.Values[5] != 112 || got.Values[2] != 100 || !math.IsNaN(got.Values[3]) || got.Values[4] != 102 {
		t.Fatalf("%v", got.Values)
	}
	if got.Values[0] >= got.Values[1] || got.Values[1] >= 100 || got.Values[1] < 80 {
		t.Errorf("the older part does not meet the measured one: %v", got.Values)
	}
	if !got.Start.Add(5 * day).Equal(noon) {
		t.Errorf("it starts at %v", got.Start)
	}
	if got := overlay(forecast.Series{}, forecast.Series{}, 7, noon); len(got.Values) != 1 || got.Values[0] != 7 {
		t.Errorf("nothing known: %v", got.Values)
	}
	stale := forecast.Series{Start: midnight.Add(-30 * day), Step: day, Values: []float64{1, 2, 3}}
	if got := overlay(forecast.Series{}, stale, 50, noon); len(got.Values) != 31 || got.Values[30] != 50 {
		t.Errorf("after a long pause: %d values", len(got.Values))
	}
}

// A second run on the next day sees what the first measured, and the past from created-at columns is stored once.
func TestHistoryIsKeptOnce(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(100, func(int) float64 { return 10 })...)
	r := newRunner(t, f)
	for range 3 {
		if _, err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stored := 0
	for _, s := range f.samples {
		if s.Series.ID == "volume.rows_created:public.orders" {
			stored++
		}
	}
	if stored != 100 {
		t.Errorf("%d points stored, want 100", stored)
	}
	f.now = f.now.Add(day + time.Hour)
	f.tables[0].daily = append(f.tables[0].daily, 10)
	f.tables[0].rows = 1010
	if _, err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := r.last.in.tables[0].history.Values; len(h) < 100 || h[len(h)-1] != 1010 || h[0] < 0 {
		t.Errorf("%d values, the last %v", len(h), h[len(h)-1])
	}
}
