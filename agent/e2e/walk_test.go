package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWalk is the product's main job on a small shop: capture, history, forecast, a predictive instance by two accounts, and its end.
func TestWalk(t *testing.T) {
	t.Parallel()
	d := startDev(t, "")
	primary := d.onPrimary(t)

	if _, err := primary.Exec(t.Context(), "UPDATE customers SET city = 'Atlantis' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "a change is seen through the agent", func() bool {
		return d.value(t, "analyst", "shop", "SELECT city FROM customers WHERE id = 1") == "Atlantis"
	})
	if got := d.value(t, "analyst", "shop", "SELECT transaction_type || ' ' || (primary_key ->> 'id') || ' ' || (after ->> 'city') FROM foreshadow.change_log WHERE relation = 'public.customers'"); got != "update 1 Atlantis" {
		t.Errorf("change log: %q", got)
	}
	if out, err := d.psql(t, "analyst", "shop", "-c", `\d orders`); err != nil || !strings.Contains(out, `"orders_customer_id_fkey" FOREIGN KEY (customer_id) REFERENCES customers(id)`) {
		t.Errorf(`\d orders: %v`+"\n%s", err, out)
	}
	eventually(t, time.Minute, "a forecast of every table", func() bool {
		return d.value(t, "analyst", "shop", "SELECT count(DISTINCT relation) FROM foreshadow.volume_forecast WHERE measure = 'rows'") >= "4"
	})
	if got := d.value(t, "analyst", "shop", "SELECT p50 < now() + interval '1 year' FROM foreshadow.limits_forecast WHERE object LIKE '%events.id%' AND limit_kind = 'integer_key'"); got != "t" {
		t.Errorf("events.id runs out within the year: %q", got)
	}
	if got := d.value(t, "analyst", "shop", "SELECT count(DISTINCT relation) >= 4 AND bool_and(probability > 0 AND probability < 1) FROM foreshadow.schema_forecast WHERE what = 'any change'"); got != "t" {
		t.Errorf("how likely tables change: %q", got)
	}
	if got := d.value(t, "analyst", "shop", "SELECT bool_or(total) AND count(DISTINCT s) = 1 FROM (SELECT at, relation = 'total' AS total, round(sum(p50)) AS s FROM foreshadow.volume_forecast WHERE measure = 'rows' AND run_id = (SELECT max(run_id) FROM foreshadow.volume_forecast) AND at = (SELECT max(at) FROM foreshadow.volume_forecast WHERE run_id = (SELECT max(run_id) FROM foreshadow.volume_forecast)) GROUP BY at, relation = 'total') x"); got != "t" {
		t.Errorf("tables add up to the total: %q", got)
	}
	for _, sql := range []string{
		"SELECT count(*) FROM foreshadow.limits_forecast WHERE object LIKE '%salaries%'",
		"SELECT count(*) FROM foreshadow.series WHERE series LIKE 'key.%salaries%'",
		"SELECT count(*) FROM foreshadow.series_points WHERE series LIKE 'key.%salaries%'",
	} {
		if got := d.value(t, "analyst", "shop", sql); got != "0" {
			t.Errorf("keys of a table that analyst may not read: %s gives %s", sql, got)
		}
	}
	if got := d.value(t, "analyst", "shop", "SELECT count(*) > 0 FROM foreshadow.series WHERE series LIKE 'key.%events%'"); got != "t" {
		t.Errorf("keys of a table that analyst may read: %s", got)
	}
	if out, err := d.psql(t, "analyst", "shop", "-c", "SELECT * FROM foreshadow.chart('key.last:public.salaries.id')"); err == nil || !strings.Contains(out, "does not exist") {
		t.Errorf("a chart of such a key: %s", out)
	}
	build(t, d, "next_quarter", "90 days")
	checkInstance(t, d)

	request := d.propose(t, "bob", "DROP PREDICTIVE INSTANCE next_quarter")
	d.approve(t, "bob", request)
	d.approve(t, "alice", request)
	eventually(t, time.Minute, "the instance is gone", func() bool {
		return d.value(t, "alice", "shop", "SELECT count(*) FROM foreshadow.instances") == "0"
	})
	if out, err := d.psql(t, "analyst", "next_quarter", "-c", "SELECT 1"); err == nil || !strings.Contains(out, "does not exist") {
		t.Errorf("connecting to what is gone: %v %s", err, out)
	}
	if left := filesNamed(t, filepath.Join(d.dir, "agent"), "next_quarter"); len(left) > 0 {
		t.Errorf("left on disk: %v", left)
	}
	if out := d.value(t, "bob", "shop", "VERIFY AUDIT"); !strings.Contains(out, "t") {
		t.Errorf("VERIFY AUDIT: %s", out)
	}
}

