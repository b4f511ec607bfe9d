package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// slot asks for one column of our slot.
func slot(t testing.TB, pg *pgtest.Server, column string) string {
	t.Helper()
	rows := pg.Query(t, "postgres", "SELECT ("+column+")::text FROM pg_replication_slots WHERE slot_name = 'foreshadow'")
	if len(rows) == 0 {
		return "no slot"
	}
	return rows[0][0]
}

// fill writes some log and lets old segments be removed.
func fill(t testing.TB, pg *pgtest.Server) {
	t.Helper()
	pg.Exec(t, "template1", "SELECT pg_logical_emit_message(false, 'test', repeat('x', 4000000)); SELECT pg_switch_wal()")
	pg.Exec(t, "postgres", "CHECKPOINT")
}

// hold begins a transaction whose changes keep the log from being let go until it ends.
func hold(t testing.TB, pg *pgtest.Server) *pgx.Conn {
	t.Helper()
	c := pg.Conn(t, "postgres")
	if _, err := c.Exec(t.Context(), "BEGIN; INSERT INTO acc VALUES (0, 0)"); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSlotTrouble holds that whatever happens to the slot of a stopped agent is recognised: where something was missed the gap is recorded and everything
// copied again, with the history kept, and where nothing was, capture just goes on.
func TestSlotTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		since    int // major version
		settings []string
		harm     func(*testing.T, *pgtest.Server)
		reason   string
	}{
		{"dropped", 14, nil, func(t *testing.T, pg *pgtest.Server) {
			pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('foreshadow')")
		}, "the replication slot is gone"},
		{"made again", 14, nil, func(t *testing.T, pg *pgtest.Server) {
			pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('foreshadow')")
			pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1")
			pg.Exec(t, "postgres", "SELECT pg_create_logical_replication_slot('foreshadow', 'pgoutput')")
		}, "ahead of what was stored"},
		{"read by somebody else", 14, nil, func(t *testing.T, pg *pgtest.Server) {
			pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1")
			pg.Exec(t, "postgres", "SELECT pg_replication_slot_advance('foreshadow', pg_current_wal_lsn())")
		}, "ahead of what was stored"},
		{"put back", 14, nil, func(t *testing.T, pg *pgtest.Server) {
			pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('foreshadow')")
			pg.Exec(t, "postgres", "SELECT pg_copy_logical_replication_slot('early', 'foreshadow'); SELECT pg_drop_replication_slot('early')")
		}, ""},
		{"lost", 14, []string{"max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB"}, func(t *testing.T, pg *pgtest.Server) {
			until(t, "the slot is lost", func() bool { fill(t, pg); return slot(t, pg, "wal_status") == "lost" })
		}, "the replication slot's log is gone"},
		{"timed out", 18, []string{"idle_replication_slot_timeout=1s"}, func(t *testing.T, pg *pgtest.Server) {
			until(t, "the slot is idle for too long", func() bool { fill(t, pg); return slot(t, pg, "wal_status") == "lost" })
		}, "the replication slot's log is gone: idle_timeout"},
	} {
		if pgtest.Major(t) < c.since {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t, c.settings...)
			pg.Exec(t, "postgres", accSchema)
			dir := t.TempDir()
			a := run(t, pg, dir)
			a.remember()
			if c.name == "put back" {
				pg.Exec(t, "postgres", "SELECT pg_copy_logical_replication_slot('foreshadow', 'early')")
				pg.Exec(t, "postgres", "INSERT INTO acc VALUES (1000, 1)")
			}
			before := a.remember()
			a.stop()
			c.harm(t, pg)
			pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1; DELETE FROM acc WHERE id = 7")
			a = run(t, pg, dir)
			a.catchUp()
			a.same("acc")
			a.still(before)
			g := strings.Join(a.gaps(), "\n")
			if !strings.Contains(g, c.reason) || (g == "") != (c.reason == "") || len(a.gaps()) > 1 {
				t.Errorf("gaps: %q, want one of %q", g, c.reason)
			}
		})
	}
}

// says waits until the agent's message holds some words.
func (a *agent) says(words string) {
	a.t.Helper()
	until(a.t, fmt.Sprintf("the agent says %q", words), func() bool { return strings.Contains(a.in.Status().Message, words) })
}

