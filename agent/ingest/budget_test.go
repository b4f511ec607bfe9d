package ingest

import (
	"slices"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// held is a first copy that waits for the lock of its second table; release lets it go on.
func held(t *testing.T, budget int64) (pg *pgtest.Server, a *agent, dir string, release func()) {
	t.Helper()
	pg, dir = pgtest.Start(t, "min_wal_size=32MB"), t.TempDir()
	pg.Exec(t, "postgres", `CREATE TABLE first (id int PRIMARY KEY, t text); INSERT INTO first SELECT g, md5(g::text) FROM generate_series(1, 300000) g;
		CREATE TABLE second (id int PRIMARY KEY); INSERT INTO second SELECT generate_series(1, 1000);
		CREATE TABLE third (id int PRIMARY KEY, v int); INSERT INTO third SELECT g, 0 FROM generate_series(1, 1000) g; CHECKPOINT`)
	a = launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir}, Options{Budget: budget, Copies: 1, Part: smallParts})
	until(t, "the copy has begun", func() bool { return a.in.Status().State == "copying" })
	c := pg.Conn(t, "postgres")
	if _, err := c.Exec(t.Context(), "BEGIN; LOCK TABLE second"); err != nil {
		t.Fatal(err)
	}
	until(t, "the copy waits for the lock", func() bool {
		return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_locks WHERE NOT granted")[0][0] == "1"
	})
	return pg, a, dir, func() {
		if _, err := c.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopyWithinBudget holds that a first copy during which more log is written than the budget allows comes to its end without a gap: tables that were
// not begun wait until the stream has let the log go.
func TestCopyWithinBudget(t *testing.T) {
	t.Parallel()
	pg, a, _, release := held(t, 160<<20)
	for a.in.Status().Retained <= 80<<20 {
		pg.Exec(t, "postgres", "UPDATE third SET v = v + 1 WHERE id < 10; SELECT pg_switch_wal()")
		kept := a.in.Status().Retained
		until(t, "the log is measured", func() bool { return a.in.Status().Retained > kept })
	}
	release()
	until(t, "a table waits", func() bool {
		return slices.ContainsFunc(a.in.Operations(), func(o Operation) bool {
			return o.Object == "public.third" && o.Phase == "waiting" && strings.Contains(o.Message, "source.wal-budget")
		})
	})
	for i := range 12 { // more than the budget in all
		pg.Exec(t, "postgres", "DELETE FROM third WHERE id = 500 + (SELECT count(*) FROM third) % 97; UPDATE third SET v = v + 1 WHERE id < 10; SELECT pg_switch_wal(); CHECKPOINT")
		if i%4 == 3 {
			at := pg.Query(t, "postgres", "SELECT pg_current_wal_lsn()::text")[0][0]
			until(t, "the stream goes on", func() bool { return slot(t, pg, "confirmed_flush_lsn >= '"+at+"' OR restart_lsn IS NULL") == "true" })
		}
	}
	until(t, "every table is copied", func() bool {
		pg.Exec(t, "postgres", "CHECKPOINT") // the slot's position follows
		select {
		case <-a.in.Ready():
			return true
		default:
			return false
		}
	})
	a.catchUp()
	for _, table := range []string{"first", "second", "third"} {
		a.same(table)
	}
	a.gapless()
}

// TestCopyBreaksBudget holds that a copy which cannot end within the budget gives the slot up and pauses, instead of beginning again for ever, and says what helps.
func TestCopyBreaksBudget(t *testing.T) {
	t.Parallel()
	pg, a, dir, release := held(t, 48<<20)
	for range 5 {
		pg.Exec(t, "postgres", "UPDATE third SET v = v + 1 WHERE id < 10; SELECT pg_switch_wal()")
	}
	until(t, "capture pauses", func() bool {
		s := a.in.Status()
		return s.State == "paused" && strings.Contains(s.Message, "raise the budget") && s.Retained == 0
	})
	release()
	if n := pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_replication_slots WHERE NOT temporary")[0][0]; n != "0" {
		t.Errorf("%s slots are left", n)
	}
	a.stop()
	a = runWith(t, pg, dir, 1<<30)
	a.catchUp()
	for _, table := range []string{"first", "second", "third"} {
		a.same(table)
	}
}
