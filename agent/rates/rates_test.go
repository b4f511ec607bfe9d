package rates_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/rates"
	"foreshadow/forecast/risk"
)

func TestMeasuredRatesAreKept(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	if r, err := rates.Read(dir); err != nil || r != risk.DefaultRates {
		t.Fatalf("of an empty folder: %+v, %v", r, err)
	}
	told := map[string]float64{}
	server := filepath.Join(dir, "server")
	r, err := rates.Measure(t.Context(), rates.Options{Dir: server, Rows: 5000}, func(name string, rate float64) { told[name] = rate })
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 5 || r.Rewrite != told["bytes rewritten"] || r.Rewrite == risk.DefaultRates.Rewrite || r.Measured.IsZero() {
		t.Errorf("told %v, kept %+v", told, r)
	}
	if _, err := os.Stat(server); !os.IsNotExist(err) {
		t.Errorf("the server is left behind: %v", err)
	}
	if err := rates.Write(dir, r); err != nil {
		t.Fatal(err)
	}
	again, err := rates.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "rates.json"), []byte(`{"Scan": -1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := rates.Read(dir); err == nil || r != risk.DefaultRates {
		t.Errorf("of a damaged file: %+v, %v", r, err)
	}
}
