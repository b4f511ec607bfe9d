package load

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"foreshadow/forecast"
)

// The model's text says which seasons were found in a series, given, or assumed.
func TestSeasons(t *testing.T) {
	t.Parallel()
	batch := func(every int) func(int) float64 {
		return func(t int) float64 {
			if t%every == 0 {
				return 60 + wobble(t)
			}
			return 10 + wobble(t)/2
		}
	}
	weekend := func(t int) float64 {
		if t/24%7 >= 5 {
			return 50 + wobble(t)
		}
		return 100 + wobble(t)
	}
	for name, c := range map[string]struct {
		value func(t int) float64
		hours int
		opt   Options
		want  string // how the model ends
	}{
		"daily":                       {shapes["daily"], 850, Options{}, ", season 24"},
		"daily and weekly":            {shapes["weekly"], 850, Options{}, ", season 24,168"},
		"weekly":                      {weekend, 850, Options{}, ", season 168"},
		"a batch every six hours":     {batch(6), 850, Options{}, ", season 6"},
		"a batch every twelve hours":  {batch(12), 850, Options{}, ", season 12"},
		"a batch every ten hours":     {batch(10), 850, Options{}, ", season 10"},
		"a backup every night":        {batch(24), 850, Options{}, ", season 24"},
		"a backup every week":         {batch(168), 1200, Options{}, ", season 168"},
		"noise":                       {func(t int) float64 { return 10 + wobble(t) }, 850, Options{}, ", no season"},
		"a line":                      {shapes["line"], 850, Options{}, ", no season"},
		"a shift of level":            {shapes["shift"], 850, Options{}, ", no season"},
		"constant":                    {shapes["constant"], 850, Options{}, ", no season"},
		"a daily rhythm with spikes":  {func(t int) float64 { return shapes["daily"](t) * (1 + float64(t*7919%50/49*30)) }, 850, Options{}, ", season 24"},
		"daily, with a trend":         {func(t int) float64 { return shapes["daily"](t) + float64(t) }, 850, Options{}, ", season 24"},
		"hardly a day":                {shapes["daily"], 20, Options{}, ", no season"},
		"a day and a half":            {shapes["daily"], 36, Options{}, ", season 24 assumed"},
		"three days":                  {shapes["daily"], 72, Options{}, ", season 24"},
		"a week and a half":           {shapes["daily"], 240, Options{}, ", season 24,168 assumed"},
		"a week and a half of noise":  {func(t int) float64 { return 10 + wobble(t) }, 240, Options{}, ", no season"},
		"three weeks":                 {shapes["weekly"], 504, Options{}, ", season 24,168"},
		"given":                       {shapes["daily"], 850, Options{Seasons: []int{168, 12}}, ", season 12,168"},
		"none is given":               {shapes["daily"], 850, Options{Seasons: []int{}}, ", no season"},
		"given, and half are missing": {shapes["daily"], 850, Options{Seasons: []int{24, 1000}}, ", season 24"},
		"every fifth is missing": {func(t int) float64 {
			if t*7919%5 == 0 {
				return math.NaN()
			}
			return shapes["weekly"](t)
		}, 850, Options{}, ", season 24,168"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := forecast.Series{Step: time.Hour, Values: make([]float64, c.hours)}
			for i := range s.Values {
				s.Values[i] = c.value(i)
			}
			r, err := Forecast(s, 24, c.opt)
			if err != nil {
				t.Fatal(err)
			}
			if _, found, _ := strings.Cut(r.Model, ","); ","+found != c.want {
				t.Errorf("%q, want%q", r.Model, c.want)
			}
		})
	}
}

// A season is looked for in steps of other lengths, and in steps of unknown length, where there is no day and no week.
func TestSeasonsOfOtherSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step   time.Duration
		period int
		want   []int
	}{
		"hours of a day in five minutes": {5 * time.Minute, 288, []int{288}},
		"an hour in five minutes":        {5 * time.Minute, 12, []int{12}},
		"a week in days":                 {24 * time.Hour, 7, []int{7}},
		"a month in days":                {24 * time.Hour, 30, []int{30}},
		"unknown steps":                  {0, 50, []int{50}},
	} {
		s := forecast.Series{Step: c.step, Values: make([]float64, 1000)}
		for i := range s.Values {
			s.Values[i] = 100 + 20*math.Sin(2*math.Pi*float64(i)/float64(c.period)) + wobble(i)
		}
		p, err := prepare(s, Options{})
		if err != nil || !slices.Equal(p.seasons, c.want) {
			t.Errorf("%s: %v, want %v, %v", name, p.seasons, c.want, err)
		}
	}
}

// Chance must not be taken for a season much more often than in the one of ten that the tests for a day and for a week allow: white noise, and noise up to a
// random walk, whose own slow course is the harder to tell from a season.
func TestSeasonsOfChance(t *testing.T) {
	t.Parallel()
	const series = 300
	for _, memory := range []float64{0, 0.5, 0.95, 1} {
		wrong := 0
		for i := range series {
			values := make([]float64, 850)
			level := 0.0
			for k := range values {
				level = memory*level + wobble(k*series+i)
				values[k] = level
			}
			if found, _ := findSeasons(values, []int{24, 168}); len(found) > 0 {
				wrong++
			}
		}
		t.Logf("memory %v: a season in %d of %d", memory, wrong, series)
		if float64(wrong) > 0.17*series {
			t.Errorf("memory %v: a season in %d of %d", memory, wrong, series)
		}
	}
}

// What a forecast without a season rests on are the last values, not those of a day before.
func TestNoSeasonNoRepetition(t *testing.T) {
	t.Parallel()
	values := make([]float64, 850)
	for i := range values {
		values[i] = 10 + wobble(i)
	}
	p, err := prepare(forecast.Series{Step: time.Hour, Values: values}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := p.onScale[len(p.onScale)-1]
	for k, v := range seasonalNaive(shortSeason)(p, len(p.onScale), 24) {
		if v != last {
			t.Fatalf("step %d repeats %v, not the last value %v", k, v, last)
		}
	}
}
