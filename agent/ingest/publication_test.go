package ingest

import (
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
)

// lapses lists the tables with a stretch in which their rows are not known.
func (a *agent) lapses() string {
	a.t.Helper()
	return a.text("SELECT coalesce(string_agg(DISTINCT relation, ' ' ORDER BY relation), '') FROM gaps WHERE relation IS NOT NULL")
}

// TestPublicationChanged holds that changes which passed the stream by, because somebody changed our publications, are noticed: what was missed is
// recorded, copied again, and the publications are set right. Whether the agent runs meanwhile makes no difference.
func TestPublicationChanged(t *testing.T) {
	t.Parallel()
	const update = "UPDATE acc SET v = v + 1 WHERE id < 50"
	for _, c := range []struct {
		name  string
		since int // major version
		steps []string
		all   bool // the gap is of every table
	}{
		{"table taken out", 14, []string{"ALTER PUBLICATION foreshadow DROP TABLE acc", update}, false},
		{"table out and in again", 14, []string{"ALTER PUBLICATION foreshadow DROP TABLE acc", update,
			"DO $$ BEGIN ALTER PUBLICATION foreshadow ADD TABLE acc; EXCEPTION WHEN duplicate_object THEN NULL; END $$"}, false}, // the agent may have been faster
		{"updates left out", 14, []string{"ALTER PUBLICATION foreshadow SET (publish = 'insert')", update}, false},
		{"rows filtered", 15, []string{"ALTER PUBLICATION foreshadow SET TABLE acc WHERE (id > 60)", update}, false},
		{"columns left out", 15, []string{"ALTER PUBLICATION foreshadow SET TABLE acc (id)", update}, false},
		{"a schema in the place of the tables", 15, []string{"ALTER PUBLICATION foreshadow SET TABLES IN SCHEMA public", update}, false},
		{"dropped", 14, []string{"DROP PUBLICATION foreshadow", update}, true},
	} {
		if pgtest.Major(t) < c.since {
			continue
		}
		for _, stopped := range []bool{false, true} {
			name := c.name + map[bool]string{true: ", agent stopped", false: ", agent running"}[stopped]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				pg := pgtest.Start(t)
				pg.Exec(t, "postgres", accSchema+"; CREATE TABLE other (id int PRIMARY KEY)")
				dir := t.TempDir()
				a := run(t, pg, dir)
				at, _, err := a.store.Position(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				before := known{at, a.primary("acc")}
				a.catchUp()
				if stopped {
					a.stop()
				}
				for _, sql := range c.steps {
					a.query(sql)
				}
				if stopped {
					a = run(t, pg, dir)
				}
				until(t, "the gap is recorded", func() bool { return len(a.gaps()) > 0 || strings.Contains(a.lapses(), "public.acc") })
				a.query("UPDATE acc SET v = v + 1")
				a.catchUp()
				a.same("acc")
				a.still(before)
				if whole := strings.Contains(strings.Join(a.gaps(), " "), "the publication did not exist"); whole != c.all {
					t.Errorf("gaps: %q, of tables: %q", a.gaps(), a.lapses())
				}
				want := [][]string{{"true", "true", "true"}}
				if got := pg.Query(t, "postgres", "SELECT pubupdate::text, pubdelete::text, (SELECT count(*) = 3 FROM pg_publication_tables WHERE pubname = 'foreshadow')::text FROM pg_publication WHERE pubname = 'foreshadow'"); strings.Join(got[0], " ") != strings.Join(want[0], " ") {
					t.Errorf("the publication is %q", got)
				}
			})
		}
	}
}

// TestSchemaPublished holds that schemas which somebody added to our publications are taken out again, because UPDATE and DELETE fail on their tables without a
// replica identity, and that nothing is copied for it.
func TestSchemaPublished(t *testing.T) {
	t.Parallel()
	if pgtest.Major(t) < 15 {
		t.Skip("SKIPPED: whole schemas are published since PostgreSQL 15")
	}
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema+`; CREATE SCHEMA "Other one"; CREATE TABLE bare (v int); CREATE TABLE "Other one".bare (v int); INSERT INTO bare VALUES (1)`)
	a := run(t, pg, t.TempDir())
	for _, name := range []string{"foreshadow", "foreshadow_inserts"} {
		pg.Exec(t, "postgres", "ALTER PUBLICATION "+name+` ADD TABLES IN SCHEMA public, "Other one"`)
		until(t, "the schemas are taken out", func() bool {
			return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_publication_namespace")[0][0] == "0"
		})
		pg.Exec(t, "postgres", "UPDATE bare SET v = v; UPDATE acc SET v = v + 1; DELETE FROM acc WHERE id = (SELECT min(id) FROM acc)")
		a.catchUp()
		a.same("acc")
	}
	if l := a.lapses(); l != "" {
		t.Errorf("rows are not known: %q", l)
	}
}

// TestIdentityMoves holds that a table which loses its replica identity, or gets one, changes publications without missing an insert.
func TestIdentityMoves(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", accSchema)
	a := run(t, pg, t.TempDir())
	a.remember()
	a.query("ALTER TABLE acc DROP CONSTRAINT acc_pkey")
	published := func() string {
		return strings.Join(a.query("SELECT coalesce(string_agg(pubname, ' '), '') FROM pg_publication_tables WHERE tablename = 'acc'")[0], "")
	}
	for i := 1000; published() != "foreshadow_inserts"; i++ { // inserts never stop while the table moves
		a.query("INSERT INTO acc SELECT $1::int, 0", i)
	}
	a.query("INSERT INTO acc VALUES (-1, 0)")
	a.catchUp()
	a.same("acc")
	if l := a.lapses(); strings.Contains(l, "acc") {
		t.Errorf("rows are not known: %q", l)
	}
}

// TestForeignPublication holds that a publication of our name which somebody made beforehand, and which leaves changes out (partitions by their root, a column
// list, a row filter), is set right before anything is copied.
func TestForeignPublication(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	if pgtest.Major(t) < 15 {
		t.Skip("SKIPPED: column lists and row filters exist since PostgreSQL 15")
	}
	pg.Exec(t, "postgres", `CREATE TABLE par (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE par1 PARTITION OF par FOR VALUES IN (1);
		CREATE TABLE listed (id int PRIMARY KEY, v text, secret text); CREATE TABLE filtered (id int PRIMARY KEY, v text);
		INSERT INTO par VALUES (1, 1); INSERT INTO listed VALUES (1, 'a', 's'); INSERT INTO filtered VALUES (1, 'a'), (20, 'b');
		CREATE PUBLICATION foreshadow FOR TABLE par, listed (id, v), filtered WHERE (id > 10) WITH (publish_via_partition_root = true)`)
	a := run(t, pg, t.TempDir())
	a.catchUp()
	pg.Exec(t, "postgres", "INSERT INTO par VALUES (2, 1); UPDATE listed SET secret = 'new'; UPDATE filtered SET v = 'x'; DELETE FROM filtered WHERE id = 1")
	a.catchUp()
	for _, table := range []string{"par1", "listed", "filtered"} {
		a.same(table)
	}
}
