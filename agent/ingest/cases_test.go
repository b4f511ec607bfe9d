package ingest

import (
	"fmt"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// stage is a case's view of the agent that all cases share. Tables are the case's own; after each step they are compared with the primary's,
// and what the primary showed is kept, to be compared with the shadow AS OF then.
type stage struct {
	*agent
	tables []string
	past   []moment
	later  func(*stage) // is held after the restart, too
	gaps   bool         // some moments may be refused, because the rows were not known then
}

// groups holds the cases, by what they are about. Each has a schema of tables of its own and runs beside the others.
var groups = map[string]map[string]func(*stage){
	"toast": toastCases, "identity": identityCases, "ddl": ddlCases, "truncate": truncateCases, "transactions": transactionCases,
}

// TestCases walks through the cases of changes that are told apart in the stream, each on tables of its own. Large transactions are streamed.
// At the end the agent is restarted, and the past must be what it was.
func TestCases(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "logical_decoding_work_mem=64kB", "max_prepared_transactions=20", "track_commit_timestamp=on")
	dir := t.TempDir()
	a := run(t, pg, dir)
	a.catchUp()
	var stages []*stage
	t.Run("all", func(t *testing.T) {
		for group, cases := range groups {
			for name, f := range cases {
				own := *a
				s := &stage{agent: &own}
				stages = append(stages, s)
				t.Run(group+"/"+name, func(t *testing.T) {
					t.Parallel()
					s.t, s.conn = t, nil
					f(s)
					s.look()
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	a.stop()
	a = run(t, pg, dir)
	a.catchUp()
	for _, s := range stages {
		s.agent = a
		s.look()
		if s.later != nil {
			s.later(s)
		}
	}
}

// setUp makes a case's tables and waits until they are captured.
func (s *stage) setUp(sql string, tables ...string) {
	s.t.Helper()
	s.tables = tables
	s.do(sql)
}

// do runs SQL, each text in a transaction of its own unless it says otherwise, and compares the tables after all of it.
func (s *stage) do(sqls ...string) {
	s.t.Helper()
	for _, sql := range sqls {
		s.pg.Exec(s.t, "postgres", sql)
	}
	s.catchUp()
	for _, table := range s.tables {
		s.same(table)
	}
	if s.t.Failed() {
		s.t.Fatalf("after: %s", strings.Join(sqls, "\n"))
	}
	at := s.catchUp() // after every copy that the tables needed
	for _, table := range s.tables {
		s.past = append(s.past, moment{s.oid(table), at, s.shape(table), s.primary(table)})
	}
}

func (s *stage) shape(table string) string {
	return s.query(shapeSQL, "public."+table)[0][0]
}

// look compares every earlier moment of the tables that still have the same columns.
func (s *stage) look() {
	s.t.Helper()
	now := map[uint32]string{}
	for _, table := range s.tables {
		now[s.oid(table)] = s.shape(table)
	}
	for i, m := range s.past {
		if now[m.oid] != m.shape {
			continue
		}
		got, err := s.shadowed(m.oid, m.at)
		if s.gaps && sqlerr.Code(err) == sqlerr.SnapshotTooOld {
			continue
		}
		if err != nil {
			s.t.Errorf("table %d of %v, step %d, as of %s: %v", m.oid, s.tables, i/len(s.tables), m.at, err)
		} else if d := differ(got, m.rows); d != "" {
			s.t.Errorf("table %d of %v, step %d, as of %s: %.2000s", m.oid, s.tables, i/len(s.tables), m.at, d)
		}
	}
}

// log gives columns of the change log's rows of a table, or of everything when it is empty, as lines.
func (s *stage) log(columns, where string) []string {
	s.t.Helper()
	rows, err := s.store.Query(s.t.Context(), shadow.Query{SQL: fmt.Sprintf("SELECT concat_ws('|', %s) FROM (%s) WHERE %s ORDER BY lsn, seq", columns, s.source("change_log"), where)})
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for {
		b, err := rows.Next(s.t.Context())
		if err != nil {
			return out
		}
		for i := range b.Len {
			out = append(out, string(b.Columns[0].Bytes[i]))
		}
	}
}

// source is the SELECT of a relation of schema foreshadow.
func (s *stage) source(name string) string {
	s.t.Helper()
	sql, err := s.store.Source(s.t.Context(), shadow.Ref{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return sql
}

// noted gives what foreshadow.tables says of a table.
func (s *stage) noted(table string) string {
	s.t.Helper()
	rows, err := s.store.Query(s.t.Context(), shadow.Query{SQL: fmt.Sprintf("SELECT coalesce(note, '') FROM (%s) WHERE oid = %d", s.source("tables"), s.oid(table))})
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	b, err := rows.Next(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b.Columns[0].Bytes[0])
}

// whole holds that nothing of a table's changes is unknown.
func (s *stage) whole(table string) {
	s.t.Helper()
	if got := s.log("lsn, seq, unknown_columns", fmt.Sprintf("relation = 'public.%s' AND unknown_columns IS NOT NULL", table)); len(got) > 0 {
		s.t.Errorf("unknown values of %s in the log: %q", table, got)
	}
}
