package predict

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/forecast/limits"
)

// TestEveryLimit provokes every kind of limit on a real primary, through capture and sampling. What only the past can tell, and a new server has not,
// is put into the store as it would have been measured.
func TestEveryLimit(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "autovacuum=off", "autovacuum_freeze_max_age=100000", "autovacuum_multixact_freeze_max_age=10000")
	pg.Exec(t, "postgres", script(t, "limits.sql"))
	store := captured(t, pg)
	now := time.Now().UTC().Truncate(time.Second)
	clock := now.Add(-time.Hour)
	s, err := sampler.New(sampler.Options{DSN: pg.DSN("postgres", "postgres"), Store: store, Clock: func() time.Time { return clock }, DiskPath: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	sample := func(at time.Time) {
		t.Helper()
		clock = at
		if err := s.Sample(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sample(now.Add(-time.Hour))
	pg.Exec(t, "postgres", script(t, "burn.sql"))
	sample(now)

	past := &fake{now: now}
	for d := 30; d > 0; d-- {
		ago := time.Duration(d) * day
		past.sample("key.last:public.lonely_seq", ago, 2147000000-10000*float64(d))
		past.sample("key.last:public.numbered.id", ago, 3000-50*float64(d))
		past.sample("key.column_nulls:public.sparse.filled", ago, 100+5*float64(d))
		past.sample("key.column_min:public.events.part", ago, -796+4*float64(d))
	}
	for h := 35 * 24; h > 0; h-- { // a busier afternoon each day
		at := now.Add(-time.Duration(h) * time.Hour)
		past.sample("db.connections", time.Duration(h)*time.Hour, 8+math.Max(0, math.Sin(float64(at.Hour())*math.Pi/12))*(52-float64(h)/24))
		past.sample("host.cpu", time.Duration(h)*time.Hour, 0.1+math.Max(0, math.Sin(float64(at.Hour())*math.Pi/12))*(0.8-0.01*float64(h)/24))
		past.sample("host.memory_used", time.Duration(h)*time.Hour, 6e9-1e8*float64(h)/24)
	}
	past.sample("host.memory_total", -time.Second, 8e9)
	past.sample("host.disk_free", -time.Hour, 1_000_000)
	past.sample("host.disk_total", -time.Hour, 1e9)
	past.sample("limit.table_bytes", -time.Second, 2_500_000)
	if err := store.AppendSamples(t.Context(), past.samples); err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Store: store, References: s.References, Clock: func() time.Time { return now.Add(2 * time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]forecast.Limit{}
	for _, l := range run.Limits {
		t.Logf("%-16s %-28s %14.6g of %14.6g  %s %s %s  %s", l.Kind, l.Object, l.Current, l.Max, date(l.P10), date(l.P50), date(l.P90), l.Note)
		found[l.Kind+" "+l.Object] = l
	}
	for name, c := range map[string]struct{ from, to float64 }{ // days until the median
		"integer_key public.events.id": {110, 145}, "integer_key public.tickets.id": {40, 60}, "sequence public.lonely_seq": {35, 60},
		"text_length public.events.code": {30, 110}, "numeric_range public.events.amount": {40, 60}, "check_bound public.events.qty": {40, 60},
		"integer_range public.events.n": {30, 48}, "check_bound public.events.part": {40, 62}, "not_null public.sparse.filled": {15, 25}, "partition_range public.numbered.id": {15, 25}, "partition_range public.dated.at": {39, 41},
		"disk host": {1, 200}, "cpu host": {8, 18}, "memory host": {16, 26}, "connections server": {0, 8}, "transaction_ids server": {30, 1000}, "multixacts server": {30, 1000}, "table_size public.events": {1, 300}, "toast_size public.events": {1, 900},
	} {
		l, ok := found[name]
		if l.Basis.Model == "" || l.Basis.From.IsZero() || l.Basis.To.Before(l.Basis.From) {
			t.Errorf("%s names no model or no training window: %+v", name, l.Basis)
		}
		if in := l.P50.Sub(now).Hours() / 24; !ok || l.P50.IsZero() || in < c.from || in > c.to || l.P10.After(l.P50) || !l.P90.IsZero() && l.P90.Before(l.P50) {
			t.Errorf("%s: in %.1f days, not %v to %v: %+v", name, in, c.from, c.to, l)
		}
	}
	for name, note := range map[string]string{
		"toast_values public.events": limits.NoneInSight, "check_bound public.events.full_at_100": atBound, "text_length public.events.flag": limits.NoneInSight,
	} {
		if l := found[name]; l.Note != note || !l.P50.IsZero() {
			t.Errorf("%s: %+v, want %q", name, l, note)
		}
	}
	for name := range found {
		if name == "not_null public.events.doc" || name == "integer_range public.events.id" {
			t.Errorf("%s is no limit: %+v", name, found[name])
		}
	}
}

func TestSlope(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	values := []float64{nan, nan, 2, 2, 2, 5, 5, 9, 9}
	slope(values)
	if got := fmt.Sprint(values); got != "[NaN NaN 2 3 4 5 7 9 9]" {
		t.Error(got)
	}
}

func date(at time.Time) string {
	if at.IsZero() {
		return "-         "
	}
	return at.Format(time.DateOnly)
}

func script(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
