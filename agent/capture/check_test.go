package capture

import (
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
)

// finding holds that there is one which says what, with a remedy.
func finding(t *testing.T, found []Finding, what, remedy string) {
	t.Helper()
	for _, f := range found {
		if strings.Contains(f.What, what) && strings.Contains(f.Remedy, remedy) {
			t.Logf("%s: %s: %s", f.Level, f.What, f.Remedy)
			return
		}
	}
	t.Errorf("no finding says %q with the remedy %q: %q", what, remedy, found)
}

func source(t *testing.T, dsn string) *Source {
	t.Helper()
	s, err := New(Options{DSN: dsn, Failover: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, dsn string) []Finding {
	t.Helper()
	found, err := source(t, dsn).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// level is that of the finding which says what; empty when there is none.
func level(found []Finding, what string) Level {
	for _, f := range found {
		if strings.Contains(f.What, what) {
			return f.Level
		}
	}
	return ""
}

// TestCheckServer holds that settings without which no slot can be made are errors, with the command that mends them.
func TestCheckServer(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "wal_level=replica", "max_replication_slots=0", "max_wal_senders=0")
	found := check(t, pg.DSN("postgres", "postgres"))
	if !Blocking(found) {
		t.Error("capture could begin")
	}
	for what, remedy := range map[string]string{
		"wal_level is replica": "ALTER SYSTEM SET wal_level = 'logical'", "all 0 replication slots are in use": "ALTER SYSTEM SET max_replication_slots = 4",
		"all 0 WAL senders are in use": "ALTER SYSTEM SET max_wal_senders = 4",
	} {
		finding(t, found, what, remedy)
		if level(found, what) != Error {
			t.Errorf("%q is no error", what)
		}
	}
	finding(t, found, "max_slot_wal_keep_size", "ALTER SYSTEM SET max_slot_wal_keep_size")
	finding(t, found, "pg_stat_statements", "CREATE EXTENSION pg_stat_statements")
}

// TestCheckSlots holds that a server whose slots are all taken is refused, unless one of them is ours.
func TestCheckSlots(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "max_replication_slots=1", "max_slot_wal_keep_size=1GB")
	pg.Exec(t, "postgres", "CREATE EXTENSION pg_stat_statements")
	dsn := pg.DSN("postgres", "postgres")
	if found := check(t, dsn); len(found) > 0 {
		t.Errorf("a server that lacks nothing: %q", found)
	}
	pg.Exec(t, "postgres", "SELECT pg_create_physical_replication_slot('other')")
	found := check(t, dsn)
	finding(t, found, "all 1 replication slots are in use", "ALTER SYSTEM SET max_replication_slots = 5")
	if !Blocking(found) {
		t.Error("capture could begin")
	}
	pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('other'); SELECT pg_create_logical_replication_slot('foreshadow', 'pgoutput')")
	if found := check(t, dsn); len(found) > 0 {
		t.Errorf("with our own slot: %q", found)
	}
}

// TestCheckRole holds what is said of a role that may not replicate, does not own its tables or may not read them.
func TestCheckRole(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE ROLE plain LOGIN; CREATE TABLE hidden (id int PRIMARY KEY); CREATE TABLE "Shown" (id int PRIMARY KEY); GRANT SELECT ON "Shown" TO plain;
		CREATE TABLE guarded (id int PRIMARY KEY); GRANT SELECT ON guarded TO plain; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY`)
	found := check(t, pg.DSN("plain", "postgres"))
	finding(t, found, `role "plain" may not replicate`, `ALTER ROLE "plain" REPLICATION`)
	finding(t, found, `the rows of "public"."hidden" may not be read`, `GRANT SELECT ON "public"."hidden"`)
	finding(t, found, `"public"."Shown" belongs to another role`, `ALTER PUBLICATION foreshadow ADD TABLE "public"."Shown"`)
	finding(t, found, `"public"."guarded" has row-level security`, "BYPASSRLS")
	finding(t, found, "may not create the publications", `GRANT CREATE ON DATABASE "postgres" TO "plain"`)
	for what, want := range map[string]Level{"may not replicate": Error, "may not be read": Error, "row-level security": Error, "belongs to another role": Warning, "may not create": Warning} {
		if got := level(found, what); got != want {
			t.Errorf("%q is %q, want %q", what, got, want)
		}
	}
	if level(found, `the rows of "public"."Shown"`) != "" {
		t.Error("a readable table counts as unreadable")
	}
	pg.Exec(t, "postgres", "ALTER ROLE plain REPLICATION")
	if level(check(t, pg.DSN("plain", "postgres")), "may not replicate") != "" {
		t.Error("the remedy did not help")
	}
}

// TestCheckTables holds what is said of tables that cannot be followed, wholly or in part, and of a publication that would harm them.
func TestCheckTables(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE bare (a int); CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE whole (a int); ALTER TABLE whole REPLICA IDENTITY FULL;
		CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY); CREATE MATERIALIZED VIEW kept AS SELECT 1 AS a; CREATE PUBLICATION foreshadow FOR ALL TABLES`)
	found := check(t, pg.DSN("postgres", "postgres"))
	finding(t, found, `"public"."bare" has no replica identity`, `ALTER TABLE "public"."bare" REPLICA IDENTITY FULL`)
	finding(t, found, `"public"."fleeting" is unlogged`, "SET LOGGED")
	finding(t, found, `"public"."kept" is a foreign table or a materialized view`, "left out")
	finding(t, found, `publication "foreshadow" is FOR ALL TABLES`, `DROP PUBLICATION "foreshadow"`)
	for what, want := range map[string]Level{"bare": Warning, "fleeting": Warning, "kept": Warning, "FOR ALL TABLES": Error, "keyed": "", "whole": ""} {
		if got := level(found, what); got != want {
			t.Errorf("%q is %q, want %q", what, got, want)
		}
	}
	if _, err := source(t, "host=/nonexistent user=nobody password=secret").Check(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an unreachable server: %v", err)
	}
}

