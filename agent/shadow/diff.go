package shadow

import (
	"context"
	"fmt"
	"strings"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Diff gives the SELECT of what differs in a table between two moments: one row for each key, or for each row too many where there is no key.
// Its columns are change, primary_key, before, after (jsonb) and changed_columns (text[]), in PostgreSQL's text forms. The columns that both
// moments have are compared, by their numbers in the catalog.
func (d *DB) Diff(ctx context.Context, oid uint32, before, after AsOf) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold(ctx, before, after)
	d.ask(oid)
	if !d.open {
		if err := d.foldFor(oid); err != nil {
			return "", err
		}
	}
	t := d.tables[oid]
	if t == nil || len(t.Epochs) == 0 {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "only a captured table can be compared with itself").
			WithHint("Ask for the partitions of a partitioned table.")
	}
	a, err := d.sideOf(t, before)
	if err != nil {
		return "", err
	}
	b, err := d.sideOf(t, after)
	if err != nil {
		return "", err
	}
	if k := keys(b.rel); len(k) > 0 && sameKey(a.rel, b.rel) {
		return diffByKey(a, b, k), nil
	}
	return diffByRow(a, b)
}

// side is a table at one of the moments.
type side struct {
	rowset
	rel *change.Relation
}

func (d *DB) sideOf(t *table, a AsOf) (*side, error) {
	if !t.Synced {
		_, err := d.tableRows(t, Ref{})
		return nil, err
	}
	at, i, err := d.within(t, a)
	if err != nil {
		return nil, err
	}
	r, err := d.asOf(t, i, at, true)
	return &side{r, d.shapeOf(t, i)}, err
}

// sameKey says that two shapes have the same key columns.
func sameKey(a, b *change.Relation) bool {
	k, l := keys(a), keys(b)
	if len(k) != len(l) {
		return false
	}
	for i := range l {
		if origin(a, &b.Columns[l[i]]) != k[i] || a.Columns[k[i]].TypeOID != b.Columns[l[i]].TypeOID {
			return false
		}
	}
	return true
}

// list names a side's columns c0, c1, ... and says that a row is there.
func (s *side) list() string {
	cols := []string{"true AS there"}
	for i, name := range s.names {
		cols = append(cols, fmt.Sprintf("%s AS c%d", ident(types.Column(name)), i))
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM (" + s.sql + ")"
}

// diffByKey joins the two moments by the key.
func diffByKey(a, b *side, key []int) string {
	on := make([]string, len(key))
	for i, k := range key {
		on[i] = fmt.Sprintf("a.c%d = b.c%d", origin(a.rel, &b.rel.Columns[k]), k)
	}
	return joined(a, b, "("+a.list()+")", "("+b.list()+")", strings.Join(on, " AND "), key)
}

// diffByRow compares multisets of whole rows, which must have the same columns. Of the rows that differ, a deleted and an inserted one are an updated one where
// no other has their primary key.
func diffByRow(a, b *side) (string, error) {
	if plan, ok := carry(a.rel, b.rel); !ok || plan != nil {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "table %q has no key that both moments share, and its columns changed between them", b.rel.Name)
	}
	cols, was := make([]string, len(b.names)), make([]string, len(b.names))
	for k := range b.names {
		cols[k] = fmt.Sprintf("c%d", k)
		was[k] = cols[k]
		if a.types[k] != b.types[k] {
			was[k] = pgText(was[k], a.types[k]) + " AS " + was[k]
		}
	}
	all, key, pair := strings.Join(cols, ", "), primaryKey(b.rel), "NULL::INTEGER"
	if key != nil {
		name := make([]string, len(key))
		for i, k := range key {
			name[i] = cols[k]
		}
		pair = fmt.Sprintf("CASE WHEN sum(abs(n)) OVER (PARTITION BY %[1]s, n > 0) = 1 THEN row(%[1]s) END", strings.Join(name, ", "))
	}
	both := &side{rowset{names: b.names, types: b.types}, b.rel}
	rows := "(SELECT *, true AS there FROM differing, LATERAL (SELECT unnest(range(abs(n)::BIGINT))) WHERE n %s 0)"
	return fmt.Sprintf(`WITH differing AS MATERIALIZED (SELECT *, %s AS pair
FROM (SELECT %s, sum(n) AS n FROM (SELECT %s, -1 AS n FROM (%s) UNION ALL SELECT %[2]s, 1 FROM (%[5]s)) GROUP BY %[2]s HAVING sum(n) <> 0))
`, pair, all, strings.Join(was, ", "), a.list(), b.list()) +
		joined(both, both, fmt.Sprintf(rows, "<"), fmt.Sprintf(rows, ">"), "a.pair = b.pair", key), nil
}

