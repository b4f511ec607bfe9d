package load

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"foreshadow/forecast"
)

// sharedData finds a data file in a folder named shared beside a folder above this one; the test is skipped where there is none.
func sharedData(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		file := filepath.Join(append([]string{dir, "shared", "data"}, parts...)...)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	t.Skipf("SKIPPED: no shared/data/%s beside a folder above; accuracy is not measured here", filepath.Join(parts...))
	return ""
}

// wide reads a file of one series a line.
func wide(t testing.TB, file string) [][]float64 {
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
	out := make([][]float64, len(rows)-1)
	for i, row := range rows[1:] {
		for _, cell := range row[1:] {
			if v, err := strconv.ParseFloat(cell, 64); err == nil {
				out[i] = append(out[i], v)
			}
		}
	}
	return out
}

// accuracy is the mean over series of the M4 competition's measures.
type accuracy struct{ smape, mase, coverage, msis, naive float64 }

// measure forecasts every series on two goroutines and compares with what came.
func measure(t testing.TB, train, test [][]float64, opt Options) accuracy {
	t.Helper()
	each := make([]accuracy, len(train))
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := g; i < len(train); i += 2 {
				each[i] = measureOne(t, train[i], test[i], opt)
			}
		})
	}
	wg.Wait()
	var sum accuracy
	n := float64(len(train))
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

// On every sixth hourly series of the M4 competition, by origins inside the training part, the forecast must beat the seasonal naive by far and
// its intervals must cover what they say. The figures of the whole set are those of BenchmarkM4Hourly.
func TestM4HourlyValidation(t *testing.T) {
	t.Parallel()
	all := wide(t, sharedData(t, "m4", "Hourly-train.csv"))
	var train, test [][]float64
	for i := 0; i < len(all); i += 6 {
		cut := len(all[i]) - 96
		train, test = append(train, all[i][:cut]), append(test, all[i][cut:cut+48])
	}
	a := measure(t, train, test, Options{})
	t.Logf("%d series: %+v", len(train), a)
	if a.mase > 0.75*a.naive {
		t.Errorf("MASE %.3f is not far below the seasonal naive's %.3f", a.mase, a.naive)
	}
	if a.coverage < 0.91 || a.coverage > 0.985 {
		t.Errorf("95 %% intervals cover %.3f", a.coverage)
	}
}

// BenchmarkM4Hourly forecasts the test part of all series there are, and reports the competition's measures.
func BenchmarkM4Hourly(b *testing.B) {
	train, test := wide(b, sharedData(b, "m4", "Hourly-train.csv")), wide(b, sharedData(b, "m4", "Hourly-test.csv"))
	var a accuracy
	for b.Loop() {
		a = measure(b, train, test, Options{})
	}
	b.ReportMetric(a.smape, "sMAPE")
	b.ReportMetric(a.mase, "MASE")
	b.ReportMetric(a.coverage, "coverage")
	b.ReportMetric(a.msis, "MSIS")
}

// thousand makes 1,000 hourly series of 850 values with a daily and weekly rhythm.
func thousand() [][]float64 {
	out := make([][]float64, 1000)
	for i := range out {
		out[i] = make([]float64, 850)
		for t := range out[i] {
			out[i][t] = float64(1+i%17)*shapes["weekly"](t) + wobble(t*1000+i)*float64(1+i%5)
		}
	}
	return out
}

func benchmarkThousand(b *testing.B, opt Options) {
	series := thousand()
	test := make([][]float64, len(series))
	for i := range test {
		test[i] = make([]float64, 48)
	}
	for b.Loop() {
		measure(b, series, test, opt)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
}

// BenchmarkThousandHourlySeries forecasts 48 hours of 1,000 series of 850 hours on two goroutines, with the default median: points and a rough interval.
func BenchmarkThousandHourlySeries(b *testing.B) { benchmarkThousand(b, Options{Origins: -1}) }

// BenchmarkThousandHourlySeriesBacktested does the same with the choice and the intervals by nine earlier origins.
func BenchmarkThousandHourlySeriesBacktested(b *testing.B) { benchmarkThousand(b, Options{}) }
