package predict

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/shadow"
	"foreshadow/forecast"
)

// The real store takes what the runner gives and gives back what the runner took from it.
func TestOnTheShadow(t *testing.T) {
	t.Parallel()
	store, err := shadow.Open(shadow.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Now()
	var csv strings.Builder
	for h := 6 * 168; h > 0; h-- {
		at := now.Add(-time.Duration(h) * time.Hour).Truncate(time.Hour).UTC()
		fmt.Fprintf(&csv, "load.total_calls,%s,%f\n", at.Format(time.RFC3339), 50+30*math.Sin(float64(at.Hour())*math.Pi/12))
	}
	path := filepath.Join(t.TempDir(), "history.csv")
	if err := os.WriteFile(path, []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.ImportCSV(t.Context(), path); err != nil || n != 6*168 {
		t.Fatalf("%d, %v", n, err)
	}
	f := &fake{now: now}
	f.sample("key.last:public.seq", 0, 100)
	f.sample("key.max:public.seq", 0, 1<<31-1)
	f.sample("load.calls:7", 0, 3)
	if err := store.AppendSamples(t.Context(), f.samples); err != nil {
		t.Fatal(err)
	}
	run, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.LatestRun(t.Context())
	if err != nil || kept == nil || kept.ID != run.ID || len(kept.Results) != len(run.Results) || len(kept.Limits) != 1 {
		t.Fatalf("%v: kept %+v of %+v", err, kept, run)
	}
	for i, want := range run.Results {
		got := kept.Results[i]
		if got.Series.ID != want.Series.ID || len(got.Points) != len(want.Points) || got.Points[5].Mean != want.Points[5].Mean || got.Backtest.Origins != want.Backtest.Origins {
			t.Errorf("%s: kept %d points of %d", want.Series.ID, len(got.Points), len(want.Points))
		}
	}
	if l := kept.Limits[0]; !l.P50.IsZero() || l.Note == "" {
		t.Errorf("a date that is not known came back as %v", l.P50)
	}
	if err := store.SaveExpectations(t.Context(), []forecast.Expectation{{OID: 1, Bucket: now, RunID: 1, Expected: 2, Hi: 5}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Expect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := r.PredictedState(t.Context(), now.Add(90*day)); err != nil || len(s.AnticipatedQueryLoad) != 24 {
		t.Errorf("%v, %d hours", err, len(s.AnticipatedQueryLoad))
	}
}
