package ingest

import (
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// TestChanges walks through everything that can happen to a table while it is followed, comparing with the primary after each step.
func TestChanges(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE docs (id int, part int, body text, n int, PRIMARY KEY (id, part));
		ALTER TABLE docs ALTER body SET STORAGE EXTERNAL;
		CREATE TABLE bare (a int, b text); CREATE TABLE whole (a int, b text, big text); ALTER TABLE whole REPLICA IDENTITY FULL;
		ALTER TABLE whole ALTER big SET STORAGE EXTERNAL;
		CREATE TABLE uniq (k text NOT NULL, v int); CREATE UNIQUE INDEX u ON uniq (k); ALTER TABLE uniq REPLICA IDENTITY USING INDEX u;
		INSERT INTO docs SELECT g, 1, repeat(g::text, 5000), g FROM generate_series(1, 50) g;
		INSERT INTO bare VALUES (1, 'x'), (1, 'x'); INSERT INTO whole SELECT 1, 'same', repeat('b', 9000) FROM generate_series(1, 5);
		INSERT INTO uniq VALUES ('a', 1), ('b', 2)`)
	a := run(t, pg, t.TempDir())
	tables := []string{"docs", "whole", "uniq"}
	check := func() change.LSN {
		t.Helper()
		pos := a.catchUp()
		for _, table := range tables {
			a.same(table)
		}
		return pos
	}
	first := check()
	before := a.primary("docs")
	steps := []string{
		"UPDATE docs SET n = n + 1", // the large body is not sent
		"UPDATE docs SET id = id + 1000 WHERE id % 2 = 0",
		"BEGIN; INSERT INTO docs VALUES (1, 2, repeat('y', 9000), 1); UPDATE docs SET n = 2 WHERE part = 2; UPDATE docs SET part = 3 WHERE part = 2; COMMIT",
		"BEGIN; DELETE FROM docs WHERE id < 5; INSERT INTO docs VALUES (1, 1, 'back', 0); SAVEPOINT s; DELETE FROM docs; ROLLBACK TO s; COMMIT",
		"UPDATE whole SET b = 'other' WHERE ctid IN (SELECT ctid FROM whole LIMIT 2)", "DELETE FROM whole WHERE ctid IN (SELECT ctid FROM whole LIMIT 1)",
		"INSERT INTO whole SELECT * FROM whole", "UPDATE uniq SET k = 'z' WHERE k = 'a'; UPDATE uniq SET v = 3 WHERE k = 'b'",
		"TRUNCATE uniq, whole; INSERT INTO uniq VALUES ('new', NULL)",
		"INSERT INTO bare VALUES (2, 'y'); UPDATE bare SET b = 'changed' WHERE a = 1", // must not fail on the primary
		"ALTER TABLE docs ADD COLUMN note text DEFAULT 'it''s', ADD COLUMN num numeric(6,2) DEFAULT 1.5, ADD COLUMN empty int",
		"UPDATE docs SET note = 'new' WHERE id > 1010", "ALTER TABLE docs RENAME COLUMN n TO amount", "ALTER TABLE docs DROP COLUMN empty",
		"UPDATE docs SET amount = 5 WHERE id < 20", "ALTER TABLE docs ALTER COLUMN amount TYPE text USING 'v' || amount", "UPDATE docs SET num = 2 WHERE id = 7",
		"ALTER TABLE docs ADD COLUMN r uuid DEFAULT gen_random_uuid()", "BEGIN; ALTER TABLE docs ADD COLUMN late int DEFAULT 9; INSERT INTO docs (id, part, late) VALUES (77, 7, 7); COMMIT",
		"ALTER TABLE uniq RENAME TO uniq2; INSERT INTO uniq2 VALUES ('again', 1); ALTER TABLE uniq2 RENAME TO uniq",
	}
	for _, sql := range steps {
		pg.Exec(t, "postgres", sql)
		check()
		if t.Failed() {
			t.Fatalf("after: %s", sql)
		}
	}
	pg.Exec(t, "postgres", "CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late SELECT g, 'x' FROM generate_series(1, 1000) g")
	pg.Exec(t, "postgres", "UPDATE late SET v = 'y' WHERE id % 3 = 0")
	tables = append(tables, "late")
	until(t, "the new table is captured", func() bool { n, err := a.store.RowCount(t.Context(), a.oid("late")); return err == nil && n > 0 })
	check()
	got, err := a.then(a.oid("docs"), first)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(got, before); d != "" {
		t.Errorf("as of the first position: %.2000s", d)
	}
	bare, err := a.shadowed(a.oid("bare"), 0)
	if err != nil || len(bare) != 3 {
		t.Errorf("table without identity: %q %v", bare, err)
	}
	if n, _ := a.store.ChangeCounts(t.Context(), time.Time{}, time.Minute); len(n) == 0 {
		t.Error("no change counts")
	}
	oid := a.oid("late")
	pg.Exec(t, "postgres", "DROP TABLE late")
	until(t, "the dropped table is gone", func() bool {
		_, err := a.store.Source(t.Context(), shadow.Ref{OID: oid})
		return err != nil
	})
}

// TestTimeTravel holds that every earlier position shows exactly what the primary showed then.
func TestTimeTravel(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "CREATE TABLE acc (id int PRIMARY KEY, v int, t text)")
	dir := t.TempDir()
	a := run(t, pg, dir)
	oid := a.oid("acc")
	type moment struct {
		at   change.LSN
		when time.Time
		rows []string
	}
	var past []moment
	for i, sql := range []string{"INSERT INTO acc SELECT g, g, 'a' FROM generate_series(1, 100) g", "UPDATE acc SET v = v * 2 WHERE id % 2 = 0", "DELETE FROM acc WHERE id % 5 = 0",
		"UPDATE acc SET id = id + 1000 WHERE id < 10", "TRUNCATE acc", "INSERT INTO acc VALUES (1, 1, 'z')", "ALTER TABLE acc ADD COLUMN IF NOT EXISTS t2 text; ALTER TABLE acc DROP COLUMN t2; UPDATE acc SET v = 3"} {
		pg.Exec(t, "postgres", sql)
		at := a.catchUp()
		_, when, _ := a.store.Position(t.Context())
		past = append(past, moment{at, when, a.primary("acc")})
		if i == 3 {
			a.stop()
			a = run(t, pg, dir)
		}
	}
	for i, m := range past {
		got, err := a.shadowed(oid, m.at)
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(got, m.rows); d != "" {
			t.Errorf("step %d by position: %s", i, d)
		}
		sql, err := a.store.Source(t.Context(), shadow.Ref{OID: oid, AsOf: shadow.AsOf{Time: m.when}})
		if err != nil || sql == "" {
			t.Errorf("step %d by time: %v", i, err)
		}
	}
}

// TestLostSlot holds that a slot that is gone leads to a new copy with the history kept and the gap recorded.
func TestLostSlot(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "CREATE TABLE acc (id int PRIMARY KEY, v int); INSERT INTO acc SELECT g, g FROM generate_series(1, 10) g")
	dir := t.TempDir()
	a := run(t, pg, dir)
	at := a.catchUp()
	old := a.primary("acc")
	a.stop()
	pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('foreshadow')")
	pg.Exec(t, "postgres", "DELETE FROM acc WHERE id > 3; UPDATE acc SET v = 7")
	a = run(t, pg, dir)
	a.catchUp()
	a.same("acc")
	got, err := a.shadowed(a.oid("acc"), at)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(got, old); d != "" {
		t.Error(d)
	}
	rows, err := a.store.Query(t.Context(), shadow.Query{SQL: "SELECT reason FROM gaps"})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	b, err := rows.Next(t.Context())
	if err != nil || string(b.Columns[0].Bytes[0]) != "the replication slot is gone" {
		t.Error("no gap was recorded", err)
	}
}
