package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// calls use a function as a value and a relation, and then as an aggregate, a window function and with other arguments.
var calls = []string{"%s(s)", "count(*) FROM %s('/etc/passwd'), tame",
	"%s()", "%s(i4)", "%s(p, 2)", "%s('a', s)", "%s(s, 'a', 'b')", "%s(i4) OVER (ORDER BY id)", "%s(DISTINCT i4)", "count(*) FROM %s(), tame", "count(*) FROM %s(1, 3), tame"}

// TestFunctions sweeps every function that DuckDB has, those that the primary knows by name in every way to use one: what the primary refuses must be refused, and where both answer, the
// answers must be equal if the function gives the same each time.
func TestFunctions(t *testing.T) {
	t.Parallel()
	s := newSides(t, "corpus.setup.sql")
	names := column(t, s.shadow.db, "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name NOT LIKE 'pg_sleep%' ORDER BY 1")
	if len(names) < 500 {
		t.Fatalf("DuckDB has only %d functions", len(names))
	}
	stable := map[string]bool{} // functions of the primary: whether they give the same each time
	for _, row := range ask(t, s.primary, "SELECT proname, bool_and(provolatile = 'i') FROM pg_proc GROUP BY 1").rows {
		stable[row[0]] = row[1] == "t"
	}
	count := map[string]int{}
	for _, name := range names {
		same, known := stable[name]
		ways := calls
		if !known {
			ways = calls[:2]
		}
		for _, call := range ways {
			sql := "SELECT " + fmt.Sprintf(call, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
			if !strings.Contains(call, "FROM") {
				sql += " FROM tame WHERE id < 4"
			}
			want, got, _ := s.both(t, sql)
			switch {
			case got.code == sqlerr.Internal && want.code != sqlerr.Internal:
				t.Errorf("%s: %s", sql, got.err)
			case want.code != "" && got.code == "":
				t.Errorf("%s: the primary says %s %s, the agent gives %.300q", sql, want.code, want.err, got.rows)
			case want.code != "":
				count["refused by both"]++
			case got.code != "":
				count["refused by the agent"]++
			case same && !slices.EqualFunc(sorted(want.rows), sorted(got.rows), slices.Equal[[]string]):
				t.Errorf("%s:\nprimary: %.300q\n  agent: %.300q", sql, want.rows, got.rows)
			default:
				count["answered by both"]++
			}
		}
	}
	t.Logf("%d functions: %v", len(names), count)
}

func sorted(rows [][]string) [][]string {
	return slices.SortedFunc(slices.Values(rows), slices.Compare)
}

// column is the first column of what DuckDB answers.
func column(t *testing.T, db *shadow.DB, sql string) (out []string) {
	t.Helper()
	rows, err := db.Query(t.Context(), shadow.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for {
		b, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range b.Columns[0].Bytes[:b.Len] {
			out = append(out, string(v))
		}
	}
}
