package volume

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"foreshadow/forecast"
	"foreshadow/forecast/forecasttest"
)

var start = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// shapes are the made-up tables of the golden file, as rows on a day.
var shapes = map[string]func(day int) float64{
	"still":  func(int) float64 { return 1000 },
	"steady": func(t int) float64 { return 1000 + 50*float64(t) + float64(t*7919%13) },
	// rows deleted once by a purge: the old slope goes on from the new level
	"purged": func(t int) float64 {
		if t >= 350 {
			return 1000 + 50*float64(t) - 15000
		}
		return 1000 + 50*float64(t)
	},
	"shrinking": func(t int) float64 { return math.Max(0, 1000-10*float64(t)) },
	"weekdays": func(t int) float64 {
		return 500 + 100*float64(t/7*5+min(t%7, 5))
	},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	datadriven.RunTest(t, "testdata/shapes", func(t *testing.T, d *datadriven.TestData) string {
		var shape string
		var days, horizon int
		d.ScanArgs(t, "shape", &shape)
		d.ScanArgs(t, "days", &days)
		d.ScanArgs(t, "horizon", &horizon)
		s := forecast.Series{ID: shape, Start: start, Step: 24 * time.Hour}
		for i := range days {
			s.Values = append(s.Values, shapes[shape](i))
		}
		fan, err := Forecast(s, horizon, Options{})
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s: %d origins, MASE %.3f, skill %.3f, coverage %.3f\n", fan.Model, fan.Backtest.Origins, fan.Backtest.MASE, fan.Backtest.Skill, fan.Backtest.Coverage)
		fmt.Fprintf(&b, "last %.6g\n", s.Values[days-1])
		for k, p := range fan.Points {
			if k == 0 || k == horizon-1 || (k+1)%30 == 0 {
				q := fan.Quantiles[k]
				fmt.Fprintf(&b, "%s %.6g [%.6g, %.6g] p10 %.6g p90 %.6g\n", p.At.Format(time.DateOnly), p.Mean, p.Lo, p.Hi, q.P10, q.P90)
			}
		}
		return b.String()
	})
}

func TestAnySeries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 1e9), rapid.Just(math.NaN()), rapid.Just(0.0), rapid.Just(5e6), rapid.Float64())
		s := forecast.Series{ID: "wild", Start: start, Step: 24 * time.Hour, Values: rapid.SliceOfN(value, 0, 200).Draw(t, "values")}
		horizon := rapid.IntRange(1, 400).Draw(t, "horizon")
		opt := Options{Level: rapid.SampledFrom([]float64{0, 50, 99}).Draw(t, "level"), Origins: rapid.SampledFrom([]int{0, -1, 3}).Draw(t, "origins")}
		fan, err := Forecast(s, horizon, opt)
		if errors.Is(err, forecast.ErrNoValues) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Forecast(s, horizon, opt)
		if diff := cmp.Diff(fan, again, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("two runs differ: %s", diff)
		}
		for k, p := range fan.Points {
			q := fan.Quantiles[k]
			for _, v := range []float64{p.Mean, p.Lo, p.Hi, q.P10, q.P50, q.P90} {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Fatalf("step %d: %+v %+v", k, p, q)
				}
			}
			if p.Lo > p.Mean || p.Mean > p.Hi || q.P10 > q.P50 || q.P50 > q.P90 || q.P50 != p.Mean {
				t.Fatalf("step %d out of order: %+v %+v", k, p, q)
			}
		}
	})
}

// accidents are amounts that move by more than growth, as they are on a day.
var accidents = map[string]struct {
	at  func(t int) float64
	job bool // the forecast must know when it comes again
}{
	"bulk load lately":      {at: func(t int) float64 { return 10000 + 50*float64(t) + after(t, 390, 20000) }},
	"bulk load long ago":    {at: func(t int) float64 { return 10000 + 50*float64(t) + after(t, 200, 20000) }},
	"truncate lately":       {at: func(t int) float64 { return 10000 + 50*float64(t) - after(t, 390, 29500) }},
	"truncate long ago":     {at: func(t int) float64 { return 10000 + 50*float64(t) - after(t, 300, 25000) }},
	"vacuum full":           {at: func(t int) float64 { return 10000 + 50*float64(t) - after(t, 370, 11000) }},
	"two purges":            {at: func(t int) float64 { return 20000 + 50*float64(t) - after(t, 100, 8000) - after(t, 350, 9000) }},
	"monthly archive":       {at: func(t int) float64 { return 10000 + 20*float64(t) + 500*float64(t%30) }, job: true},
	"monthly truncate":      {at: func(t int) float64 { return 500 * float64(t%30) }, job: true},
	"weekly archive":        {at: func(t int) float64 { return 10000 + 500*float64(t%7) }, job: true},
	"quarterly archive":     {at: func(t int) float64 { return 10000 + 500*float64(t%91) }, job: true},
	"archive, then no more": {at: func(t int) float64 { return 10000 + 500*float64(min(t, 240)%30) + 50*float64(max(t-240, 0)) }},
}