// TestSlotOfSomebodyElse holds that a slot of our name in another database, or with another plugin, is left alone, and that capture begins when it is gone.
func TestSlotOfSomebodyElse(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.CreateDatabase(t, "other")
	pg.Exec(t, "postgres", accSchema)
	pg.Exec(t, "other", "SELECT pg_create_logical_replication_slot('foreshadow', 'pgoutput')")
	a := launch(t, pg, t.TempDir())
	a.says(`belongs to somebody else (plugin "pgoutput", database "other")`)
	if got := slot(t, pg, "database"); got != "other" {
		t.Errorf("the slot is of database %s now", got)
	}
	pg.Exec(t, "other", "SELECT pg_drop_replication_slot('foreshadow')")
	a.catchUp()
	a.same("acc")
}

// TestSlotInUse holds that a slot that is being read is not taken away from its reader, neither by an agent that begins nor by one that comes back,
// and that the agent goes on without a gap once it is free.
func TestSlotInUse(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	dir := t.TempDir()
	a := run(t, pg, dir)
	a.catchUp()
	pid := slot(t, pg, "active_pid")
	second := launch(t, pg, t.TempDir())
	second.says("another process reads it")
	pg.Exec(t, "postgres", "UPDATE acc SET v = 5")
	a.catchUp()
	second.says("another process reads it")
	second.stop()
	if now := slot(t, pg, "active_pid"); now != pid {
		t.Errorf("the slot is read by process %s instead of %s", now, pid)
	}
	a.stop()

	other, err := pgconn.Connect(t.Context(), pg.DSN("postgres", "postgres")+" replication=database")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	if err := pglogrepl.StartReplication(t.Context(), other, "foreshadow", 0, pglogrepl.StartReplicationOptions{PluginArgs: []string{"proto_version '1'", "publication_names 'foreshadow'"}}); err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, "postgres", "UPDATE acc SET v = 6")
	a = launch(t, pg, dir)
	a.says("another process reads it")
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.catchUp()
	a.same("acc")
	a.gapless()
}

