// Package forecasttest finds the real data on which the accuracy of forecasts is measured.
package forecasttest

import (
	"os"
	"path/filepath"
	"testing"
)

// SharedData finds a data file in a folder named shared beside a folder above this one; the test is skipped where there is none.
func SharedData(t testing.TB, parts ...string) string {
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
