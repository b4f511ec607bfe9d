package ingest

import (
	"os"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

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
	emit := pg.Query(t, "postgres", "SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype")[0][0] // with a fourth argument since 17
	s.do("REVOKE EXECUTE ON FUNCTION " + emit + " FROM PUBLIC; CREATE ROLE plain; GRANT CREATE ON SCHEMA public TO plain; SET ROLE plain; CREATE TABLE public.theirs (id int PRIMARY KEY)")
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
