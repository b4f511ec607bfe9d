package ingest

import (
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
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
