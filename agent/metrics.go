package agent

import (
	"github.com/prometheus/client_golang/prometheus"
)

// register names every metric of the agent; the golden list of the test has them all.
func (a *Agent) register() {
	gauge := func(name, help string, value func() float64) {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() float64) {
		a.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	gauge("foreshadow_capture_lag_seconds", "How far the shadow is behind the primary.", func() float64 { return a.ingest.Status().LagMs / 1000 })
	gauge("foreshadow_capture_streaming_bool", "1 while changes are received.", func() float64 { return truth(a.ingest.Status().State == "streaming") })
	counter("foreshadow_capture_changes_total", "Changes stored since capture began.", func() float64 { return float64(a.ingest.Status().Changes) })
	counter("foreshadow_capture_transactions_total", "Transactions stored since capture began.", func() float64 { return float64(a.ingest.Status().Transactions) })
	gauge("foreshadow_pgwire_connections_count", "Clients connected.", func() float64 { return float64(a.wire.Connections()) })
	gauge("foreshadow_instances_ready_count", "Predictive instances that accept connections.", a.readyInstances)
	gauge("foreshadow_cluster_leader_known_bool", "1 while a leader of the agents is known.", func() float64 { return truth(a.cluster.Leader() != "") })
	gauge("foreshadow_mirror_warnings_count", "Definitions of the primary that the mirror could not take over.", func() float64 { return float64(len(a.mirror.Warnings())) })
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
