package rewrite

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// maxSetOperations bounds what DuckDB's planner, which cannot be interrupted there, is given.
const maxSetOperations = 200

func sqlErr(code, message string) *sqlerr.Error { return sqlerr.New(code, "%s", message) }

// setOperation casts both branches to the types PostgreSQL finds for them.
func (t *translator) setOperation(s *scope, n *pg.SelectStmt) *table {
	if t.setops++; t.setops > maxSetOperations {
		panic(refusal{sqlErr(sqlerr.ProgramLimitExceeded, "the statement has too many set operations")})
	}
	left, right := t.selectStmt(n.Larg, s), t.selectStmt(n.Rarg, s)
	word := map[pg.SetOperation]string{pg.SetOperation_SETOP_UNION: " UNION ", pg.SetOperation_SETOP_INTERSECT: " INTERSECT ", pg.SetOperation_SETOP_EXCEPT: " EXCEPT "}[n.Op]
	if n.All {
		word += "ALL "
	}
	if len(left.cols) != len(right.cols) {
		t.refuse(0, "this set operation is not supported by the shadow")
	}
	cols := make([]col, len(left.cols))
	for i := range cols {
		l, r := left.cols[i].value, right.cols[i].value
		u, _ := t.unify(l, r, 0)
		cols[i] = col{left.cols[i].name, u}
		if !n.All || n.Op != pg.SetOperation_SETOP_UNION {
			t.distinctable(u)
		}
	}
	sql := t.branch(left, cols) + word + t.branch(right, cols)
	if len(n.SortClause) == 0 && n.LimitCount == nil && n.LimitOffset == nil {
		return t.finish(sql, cols)
	}
	inner := t.finish("("+sql+")", cols)
	sorted := "SELECT * FROM " + inner.sql + " AS " + inner.alias + t.orderBy(nil, n.SortClause, inner.cols, false) + t.limit(n)
	return t.finish(sorted, inner.cols)
}

// branch prints one side of a set operation with the columns cast to the common types.
func (t *translator) branch(rel *table, cols []col) string {
	items := make([]string, len(cols))
	for i, c := range cols {
		items[i] = fmt.Sprintf("%s AS c%d", t.like(rel.cols[i].value, c.value), i+1)
	}
	return "(SELECT " + strings.Join(items, ", ") + " FROM (" + rel.sql + ") AS " + rel.alias + ")"
}

// like casts a value to another's type and representation.
func (t *translator) like(v, to value) string {
	if to.undecided() {
		return v.sql
	}
	if to.opaque && v.null {
		return "CAST(NULL AS VARCHAR)"
	}
	v = t.as(v, to.oid)
	if to.oid == types.Numeric && !to.opaque {
		if to.dyn {
			return t.dyn(v)
		}
		return cast(v.sql, to.duck())
	}
	return v.sql
}

// values translates VALUES (...), (...).
func (t *translator) values(s *scope, n *pg.SelectStmt) *table {
	var rows [][]value
	for _, l := range n.ValuesLists {
		var row []value
		for _, item := range l.GetList().Items {
			row = append(row, t.expr(s, item))
		}
		if rows = append(rows, row); len(row) != len(rows[0]) {
			t.refuse(0, "VALUES lists must all be the same length")
		}
	}
	cols := make([]col, len(rows[0]))
	for c := range cols {
		column := make([]value, len(rows))
		for r := range rows {
			column[r] = rows[r][c]
		}
		cols[c] = col{fmt.Sprintf("column%d", c+1), t.common(column)}
	}
	lines := make([]string, len(rows))
	for r, row := range rows {
		items := make([]string, len(row))
		for c, v := range row {
			if cols[c].undecided() {
				v = t.as(v, types.Text)
			}
			items[c] = t.like(v, cols[c].value)
		}
		lines[r] = "(" + strings.Join(items, ", ") + ")"
	}
	names := make([]string, len(cols))
	for c := range cols {
		names[c] = fmt.Sprintf("c%d", c+1)
	}
	inner := t.finish("SELECT * FROM (VALUES "+strings.Join(lines, ", ")+") AS v("+strings.Join(names, ", ")+")", cols)
	if len(n.SortClause) == 0 && n.LimitCount == nil && n.LimitOffset == nil {
		return inner
	}
	sorted := "SELECT * FROM (" + inner.sql + ") AS " + inner.alias + t.orderBy(nil, n.SortClause, inner.cols, false) + t.limit(n)
	return t.finish(sorted, inner.cols)
}