// TestCheckSlot holds what is said of a slot and a publication of our names that are there already, and of what could end the slot.
func TestCheckSlot(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "wal_sender_timeout=2s", "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB")
	pg.CreateDatabase(t, "other")
	pg.Exec(t, "postgres", "CREATE ROLE plain LOGIN REPLICATION; CREATE PUBLICATION foreshadow; SELECT pg_create_physical_replication_slot('standby')")
	pg.Exec(t, "other", "SELECT pg_create_logical_replication_slot('foreshadow', 'pgoutput')")
	found := check(t, pg.DSN("plain", "postgres"))
	finding(t, found, `slot "foreshadow" belongs to somebody else (plugin "pgoutput", database "other")`, "SELECT pg_drop_replication_slot('foreshadow')")
	finding(t, found, `publication "foreshadow" belongs to another role`, `ALTER PUBLICATION "foreshadow" OWNER TO "plain"`)
	finding(t, found, "wal_sender_timeout is 2000 ms", "ALTER SYSTEM SET wal_sender_timeout")
	remedy := "upgrade the servers to 17"
	if pg.Version() >= 17 {
		remedy = "ALTER SYSTEM SET sync_replication_slots = on"
	}
	finding(t, found, "a standby follows this primary", remedy)
	if pg.Version() >= 18 {
		pg.Exec(t, "postgres", "ALTER SYSTEM SET idle_replication_slot_timeout = '1d'")
		pg.Exec(t, "postgres", "SELECT pg_reload_conf()")
		finding(t, check(t, pg.DSN("postgres", "postgres")), "idle_replication_slot_timeout is set", "ALTER SYSTEM SET idle_replication_slot_timeout = 0")
	}
	pg.Exec(t, "other", "SELECT pg_drop_replication_slot('foreshadow')")
	pg.Exec(t, "postgres", "SELECT pg_create_logical_replication_slot('foreshadow', 'pgoutput')")
	for level(check(t, pg.DSN("postgres", "postgres")), "the log of slot") == "" {
		pg.Exec(t, "postgres", "SELECT pg_logical_emit_message(false, 'test', repeat('x', 4000000)); SELECT pg_switch_wal()")
		pg.Exec(t, "postgres", "CHECKPOINT")
	}
}
