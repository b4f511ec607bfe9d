package shadow

import (
	"testing"

	"foreshadow/agent/change"
)

// TestStaleCatalog holds that a catalog older than the shape that the stream brought changes nothing: taking a column away and adding it
// again would overwrite what was written with the column's default.
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
		{"the column was dropped and added again", &again, 12, "1|9\n77|9"},
	} {
		if err := d.Reshape(t.Context(), c.rel, &Filter{LSN: 20, Xmin: c.xmax, Xmax: c.xmax}); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, d, "FROM ("+source(t, d, Ref{OID: 7})+") ORDER BY id"); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
