package shadow

import (
	"slices"
	"strings"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

// TestStaleCatalog holds that a catalog older than the shape that the stream brought changes nothing: taking a column away and adding it
// again would overwrite what was written with the column's default. Where that really happened, and the stream tells the two columns apart by nothing,
// rows that came may have either of them: the table is copied again.
func TestStaleCatalog(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	nine := "9"
	narrow := &change.Relation{OID: 7, Schema: "public", Name: "docs", Identity: change.IdentityDefault, Columns: []change.Column{{Name: "id", TypeOID: 23, TypMod: -1, Key: true, AttNum: 1}}}
	wide := *narrow
	wide.Columns = append(wide.Columns[:1:1], change.Column{Name: "late", TypeOID: 23, TypMod: -1, AttNum: 2, Missing: &nine})
	again := wide
	again.Columns = append(wide.Columns[:1:1], change.Column{Name: "late", TypeOID: 23, TypMod: -1, AttNum: 3, Missing: &nine})
	load(t, d, narrow, 1, row("1"))
	put(t, d, 10, change.Change{Op: change.Insert, Relation: &wide, After: row("77", "7")})
	for _, c := range []struct {
		what string
		rel  *change.Relation
		xmax uint32 // the catalog's snapshot shows the transactions before it
		want string
	}{
		{"older catalog", narrow, 10, "1|9\n77|7"},
		{"catalog of the same moment", &wide, 11, "1|9\n77|7"},
		{"the column was dropped and added again", &again, 12, ""},
	} {
		if err := d.Reshape(t.Context(), c.rel, &Filter{LSN: 20, Xmin: c.xmax, Xmax: c.xmax}, Mark{20, stamp(20)}); err != nil {
			t.Fatal(err)
		}
		sql, err := d.Source(t.Context(), Ref{OID: 7})
		if c.want == "" {
			if sqlerr.Code(err) != sqlerr.ObjectNotInState {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, d, "FROM ("+sql+") ORDER BY id"); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestRenamedText holds that a column which is kept as text stays so under another name, and when the table has been copied again without the value that
// made it text: its past still has that value.
func TestRenamedText(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	shape := func(name string) *change.Relation {
		return &change.Relation{OID: 7, Schema: "public", Name: "docs", Identity: change.IdentityDefault, Columns: []change.Column{{Name: "id", TypeOID: 23, TypMod: -1, Key: true, AttNum: 1},
			{Name: name, TypeOID: 1700, TypMod: 12<<16 | 3 + 4, AttNum: 2}}}
	}
	load(t, d, shape("was"), 1, row("1", "0.125"))
	put(t, d, 10, change.Change{Op: change.Insert, Relation: shape("was"), After: row("2", "NaN")})
	put(t, d, 20, change.Change{Op: change.Delete, Relation: shape("is"), Before: row("2", "")})
	load(t, d, shape("is"), 30, row("1", "0.125"))
	for at, want := range map[change.LSN]string{10: "1|0.125\n2|NaN", 20: "1|0.125", 0: "1|0.125"} {
		sql, err := d.Source(t.Context(), Ref{OID: 7, AsOf: AsOf{LSN: at}})
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, d, "FROM ("+sql+") ORDER BY id"); got != want {
			t.Errorf("as of %d: %q, want %q", at, got, want)
		}
	}
	if got := d.AsText(7); !slices.Equal(got, []string{"is", "was"}) {
		t.Errorf("kept as text: %q", got)
	}
}

// TestUnknownStretch holds that the time between a change that old rows cannot be known after and the new copy is refused, not guessed.
func TestUnknownStretch(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	before := &change.Relation{OID: 7, Schema: "public", Name: "docs", Identity: change.IdentityDefault, Columns: []change.Column{{Name: "id", TypeOID: 23, TypMod: -1, Key: true, AttNum: 1}}}
	after := *before
	after.Columns = append(after.Columns[:1:1], change.Column{Name: "r", TypeOID: 25, TypMod: -1, AttNum: 2, Rewrite: true})
	load(t, d, before, 1, row("1"))
	put(t, d, 10, change.Change{Op: change.Insert, Relation: before, After: row("2")})
	put(t, d, 20, change.Change{Op: change.Insert, Relation: &after, After: row("3", "x")})
	load(t, d, &after, 30, row("1", "u"), row("2", "v"), row("3", "x"))
	put(t, d, 40, change.Change{Op: change.Delete, Relation: &after, Before: row("1", "-")})
	for lsn, want := range map[change.LSN]string{5: "1", 10: "1\n2", 11: "", 25: "", 30: "1|u\n2|v\n3|x", 40: "2|v\n3|x"} {
		for _, at := range []AsOf{{LSN: lsn}, {Time: stamp(lsn)}} {
			sql, err := d.Source(t.Context(), Ref{OID: 7, AsOf: at, Then: true})
			if want == "" {
				if err == nil || !strings.Contains(err.Error(), "are not known between 2026-01-01 00:00:10.000000+00 (0/A) and 2026-01-01 00:00:30.000000+00 (0/1E)") {
					t.Errorf("as of %v: %v", at, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, d, "FROM ("+sql+") ORDER BY id"); got != want {
				t.Errorf("as of %v: %q, want %q", at, got, want)
			}
		}
	}
}
