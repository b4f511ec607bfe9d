package mirror_test

import (
	"fmt"
	"testing"
)

// TestSizes holds that pg_class and the functions of sizes tell what the primary's VACUUM and ANALYZE have noted, also by a view and after a refresh, and that they
// follow it.
func TestSizes(t *testing.T) {
	t.Parallel()
	f := start(t, shop+`
CREATE TABLE big_one (id int PRIMARY KEY, doc text); ALTER TABLE big_one ALTER doc SET STORAGE EXTERNAL;
INSERT INTO big_one SELECT g, repeat('x', CASE WHEN g % 10 = 0 THEN 5000 ELSE 10 END) FROM generate_series(1, 5000) g;
CREATE VIEW sizes AS SELECT relname, pg_total_relation_size(oid) AS bytes, pg_size_pretty(pg_relation_size(oid)) AS main FROM pg_class WHERE relname = 'big_one';
CREATE TABLE pieces (k int) PARTITION BY LIST (k); CREATE TABLE piece PARTITION OF pieces FOR VALUES IN (1); INSERT INTO pieces SELECT 1 FROM generate_series(1, 100);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`)
	const asked = `SELECT c.relname, c.relpages, c.reltuples, c.relallvisible, pg_relation_size(c.oid), pg_relation_size(c.oid::regclass, 'main') FROM pg_class c
 WHERE c.relname ~ '^(big_one|piece)' ORDER BY 1`
	// The index of a TOAST table is counted by VACUUM only when it cleans it, and what the other forks have nowhere.
	const parts = `SELECT sum(relpages) * 8192 FROM pg_class, (SELECT reltoastrelid AS toast FROM pg_class WHERE oid = 'big_one'::regclass) t
 WHERE oid IN ('big_one'::regclass, toast) OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = toast)`
	var want, got [][]string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the mirror has %q\nthe primary has %q", got, want)
		}
	})
	same := func() {
		t.Helper()
		f.primary.Exec(t, "shop", "VACUUM (ANALYZE) big_one, pieces")
		want = append(f.primary.Query(t, "shop", asked), f.primary.Query(t, "shop", parts)[0], []string{"true"})
		s := f.session(t, "clerk")
		eventually(t, func() bool {
			got = append(must(t, s, asked), must(t, s, "SELECT pg_table_size('big_one')")[0], must(t, s, "SELECT (bytes = pg_table_size('big_one') + pg_indexes_size('big_one'))::text FROM sizes")[0])
			return fmt.Sprint(got) == fmt.Sprint(want)
		})
	}
	same()
	f.primary.Exec(t, "shop", "INSERT INTO big_one SELECT g, repeat('y', 3000) FROM generate_series(10001, 12000) g; TRUNCATE pieces")
	same()
	f.primary.Exec(t, "shop", "ALTER TABLE big_one ADD more int")
	same()
}