// joined joins the rows before and after, whose columns are c0, c1, ... and there, and shows those that differ, in the order of the key, if any.
func joined(a, b *side, before, after, on string, key []int) string {
	var order, differs, names []string
	id := "NULL::VARCHAR"
	if key != nil {
		of := make([]int, len(key))
		for i, k := range key {
			of[i] = origin(a.rel, &b.rel.Columns[k])
			order = append(order, fmt.Sprintf("coalesce(a.c%d, b.c%d)", of[i], k))
		}
		id = fmt.Sprintf("CASE WHEN b.there THEN %s ELSE %s END", b.json("b.", key), a.json("a.", of))
	}
	for k := range b.rel.Columns {
		c := &b.rel.Columns[k]
		j := origin(a.rel, c)
		if j < 0 {
			continue
		}
		l, r := fmt.Sprintf("a.c%d", j), fmt.Sprintf("b.c%d", k)
		if key == nil {
			order = append(order, fmt.Sprintf("coalesce(%s, %s)", l, r))
		}
		if a.types[j] != b.types[k] {
			l, r = pgText(l, a.types[j]), pgText(r, b.types[k])
		}
		differs = append(differs, l+" IS DISTINCT FROM "+r)
		names = append(names, fmt.Sprintf("CASE WHEN %s IS DISTINCT FROM %s THEN %s END", l, r, quote(arrayItem(c.Name))))
	}
	both := "a.there AND b.there"
	return fmt.Sprintf(`SELECT CASE WHEN a.there IS NULL THEN 'inserted' WHEN b.there IS NULL THEN 'deleted' ELSE 'updated' END AS change,
%s AS primary_key,
CASE WHEN a.there THEN %s END AS before, CASE WHEN b.there THEN %s END AS after,
CASE WHEN %s THEN '{' || concat_ws(',', %s) || '}' END AS changed_columns
FROM %s a FULL JOIN %s b ON %s
WHERE a.there IS NULL OR b.there IS NULL OR %s
ORDER BY %s, change`, id, a.json("a.", nil), b.json("b.", nil), both, strings.Join(names, ", "),
		before, after, on, strings.Join(differs, " OR "), strings.Join(order, ", "))
}

// arrayItem writes a name as an item of PostgreSQL's array text.
func arrayItem(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// json prints a row of c0, c1, ... as the change log does; only some columns, or all.
func (s *side) json(prefix string, only []int) string {
	if only == nil {
		for i := range s.names {
			only = append(only, i)
		}
	}
	cols := jsonColumns(s.rel)
	var b strings.Builder
	b.WriteString("'{'")
	for n, i := range only {
		sep := ", "
		if n == 0 {
			sep = ""
		}
		col := fmt.Sprintf("%sc%d", prefix, i)
		fmt.Fprintf(&b, " || %s || coalesce(%s, 'null')", quote(sep+string(cols[i].name)), jsonText(col, s.types[i], cols[i].form))
	}
	b.WriteString(" || '}'")
	return "(" + b.String() + ")"
}

// jsonText prints one value as JSON; NULL stays NULL.
func jsonText(col, typ string, form jsonForm) string {
	text := pgText(col, typ)
	quoted := "to_json(" + text + ")::VARCHAR"
	switch form {
	case jsonBoolean, jsonRaw:
		return col + "::VARCHAR"
	case jsonNumber:
		if typ == "FLOAT" || typ == "DOUBLE" || typ == "VARCHAR" {
			return fmt.Sprintf("CASE WHEN right(%[1]s, 1) BETWEEN '0' AND '9' THEN %[1]s ELSE %[2]s END", text, quoted)
		}
		return text
	case jsonString:
	}
	return quoted
}

// pgText prints a value of a DuckDB type as PostgreSQL does.
func pgText(col, typ string) string {
	switch typ {
	case "VARCHAR":
		return col
	case "BLOB":
		return `('\x' || lower(hex(` + col + `)))`
	case "FLOAT", "DOUBLE":
		return fmt.Sprintf("CASE WHEN isnan(%[1]s) THEN 'NaN' WHEN isinf(%[1]s) THEN CASE WHEN %[1]s > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE regexp_replace(%[1]s::VARCHAR, '\\.0$', '') END", col)
	case "DATE":
		return fmt.Sprintf("CASE WHEN NOT isinf(%[1]s) AND %[1]s::VARCHAR LIKE '%%(BC)' THEN replace(%[1]s::VARCHAR, ' (BC)', ' BC') ELSE %[1]s::VARCHAR END", col)
	case "INTERVAL":
		return fmt.Sprintf("CASE WHEN %[1]s::VARCHAR LIKE '178956970 years%%' THEN 'infinity' WHEN %[1]s::VARCHAR LIKE '-178956970 years%%' THEN '-infinity' "+
			`ELSE regexp_replace(regexp_replace(replace(%[1]s::VARCHAR, 'month', 'mon'), '-1 (year|mon|day)( |$)', '-1 \1s\2', 'g'), '(-\d+ [a-z]+) (\d)', '\1 +\2', 'g') END`, col)
	case "UBIGINT": // pg_lsn
		return fmt.Sprintf("printf('%%X/%%X', %[1]s >> 32, %[1]s & 4294967295)", col)
	}
	return asText(col, typ)
}
