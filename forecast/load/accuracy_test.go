package load

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/forecasttest"
)

// dataset is series with what came after each.
type dataset struct {
	ids         []string
	train, test [][]float64
}

// data reads the two files of a folder of shared data.
func data(t testing.TB, folder, trainFile, testFile string) dataset {
	t.Helper()
	var d dataset
	d.ids, d.train = wide(t, forecasttest.SharedData(t, folder, trainFile))
	_, d.test = wide(t, forecasttest.SharedData(t, folder, testFile))
	return d
}

func m4(t testing.TB) dataset { return data(t, "m4", "Hourly-train.csv", "Hourly-test.csv") }

// lastHours keeps the last n values before the forecast of each series.
func (d dataset) lastHours(n int) dataset {
	train := make([][]float64, len(d.train))
	for i, s := range d.train {
		train[i] = s[max(0, len(s)-n):]
	}
	return dataset{d.ids, train, d.test}
}

// earlier moves the forecast of every step-th series back by so many hours.
func (d dataset) earlier(hours, step int) dataset {
	var out dataset
	for i := 0; i < len(d.train); i += step {
		all := append(d.train[i][:len(d.train[i]):len(d.train[i])], d.test[i]...)
		cut := len(d.train[i]) - hours
		out.ids, out.train, out.test = append(out.ids, d.ids[i]), append(out.train, all[:cut]), append(out.test, all[cut:cut+len(d.test[i])])
	}
	return out
}

// wide reads a file of one series a line.
func wide(t testing.TB, file string) (ids []string, series [][]float64) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var values []float64
		for _, cell := range row[1:] {
			if v, err := strconv.ParseFloat(cell, 64); err == nil {
				values = append(values, v)
			}
		}
		ids, series = append(ids, row[0]), append(series, values)
	}
	return ids, series
}

// accuracy is the mean over series of the M4 competition's measures.
type accuracy struct{ smape, mase, coverage, msis, naive float64 }

// measure forecasts every series on two goroutines and compares with what came.
func measure(t testing.TB, d dataset, opt Options) accuracy {
	t.Helper()
	each := make([]accuracy, len(d.train))
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := g; i < len(d.train); i += 2 {
				each[i] = measureOne(t, d.train[i], d.test[i], opt)
			}
		})
	}
	wg.Wait()
	var sum accuracy
	n := float64(len(d.train))
	for _, a := range each {
		sum.smape += a.smape / n
		sum.mase += a.mase / n
		sum.coverage += a.coverage / n
		sum.msis += a.msis / n
		sum.naive += a.naive / n
	}
	return sum
}

func measureOne(t testing.TB, train, test []float64, opt Options) accuracy {
	r, err := Forecast(forecast.Series{Step: time.Hour, Values: train}, len(test), opt)
	if err != nil {
		t.Error(err)
		return accuracy{}
	}
	mean, lo, hi := make([]float64, len(test)), make([]float64, len(test)), make([]float64, len(test))
	var a accuracy
	scale := forecast.SeasonalScale(train, 24)
	n := float64(len(test))
	for k, p := range r.Points {
		mean[k], lo[k], hi[k] = p.Mean, p.Lo, p.Hi
		if lo[k] <= test[k] && test[k] <= hi[k] {
			a.coverage += 1 / n
		}
		a.mase += math.Abs(test[k]-mean[k]) / n / scale
		a.naive += math.Abs(test[k]-train[len(train)-24+k%24]) / n / scale
	}
	a.smape = forecast.SMAPE(test, mean)
	a.msis = forecast.IntervalScore(test, lo, hi, 95) / scale
	return a
}

// owa is the M4 competition's overall weighted average with its published Naive2 figures for hourly series.
func (a accuracy) owa() float64 { return (a.smape/18.383 + a.mase/2.395) / 2 }

// On the hourly series of the M4 competition at hand the forecast must be ahead of the best entrant (Doornik, Castle and Hendry: sMAPE 8.913, MASE 0.801,
// OWA 0.410, MSIS 6.139), and useful from a week of history on.
func TestM4Hourly(t *testing.T) {
	t.Parallel()
	all := m4(t)
	for name, c := range map[string]struct {
		hours, every     int // hours of history, and which series
		smape, mase, owa float64
	}{
		"all hours": {math.MaxInt, 1, 8.9, 0.80, 0.41},
		"14 days":   {14 * 24, 1, 10, 0.9, 0.43},
		"7 days":    {7 * 24, 1, 14, 1.1, 0.53},
	} {
		t.Run(name, func(t *testing.T) {
			d := all.earlier(0, c.every).lastHours(c.hours)
			a := measure(t, d, Options{})
			t.Logf("%d series: OWA %.4f, %+v", len(d.ids), a.owa(), a)
			if a.smape > c.smape || a.mase > c.mase || a.owa() > c.owa {
				t.Errorf("sMAPE %.3f, MASE %.3f, OWA %.4f; at most %v, %v, %v are wanted", a.smape, a.mase, a.owa(), c.smape, c.mase, c.owa)
			}
			if c.hours > 1000 && (a.coverage < 0.93 || a.coverage > 0.97 || a.msis > 6.1) {
				t.Errorf("95 %% intervals cover %.4f, MSIS %.3f", a.coverage, a.msis)
			}
		})
	}
}

