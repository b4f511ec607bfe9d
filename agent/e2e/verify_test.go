package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerify runs the command against an agent: everything equal, then a change that the stream did not bring, and what a login may see of it.
func TestVerify(t *testing.T) {
	t.Parallel()
	d := startDev(t, "")
	out, code := d.verify(t, "analyst")
	if code != 0 || strings.Count(out, "equal, ") != 4 || strings.Contains(out, "salaries") {
		t.Errorf("all equal: exit %d\n%s", code, out)
	}
	primary := d.onPrimary(t)
	for _, sql := range []string{"CREATE EXTENSION pg_surgery", "SELECT heap_force_kill('orders', ARRAY[(SELECT ctid FROM orders WHERE id = 77)])",
		"SELECT heap_force_kill('salaries', ARRAY[(SELECT ctid FROM salaries WHERE id = 3)])"} { // rows vanish without a word in the log
		if _, err := primary.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	out, code = d.verify(t, "analyst")
	if code != 1 || !strings.Contains(out, "9999 rows at ") || !strings.Contains(out, "1 differ: (id)=(77): only in the shadow\n") || strings.Contains(out, "salaries") ||
		!strings.Contains(out, "pg_drop_replication_slot") {
		t.Errorf("one row lost: exit %d\n%s", code, out)
	}
	if out, code = d.verify(t, "analyst", "--table", "customers", "--table", "public.events"); code != 0 || strings.Count(out, "equal, ") != 2 {
		t.Errorf("two other tables: exit %d\n%s", code, out)
	}
	if out, code = d.verify(t, "analyst", "--table", "salaries"); code != 2 || !strings.Contains(out, "permission denied for table salaries") {
		t.Errorf("a table that the login may not read: exit %d\n%s", code, out)
	}
	if out, code = d.verify(t, "alice"); code != 2 || strings.TrimSpace(out) != "" {
		t.Errorf("a login that may read no table: exit %d\n%s", code, out)
	}
	if got := d.value(t, "analyst", "shop", "SELECT message FROM foreshadow.capture_status"); !strings.Contains(got, "public.orders differs from the primary in 1 rows") {
		t.Errorf("capture_status: %s", got)
	}
	if _, err := d.psql(t, "analyst", "shop", "-c", "VERIFY SHADOW TABLE guarded"); err == nil {
		t.Error("a table that does not exist was verified")
	}
	if out, err := d.psql(t, "analyst", "shop", "-c", "SET statement_timeout = 1", "-c", "VERIFY SHADOW"); err == nil || !strings.Contains(out, "canceling statement due to statement timeout") {
		t.Errorf("a comparison with a timeout: %v\n%s", err, out)
	}
	if out, err := d.psql(t, "analyst", "shop", "-c", "VERIFY SHADOW TABLE customers"); err != nil || !strings.Contains(out, "equal") {
		t.Errorf("a comparison after a timeout: %v\n%s", err, out)
	}
}

// verify runs the command as a login and gives its whole output and its exit status.
func (d *dev) verify(t *testing.T, login string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("foreshadow", append([]string{"verify", "host=127.0.0.1 dbname=shop sslmode=require", "-p", d.port, "-U", login}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSFILE="+filepath.Join(d.dir, "pgpass"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
