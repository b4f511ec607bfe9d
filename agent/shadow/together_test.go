package shadow

import (
	"errors"
	"io"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/sql/result"
)

// TestTogether holds that all queries of one call see the moment of the first one, and that Query does not.
func TestTogether(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := &change.Relation{OID: 1, Schema: "public", Name: "t", Identity: change.IdentityDefault, Version: 1,
		Columns: []change.Column{{Name: "id", TypeOID: 20, TypMod: -1, Key: true, AttNum: 1}}}
	load(t, d, rel, 1, row("1"))
	count := func() Query { // Source makes what was put visible
		source, err := d.Source(t.Context(), Ref{OID: 1})
		if err != nil {
			t.Fatal(err)
		}
		beside := result.Table{Name: "beside", Columns: []result.TableColumn{{Name: "a", Type: "BIGINT"}}, Rows: [][]any{{int64(7)}}}
		return Query{SQL: "SELECT count(*) FROM (" + source + ")", Tables: []result.Table{beside}}
	}
	var seen []int64
	err := d.Together(t.Context(), func(query func(Query) (result.Rows, error)) error {
		for i := range 3 {
			rows, err := query(count())
			if err != nil {
				return err
			}
			b, err := rows.Next(t.Context())
			if err != nil {
				return err
			}
			seen = append(seen, b.Columns[0].Ints[0])
			if _, err := rows.Next(t.Context()); !errors.Is(err, io.EOF) {
				return err
			}
			if err := rows.Close(); err != nil {
				return err
			}
			put(t, d, change.LSN(10+i), change.Change{Op: change.Insert, Relation: rel, After: row(string(rune('2' + i)))})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen[0] != 1 || seen[1] != 1 || seen[2] != 1 {
		t.Errorf("the counts were %d", seen)
	}
	if got := ask(t, d, count().SQL); got != "4" {
		t.Errorf("afterwards the count was %s", got)
	}
}
