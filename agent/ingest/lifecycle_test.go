package ingest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// known is the state of table acc that must stay readable through whatever happens to the primary.
type known struct {
	at   change.LSN
	rows []string
}

const accSchema = "CREATE TABLE acc (id int PRIMARY KEY, v int); INSERT INTO acc SELECT g, g FROM generate_series(1, 100) g; CREATE TABLE beat (n bigint PRIMARY KEY)"

func (a *agent) remember() known {
	a.t.Helper()
	a.same("acc")
	return known{a.catchUp(), a.primary("acc")}
}

// still holds that a known state can be read.
func (a *agent) still(k known) {
	a.t.Helper()
	got, err := a.shadowed(a.oid("acc"), k.at)
	if err != nil {
		a.t.Error(err)
	} else if d := differ(got, k.rows); d != "" {
		a.t.Errorf("as of %s: %s", k.at, d)
	}
}

// text asks the shadow's own tables for one text.
func (a *agent) text(sql string) string {
	a.t.Helper()
	rows, err := a.store.Query(a.t.Context(), shadow.Query{SQL: sql})
	if err != nil {
		a.t.Fatal(err)
	}
	defer rows.Close()
	b, err := rows.Next(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return string(b.Columns[0].Bytes[0])
}

// gaps lists why something was missed.
func (a *agent) gaps() []string {
	a.t.Helper()
	return strings.FieldsFunc(a.text("SELECT coalesce(string_agg(reason, '\n' ORDER BY from_lsn), '') FROM gaps WHERE relation IS NULL"), func(r rune) bool { return r == '\n' })
}

// gapless holds that capture has no gap.
func (a *agent) gapless() {
	a.t.Helper()
	if g := a.gaps(); len(g) != 0 {
		a.t.Errorf("gaps: %q", g)
	}
}

// TestBudget holds that the slot is given up when the primary keeps too much log, and that everything comes again with the history kept.
func TestBudget(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "min_wal_size=32MB")
	pg.Exec(t, "postgres", accSchema)
	a := runWith(t, pg, t.TempDir(), 48<<20)
	before := a.remember()
	c := hold(t, pg)
	for i := range 5 {
		pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1; SELECT pg_switch_wal()")
		if i == 2 {
			until(t, "a warning is given", func() bool { return a.in.Status().Warning != "" })
		}
	}
	until(t, "the slot is given up", func() bool {
		return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_replication_slots WHERE confirmed_flush_lsn IS NOT NULL AND pg_current_wal_lsn() - restart_lsn > 50000000")[0][0] == "0"
	})
	if _, err := c.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	until(t, "the gap is recorded", func() bool { return len(a.gaps()) > 0 })
	pg.Exec(t, "postgres", "DELETE FROM acc WHERE id > 50")
	a.catchUp()
	a.same("acc")
	a.still(before)
	if g := a.gaps(); !strings.Contains(g[0], "more than the budget of 48 MB") {
		t.Errorf("gaps: %q", g)
	}
}

// shelve stops a server, keeps a copy of its files and starts it again.
func shelve(t *testing.T, pg *pgtest.Server) string {
	t.Helper()
	to := filepath.Join(pgtest.Dir(t), "shelf")
	if err := pg.Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", pg.Dir(), to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := pg.Server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return to
}

// owner is the numeric owner of a file.
func owner(t *testing.T, path string) string {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(int(st.Uid))
}

// restore kills a server and starts it from files that were kept, as a standby that is promoted if asked for.
func restore(t *testing.T, pg *pgtest.Server, from string, promoted bool) {
	t.Helper()
	if err := pg.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(pg.Dir()); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, pg.Dir()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if promoted {
		if out, err := exec.Command("install", "-m", "600", "--owner="+owner(t, pg.Dir()), "/dev/null", filepath.Join(pg.Dir(), "standby.signal")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := pg.Server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if promoted {
		pg.Query(t, "postgres", "SELECT pg_promote()::text")
	}
}

// TestPrimaryGoesBack holds that a primary that lacks what was captured, restored from a backup or promoted too early, is recognised: the tables are
// copied again, positions go on upwards, and the past stays as it was seen.
func TestPrimaryGoesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		promoted bool
		reason   string
	}{{"restored from a backup", false, "the primary's log ends at"}, {"promoted too early", true, "the promoted primary lacks"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t)
			pg.Exec(t, "postgres", accSchema)
			dir := t.TempDir()
			a := run(t, pg, dir)
			first := a.remember()
			a.stop()
			shelf := shelve(t, pg)
			a = run(t, pg, dir)
			for range 20 {
				pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1; INSERT INTO acc SELECT max(id) + 1, 0 FROM acc")
			}
			lost := a.remember()
			restore(t, pg, shelf, c.promoted)
			a.conn = nil
			pg.Exec(t, "postgres", "UPDATE acc SET v = -1 WHERE id < 10")
			until(t, "the gap is recorded", func() bool { return len(a.gaps()) > 0 })
			a.catchUp()
			a.same("acc")
			a.still(first)
			a.still(lost)
			pg.Exec(t, "postgres", "DELETE FROM acc WHERE id = 1")
			after := a.remember()
			if after.at <= lost.at {
				t.Errorf("the position went back from %s to %s", lost.at, after.at)
			}
			if g := a.gaps(); len(g) != 1 || !strings.Contains(g[0], c.reason) || !strings.Contains(g[0], "raised by") {
				t.Errorf("gaps: %q", g)
			}
			a.stop()
			a = run(t, pg, dir) // the raised positions are remembered
			pg.Exec(t, "postgres", "UPDATE acc SET v = 5 WHERE id = 2")
			a.catchUp()
			a.same("acc")
			a.still(after)
			if g := a.gaps(); len(g) != 1 {
				t.Errorf("gaps after a restart: %q", g)
			}
		})
	}
}

// TestPromotedWithEverything holds that capture goes on without a gap on a promoted server that has the slot and all that was captured.
func TestPromotedWithEverything(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	dir := t.TempDir()
	a := run(t, pg, dir)
	first := a.remember()
	a.stop()
	shelf := shelve(t, pg)
	restore(t, pg, shelf, true)
	pg.Exec(t, "postgres", "UPDATE acc SET v = -1 WHERE id < 10")
	a = run(t, pg, dir)
	a.catchUp()
	a.same("acc")
	a.still(first)
	a.gapless()
	if n := a.timeline(); n != 2 {
		t.Errorf("timeline %d is followed", n)
	}
}
