package agent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one figure for monitoring: a counter, which only rises, or a gauge.
type metric struct {
	name, help string
	counter    bool
	value      func() float64
}

// metrics is the list of all of them; testdata/metrics.txt names them too, so that a renamed one is noticed.
func (a *Agent) metrics() []metric {
	return []metric{
		{"foreshadow_capture_lag_seconds", "How far the shadow is behind the primary.", false, func() float64 { return a.ingest.Status().LagMs / 1000 }},
		{"foreshadow_capture_streaming_bool", "1 while changes are received.", false, func() float64 { return truth(a.ingest.Status().State == "streaming") }},
		{"foreshadow_capture_changes_total", "Changes stored since capture began.", true, func() float64 { return float64(a.ingest.Status().Changes) }},
		{"foreshadow_capture_transactions_total", "Transactions stored since capture began.", true, func() float64 { return float64(a.ingest.Status().Transactions) }},
		{"foreshadow_capture_retained_bytes", "Log that the primary keeps for capture.", false, func() float64 { return float64(a.ingest.Status().Retained) }},
		{"foreshadow_capture_retained_warning_bool", "1 while that is more than half of the budget, or of what the primary allows.", false, func() float64 { return truth(a.ingest.Status().Warning != "") }},
		{"foreshadow_verify_last_seconds", "How long the last comparison of all tables with the primary took.", false, func() float64 { return a.verifier.Status().Took.Seconds() }},
		{"foreshadow_verify_age_seconds", "Time since it ended; -1 while there was none.", false, a.verifyAge},
		{"foreshadow_verify_differing_rows_count", "Rows of the shadow that differ from the primary, by the last comparison of each table.", false, func() float64 { return float64(a.verifier.Status().Differing) }},
		{"foreshadow_pgwire_connections_count", "Clients connected.", false, func() float64 { return float64(a.wire.Connections()) }},
		{"foreshadow_orchestrator_ready_count", "Predictive instances that accept connections.", false, a.readyInstances},
		{"foreshadow_cluster_leader_known_bool", "1 while a leader of the agents is known.", false, func() float64 { return truth(a.cluster.Leader() != "") }},
		{"foreshadow_mirror_warnings_count", "Definitions of the primary that the mirror could not take over.", false, func() float64 { return float64(len(a.mirror.Warnings())) }},
	}
}

// register hands the metrics to the registry that the admin listener serves.
func (a *Agent) register() {
	for _, m := range a.metrics() {
		var c prometheus.Collector
		if m.counter {
			c = prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, m.value)
		} else {
			c = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, m.value)
		}
		a.registry.MustRegister(c)
	}
}

func (a *Agent) verifyAge() float64 {
	at := a.verifier.Status().At
	if at.IsZero() {
		return -1
	}
	return time.Since(at).Seconds()
}

func (a *Agent) readyInstances() float64 {
	n := 0
	for _, i := range a.instances.List() {
		if i.State == "ready" {
			n++
		}
	}
	return float64(n)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// health is readiness for clients; liveness does not depend on it.
func (a *Agent) health() (bool, string) {
	select {
	case <-a.ready:
		return true, "ready"
	default:
		return false, "the initial copy is not done"
	}
}