func after(t, day int, v float64) float64 {
	if t >= day {
		return v
	}
	return 0
}

// TestAccidents holds that drops, bulk loads and archive jobs are no trend: the growth between them goes on from where they left off, and jobs come again.
func TestAccidents(t *testing.T) {
	t.Parallel()
	const days, horizon, seed = 400, 90, 5
	t.Logf("seed %d", seed)
	for name, c := range accidents {
		rng := rand.New(rand.NewPCG(seed, seed))
		noisy := func(i int) float64 { return max(0, c.at(i)+20*rng.NormFloat64()) }
		s := forecast.Series{Start: start, Step: 24 * time.Hour}
		for i := range days {
			s.Values = append(s.Values, noisy(i))
		}
		fan, err := Forecast(s, horizon, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var off, naive, inside float64
		for k, p := range fan.Points {
			actual := noisy(days + k)
			off += math.Abs(actual-p.Mean) / horizon
			naive += math.Abs(actual-s.Values[days-1]) / horizon
			if p.Lo <= actual && actual <= p.Hi {
				inside += 1.0 / horizon
			}
		}
		t.Logf("%-22s off by %5.0f on average, the last value by %5.0f; %.2f inside", name, off, naive, inside)
		if off > 0.25*naive || inside < 0.9 || c.job != (archived(s.Values) > 0) {
			t.Errorf("%s: off by %.0f, the last value by %.0f, %.2f inside, every %d days", name, off, naive, inside, archived(s.Values))
		}
	}
}

// On growth taken from real projects the errors, in units of the mean change over as many days before, and the coverage must keep what is promised.
func TestRealGrowth(t *testing.T) {
	t.Parallel()
	series := growth(t)
	for _, c := range []struct {
		horizon              int
		mase, cover, cover80 float64
	}{{30, 2.0, 0.92, 0.78}, {90, 1.55, 0.90, 0.78}} {
		var own, naive, n, inside, inside80, judged float64
		for i, values := range series {
			for o := 365; o+c.horizon <= len(values); o += 90 {
				scale := meanAbs(differences(values[:o], c.horizon))
				if scale == 0 {
					continue
				}
				actual := values[o+c.horizon-1]
				own += math.Abs(actual-floor(path(values[:o], []int{c.horizon})[0])) / scale
				naive += math.Abs(actual-values[o-1]) / scale
				if n++; i%3 != 0 || (o-365)%270 != 0 { // intervals are dear
					continue
				}
				fan, err := Forecast(forecast.Series{Step: 24 * time.Hour, Values: values[:o]}, c.horizon, Options{})
				if err != nil {
					t.Fatal(err)
				}
				p, q := fan.Points[c.horizon-1], fan.Quantiles[c.horizon-1]
				judged++
				if p.Lo <= actual && actual <= p.Hi {
					inside++
				}
				if q.P10 <= actual && actual <= q.P90 {
					inside80++
				}
			}
		}
		t.Logf("%d days: %.0f forecasts, MASE %.3f, last value %.3f; of %.0f 95 %% covers %.3f, p10 to p90 covers %.3f", c.horizon, n, own/n, naive/n, judged, inside/judged, inside80/judged)
		if own/n > c.mase || own > naive {
			t.Errorf("%d days: MASE %.3f, last value %.3f", c.horizon, own/n, naive/n)
		}
		if inside/judged < c.cover || inside80/judged < c.cover80 {
			t.Errorf("%d days: coverage %.3f and %.3f", c.horizon, inside/judged, inside80/judged)
		}
	}
}

// growth reads the rows a day of the real growth series; the test is skipped where there are none.
func growth(t *testing.T) [][]float64 {
	t.Helper()
	f, err := os.Open(forecasttest.SharedData(t, "git_volume", "table_volume.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	last, day := "", time.Time{}
	for _, row := range rows[1:] {
		at, _ := time.Parse(time.DateOnly, row[2])
		v, _ := strconv.ParseFloat(row[5], 64)
		if id := row[0] + row[1]; id != last {
			out, last = append(out, nil), id
		} else {
			for day = day.AddDate(0, 0, 1); day.Before(at); day = day.AddDate(0, 0, 1) {
				s := out[len(out)-1]
				out[len(out)-1] = append(s, s[len(s)-1])
			}
		}
		out[len(out)-1], day = append(out[len(out)-1], math.Max(v, 0)), at
	}
	return out
}