// TestInterruptions holds that capture goes on by itself, without a gap, after whatever cuts it off from the primary.
func TestInterruptions(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	a := run(t, pg, t.TempDir())
	first := a.remember()
	for _, cut := range []struct {
		name string
		off  func()
	}{
		{"walsender terminated", func() {
			pg.Exec(t, "postgres", "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL")
		}},
		{"fast restart", func() { pg.Restart(t) }},
		{"crash", func() {
			if err := pg.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := pg.Server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		{"gone for a while", func() {
			if err := pg.Stop(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			a.says("connect to source")
			if err := pg.Server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1")
		cut.off()
		a.conn = nil
		pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1 WHERE id % 3 = 0")
		a.catchUp()
		t.Log(cut.name)
		a.same("acc")
	}
	a.still(first)
	a.gapless()
}

// TestOtherHistory holds that a primary that was put back to an earlier state, and has written more than we saw since, is recognised although its
// positions fit: the last transaction that was captured is not in its log.
func TestOtherHistory(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	dir := t.TempDir()
	a := run(t, pg, dir)
	first := a.remember()
	a.stop()
	shelf := shelve(t, pg)
	a = run(t, pg, dir)
	pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1")
	lost := a.remember()
	a.stop()
	restore(t, pg, shelf, false)
	pg.Exec(t, "postgres", "UPDATE acc SET v = -v")
	fill(t, pg)
	a = run(t, pg, dir)
	until(t, "the gap is recorded", func() bool { return len(a.gaps()) > 0 })
	a.catchUp()
	a.same("acc")
	a.still(first)
	a.still(lost)
	if g := a.gaps(); len(g) != 1 || !strings.Contains(g[0], "has no transaction of") {
		t.Errorf("gaps: %q", g)
	}
}

// TestConfirmedIsSealed holds that the primary never hears that it may let go of what is not sealed, from the first moment on.
func TestConfirmedIsSealed(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: t.TempDir(), Seal: time.Hour}, Options{})
	until(t, "the slot is there", func() bool { return a.query("SELECT count(*)::text FROM pg_replication_slots")[0][0] == "1" })
	began, err := change.ParseLSN(slot(t, pg, "confirmed_flush_lsn"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		pg.Exec(t, "postgres", "UPDATE acc SET v = v + 1")
		end := a.lsn()
		until(t, "the primary has heard of it", func() bool {
			return a.query("SELECT coalesce(max(write_lsn), '0/0') >= $1::pg_lsn FROM pg_stat_replication", end.String())[0][0] == "t"
		})
		confirmed, err := change.ParseLSN(slot(t, pg, "confirmed_flush_lsn"))
		if err != nil {
			t.Fatal(err)
		}
		if sealed, _ := a.store.Sealed(); confirmed > max(sealed, began) {
			t.Fatalf("%s is confirmed, and the log is sealed up to %s", confirmed, sealed)
		}
	}
}

// TestEmptyTransaction holds that a transaction without published changes is no proof of the primary's history: a table's rewrite is sent when it is larger
// than the primary's memory for decoding, and left out when it comes again and is not.
func TestEmptyTransaction(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "logical_decoding_work_mem=64kB")
	pg.Exec(t, "postgres", "CREATE TABLE wide (id int PRIMARY KEY, v text); INSERT INTO wide SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g; CREATE TABLE beat (n bigint PRIMARY KEY)")
	dir := t.TempDir()
	a := run(t, pg, dir)
	a.catchUp()
	pg.Exec(t, "postgres", "ALTER TABLE wide ALTER v TYPE text USING v || 'y'")
	end := a.lsn()
	a.progress("the rewrite has passed", func() bool { return a.in.Status().Received >= end })
	a.stop()
	pg.Exec(t, "postgres", "ALTER SYSTEM SET logical_decoding_work_mem = '64MB'")
	if err := pg.Kill(); err != nil { // so that the slot is where it was at the last checkpoint
		t.Fatal(err)
	}
	if err := pg.Server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a = launch(t, pg, dir)
	a.catchUp()
	a.same("wide")
	a.gapless()
}

// TestIdleDatabase holds that a database in which nothing happens holds back no log of a busy one beside it, nor of tables that are not captured.
func TestIdleDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, database, load string }{
		{"another database is busy", "other", "INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 5000)"},
		{"unlogged tables are busy", "postgres", "INSERT INTO fleeting SELECT repeat('x', 1000) FROM generate_series(1, 5000); SELECT pg_switch_wal()"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t, "min_wal_size=32MB")
			pg.CreateDatabase(t, "other")
			pg.Exec(t, "other", "CREATE TABLE busy (a text)")
			pg.Exec(t, "postgres", accSchema+"; CREATE UNLOGGED TABLE fleeting (a text)")
			a := run(t, pg, t.TempDir())
			a.catchUp()
			from := a.lsn()
			for range 20 {
				pg.Exec(t, c.database, c.load)
				pg.Exec(t, "postgres", "CHECKPOINT") // writes which transactions run, as the background writer does every 15 seconds
			}
			written := a.lsn() - from
			until(t, "the log is let go", func() bool {
				pg.Exec(t, "postgres", "CHECKPOINT")
				return slot(t, pg, "pg_current_wal_lsn() - restart_lsn < 2000000 AND pg_current_wal_lsn() - confirmed_flush_lsn < 2000000") == "true"
			})
			t.Logf("%d MB were written; the slot keeps %s bytes", written>>20, slot(t, pg, "pg_current_wal_lsn() - restart_lsn"))
			if written < 20<<20 {
				t.Errorf("only %d bytes of log were written", written)
			}
			until(t, "the agent shows what the primary keeps", func() bool { s := a.in.Status(); return s.Retained > 0 && s.Retained < 4_000_000 && s.Warning == "" })
		})
	}
}

// TestServersOwnLimit holds that the agent warns when max_slot_wal_keep_size is about to take the slot away.
func TestServersOwnLimit(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "max_slot_wal_keep_size=64MB", "min_wal_size=32MB")
	pg.Exec(t, "postgres", accSchema)
	a := run(t, pg, t.TempDir())
	a.catchUp()
	hold(t, pg)
	for range 3 {
		fill(t, pg)
	}
	until(t, "there is a warning", func() bool { return a.in.Status().Warning != "" })
	if w := a.in.Status().Warning; !strings.Contains(w, "max_slot_wal_keep_size") {
		t.Errorf("the warning is %q", w)
	}
}
