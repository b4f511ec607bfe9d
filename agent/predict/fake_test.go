package predict

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"
)

// noon is when the tests take place, unless they move the clock.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// fakeTable is one table of the fake store; daily are its rows by the day of creation, up to and including today.
type fakeTable struct {
	rel     change.Relation
	rows    int64
	columns []forecast.TimeColumn
	daily   []float64
	uses    map[string]forecast.ColumnUse
}

// fake is a Store in memory. Its series are kept as the shadow keeps them: a level's last value, a rate's mean, in each step.
type fake struct {
	mu           sync.Mutex
	now          time.Time
	tables       []fakeTable
	samples      []forecast.Sample
	changes      []forecast.ChangeBucket
	runs         []forecast.Run
	expectations []forecast.Expectation
	watched      time.Time // since when schema events are known
	shapes       []forecast.SchemaEvent
	statements   []change.Statement
	events       []forecast.SchemaEvent
	failing      error
}

func (f *fake) Clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// table adds a table with a created-at column; total is its rows now, or 0 for the sum of daily.
func (f *fake) table(name string, total int64, daily ...float64) {
	var sum float64
	for _, d := range daily {
		sum += d
	}
	if total == 0 {
		total = int64(sum)
	}
	t := fakeTable{rel: change.Relation{OID: uint32(100 + len(f.tables)), Schema: "public", Name: name, Version: 1}, rows: total, daily: daily}
	if len(daily) > 0 {
		t.columns = []forecast.TimeColumn{{Name: "created_at", Rows: int64(sum), Days: int64(len(daily)), Last: f.now}}
	}
	f.tables = append(f.tables, t)
}

// sample adds one value at a time before now.
func (f *fake) sample(id string, ago time.Duration, value float64) {
	s, ok := sampler.Describe(id)
	if !ok {
		panic("no series " + id)
	}
	f.samples = append(f.samples, forecast.Sample{Series: s, At: f.now.Add(-ago), Value: value})
}

func (f *fake) of(oid uint32) *fakeTable {
	for i := range f.tables {
		if f.tables[i].rel.OID == oid {
			return &f.tables[i]
		}
	}
	return &fakeTable{}
}

func (f *fake) Relations(context.Context) ([]change.Relation, error) {
	var out []change.Relation
	for _, t := range f.tables {
		out = append(out, t.rel)
	}
	return out, nil
}

func (f *fake) Position(context.Context) (change.LSN, time.Time, error) {
	return 0x16B374D848, f.now, f.failing
}

func (f *fake) TimeColumns(_ context.Context, oid uint32) ([]forecast.TimeColumn, error) {
	return f.of(oid).columns, nil
}

func (f *fake) DailyCounts(_ context.Context, oid uint32, _ string) (time.Time, []float64, error) {
	t := f.of(oid)
	return f.now.Truncate(day).Add(-time.Duration(len(t.daily)-1) * day), t.daily, nil
}

func (f *fake) RowCount(_ context.Context, oid uint32) (int64, error) { return f.of(oid).rows, nil }

func (f *fake) ColumnUses(_ context.Context, oid uint32, wishes []forecast.ColumnWish, _ string) ([]forecast.ColumnUse, error) {
	var out []forecast.ColumnUse
	for _, w := range wishes {
		u, ok := f.of(oid).uses[w.Name]
		if !ok {
			u.Min, u.Max = math.NaN(), math.NaN()
		}
		u.ColumnWish = w
		out = append(out, u)
	}
	return out, nil
}

func (f *fake) ChangeCounts(_ context.Context, since time.Time, _ time.Duration) ([]forecast.ChangeBucket, error) {
	var out []forecast.ChangeBucket
	for _, c := range f.changes {
		if !c.At.Before(since) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (f *fake) AppendSamples(_ context.Context, s []forecast.Sample) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.samples = append(f.samples, s...)
	return nil
}

func (f *fake) SaveRun(_ context.Context, run forecast.Run) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run.ID = int64(len(f.runs) + 1)
	f.runs = append(f.runs, run)
	return run.ID, nil
}

func (f *fake) SaveExpectations(_ context.Context, e []forecast.Expectation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expectations = append(f.expectations, e...)
	return nil
}

func (f *fake) ShapeChanges(context.Context) (time.Time, []forecast.SchemaEvent, error) {
	return f.watched, f.shapes, nil
}

func (f *fake) SchemaStatements(_ context.Context, after time.Time) ([]change.Statement, error) {
	return slices.DeleteFunc(slices.Clone(f.statements), func(s change.Statement) bool { return !s.At.After(after) }), nil
}

func (f *fake) SchemaEvents(context.Context) ([]forecast.SchemaEvent, error) {
	slices.SortStableFunc(f.events, func(a, b forecast.SchemaEvent) int { return a.At.Compare(b.At) })
	return f.events, nil
}

func (f *fake) AppendSchemaEvents(_ context.Context, events []forecast.SchemaEvent) (n int, _ error) {
	for _, e := range events {
		if !slices.Contains(f.events, e) {
			f.events = append(f.events, e)
			n++
		}
	}
	return n, nil
}

func (f *fake) Series(_ context.Context, filter forecast.SeriesFilter) ([]forecast.Series, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byID := map[string][]forecast.Sample{}
	for _, s := range f.samples {
		if filter.ID == "" || filter.ID == s.Series.ID {
			byID[s.Series.ID] = append(byID[s.Series.ID], s)
		}
	}
	var out []forecast.Series
	for _, samples := range byID {
		out = append(out, regular(samples))
	}
	return out, nil
}

// regular lays samples out in steps.
func regular(samples []forecast.Sample) forecast.Series {
	s := samples[0].Series
	first, last := samples[0].At, samples[0].At
	for _, p := range samples {
		if p.At.Before(first) {
			first = p.At
		}
		if p.At.After(last) {
			last = p.At
		}
	}
	s.Start = first.Truncate(s.Step)
	s.Values = make([]float64, last.Sub(s.Start)/s.Step+1)
	n := make([]float64, len(s.Values))
	for _, p := range samples {
		i := int(p.At.Sub(s.Start) / s.Step)
		if s.Kind == "volume" || s.Kind == "limit" {
			s.Values[i], n[i] = p.Value, 1
			continue
		}
		s.Values[i] += p.Value
		n[i]++
	}
	for i := range s.Values {
		s.Values[i] /= n[i] // a gap is 0/0
	}
	return s
}

// newRunner makes a runner on a fake.
func newRunner(t *testing.T, f *fake, references ...forecast.Reference) *Runner {
	t.Helper()
	r, err := New(Options{Store: f, Clock: f.Clock, References: func() []forecast.Reference { return references }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// days repeats a count.
func days(n int, of func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round(of(i))
	}
	return out
}

// volumeOf is one table's part of a predicted state.
func volumeOf(t *testing.T, s forecast.PredictedState, relation string) forecast.TableVolume {
	t.Helper()
	for _, v := range s.ProjectedDataVolume {
		if v.Relation == relation {
			return v
		}
	}
	t.Fatalf("no %s in the predicted state", relation)
	return forecast.TableVolume{}
}
