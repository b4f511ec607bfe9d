package ingest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// sales reads the partitioned table from the shadow as "id|day|v" lines.
func (a *agent) sales(at shadow.AsOf) ([]string, error) {
	source, err := a.store.Source(a.t.Context(), shadow.Ref{OID: a.oid("sales"), AsOf: at})
	if err != nil {
		return nil, err
	}
	rows, err := a.store.Query(a.t.Context(), shadow.Query{SQL: `SELECT id || '|' || day || '|' || coalesce("` + types.Column("V alue") + `", 'NULL') FROM (` + source + ")"})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for {
		b, err := rows.Next(a.t.Context())
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.Len {
			out = append(out, string(b.Columns[0].Bytes[i]))
		}
	}
}

// TestPartitions holds that a partitioned table shows the rows of its leaves, whatever the order of their columns, now and at every
// earlier moment, while partitions are made, attached, detached and dropped.
func TestPartitions(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE sales (id int, day date, "V alue" text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
		CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
		CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);
		CREATE TABLE sales_2a PARTITION OF sales_2 FOR VALUES IN (1, 2); CREATE TABLE sales_2b PARTITION OF sales_2 DEFAULT;
		CREATE TABLE other (gone int, "V alue" text, day date NOT NULL, id int NOT NULL, PRIMARY KEY (id, day)); ALTER TABLE other DROP COLUMN gone;
		INSERT INTO other VALUES ('old', '2026-04-05', 9);
		INSERT INTO sales SELECT g, '2026-01-01'::date + g, 'v' || g FROM generate_series(1, 50) g`)
	dir := t.TempDir()
	a := run(t, pg, dir)
	type moment struct {
		at   change.LSN
		when time.Time
		rows []string
	}
	var past []moment
	check := func(after string) {
		t.Helper()
		at := a.catchUp()
		want := a.primary("sales")
		var got []string
		var err error
		until(t, "the partitions are as on the primary after: "+after, func() bool {
			got, err = a.sales(shadow.AsOf{})
			return err == nil && differ(got, want) == ""
		})
		at = max(at, a.catchUp())
		_, when, _ := a.store.Position(t.Context())
		past = append(past, moment{at, when, want})
		// any change of the catalog lets the shadow know that the partitions were still the same then
		pg.Exec(t, "postgres", fmt.Sprintf("ALTER TABLE beat SET (fillfactor = %d)", 50+len(past)))
		until(t, "the catalog is seen", func() bool {
			rows, err := a.store.Query(t.Context(), shadow.Query{SQL: "SELECT (value->>'LSN')::BIGINT FROM meta WHERE key = 'placed'"})
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			b, err := rows.Next(t.Context())
			return err == nil && change.LSN(b.Columns[0].Ints[0]) >= at
		})
	}
	check("the start")
	for i, sql := range []string{
		"UPDATE sales SET \"V alue\" = NULL WHERE id % 3 = 0; DELETE FROM sales WHERE id = 5", "UPDATE sales SET day = day + 31 WHERE id = 4",
		"CREATE TABLE sales_3 PARTITION OF sales FOR VALUES FROM ('2026-03-01') TO ('2026-04-01'); INSERT INTO sales VALUES (100, '2026-03-03', 'new')",
		"ALTER TABLE sales ATTACH PARTITION other FOR VALUES FROM ('2026-04-01') TO ('2026-05-01')", "UPDATE sales SET \"V alue\" = 'changed' WHERE id = 9",
		"ALTER TABLE sales DETACH PARTITION sales_2", "DROP TABLE sales_1", "INSERT INTO sales VALUES (101, '2026-03-04', 'last')",
	} {
		pg.Exec(t, "postgres", sql)
		check(sql)
		if i == 4 {
			a.stop()
			a = run(t, pg, dir)
		}
	}
	for i, m := range past {
		for _, at := range []shadow.AsOf{{LSN: m.at}, {Time: m.when}} {
			got, err := a.sales(at)
			if err != nil || differ(got, m.rows) != "" {
				t.Errorf("step %d as of %+v: %v %s", i, at, err, differ(got, m.rows))
			}
		}
	}
	if _, err := a.sales(shadow.AsOf{LSN: 1}); sqlerr.Code(err) != sqlerr.SnapshotTooOld {
		t.Errorf("before the history: %v", err)
	}
}

// TestIdle holds that the slot of a database in which nothing happens moves on while another database of the server writes,
// and that the agent takes up its work there.
func TestIdle(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.CreateDatabase(t, "busy")
	pg.Exec(t, "postgres", "CREATE TABLE quiet (id int PRIMARY KEY); INSERT INTO quiet VALUES (1)")
	dir := t.TempDir()
	a := run(t, pg, dir)
	a.catchUp()
	stored := a.in.Status().Changes
	for _, n := range []int{200_000, 1000} { // so much that it is confirmed at once, so little that it is confirmed in time
		pg.Exec(t, "busy", fmt.Sprintf("CREATE TABLE busy_%[1]d AS SELECT g, repeat('x', 100) FROM generate_series(1, %[1]d) g", n))
		written := a.lsn()
		until(t, "what another database wrote is confirmed", func() bool {
			return pg.Query(t, "postgres", "SELECT (confirmed_flush_lsn >= $1::pg_lsn)::text FROM pg_replication_slots", written.String())[0][0] == "true"
		})
		if s := a.in.Status(); s.Confirmed < written || s.Changes != stored {
			t.Errorf("confirmed %s of %s, %d changes were stored, want %d", s.Confirmed, written, s.Changes, stored)
		}
		a.stop()
		a = run(t, pg, dir)
	}
	pg.Exec(t, "postgres", "INSERT INTO quiet VALUES (2)")
	a.catchUp()
	a.same("quiet")
	for _, o := range a.in.Operations() {
		if !strings.HasSuffix(o.Object, ".beat") {
			t.Errorf("%s was copied again", o.Object)
		}
	}
}