// build takes an instance through both accounts, checking that no single person is enough.
func build(t *testing.T, d *dev, name, horizon string) {
	t.Helper()
	request := d.propose(t, "alice", fmt.Sprintf("CREATE PREDICTIVE INSTANCE %s AT HORIZON '%s'", name, horizon))
	d.approve(t, "alice", request)
	if out, err := d.psql(t, "alice", "shop", "-c", "SHOW REQUEST "+request, "-c", "APPROVE REQUEST "+request); err == nil {
		t.Errorf("alice approved twice:\n%s", out)
	}
	if got := d.value(t, "alice", "shop", "SELECT state FROM foreshadow.requests WHERE request_id = "+request); got != "PENDING" {
		t.Errorf("after one account: %s", got)
	}
	d.approve(t, "bob", request)
	eventually(t, 3*time.Minute, "the instance is built", func() bool {
		state := d.value(t, "alice", "shop", "SELECT state || ' ' || coalesce(message, '') FROM foreshadow.requests WHERE request_id = "+request)
		if strings.HasPrefix(state, "FAILED") || strings.HasPrefix(state, "INDETERMINATE") {
			t.Fatalf("request %s: %s", request, state)
		}
		return strings.HasPrefix(state, "EXECUTED")
	})
}

// checkInstance compares the instance with its report and the primary's constraints.
func checkInstance(t *testing.T, d *dev) {
	t.Helper()
	rows := d.value(t, "alice", "shop", "SELECT DISTINCT relation || ' ' || projected_rows FROM foreshadow.instance_reports WHERE name = 'next_quarter' AND projected_rows IS NOT NULL")
	checked := 0
	for line := range strings.Lines(rows) {
		relation, projected, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasSuffix(relation, "salaries") { // analyst may not read it, here as on the primary
			if out, err := d.psql(t, "analyst", "next_quarter", "-c", "SELECT * FROM "+relation); err == nil || !strings.Contains(out, "permission denied") {
				t.Errorf("%s must be closed to analyst: %s", relation, out)
			}
			continue
		}
		checked++
		if actual := d.value(t, "analyst", "next_quarter", "SELECT count(*) FROM "+relation); actual != projected {
			t.Errorf("%s has %s rows, projected were %s", relation, actual, projected)
		}
	}
	if checked < 4 {
		t.Errorf("only %d tables in the report:\n%s", checked, rows)
	}
	const constraints = "SELECT count(*) FROM pg_constraint WHERE convalidated AND connamespace = 'public'::regnamespace"
	var want int
	if err := d.onPrimary(t).QueryRow(t.Context(), constraints).Scan(&want); err != nil {
		t.Fatal(err)
	}
	if got := d.value(t, "analyst", "next_quarter", constraints); got != strconv.Itoa(want) {
		t.Errorf("valid constraints: %s in the instance, %d on the primary", got, want)
	}
}

var number = regexp.MustCompile(`^\d+`)

// propose runs a governed statement and gives its request's number.
func (d *dev) propose(t *testing.T, login, statement string) string {
	t.Helper()
	out := d.value(t, login, "shop", statement)
	id := number.FindString(out)
	if id == "" {
		t.Fatalf("%s answered no request:\n%s", statement, out)
	}
	return id
}

// approve shows a request and approves what was shown.
func (d *dev) approve(t *testing.T, login, request string) {
	t.Helper()
	if out, err := d.psql(t, login, "shop", "-c", "SHOW REQUEST "+request, "-c", "APPROVE REQUEST "+request); err != nil {
		t.Fatalf("%s approves %s: %v\n%s", login, request, err, out)
	}
}

func filesNamed(t *testing.T, dir, name string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Base(path), name) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
