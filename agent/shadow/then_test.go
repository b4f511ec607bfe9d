package shadow

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// told is a table's shape and rows at a moment, or the error's code.
func told(t *testing.T, d *DB, oid uint32, at AsOf) string {
	t.Helper()
	s, err := d.At(Named{OID: oid}, at)
	if err != nil {
		return sqlerr.Code(err)
	}
	cols := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		cols[i] = fmt.Sprintf("%s:%d", c.Name, c.TypeOID)
	}
	sql, err := d.Source(t.Context(), Ref{OID: oid, AsOf: at, Then: true})
	if err != nil {
		t.Fatal(err)
	}
	return s.Name + "(" + strings.Join(cols, " ") + ") " + strings.ReplaceAll(ask(t, d, "FROM ("+sql+") ORDER BY ALL"), "\n", " ")
}

// TestThen holds that a moment shows the table's name, columns and rows of then, whatever became of them since, also after a restart.
func TestThen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := start(t, dir)
	seven := "7"
	id := change.Column{Name: "id", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1}
	shape := func(name string, cols ...change.Column) *change.Relation {
		return &change.Relation{OID: 5, Schema: "public", Name: name, Identity: change.IdentityDefault, Columns: append([]change.Column{id}, cols...)}
	}
	a := change.Column{Name: "a", TypeOID: types.Text, TypMod: -1, AttNum: 2}
	b := change.Column{Name: "b", TypeOID: types.Int4, TypMod: -1, AttNum: 3, Missing: &seven}
	renamed := b
	renamed.Name = "bb"
	retyped := renamed
	retyped.TypeOID, retyped.Rewrite = types.Int8, true
	insert := func(rel *change.Relation, lsn change.LSN, values ...string) {
		put(t, d, lsn, change.Change{Op: change.Insert, Relation: rel, After: row(values...)})
	}
	load(t, d, shape("old", a), 10, row("1", "x"), row("2", "y"))
	put(t, d, 20, change.Change{Op: change.Update, Relation: shape("old", a), After: row("2", "z")})
	insert(shape("old", a, b), 30, "3", "w", "5")                                                                                    // ADD COLUMN b DEFAULT 7
	insert(shape("old", b), 40, "4", "4")                                                                                            // DROP COLUMN a
	insert(shape("old", renamed), 50, "5", "5")                                                                                      // RENAME COLUMN b TO bb
	d.Looked(Mark{54, stamp(54)})                                                                                                    //
	if err := d.Reshape(t.Context(), shape("new", renamed), &Filter{LSN: 57, Xmin: 57, Xmax: 57}, Mark{57, stamp(57)}); err != nil { // RENAME TO new
		t.Fatal(err)
	}
	insert(shape("new", renamed), 60, "6", "6")
	insert(shape("new", retyped), 70, "7", "7") // ALTER TYPE
	load(t, d, shape("new", retyped), 80, row("1", "7"), row("7", "7"))
	want := map[change.LSN]string{
		9: "72000", 10: "old(id:23 a:25) 1|x 2|y", 20: "old(id:23 a:25) 1|x 2|z", 25: "72000",
		30: "old(id:23 a:25 b:23) 1|x|7 2|z|7 3|w|5", 35: "72000", 40: "old(id:23 b:23) 1|7 2|7 3|5 4|4",
		50: "old(id:23 bb:23) 1|7 2|7 3|5 4|4 5|5", 54: "old(id:23 bb:23) 1|7 2|7 3|5 4|4 5|5", 55: "72000",
		57: "new(id:23 bb:23) 1|7 2|7 3|5 4|4 5|5", 60: "new(id:23 bb:23) 1|7 2|7 3|5 4|4 5|5 6|6", 70: "72000", 80: "new(id:23 bb:20) 1|7 7|7",
	}
	check := func() {
		t.Helper()
		for lsn, w := range want {
			for _, at := range []AsOf{{LSN: lsn}, {Time: stamp(lsn)}} {
				if got := told(t, d, 5, at); got != w {
					t.Errorf("as of %v:\n got %s\nwant %s", at, got, w)
				}
			}
		}
	}
	check()
	for _, c := range []struct {
		name string
		lsn  change.LSN
		want string
	}{{"old", 40, "5"}, {"new", 40, ""}, {"new", 60, "5"}, {"old", 60, ""}, {"old", 55, "72000"}} {
		s, err := d.At(Named{Schemas: []string{"other", "public"}, Name: c.name}, AsOf{LSN: c.lsn})
		got := sqlerr.Code(err)
		if err == nil {
			got = ""
		}
		if s != nil {
			got = fmt.Sprint(s.OID)
		}
		if got != c.want {
			t.Errorf("%s at %d: %q, want %q", c.name, c.lsn, got, c.want)
		}
	}
	if err := errors.Join(d.Drop(t.Context(), 5, 90), d.Advance(t.Context(), 95)); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = start(t, dir)
	defer d.Close()
	if got := told(t, d, 5, AsOf{LSN: 90}); got != sqlerr.UndefinedTable {
		t.Error(got)
	}
	check()
}

