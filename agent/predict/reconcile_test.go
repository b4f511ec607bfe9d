package predict

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"foreshadow/forecast"
)

func TestPartsAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64Range(0, 1000)
		make1 := func(id string) forecast.Result {
			r := forecast.Result{Series: forecast.Series{ID: id, Step: time.Hour}}
			for k := range 3 {
				mean, half := value.Draw(t, "mean"), value.Draw(t, "half")
				r.Points = append(r.Points, forecast.Point{At: noon.Add(time.Duration(k) * time.Hour), Mean: mean, Lo: max(0, mean-half), Hi: mean + half})
			}
			return r
		}
		results := []forecast.Result{make1("load.total_calls"), make1("load.calls:1"), make1("load.calls:2"), make1("load.calls:other"), make1("db.commits")}
		before := make([]forecast.Point, 3)
		copy(before, results[0].Points)
		reconcile(results)
		for k, whole := range results[0].Points {
			if whole != before[k] {
				t.Fatalf("the whole was changed to %+v", whole)
			}
			var sum, any float64
			for _, r := range results[1:4] {
				p := r.Points[k]
				sum += p.Mean
				any += p.Hi
				if p.Mean < 0 || p.Lo < 0 || p.Lo > p.Mean || p.Mean > p.Hi+1e-9 {
					t.Fatalf("a part became %+v", p)
				}
			}
			if any > 0 && math.Abs(sum-whole.Mean) > 1e-6*(1+whole.Mean) {
				t.Fatalf("parts add up to %v of %v", sum, whole.Mean)
			}
		}
	})
}

// What is not sure gives way: the difference goes to the part with the wide interval.
func TestUnsurePartsGiveWay(t *testing.T) {
	t.Parallel()
	sure, unsure := &forecast.Point{Mean: 10, Lo: 9.9, Hi: 10.1}, &forecast.Point{Mean: 10, Lo: 5, Hi: 15}
	share([]*forecast.Point{sure, unsure}, 16)
	if math.Abs(sure.Mean-10) > 0.01 || math.Abs(unsure.Mean-6) > 0.01 {
		t.Errorf("%+v and %+v", sure, unsure)
	}
}

// A statement that was not among the busiest for a day is part of "other" by now, or gone: it has no forecast of its own.
func TestStatementsThatLeftAreNotForecast(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	for h := range 30 * 24 {
		ago := time.Duration(h) * time.Hour
		calls := 10 + 5*math.Sin(float64(h)*math.Pi/12)
		f.sample("load.total_calls", ago, 3*calls)
		f.sample("load.calls:other", ago, calls)
		f.sample("load.calls:1", ago, calls*1.5)
		if h > 50 {
			f.sample("load.calls:2", ago, calls*0.5)
		}
	}
	run, err := newRunner(t, f).Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sums := map[time.Time]float64{}
	for _, r := range run.Results {
		if r.Series.ID == "load.calls:2" {
			t.Error("a statement that left is forecast")
		}
		if r.Series.ID == "load.calls:1" || r.Series.ID == "load.calls:other" {
			for _, p := range r.Points {
				sums[p.At] += p.Mean
			}
		}
		if r.Series.ID == "load.total_calls" {
			for _, p := range r.Points {
				sums[p.At] -= p.Mean
			}
		}
	}
	for at, off := range sums {
		if math.Abs(off) > 1e-6 {
			t.Fatalf("at %v the statements miss the whole by %v", at, off)
		}
	}
}