// At origins inside the training part of every third series, intervals must cover what they say at any level.
func TestCoverageAtAnyLevel(t *testing.T) {
	t.Parallel()
	sample := m4(t).earlier(96, 4)
	for _, level := range []float64{50, 80, 95} {
		a := measure(t, sample, Options{Level: level})
		t.Logf("%v %% intervals cover %.3f", level, a.coverage)
		if math.Abs(a.coverage-level/100) > 0.07 {
			t.Errorf("%v %% intervals cover %.3f", level, a.coverage)
		}
	}
}

// Load of machines has fewer rhythms and more shocks than the M4 series: what is wanted is stated against repeating yesterday, because the part of
// the virtual machines at hand is harder or easier than the whole.
func TestMachines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		folder         string
		origins        int     // a day apart, the last is the test part's
		mase, relative float64 // at most; relative to the seasonal naive
	}{
		"azure": {"azure_vm", 1, 2.2, 0.78},
		"nab":   {"nab", 2, 1.7, 0.85},
	} {
		t.Run(name, func(t *testing.T) {
			d := data(t, c.folder, "hourly_train.csv", "hourly_test.csv")
			var mase, naive, coverage float64
			for back := range c.origins {
				a := measure(t, d.earlier(24*back, 1), Options{})
				mase, naive, coverage = mase+a.mase/float64(c.origins), naive+a.naive/float64(c.origins), coverage+a.coverage/float64(c.origins)
			}
			t.Logf("%d series: MASE %.4f, the seasonal naive's %.4f, 95 %% intervals cover %.3f", len(d.ids), mase, naive, coverage)
			if mase > c.mase || mase > c.relative*naive {
				t.Errorf("MASE %.3f, the seasonal naive's %.3f", mase, naive)
			}
		})
	}
}

// The load of a database server in which the level shifts: over seven days no worse than repeating the last value, which is best there.
func TestDatabaseServer(t *testing.T) {
	t.Parallel()
	d := data(t, "nab", "hourly_train.csv", "hourly_test.csv")
	var own, last float64
	for i, id := range d.ids {
		if !strings.HasPrefix(id, "rds_") {
			continue
		}
		one := dataset{d.ids[i : i+1], d.train[i : i+1], d.test[i : i+1]}
		for back := 0; back < 7*24; back += 24 {
			e := one.earlier(back, 1)
			a := measureOne(t, e.train[0], e.test[0], Options{})
			before := e.train[0]
			own += a.mase * forecast.SeasonalScale(before, 24)
			for _, v := range e.test[0] {
				last += math.Abs(v-before[len(before)-1]) / float64(len(e.test[0]))
			}
		}
	}
	t.Logf("mean absolute error over seven days %.3f, of the last value %.3f", own/7, last/7)
	if own > 1.02*last {
		t.Errorf("mean absolute error over seven days %.3f, of the last value %.3f", own/7, last/7)
	}
}

// BenchmarkM4Hourly forecasts the test part of all series there are, and reports the competition's measures.
func BenchmarkM4Hourly(b *testing.B) {
	d := m4(b)
	var a accuracy
	for b.Loop() {
		a = measure(b, d, Options{})
	}
	b.ReportMetric(a.owa(), "OWA")
	b.ReportMetric(a.smape, "sMAPE")
	b.ReportMetric(a.mase, "MASE")
	b.ReportMetric(a.coverage, "coverage")
	b.ReportMetric(a.msis, "MSIS")
}

// thousand makes 1,000 hourly series of 850 values with a daily and weekly rhythm.
func thousand() dataset {
	var d dataset
	for i := range 1000 {
		values := make([]float64, 850)
		for t := range values {
			values[t] = float64(1+i%17)*shapes["weekly"](t) + wobble(t*1000+i)*float64(1+i%5)
		}
		d.train, d.test = append(d.train, values), append(d.test, make([]float64, 48))
	}
	return d
}

func benchmarkThousand(b *testing.B, opt Options) {
	d := thousand()
	for b.Loop() {
		measure(b, d, opt)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
}

// BenchmarkThousandHourlySeries forecasts 48 hours of 1,000 series of 850 hours on two goroutines, with the default median: points and a rough interval.
func BenchmarkThousandHourlySeries(b *testing.B) { benchmarkThousand(b, Options{Origins: -1}) }

// BenchmarkThousandHourlySeriesBacktested does the same with the choice and the intervals by nine earlier origins.
func BenchmarkThousandHourlySeriesBacktested(b *testing.B) { benchmarkThousand(b, Options{}) }
