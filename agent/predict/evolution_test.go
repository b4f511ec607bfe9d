package predict

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/ingest"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/forecast"
	"foreshadow/forecast/hazard"
)

// captured starts capture of a primary into a shadow of its own, until the test's end.
func captured(t *testing.T, pg *pgtest.Server) *shadow.DB {
	t.Helper()
	dir := t.TempDir()
	store, err := shadow.Open(shadow.Options{Dir: dir, MemoryLimit: "512MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.New(capture.Options{DSN: pg.DSN("postgres", "postgres"), Spool: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := ingest.New(ingest.Options{Name: "test", Source: src, Store: store, Watch: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-in.Ready():
	case err := <-done:
		t.Fatal(err)
	case <-time.After(90 * time.Second):
		t.Fatal("the initial copy does not end")
	}
	return store
}

// TestCapturedDDL holds that what happens to the schema of a real primary becomes its tables' history, with the trigger's exact statements and without,
// and that the forecast follows from it.
func TestCapturedDDL(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE busy (id int PRIMARY KEY, a text, b int); CREATE TABLE still (id int PRIMARY KEY); CREATE TABLE gone (id int PRIMARY KEY); CREATE SCHEMA s; CREATE TABLE s.moved (id int PRIMARY KEY)`)
	store := captured(t, pg)
	r, err := New(Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	history := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		var got []string
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
			events, from, err := r.schemaEvents(t.Context())
			if err != nil || from.IsZero() {
				t.Fatal(from, err)
			}
			got = nil
			for _, e := range events {
				got = append(got, strings.TrimSpace(e.Relation+" "+e.Kind+" "+e.Object))
			}
			slices.Sort(got)
			if slices.Equal(got, want) {
				return
			}
		}
		t.Fatalf("the history is\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	pg.Exec(t, "postgres", `ALTER TABLE busy ADD c int, DROP COLUMN a; INSERT INTO busy VALUES (1, 2, 3)`)
	seen := []string{"public.busy add_column c", "public.busy drop_column a"}
	history(seen...)
	pg.Exec(t, "postgres", `ALTER TABLE busy RENAME b TO d; ALTER TABLE busy ALTER c TYPE bigint; INSERT INTO busy VALUES (2, 2, 3)`)
	seen = append(seen, "public.busy rename_column d", "public.busy alter_type c")
	history(seen...)
	pg.Exec(t, "postgres", `CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)`)
	pg.Exec(t, "postgres", `DROP TABLE gone`)
	seen = append(seen, "public.fresh create_table", "public.gone drop_table")
	history(seen...)
	trigger, err := os.ReadFile("../../deploy/sql/event_trigger.sql")
	if err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, "postgres", string(trigger))
	pg.Exec(t, "postgres", `CREATE INDEX busy_d ON busy (d); ALTER TABLE busy ALTER d SET NOT NULL, ADD e int, ADD CONSTRAINT e_small CHECK (e < 10); INSERT INTO busy VALUES (3, 3, 3)`)
	seen = append(seen, "public.busy add_index busy_d", "public.busy alter_null d", "public.busy add_column e", "public.busy add_constraint e_small")
	history(seen...)
	pg.Exec(t, "postgres", `SET search_path = s; ALTER TABLE moved ADD v int; ALTER TABLE moved RENAME TO renamed; INSERT INTO renamed VALUES (1, 1)`)
	seen = append(seen, "s.renamed add_column v", "s.renamed rename_table s.moved")
	history(seen...)

	var run *forecast.Run
	chance := map[string]float64{}
	for deadline := time.Now().Add(60 * time.Second); len(chance) < 4 && time.Now().Before(deadline); { // the renamed table comes under its new name a moment later
		clear(chance)
		if run, err = r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range run.Schema {
			if c.What == hazard.AnyChange {
				chance[c.Relation] = c.Probability
			}
		}
	}
	if len(chance) != 4 || !(chance["public.busy"] > 1.2*chance["public.still"]) || !(chance["public.fresh"] > chance["public.still"]) {
		t.Errorf("chances are %v", chance)
	}
	kept, err := store.LatestRun(t.Context())
	if err != nil || len(kept.Schema) != len(run.Schema) || kept.Schema[0].Because != run.Schema[0].Because {
		t.Errorf("%v: kept %+v of %+v", err, kept.Schema, run.Schema)
	}
}

func TestToldEvents(t *testing.T) {
	t.Parallel()
	at := noon.Add(-30 * day)
	text := `ALTER TABLE orders ADD a int; ALTER TABLE "S".items RENAME TO lines`
	got := toldEvents([]change.Statement{
		{At: at, XID: 7, Tag: "ALTER TABLE", Text: text, Objects: []string{"shop.orders"}, Path: `"$user", public`},
		{At: at, XID: 7, Tag: "ALTER TABLE", Text: text, Objects: []string{`"S".lines`}, Path: `"$user", public`},
		{At: at, XID: 8, Tag: "DROP TABLE", Text: "DROP TABLE old", Path: `"$user", billing, public`},
		{At: at, XID: 9, Tag: "ALTER TABLE", Text: "ALTER TABLE later SYNTAX"},
	})
	want := "shop.orders add_column a, S.lines rename_table S.items, billing.old drop_table "
	var told []string
	for _, e := range got {
		told = append(told, e.Relation+" "+e.Kind+" "+e.Object)
	}
	if s := strings.Join(told, ", "); s != want {
		t.Errorf("told %s, want %s", s, want)
	}
}

// A table's past goes with it when it is renamed, and what two told counts once.
func TestLineage(t *testing.T) {
	t.Parallel()
	e := func(days int, relation, kind, object string) forecast.SchemaEvent {
		return forecast.SchemaEvent{At: noon.Add(time.Duration(days) * day), Relation: relation, Kind: kind, Object: object, Source: "captured"}
	}
	imported := e(-20, "p.a", "add_column", "x")
	imported.Source = "imported"
	got := lineage([]forecast.SchemaEvent{imported, e(0, "p.a", "add_column", "x")})
	if len(got) != 1 || got[0].Source != "captured" {
		t.Errorf("what was imported and captured: %+v", got)
	}
	got = lineage([]forecast.SchemaEvent{e(0, "p.a", "create_table", ""), e(1, "p.a", "add_column", "x"), e(1, "p.a", "add_column", "x"), e(2, "p.b", "rename_table", "p.a"),
		e(3, "p.a", "create_table", ""), e(4, "p.b", "drop_column", "x"), e(9, "p.b", "add_column", "x")})
	var told []string
	for _, g := range got {
		told = append(told, g.Relation+" "+g.Kind)
	}
	if s := strings.Join(told, ", "); s != "p.b create_table, p.b add_column, p.b rename_table, p.a create_table, p.b drop_column, p.b add_column" {
		t.Error(s)
	}
}

// A key that runs out is a change of its column's type to come, and the predicted state says both.
func TestLimitForcesAChange(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon, watched: noon.Add(-300 * day)}
	f.table("orders", 0, days(200, func(int) float64 { return 100 })...)
	f.table("calm", 0, days(200, func(int) float64 { return 1 })...)
	f.sample("key.last:public.orders.id", 0, 30_000)
	f.sample("key.max:public.orders.id", 0, 32_767) // in 28 days
	s := state(t, newRunner(t, f), 90*day)
	find := func(relation, what string) forecast.SchemaChange {
		for _, c := range s.SchemaChanges {
			if c.Relation == relation && c.What == what {
				return c
			}
		}
		t.Fatalf("%s of %s is not in %+v", what, relation, s.SchemaChanges)
		return forecast.SchemaChange{}
	}
	forced, any, calm := find("public.orders", "alter_type"), find("public.orders", hazard.AnyChange), find("public.calm", hazard.AnyChange)
	if left := forced.P50.Sub(noon).Hours() / 24; math.Abs(left-28) > 3 || forced.Probability < 0.9 || forced.Within != 90*day || !strings.Contains(forced.Because, "integer_key of public.orders.id") {
		t.Errorf("forced in %v days: %+v", left, forced)
	}
	if any.Probability < forced.Probability || any.P50.After(forced.P50) || calm.Probability > 0.2 {
		t.Errorf("any change %+v, of the calm table %+v", any, calm)
	}
}

func TestChanceBy(t *testing.T) {
	t.Parallel()
	at := func(d float64) time.Time { return noon.Add(time.Duration(d * float64(day))) }
	l := forecast.Limit{P10: at(10), P50: at(20), P90: at(30)}
	open := forecast.Limit{P10: at(10), P50: at(20)}
	reached := forecast.Limit{P10: noon, P50: noon, P90: noon}
	for _, c := range []struct {
		l       forecast.Limit
		by, out float64
	}{{l, 0, 0}, {l, 5, 0.05}, {l, 10, 0.1}, {l, 15, 0.3}, {l, 30, 0.9}, {l, 40, 0.95}, {open, 40, 0.5}, {forecast.Limit{}, 40, 0}, {reached, 1, 1}} {
		if got := chanceBy(c.l, noon, at(c.by)); math.Abs(got-c.out) > 1e-9 {
			t.Error(fmt.Sprint(c.by, " days: ", got, ", want ", c.out))
		}
	}
}
