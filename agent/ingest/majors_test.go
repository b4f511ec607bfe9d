package ingest

import (
	"slices"
	"testing"

	"foreshadow/agent/pgtest"
)

// TestInfiniteIntervals holds that intervals without end, which PostgreSQL 17 brought, are held as it holds them, in three extreme parts.
func TestInfiniteIntervals(t *testing.T) {
	if pgtest.Major(t) < 17 {
		return // there are none
	}
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "CREATE TABLE t (id int PRIMARY KEY, iv interval); INSERT INTO t VALUES (1, 'infinity'), (2, '-infinity'), (3, '1 day')")
	a := run(t, pg, t.TempDir())
	pg.Exec(t, "postgres", "INSERT INTO t VALUES (4, 'infinity'); UPDATE t SET iv = '-infinity' WHERE id = 3")
	a.catchUp()
	got, err := a.shadowed(a.oid("t"), 0)
	if err != nil {
		t.Fatal(err)
	}
	const forever, never = "2147483647 2147483647 9223372036854775807", "-2147483648 -2147483648 -9223372036854775808"
	if want := []string{"1|" + forever, "2|" + never, "3|" + never, "4|" + forever}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNewerMajors holds that what PostgreSQL 18 added is captured whole: virtual generated columns, keys without overlaps and late NOT NULL.
func TestNewerMajors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                string
		since               int // major version
		create, copied, now string
	}{
		{"virtual and stored generated columns", 18, "CREATE TABLE t (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, thrice int GENERATED ALWAYS AS (a * 3) STORED, b text)",
			"INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'y')", "INSERT INTO t (id, a, b) VALUES (3, 3, 'z'); UPDATE t SET a = 7 WHERE id = 1; ALTER TABLE t ADD v int GENERATED ALWAYS AS (a + 1); DELETE FROM t WHERE id = 2"},
		{"key without overlaps", 18, "CREATE EXTENSION btree_gist; CREATE TABLE t (id int, during tsrange, v text, PRIMARY KEY (id, during WITHOUT OVERLAPS))",
			"INSERT INTO t VALUES (1, '[2024-01-01,2024-02-01)', 'a'), (1, '[2024-02-01,2024-03-01)', 'b')",
			"UPDATE t SET v = 'c' WHERE during @> '2024-01-15'::timestamp; UPDATE t SET during = '[2024-02-01,2024-04-01)' WHERE during @> '2024-02-15'::timestamp; INSERT INTO t VALUES (2, '[2024-01-01,infinity)', 'd'); DELETE FROM t WHERE v = 'c'"},
		{"not null not valid", 18, "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL); ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID",
			"INSERT INTO t VALUES (2, 2)", "INSERT INTO t VALUES (3, 3); UPDATE t SET a = 5 WHERE id = 2"},
	} {
		if pgtest.Major(t) < c.since {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t)
			pg.Exec(t, "postgres", c.create)
			pg.Exec(t, "postgres", c.copied)
			a := run(t, pg, t.TempDir())
			a.same("t")
			pg.Exec(t, "postgres", c.now)
			a.catchUp()
			a.same("t")
		})
	}
}
