package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/forecast"
)

// portrait is everything that a closed shadow holds, by name, as text: every table as it is and as it was, the log, gaps, series and forecast runs.
func portrait(t testing.TB, dir string, moments ...change.LSN) map[string]string {
	t.Helper()
	store, err := shadow.Open(shadow.Options{Dir: dir, MemoryLimit: "1GB", Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	st, err := store.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"position": fmt.Sprint(st.Commit, st.End, st.CommitTime, st.Changes, st.Transactions, st.Identity)}
	for oid := range st.Tables {
		for _, at := range append(moments, 0) {
			name := fmt.Sprintf("%s.%d as of %s", st.Tables[oid].Relation.Name, oid, at)
			sql, err := store.Source(t.Context(), shadow.Ref{OID: oid, AsOf: shadow.AsOf{LSN: at}})
			if err != nil {
				out[name] = err.Error()
				continue
			}
			out[name] = text(t, store, "SELECT * FROM ("+sql+") ORDER BY ALL")
		}
	}
	out["log"] = text(t, store, "SELECT * REPLACE (md5(before) AS before, md5(after) AS after) FROM log ORDER BY lsn, seq") // sorted within the memory that there is
	for name, by := range map[string]string{"gaps": "ALL", "series": "ALL", "points": "ALL", "runs": "ALL", "run_series": "ALL", "run_points": "ALL",
		"run_limits": "ALL", "schema_events": "ALL", "expectations": "ALL", "shapes": "oid, version", "meta": "key"} {
		out[name] = text(t, store, "SELECT * FROM "+name+" ORDER BY "+by)
	}
	out["tables"] = text(t, store, `SELECT oid, regexp_replace(state, ',"(Pending|FoldedN)":\d+', '', 'g') FROM tables ORDER BY oid`)
	return out
}

// text gives a query's rows as lines.
func text(t testing.TB, store *shadow.DB, sql string) string {
	t.Helper()
	rows, err := store.Query(t.Context(), shadow.Query{SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var b strings.Builder
	for {
		batch, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		for i := range batch.Len {
			for j := range batch.Columns {
				b.WriteString(render(&batch.Columns[j], rows.Fields()[j].TypeOID, i) + "|")
			}
			b.WriteByte('\n')
		}
	}
}

// rebuild loses a closed shadow's DuckDB file and makes it again from the segments; everything must be as it was.
func rebuild(t testing.TB, dir string, moments ...change.LSN) {
	t.Helper()
	before := portrait(t, dir, moments...)
	for _, name := range []string{"shadow.duckdb", "shadow.duckdb.wal"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if _, err := shadow.Rebuild(t.Context(), shadow.Options{Dir: dir, MemoryLimit: "1GB", Threads: 2}, nil); err != nil {
		t.Fatal(err)
	}
	after := portrait(t, dir, moments...)
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s after the rebuild: %s", name, differ(strings.Split(after[name], "\n"), strings.Split(before[name], "\n")))
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d things after the rebuild, %d before", len(after), len(before))
	}
}

// measured stores samples, a forecast run and expectations.
func (a *agent) measured() {
	a.t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	series := forecast.Series{ID: "volume.rows:public.docs", Kind: "volume", Object: "public.docs", Measure: "rows", Unit: "rows", Source: "sample", Step: time.Minute}
	var samples []forecast.Sample
	for i := range 50 {
		samples = append(samples, forecast.Sample{Series: series, At: at.Add(time.Duration(i) * time.Minute), Value: float64(i) / 3})
	}
	run := forecast.Run{StartedAt: at, Horizon: time.Hour, Version: 1, Limits: []forecast.Limit{{Kind: "disk", Object: "/", Current: 1, Max: 2, Unit: "bytes", P50: at}},
		Results: []forecast.Result{{Series: series, Model: "naive", Level: 95, Points: []forecast.Point{{At: at.Add(time.Hour), Mean: 1, Lo: 0, Hi: 2}}}}}
	_, err := a.store.SaveRun(a.t.Context(), run)
	_, err2 := a.store.AppendSchemaEvents(a.t.Context(), []forecast.SchemaEvent{{At: at, Relation: "public.docs", Kind: "add_column", Object: "n", Source: "imported"}})
	err = errors.Join(err, err2, a.store.AppendSamples(a.t.Context(), samples),
		a.store.SaveExpectations(a.t.Context(), []forecast.Expectation{{OID: a.oid("docs"), Bucket: at, RunID: 1, Expected: 5, Lo: 1, Hi: 9}}))
	if err != nil {
		a.t.Fatal(err)
	}
}

const eventfulSchema = `CREATE TABLE docs (id int, part int, body text, n int, PRIMARY KEY (id, part));
	ALTER TABLE docs ALTER body SET STORAGE EXTERNAL;
	CREATE TABLE whole (a int, b text, big text); ALTER TABLE whole REPLICA IDENTITY FULL; ALTER TABLE whole ALTER big SET STORAGE EXTERNAL;
	CREATE TABLE parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
	CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE parts2 PARTITION OF parts FOR VALUES IN (2);
	CREATE TABLE short (id int PRIMARY KEY, v numeric(6,2)); INSERT INTO short SELECT g, g FROM generate_series(1, 10) g;
	INSERT INTO parts SELECT g, 1 + g % 2, 'p' FROM generate_series(1, 100) g;
	INSERT INTO docs SELECT g, 1, repeat(g::text, 5000), g FROM generate_series(1, 50) g;
	INSERT INTO whole SELECT 1, 'same', repeat('b', 9000) FROM generate_series(1, 5)`

// eventful is a life of everything that can happen to tables; the shadow rests after each step.
var eventful = []string{
	"UPDATE docs SET n = n + 1", "UPDATE docs SET id = id + 1000 WHERE id % 2 = 0",
	"BEGIN; INSERT INTO docs VALUES (1, 2, repeat('y', 9000), 1); UPDATE docs SET n = 2 WHERE part = 2; UPDATE docs SET part = 3 WHERE part = 2; COMMIT",
	"INSERT INTO whole SELECT * FROM whole; DELETE FROM whole WHERE ctid IN (SELECT ctid FROM whole LIMIT 3)", "UPDATE short SET v = 'NaN' WHERE id = 3",
	"ALTER TABLE docs ADD COLUMN note text DEFAULT 'it''s', ADD COLUMN num numeric(6,2) DEFAULT 1.5; UPDATE docs SET note = 'new' WHERE id > 1010",
	"ALTER TABLE docs RENAME COLUMN n TO amount", "UPDATE parts SET k = 3 - k WHERE id < 20", "TRUNCATE parts2", "ALTER TABLE parts DETACH PARTITION parts2",
	"INSERT INTO short SELECT g, 1 FROM generate_series(100, 25000) g; DELETE FROM short WHERE id % 5 = 0", "TRUNCATE whole; INSERT INTO whole VALUES (2, 'b', 'c')",
	"ALTER TABLE docs ALTER COLUMN amount TYPE text USING 'v' || amount; UPDATE docs SET num = 2 WHERE id = 7", // copied again
	"CREATE TABLE late (id int PRIMARY KEY, v interval); INSERT INTO late SELECT g, g * interval '1 month 3 days 0.000001 seconds' FROM generate_series(1, 100) g",
	"BEGIN; UPDATE late SET v = v * 2 WHERE id < 5; CREATE TABLE midst (id int PRIMARY KEY); INSERT INTO midst VALUES (1); UPDATE late SET v = v * 2 WHERE id > 95; COMMIT",
	"DROP TABLE short", "UPDATE late SET v = -v WHERE id % 3 = 0", "ALTER TABLE docs DROP COLUMN num; UPDATE docs SET note = NULL WHERE id = 9",
}

// TestRebuild loses the DuckDB file after an eventful life and makes it again from segments alone, from a checkpoint and segments, and from segments that were merged.
// Capture then goes on where it was, with nothing missing and nothing twice.
func TestRebuild(t *testing.T) {
	t.Parallel()
	for name, checkpoint := range map[string]int{"segments": -1, "checkpoint early": 4, "checkpoint late": 13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t)
			ordinary(t, pg)
			pg.Exec(t, "postgres", valuesSQL)
			pg.Exec(t, "postgres", eventfulSchema)
			dir := t.TempDir()
			a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir, Seal: 50 * time.Millisecond}, Options{})
			moments := []change.LSN{a.catchUp()}
			for i, sql := range eventful {
				pg.Exec(t, "postgres", sql)
				moments = append(moments, a.catchUp())
				if i == checkpoint {
					a.measured()
					if err := a.store.Checkpoint(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			a.measured()
			pg.Exec(t, "postgres", valuesSQL)
			pg.Exec(t, "postgres", "SELECT pg_logical_emit_message(true, 'x', 'y')") // a transaction without changes
			moments = append(moments, a.catchUp())
			a.same("docs")
			a.stop()
			pg.Exec(t, "postgres", "SELECT pg_drop_replication_slot('foreshadow')")
			pg.Exec(t, "postgres", "UPDATE late SET v = '1 day' WHERE id = 1")
			a = launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir, Seal: 50 * time.Millisecond}, Options{})
			moments = append(moments, a.catchUp())
			a.stop()
			rebuild(t, dir, moments...)
			rebuild(t, dir, moments...) // what was rebuilt can be rebuilt
			pg.Exec(t, "postgres", "UPDATE docs SET note = 'after'; INSERT INTO late VALUES (1000, '1 year')")
			a = launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir, Seal: 50 * time.Millisecond}, Options{})
			a.catchUp()
			for _, table := range []string{"docs", "whole", "parts1", "parts2", "late", "kinds"} {
				a.same(table)
			}
			if g := a.gaps(); len(g) != 1 {
				t.Errorf("gaps: %q", g)
			}
			if twice := text(t, a.store, "SELECT lsn, seq FROM log GROUP BY ALL HAVING count(*) > 1"); twice != "" {
				t.Errorf("changes that are twice in the log: %s", twice)
			}
			a.stop()
			rebuild(t, dir, moments...)
		})
	}
}
