package shadow

import (
	"fmt"
	"strings"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// TestDiff holds what foreshadow.diff shows: inserted, updated and deleted keys, values as the change log prints them, and multisets.
func TestDiff(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	col := func(n int16, name string, oid uint32, mod int32) change.Column {
		return change.Column{Name: name, TypeOID: oid, TypMod: mod, AttNum: n}
	}
	rel := &change.Relation{OID: 5, Schema: "public", Name: "t", Identity: change.IdentityDefault, Columns: []change.Column{
		col(1, "id", types.Int4, -1), col(2, `te"xt`, types.Text, -1), col(3, "n", types.Numeric, 10<<16|2+4), col(4, "f", types.Float8, -1),
		col(5, "ok", types.Bool, -1), col(6, "at", types.TimestampTZ, -1), col(7, "b", types.Bytea, -1), col(8, "d", types.Date, -1),
		col(9, "i", types.Interval, -1), col(10, "j", types.JSONB, -1), col(11, "u", types.UUID, -1)}}
	rel.Columns[0].Key = true
	full := []string{"1", "a \"quoted\"\nline", "1.50", "2", "t", "2026-01-02 03:04:05.6+00", `\xc0ff`, "2026-01-02", "-1 mons +2 days 03:00:00", `{"k": 1}`, "00000000-0000-0000-0000-0000000000aa"}
	other := append([]string{}, full...)
	other[1], other[3] = "a", "NaN"
	load(t, d, rel, 10, row(full...), row("2", "~", "~", "~", "~", "~", "~", "~", "~", "~", "~"), row("4", "~", "~", "~", "~", "~", "~", "~", "~", "~", "~"))
	put(t, d, 20, change.Change{Op: change.Update, Relation: rel, After: row(other...)}, change.Change{Op: change.Delete, Relation: rel, Before: row("2", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-")})
	put(t, d, 30, change.Change{Op: change.Insert, Relation: rel, After: row("3", "~", "~", "~", "~", "~", "~", "~", "~", "~", "~")})
	diff := func(a, b change.LSN) string {
		t.Helper()
		sql, err := d.Diff(t.Context(), 5, AsOf{LSN: a}, AsOf{LSN: b})
		if err != nil {
			return sqlerr.Code(err)
		}
		return ask(t, d, sql)
	}
	nulls := `"te\"xt": null, "n": null, "f": null, "ok": null, "at": null, "b": null, "d": null, "i": null, "j": null, "u": null}`
	rest := `"ok": true, "at": "2026-01-02 03:04:05.6+00", "b": "\\xc0ff", "d": "2026-01-02", "i": "-1 mons +2 days 03:00:00", "j": {"k": 1}, "u": "00000000-0000-0000-0000-0000000000aa"}`
	want := strings.Join([]string{
		`updated|{"id": 1}|{"id": 1, "te\"xt": "a \"quoted\"\nline", "n": 1.50, "f": 2, ` + rest + `|{"id": 1, "te\"xt": "a", "n": 1.50, "f": "NaN", ` + rest + `|{"te\"xt","f"}`,
		`deleted|{"id": 2}|{"id": 2, ` + nulls + `|~|~`,
		`inserted|{"id": 3}|~|{"id": 3, ` + nulls + `|~`}, "\n")
	if got := diff(10, 30); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct {
		a, b change.LSN
		want string
	}{{20, 20, ""}, {30, 20, `deleted|{"id": 3}|{"id": 3, ` + nulls + `|~|~`}, {5, 20, "72000"}, {20, 99, "72000"}} {
		if got := diff(c.a, c.b); got != c.want {
			t.Errorf("%d to %d: %s", c.a, c.b, got)
		}
	}
	narrow := *rel
	narrow.Columns = rel.Columns[:2]
	put(t, d, 40, change.Change{Op: change.Update, Relation: &narrow, After: row("4", "x")})
	if got := diff(30, 40); got != `updated|{"id": 4}|{"id": 4, `+nulls+`|{"id": 4, "te\"xt": "x"}|{"te\"xt"}` {
		t.Errorf("over a change of columns: %s", got)
	}
	bare := &change.Relation{OID: 6, Schema: "public", Name: "bare", Identity: change.IdentityFull, Columns: []change.Column{col(1, "x", types.Int4, -1), col(2, "y", types.Text, -1)}}
	load(t, d, bare, 50, row("1", "a"), row("1", "a"), row("2", "~"))
	put(t, d, 60, change.Change{Op: change.Delete, Relation: bare, Before: row("1", "a")}, change.Change{Op: change.Insert, Relation: bare, After: row("2", "~")}, change.Change{Op: change.Insert, Relation: bare, After: row("2", "~")})
	sql, err := d.Diff(t.Context(), 6, AsOf{LSN: 50}, AsOf{LSN: 60})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ask(t, d, sql), "deleted|~|{\"x\": 1, \"y\": \"a\"}|~|~\ninserted|~|~|{\"x\": 2, \"y\": null}|~\ninserted|~|~|{\"x\": 2, \"y\": null}|~"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDiffWholeRows holds that rows whose identity is the whole row are paired by their primary key where no other that differs has it, and nowhere else.
func TestDiffWholeRows(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	rel.Identity = change.IdentityFull
	rel.Columns[0].Key = true
	twice := row("7", "twice", "1")
	load(t, d, rel, 10, row("1", "one", "1"), row("2", "two", "2"), row("3", "three", "3"), row("4", "four", "~"), twice, twice, row("8", "x", "~"), row("~", "null", "1"))
	update := func(before, after []change.Value) change.Change {
		return change.Change{Op: change.Update, Relation: rel, Before: before, After: after}
	}
	put(t, d, 20, update(row("1", "one", "1"), row("1", "uno", "1")), update(row("2", "two", "2"), row("20", "two", "2")),
		update(row("3", "three", "3"), row("4", "three", "3")), update(row("4", "four", "~"), row("3", "four", "~")), // two that change places
		update(twice, row("7", "once", "1")), change.Change{Op: change.Insert, Relation: rel, After: row("8", "y", "~")}, change.Change{Op: change.Delete, Relation: rel, Before: row("8", "x", "~")},
		change.Change{Op: change.Insert, Relation: rel, After: row("8", "z", "~")}, // two of one key
		update(row("~", "null", "1"), row("~", "NULL", "1")))
	sql, err := d.Diff(t.Context(), rel.OID, AsOf{LSN: 10}, AsOf{LSN: 20})
	if err != nil {
		t.Fatal(err)
	}
	name, n := rel.Columns[1].Name, rel.Columns[2].Name
	want := strings.ReplaceAll(strings.ReplaceAll(`updated|1|one, 1|uno, 1|{"NAME"}
deleted|2|two, 2|~|~
updated|3|three, 3|four, ~|{"NAME","N"}
updated|4|four, ~|three, 3|{"NAME","N"}
updated|7|twice, 1|once, 1|{"NAME"}
deleted|8|x, ~|~|~
inserted|8|~|y, ~|~
inserted|8|~|z, ~|~
inserted|20|~|two, 2|~
updated|~|null, 1|NULL, 1|{"NAME"}`, "NAME", name), `"N"`, `"`+n+`"`)
	shown := func(col string) string {
		return fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN (%[1]s->>'%[2]s') || ', ' || coalesce(%[1]s->>'%[3]s', '~') END", col, name, n)
	}
	if got := ask(t, d, fmt.Sprintf("SELECT change, primary_key->>'%s', %s, %s, changed_columns FROM (%s)", rel.Columns[0].Name, shown("before"), shown("after"), sql)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := ask(t, d, "SELECT pk FROM log WHERE lsn = 20 AND seq < 2 ORDER BY seq"); got != `{"id": 1}`+"\n"+`{"id": 20}` {
		t.Errorf("the log names the rows %s", got)
	}
}
