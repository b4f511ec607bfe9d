package shadow

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"

	"foreshadow/sql/sqlerr"
)

//go:embed views/*.sql
var viewFiles embed.FS

// readableMark stands in a view's text for the tables whose changes may be shown.
const readableMark = "/*readable*/"

// keysMark stands in a view's text for the tables whose keys may be shown: how far a sequence has come is data, as it is in pg_sequences.
const keysMark = "/*keys*/"

// errorsMark stands in a view's text for the forecasts' errors, which are a view themselves.
const errorsMark = "/*errors*/"

// view gives the SELECT of one of the relations of schema foreshadow that the shadow itself answers.
func (d *DB) view(ref Ref) (string, error) {
	name := strings.TrimPrefix(ref.Name, "foreshadow.")
	if name == "tables" {
		if !d.open {
			if err := d.foldAll(); err != nil {
				return "", err
			}
		}
		return d.tablesView(ref), nil
	}
	b, err := viewFiles.ReadFile("views/" + name + ".sql")
	if err != nil {
		return "", sqlerr.New(sqlerr.UndefinedTable, "relation foreshadow.%s is not kept in the shadow", name)
	}
	if name == "forecast_accuracy" {
		errors, err := viewFiles.ReadFile("views/forecast_errors.sql")
		if err != nil {
			return "", err
		}
		b = bytes.Replace(b, []byte(errorsMark), errors, 1)
	}
	list, keys := fmt.Sprintf("SELECT DISTINCT oid FROM shapes UNION ALL SELECT %d", noTable), "['*']" // whoever may read all tables sees messages too
	if ref.Readable != nil {
		list, keys = "NULL", "['']"
		for _, oid := range ref.Readable {
			list += fmt.Sprintf(", %d", oid)
		}
		if names := d.names(ref.Readable); len(names) > 0 {
			keys = "[" + strings.Join(names, ", ") + "]"
		}
	}
	return strings.TrimSpace(strings.NewReplacer(readableMark, list, keysMark, keys).Replace(string(b))), nil
}

// names are the tables' names as SQL literals.
func (d *DB) names(oids []uint32) []string {
	var out []string
	for _, oid := range oids {
		if t := d.tables[oid]; t != nil && t.Version > 0 {
			rel := d.shape(t)
			out = append(out, quote(rel.Schema+"."+rel.Name))
		}
	}
	return out
}

// tablesView lists the captured tables with their counts as they are now.
func (d *DB) tablesView(ref Ref) string {
	parts := []string{"SELECT NULL::VARCHAR AS relation, NULL::UINTEGER AS oid, NULL::INTEGER AS schema_version, NULL::VARCHAR AS replica_identity, " +
		"NULL::BIGINT AS rows, NULL::BIGINT AS versions, NULL::UBIGINT AS folded_lsn, NULL::VARCHAR AS note WHERE false"}
	var oids []uint32
	for oid := range d.tables {
		if ref.Readable == nil || slices.Contains(ref.Readable, oid) {
			oids = append(oids, oid)
		}
	}
	slices.Sort(oids)
	for _, oid := range oids {
		t := d.tables[oid]
		if t.Version == 0 || len(t.Gens) == 0 {
			continue
		}
		rel := d.shape(t)
		old := make([]string, len(t.Gens))
		for i, g := range t.Gens {
			old[i] = fmt.Sprintf("(SELECT count(*) FROM h%d_%d)", oid, g.N)
		}
		parts = append(parts, fmt.Sprintf("SELECT %s, %d::UINTEGER, %d::INTEGER, %s, (SELECT count(*) FROM %s), (SELECT count(*) FROM %s) + %s, %d::UBIGINT, %s::VARCHAR",
			quote(rel.Schema+"."+rel.Name), oid, t.Version, quote(identityName(byte(rel.Identity))), t.visible(), t.visible(), strings.Join(old, " + "), uint64(d.pos.folded), t.remark()))
	}
	return strings.Join(parts, " UNION ALL ")
}

func identityName(i byte) string {
	switch i {
	case 'd':
		return "default"
	case 'f':
		return "full"
	case 'i':
		return "index"
	}
	return "nothing"
}

// remark says, as an SQL literal, what a reader of the table must know.
func (t *table) remark() string {
	var notes []string
	if t.Note != "" {
		notes = append(notes, t.Note)
	}
	if !t.Synced && t.Dropped == 0 && t.Note == "" {
		notes = append(notes, "being copied")
	}
	if len(t.AsText) > 0 {
		notes = append(notes, "kept as text: "+strings.Join(t.AsText, ", "))
	}
	if t.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%d large values of its changes are not known", t.Unknown))
	}
	if notes == nil {
		return "NULL"
	}
	return quote(strings.Join(notes, "; "))
}
