package e2e

import (
	"testing"
	"time"
)

// TestKilledAgent kills the agent between two approvals and while an instance stands: what was acknowledged is still there, the second
// approval builds the instance once, and the instance answers again after the next kill.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	d := startDev(t, dir)
	eventually(t, time.Minute, "a forecast to plan by", func() bool {
		return d.value(t, "analyst", "shop", "SELECT count(*) > 0 FROM foreshadow.volume_forecast") == "t"
	})
	request := d.propose(t, "alice", "CREATE PREDICTIVE INSTANCE spring AT HORIZON '30 days'")
	d.approve(t, "alice", request)
	d.kill(t)

	d = startDev(t, dir)
	d.approve(t, "bob", request)
	eventually(t, 3*time.Minute, "the instance is built", func() bool {
		return d.value(t, "alice", "shop", "SELECT state FROM foreshadow.requests WHERE request_id = "+request) == "EXECUTED"
	})
	before := d.value(t, "analyst", "spring", "SELECT count(*) FROM orders")
	if claims := d.value(t, "alice", "shop", "SELECT count(*) FROM foreshadow.audit_log WHERE request_id = "+request+" AND lower(action) LIKE '%claim%'"); claims != "1" {
		t.Errorf("claims of the request: %s", claims)
	}
	if _, err := d.onPrimary(t).Exec(t.Context(), "INSERT INTO customers (email, city) VALUES ('late@example.org', 'Oslo')"); err != nil {
		t.Fatal(err)
	}
	d.kill(t)

	d = startDev(t, dir)
	eventually(t, 30*time.Second, "the instance answers after a restart of the agent", func() bool {
		out, err := d.psql(t, "analyst", "spring", "-At", "-c", "SELECT count(*) FROM orders")
		return err == nil && out == before
	})
	eventually(t, 30*time.Second, "nothing of the primary is lost", func() bool {
		return d.value(t, "analyst", "shop", "SELECT count(*) FROM customers WHERE email = 'late@example.org'") == "1"
	})
}
