package ingest

import (
	"os"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// TestForeignPublications holds that publications which somebody else made, and which leave changes out, are refused until they are mended, and that
// nothing is shown then that was missed meanwhile: one by the root of partitions, one of some operations, a column list and a row filter.
func TestForeignPublications(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE par (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE par1 PARTITION OF par FOR VALUES IN (1); CREATE TABLE plain (id int PRIMARY KEY, v text);
		CREATE TABLE listed (id int PRIMARY KEY, v text, secret text); CREATE TABLE filtered (id int PRIMARY KEY, v text);
		INSERT INTO par VALUES (1, 1); INSERT INTO listed VALUES (1, 'a', 's'); INSERT INTO filtered VALUES (1, 'a'), (20, 'b'); INSERT INTO plain VALUES (1, 'a');
		CREATE PUBLICATION foreshadow FOR TABLE par, listed (id, v), filtered WHERE (id > 10) WITH (publish_via_partition_root = true)`)
	a := launch(t, pg, t.TempDir())
	refused := func() {
		t.Helper()
		until(t, "the publication is refused", func() bool { return strings.Contains(a.in.Status().Message, "ALTER PUBLICATION") })
	}
	refused()
	pg.Exec(t, "postgres", "ALTER PUBLICATION foreshadow SET (publish_via_partition_root = false)")
	a.catchUp()
	pg.Exec(t, "postgres", "INSERT INTO par VALUES (2, 1); UPDATE listed SET secret = 'new'; UPDATE filtered SET v = 'x'; UPDATE plain SET v = 'b'")
	a.catchUp()
	a.same("par1")
	a.same("plain")
	for _, table := range []string{"listed", "filtered"} {
		if got, err := a.shadowed(a.oid(table), 0); err == nil {
			t.Errorf("%s, of which a part is published, shows %q", table, got)
		}
	}
	pg.Exec(t, "postgres", "ALTER PUBLICATION foreshadow SET TABLE par1, plain, beat, listed, filtered; UPDATE listed SET v = 'now'; DELETE FROM filtered WHERE id = 1")
	a.catchUp()
	a.same("listed")
	a.same("filtered")
	pg.Exec(t, "postgres", "ALTER PUBLICATION foreshadow SET (publish = 'insert, truncate')")
	pg.Exec(t, "postgres", "UPDATE plain SET v = 'missed'")
	refused()
	until(t, "the rows count as unknown", func() bool { _, err := a.shadowed(a.oid("plain"), 0); return err != nil })
	pg.Exec(t, "postgres", "ALTER PUBLICATION foreshadow SET (publish = 'insert, update, delete, truncate')")
	a.same("plain")
	pg.Exec(t, "postgres", "ALTER PUBLICATION foreshadow DROP TABLE plain")
	pg.Exec(t, "postgres", "UPDATE plain SET v = 'out of it'")
	a.same("plain")
	pg.Exec(t, "postgres", "UPDATE plain SET v = 'in it'")
	a.same("plain")
}

// TestEventTrigger holds that the exact text of schema changes stands in the log, in its transaction, with the optional event trigger, and that the trigger
// makes no change of the schema fail.
func TestEventTrigger(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	trigger, err := os.ReadFile("../../deploy/sql/event_trigger.sql")
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, "postgres", "CREATE TABLE evt (id int PRIMARY KEY)")
	pg.Exec(t, "postgres", string(trigger))
	a := run(t, pg, t.TempDir())
	s := &stage{agent: a, tables: []string{"evt"}}
	s.do("ALTER TABLE evt  ADD v text DEFAULT 'é \"q\"'; INSERT INTO evt VALUES (1)", "CREATE TEMP TABLE mine (a int)", "BEGIN; ALTER TABLE evt ADD lost int; ROLLBACK")
	s.do("REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC; CREATE ROLE plain; GRANT CREATE ON SCHEMA public TO plain; SET ROLE plain; CREATE TABLE public.theirs (id int PRIMARY KEY)")
	s.do("DROP TABLE theirs")
	got := s.log("transaction_type, (after->>'$.tag'), (after->>'$.objects[0]'), relation IS NULL", "transaction_type = 'ddl' AND (after->>'$.tag') IN ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE') AND NOT contains(after, 'beat')")
	if want := "ddl|ALTER TABLE|public.evt|true, ddl|DROP TABLE|true"; strings.Join(got, ", ") != want {
		t.Errorf("the log has %q, want %q", got, want)
	}
	if got := s.log("after->>'statement'", "transaction_type = 'ddl' AND (after->>'$.objects[0]') = 'public.evt'"); len(got) != 1 || got[0] != "ALTER TABLE evt  ADD v text DEFAULT 'é \"q\"'; INSERT INTO evt VALUES (1)" {
		t.Errorf("the statement: %q", got)
	}
	if got := s.log("transaction_type", "xid = (SELECT min(xid) FROM ("+s.source("change_log")+") WHERE relation = 'public.evt')"); strings.Join(got, " ") != "ddl insert" {
		t.Errorf("the transaction: %q", got)
	}
	some, err := a.store.Source(t.Context(), shadow.Ref{Name: "change_log", Readable: []uint32{a.oid("evt")}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := a.store.Query(t.Context(), shadow.Query{SQL: "SELECT count(*) FILTER (relation IS NULL), count(*) FROM (" + some + ")"})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if b, err := rows.Next(t.Context()); err != nil || b.Columns[0].Ints[0] != 0 || b.Columns[1].Ints[0] == 0 {
		t.Errorf("whoever may not read every table sees messages: %v", err)
	}
}
