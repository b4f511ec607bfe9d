package predict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkRefresh is a whole run of a middling primary: 100 tables of a year's history with a key each, and 80 series of eight weeks' load.
func BenchmarkRefresh(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	f := &fake{now: noon}
	for i := range 100 {
		f.table(fmt.Sprintf("t%03d", i), 0, days(400, func(int) float64 { return 50 + 20*rng.Float64() })...)
		f.sample(fmt.Sprintf("key.last:public.t%03d.id", i), 0, 30_000)
		f.sample(fmt.Sprintf("key.max:public.t%03d.id", i), 0, 1<<31-1)
	}
	for i := range 40 {
		for h := range 8 * 168 {
			v := (50 + 40*math.Sin(float64(h)*math.Pi/12)) * (0.9 + 0.2*rng.Float64())
			f.sample(fmt.Sprintf("load.calls:%d", i), time.Duration(h)*time.Hour, v)
			f.sample(fmt.Sprintf("load.time_ms:%d", i), time.Duration(h)*time.Hour, 3*v)
		}
	}
	r, err := New(Options{Store: f, Clock: f.Clock})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		run, err := r.Refresh(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(run.Results)), "series")
	}
}