// common is the type that all of several values are cast to.
func (t *translator) common(values []value) value {
	out := values[0]
	for _, v := range values[1:] {
		if out.undecided() && v.undecided() {
			continue
		}
		out, _ = t.unify(out, v, v.at)
	}
	return out
}

// unify casts two values to PostgreSQL's common type for UNION, CASE, COALESCE and their like.
func (t *translator) unify(l, r value, at int32) (value, value) {
	oid := l.oid
	switch {
	case l.undecided() && r.undecided():
		return t.as(l, types.Text), t.as(r, types.Text)
	case l.undecided():
		oid = r.oid
	case r.undecided(), l.oid == r.oid:
	case isNumber(l.oid) && isNumber(r.oid):
		oid = wider(l.oid, r.oid)
	case isText(l.oid) && isText(r.oid):
		if oid == types.Name || oid == types.Varchar && r.oid == types.Text {
			oid = r.oid
		}
		if oid == types.Name {
			oid = types.Text
		}
	case isMoment(l.oid) && isMoment(r.oid):
		oid = laterMoment(l.oid, r.oid)
	default:
		t.refuse(at, "types %s and %s cannot be matched by the shadow", l.typeName(), r.typeName())
	}
	if oid == types.BPChar {
		t.refuse(at, "values of type character that may be padded differently are not supported by the shadow")
	}
	if l.opaque != r.opaque && !l.null && !r.null {
		l, r = numbered(l), numbered(r)
	}
	opaque, enum := l.opaque || r.opaque, l.enum || r.enum
	if opaque && (l.lit != nil || r.lit != nil) && !enum {
		t.refuse(at, "values of this type cannot be computed with in the shadow")
	}
	if opaque && oid == types.Numeric {
		if !l.opaque && !l.null || !r.opaque && !r.null {
			t.refuse(at, "numerics without a precision cannot be computed with in the shadow")
		}
		text := value{oid: oid, sql: "CAST(NULL AS VARCHAR)", opaque: true}
		if l.null {
			return text, r
		}
		if r.null {
			return l, text
		}
		return l, r
	}
	lnull, rnull := l.null, r.null
	l, r = t.as(l, oid), t.as(r, oid)
	l.opaque, r.opaque, l.enum, r.enum = opaque, opaque, enum, enum
	l.Collated, l.Cased = l.Collated || r.Collated, l.Cased || r.Cased
	switch {
	case oid != types.Numeric:
	case lnull && !r.dyn:
		return fixed(cast("NULL", r.duck()), r.p, r.s), r
	case rnull && !l.dyn:
		return l, fixed(cast("NULL", l.duck()), l.p, l.s)
	default:
		l, r = t.sameScale(l, r)
	}
	return l, r
}

// sameScale gives two numerics one representation. A DECIMAL has one scale, so different scales make a struct of them.
func (t *translator) sameScale(l, r value) (value, value) {
	if !l.dyn && !r.dyn && (l.s == r.s || t.preparing()) {
		return sameDecimal(l, r)
	}
	return dynamic(t.dyn(l)), dynamic(t.dyn(r))
}

// sameDecimal casts two numerics of known scales to the larger one.
func sameDecimal(l, r value) (value, value) {
	p, s := min(max(l.p-l.s, r.p-r.s)+max(l.s, r.s), 38), max(l.s, r.s)
	duck := fmt.Sprintf("DECIMAL(%d,%d)", p, s)
	return fixed(cast(l.sql, duck), p, s), fixed(cast(r.sql, duck), p, s)
}

// wider orders the number types as PostgreSQL's implicit casts do.
func wider(a, b uint32) uint32 {
	order := []uint32{types.Int2, types.Int4, types.Int8, types.Numeric, types.Float4, types.Float8}
	for _, o := range order {
		if a == o {
			return b
		}
		if b == o {
			return a
		}
	}
	return a
}

func laterMoment(a, b uint32) uint32 {
	if a == types.TimestampTZ || b == types.TimestampTZ {
		return types.TimestampTZ
	}
	return types.Timestamp
}
