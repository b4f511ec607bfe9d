package ingest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
)

// standby runs a server that follows a primary, which is restarted for it.
func standby(t *testing.T, primary *pgtest.Server, settings ...string) *pgtest.Server {
	t.Helper()
	primary.Exec(t, "postgres", "SELECT pg_create_physical_replication_slot('standby', true)")
	dir := shelve(t, primary)
	signal := []string{"-m", "600", "--owner=" + owner(t, dir), "/dev/null", filepath.Join(dir, "standby.signal")}
	if out, err := exec.Command("install", signal...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	conninfo := "primary_conninfo=" + primary.DSN("postgres", "postgres")
	return pgtest.Open(t, dir, append(settings, conninfo, "primary_slot_name=standby", "hot_standby_feedback=on")...)
}

// either is a connection string that leads to whichever of two servers is the primary.
func either(a, b *pgtest.Server) string {
	return fmt.Sprintf("host=%s,%s port=%d,%d user=postgres dbname=postgres target_session_attrs=read-write", a.SocketDir(), b.SocketDir(), a.Port(), b.Port())
}

// replayed waits until a standby has all that the primary has.
func replayed(t *testing.T, primary, standby *pgtest.Server) {
	t.Helper()
	at := primary.Query(t, "postgres", "SELECT pg_current_wal_lsn()::text")[0][0]
	until(t, "the standby has everything", func() bool {
		return standby.Query(t, "postgres", "SELECT (pg_last_wal_replay_lsn() >= '"+at+"')::text")[0][0] == "true"
	})
}

// failOver ends a primary for good and makes its standby the primary, to which the test then talks.
func (a *agent) failOver(to *pgtest.Server) {
	a.t.Helper()
	if err := a.pg.Kill(); err != nil {
		a.t.Fatal(err)
	}
	to.Query(a.t, "postgres", "SELECT pg_promote()::text")
	a.pg, a.conn = to, nil
}

// timeline is the one that the shadow follows.
func (a *agent) timeline() int32 {
	a.t.Helper()
	st, err := a.store.State(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return st.Identity.Timeline
}

// TestFailover holds that an agent whose connection string names both servers finds the promoted standby by itself. The slot did not come along:
// the gap is recorded and everything is copied again, with its history kept.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	primary.Exec(t, "postgres", accSchema)
	second := standby(t, primary)
	a := launchOn(t, primary, t.TempDir(), either(second, primary), 0)
	before := a.remember()
	replayed(t, primary, second)
	a.failOver(second)
	second.Exec(t, "postgres", "UPDATE acc SET v = v + 1 WHERE id < 20")
	until(t, "the gap is recorded", func() bool { return len(a.gaps()) > 0 })
	a.catchUp()
	a.same("acc")
	a.still(before)
	if g := a.gaps(); len(g) != 1 || !strings.Contains(g[0], "the replication slot is gone; the primary was promoted to timeline 2") {
		t.Errorf("gaps: %q", g)
	}
	if n := a.timeline(); n != 2 {
		t.Errorf("timeline %d is followed", n)
	}
}

// TestFailoverWithSlot holds that capture goes on without a gap where the standby kept a copy of the slot.
func TestFailoverWithSlot(t *testing.T) {
	if pgtest.Major(t) < 17 {
		return // standbys keep no slots
	}
	t.Parallel()
	primary := pgtest.Start(t)
	primary.Exec(t, "postgres", accSchema)
	second := standby(t, primary, "sync_replication_slots=on")
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronized_standby_slots = 'standby'")
	primary.Exec(t, "postgres", "SELECT pg_reload_conf()")
	a := launchOn(t, primary, t.TempDir(), either(primary, second), 0)
	first := a.remember()
	until(t, "the standby keeps the slot", func() bool {
		primary.Exec(t, "postgres", "CHECKPOINT") // the copy waits for a record of the running transactions
		return slot(t, second, "synced AND NOT temporary") == "true"
	})
	for range 5 {
		primary.Exec(t, "postgres", "UPDATE acc SET v = v + 1; INSERT INTO acc SELECT max(id) + 1, 0 FROM acc")
	}
	before := a.remember()
	primary.Exec(t, "postgres", "UPDATE acc SET v = v + 1 WHERE id < 50")
	replayed(t, primary, second)
	a.failOver(second)
	second.Exec(t, "postgres", "UPDATE acc SET v = v + 1 WHERE id < 20; DELETE FROM acc WHERE id = 1")
	a.catchUp()
	a.same("acc")
	a.still(first)
	a.still(before)
	a.gapless()
	if n := a.timeline(); n != 2 {
		t.Errorf("timeline %d is followed", n)
	}
}

// TestPromotedBehindPosition holds that nothing is skipped after a promotion from a point that lies before the position which the old primary had
// told last: everything captured is before it, but the new primary writes other transactions at the same positions.
func TestPromotedBehindPosition(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	dir := t.TempDir()
	a := run(t, pg, dir)
	first := a.remember()
	a.stop()
	shelf := shelve(t, pg)
	a = run(t, pg, dir)
	told := a.lsn() + 20<<20
	until(t, "the agent has heard of a position far ahead", func() bool {
		if a.lsn() < told {
			fill(t, pg)
		}
		return a.in.Status().Confirmed >= told
	})
	a.stop()
	restore(t, pg, shelf, true)
	a.conn = nil
	pg.Exec(t, "postgres", "UPDATE acc SET v = -1 WHERE id < 10")
	if at := a.lsn(); at >= told {
		t.Fatalf("the new primary is at %s already", at)
	}
	a = run(t, pg, dir)
	a.catchUp()
	a.same("acc")
	a.still(first)
	a.gapless()
}
