package sampler

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
)

// TestBloatOnRealServer compares estimates with what a table of the same rows, written anew, takes.
func TestBloatOnRealServer(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "autovacuum=off")
	pg.Exec(t, "postgres", `CREATE ROLE watcher LOGIN; GRANT pg_monitor, pg_read_all_data TO watcher`)
	rows := func(table string) string {
		return `INSERT INTO ` + table + ` SELECT g, g % 7 = 0, CASE WHEN g % 3 = 0 THEN g END, repeat('x', g % 120), now(), g % 5, CASE WHEN g % 2 = 0 THEN repeat(md5(g::text), 6) END FROM generate_series(1, 120000) g; `
	}
	columns := ` (id int PRIMARY KEY, flag bool, ref bigint, name text, at timestamptz, small smallint, note text)`
	pg.Exec(t, "postgres", `CREATE TABLE fresh`+columns+`; `+rows("fresh")+
		`CREATE TABLE halved`+columns+`; `+rows("halved")+`DELETE FROM halved WHERE id % 22 < 11;
		CREATE TABLE thinned`+columns+`; `+rows("thinned")+`DELETE FROM thinned WHERE id % 2 = 0;
		CREATE TABLE roomy`+columns+` WITH (fillfactor = 60); `+rows("roomy")+
		`CREATE TABLE dropped (id bigint, gone text, kept numeric); INSERT INTO dropped SELECT g, repeat('x', 100), g FROM generate_series(1, 150000) g; ALTER TABLE dropped DROP COLUMN gone;
		CREATE TABLE wide (id bigint, doc text); ALTER TABLE wide ALTER doc SET STORAGE PLAIN; INSERT INTO wide SELECT g, repeat('x', 2400) FROM generate_series(1, 6000) g;
		CREATE TABLE emptied (id bigint); INSERT INTO emptied SELECT generate_series(1, 400000); DELETE FROM emptied WHERE id < 400000;
		CREATE TABLE tiny (id int); INSERT INTO tiny SELECT generate_series(1, 1000); DELETE FROM tiny WHERE id < 999;
		CREATE TABLE untold (id int); INSERT INTO untold SELECT generate_series(1, 400000)`)
	pg.Exec(t, "postgres", `VACUUM ANALYZE fresh, halved, thinned, roomy, dropped, wide, emptied, tiny`)
	pg.Exec(t, "postgres", `VACUUM untold`)
	s, store, clock, log := start(t, pg.DSN("watcher", "postgres"))
	round(t, s, clock, 0)
	for table, about := range map[string]float64{"fresh": 0, "halved": 0.5, "thinned": 0.7, "roomy": 0, "dropped": 0.7, "wide": 0, "emptied": 1} {
		bloat, size := store.find("volume.bloat_bytes:public."+table, ""), store.find("volume.heap_bytes:public."+table, "")
		if bloat == nil || size == nil {
			t.Errorf("%s: no estimate: %s", table, log)
			continue
		}
		pg.Exec(t, "postgres", `VACUUM FULL `+table)
		anew, err := strconv.ParseFloat(pg.Query(t, "postgres", `SELECT pg_table_size('`+table+`')`)[0][0], 64)
		if err != nil {
			t.Fatal(err)
		}
		got, want := bloat.Value/size.Value, 1-anew/size.Value
		t.Logf("%-8s %9.0f bytes, %.3f of them bloat; written anew %9.0f, %.3f", table, size.Value, got, anew, want)
		if math.Abs(got-want) > 0.03 || math.Abs(got-about) > 0.05 {
			t.Errorf("%s: %.3f of the file is bloat, want %.3f, about %v", table, got, want, about)
		}
	}
	for _, table := range []string{"tiny", "untold"} {
		if got := store.find("volume.bloat_bytes:public."+table, ""); got != nil {
			t.Errorf("%s: %+v", table, got)
		}
	}
	if strings.Contains(log.String(), "reading=bloat") {
		t.Errorf("log: %s", log)
	}
}

// TestRowLength holds expected rows against those that PostgreSQL makes (pg_column_size of the row, aligned).
func TestRowLength(t *testing.T) {
	t.Parallel()
	int2, int4, int8, boolean := column{2, 2, 0, 2}, column{4, 4, 0, 4}, column{8, 8, 0, 8}, column{1, 1, 0, 1}
	text := column{-1, 4, 0, 10}
	for name, c := range map[string]struct {
		natts   int
		columns []column
		want    float64
	}{
		"no padding":            {2, []column{int8, int8}, 24 + 16},
		"before an eight":       {2, []column{int4, int8}, 24 + 16},
		"at the end":            {2, []column{int8, int4}, 24 + 16},
		"small ones share":      {4, []column{boolean, boolean, int2, int4}, 24 + 8},
		"after a text":          {2, []column{text, int8}, 24 + 10 + 3.5 + 8},
		"known again":           {3, []column{text, int8, int8}, 24 + 10 + 3.5 + 16},
		"always NULL":           {2, []column{int8, {8, 8, 1, 8}}, 24 + 8},
		"a bitmap of two bytes": {9, []column{int8}, 32 + 8},
	} {
		h := heap{natts: c.natts, columns: c.columns}
		if got := h.row(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