// TestVersions holds which versions an interval has, and when each was valid.
func TestVersions(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := &change.Relation{OID: 5, Schema: "public", Name: "t", Identity: change.IdentityDefault, Columns: []change.Column{
		{Name: "id", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1}, {Name: "a", TypeOID: types.Text, TypMod: -1, AttNum: 2}}}
	wide := *rel
	wide.Columns = append(rel.Columns[:2:2], change.Column{Name: "b", TypeOID: types.Int4, TypMod: -1, AttNum: 3})
	load(t, d, rel, 10, row("1", "x"), row("2", "y"))
	put(t, d, 20, change.Change{Op: change.Update, Relation: rel, After: row("1", "xx")})
	put(t, d, 30, change.Change{Op: change.Delete, Relation: rel, Before: row("1", "-")})
	put(t, d, 40, change.Change{Op: change.Insert, Relation: &wide, After: row("3", "z", "3")})
	for _, c := range []struct {
		since, to AsOf
		want      string
	}{
		{AsOf{}, AsOf{}, "1|x|~|10|20|10|20 1|xx|~|20|30|20|30 2|y|~|10|~|10|~ 3|z|3|40|~|40|~"},
		{AsOf{LSN: 20}, AsOf{LSN: 20}, "1|xx|20|30|20|30 2|y|10|40|10|40"},
		{AsOf{Time: stamp(20)}, AsOf{Time: stamp(30)}, "1|xx|20|30|20|30 2|y|10|40|10|40"},
		{AsOf{LSN: 15}, AsOf{Time: stamp(19)}, "1|x|10|20|10|20 2|y|10|40|10|40"},
		{AsOf{LSN: 30}, AsOf{LSN: 40}, "2|y|~|10|~|10|~ 3|z|3|40|~|40|~"},
		{AsOf{LSN: 20}, AsOf{LSN: 15}, ""},
		{AsOf{Time: stamp(19)}, AsOf{Time: stamp(18)}, ""},
		{AsOf{LSN: 5}, AsOf{LSN: 15}, "72000"},
		{AsOf{LSN: 15}, AsOf{LSN: 99}, "72000"},
		{AsOf{LSN: 15}, AsOf{LSN: 35}, "72000"},
	} {
		sql, err := d.Source(t.Context(), Ref{OID: 5, Then: true, Versions: true, Since: c.since, AsOf: c.to})
		got := sqlerr.Code(err)
		if err == nil {
			got = strings.ReplaceAll(ask(t, d, "SELECT * REPLACE (epoch(valid_from)::INTEGER - 1767225600 AS valid_from, epoch(valid_to)::INTEGER - 1767225600 AS valid_to) FROM ("+sql+") ORDER BY ALL"), "\n", " ")
		}
		if got != c.want {
			t.Errorf("%v to %v:\n got %s\nwant %s", c.since, c.to, got, c.want)
		}
	}
}
