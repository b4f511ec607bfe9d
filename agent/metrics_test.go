package agent

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetrics compares the metrics with the golden list: dashboards and alerts depend on the names.
func TestMetrics(t *testing.T) {
	t.Parallel()
	a := &Agent{registry: prometheus.NewRegistry()}
	a.register() // panics on a name given twice
	form := regexp.MustCompile(`^foreshadow_(capture|verify|pgwire|orchestrator|cluster|mirror)_[a-z_]+_(seconds|bytes|total|count|bool)$`)
	var names []string
	for _, m := range a.metrics() {
		names = append(names, m.name)
		if !form.MatchString(m.name) || m.help == "" {
			t.Errorf("%q is not of the form foreshadow_<package>_<what>_<unit> with a help text", m.name)
		}
	}
	golden, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, "\n") + "\n"; got != string(golden) {
		t.Errorf("the metrics differ from testdata/metrics.txt:\n%s", got)
	}
}
