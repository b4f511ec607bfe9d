package rewrite

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// castNames are the spellings that pg_query gives to the types a column may be cast to.
var castNames = map[string]uint32{"bool": types.Bool, "int2": types.Int2, "int4": types.Int4, "int8": types.Int8, "float4": types.Float4,
	"float8": types.Float8, "numeric": types.Numeric, "text": types.Text, "varchar": types.Varchar, "date": types.Date, "time": types.Time,
	"timestamp": types.Timestamp, "timestamptz": types.TimestampTZ, "interval": types.Interval, "uuid": types.UUID, "pg_lsn": types.LSN,
	"oid": types.OID, "integer": types.Int4, "bigint": types.Int8, "smallint": types.Int2, "double precision": types.Float8, "boolean": types.Bool}

// typeCast is x::type and CAST(x AS type) of something that is not constant.
func (t *translator) typeCast(s *scope, n *pg.TypeCast) value {
	names := n.TypeName.Names
	name := names[len(names)-1].GetString_().GetSval()
	oid, ok := castNames[name]
	if !ok || len(n.TypeName.ArrayBounds) > 0 {
		t.refuse(n.Location, "casts to type %s are not supported by the shadow", name)
	}
	var mods []int
	for _, m := range n.TypeName.Typmods {
		mods = append(mods, int(m.GetAConst().GetIval().GetIval()))
	}
	v := t.expr(s, n.Arg)
	if isNumber(oid) && (oid != types.Numeric || len(mods) > 0) {
		v = numbered(v)
	}
	if v.opaque && v.oid != oid {
		if isText(oid) && len(mods) == 0 && (v.enum || v.oid == types.JSONB || v.oid == types.JSON || v.oid == types.Numeric) {
			return of(oid, v.sql)
		}
		t.refuse(n.Location, "values of this type cannot be cast in the shadow")
	}
	out := t.explicit(v, oid)
	switch {
	case len(mods) == 0:
		return out
	case oid == types.Numeric:
		scale := 0
		if len(mods) > 1 {
			scale = mods[1]
		}
		if scale < 0 || mods[0] > 38 || scale > mods[0] {
			t.refuse(n.Location, "numeric of this precision is not supported by the shadow")
		}
		out = t.round(out, scale, false)
		return fixed(cast(out.sql, fmt.Sprintf("DECIMAL(%d,%d)", mods[0], scale)), mods[0], scale)
	case oid == types.Varchar:
		return of(oid, fmt.Sprintf("substr(%s, 1, %d)", out.sql, mods[0]))
	}
	t.refuse(n.Location, "this cast is not supported by the shadow")
	return value{}
}

// as is an implicit cast: literals are read, numbers widened, dates made moments.
func (t *translator) as(v value, oid uint32) value {
	switch {
	case v.null:
		out := t.literal(oid, nil, v.at)
		out.opaque = false
		return out
	case v.lit != nil:
		return t.read(v, oid)
	case v.oid == oid:
		return v
	case isText(v.oid) && isText(oid):
		v.oid = oid
		return v
	case isNumber(v.oid) && isNumber(oid) && wider(v.oid, oid) == oid, isMoment(v.oid) && isMoment(oid),
		isInt(v.oid) && oid == types.OID, v.oid == types.OID && oid == types.Int8, v.oid == types.Bool && oid == types.Bool:
		return t.explicit(v, oid)
	}
	t.refuse(v.at, "type %s cannot be used as %s in the shadow", v.typeName(), types.Of(oid, -1).Name)
	return value{}
}

// read gives a literal its type. What PostgreSQL must interpret is read by the mirror.
func (t *translator) read(v value, oid uint32) value {
	switch {
	case isText(oid), oid == types.BPChar:
		return value{oid: oid, sql: quoteLiteral(*v.lit), konst: true, at: v.at}
	case oid == types.Numeric && t.preparing():
		t.coerced(*v.lit, oid, v.at)
		out := fixed("CAST(NULL AS DECIMAL(1,0))", 1, 0)
		out.konst = true
		return out
	case types.Of(oid, -1).Name == "":
		out := value{oid: oid, sql: quoteLiteral(*v.lit), konst: true, at: v.at, enum: true, opaque: true}
		return out
	}
	return t.literal(oid, t.coerced(*v.lit, oid, v.at), v.at)
}

// narrowed casts a whole number to a smaller type, with a look at its range: of a comparison with a plain cast DuckDB leaves the cast out, and the error with it.
func narrowed(text string, oid uint32) string {
	bits := 8*types.Of(oid, -1).Size - 1
	body := func(x string) string {
		return fmt.Sprintf("CASE WHEN %[1]s BETWEEN -%[2]d AND %[3]d THEN CAST(%[1]s AS %[4]s) WHEN %[1]s IS NOT NULL THEN %[5]s END",
			x, int64(1)<<bits, int64(1)<<bits-1, types.Of(oid, -1).DuckDB, fail("22003", types.Of(oid, -1).Name+" out of range"))
	}
	if strings.ContainsAny(text, "( ") {
		return let(text, body("x"))
	}
	return "(" + body(text) + ")"
}

// explicit casts between the exact types, with PostgreSQL's rounding and errors.
func (t *translator) explicit(v value, oid uint32) value {
	if v.undecided() {
		return t.as(v, oid)
	}
	if v.oid == oid {
		return v
	}
	out := value{oid: oid, konst: v.konst, at: v.at}
	duck := types.Of(oid, -1).DuckDB
	switch {
	case oid == types.Numeric && isInt(v.oid):
		return t.toNumeric(v)
	case oid == types.Numeric && isFloat(v.oid):
		return fromFloat(v)
	case oid == types.Float4 && (v.oid == types.Float8 || v.oid == types.Numeric):
		out.sql = let("{d: "+t.float(v, "DOUBLE")+", f: TRY_CAST("+t.float(v, "DOUBLE")+" AS FLOAT)}", "CASE WHEN x.d IS NOT NULL AND (x.f IS NULL OR isinf(x.f) AND NOT isinf(x.d) OR x.f = 0 AND x.d <> 0) THEN "+
			fail("22003", "value out of range")+" ELSE x.f END")
	case isFloat(oid) && isNumber(v.oid):
		out.sql = t.float(v, duck)
	case isInt(oid) && v.oid == types.Numeric:
		out.sql = cast(t.round(v, 0, false).sql, duck)
	case isInt(oid) && isInt(v.oid) && types.Of(oid, -1).Size < types.Of(v.oid, -1).Size:
		out.sql = narrowed(v.sql, oid)
	case isInt(oid) && (isNumber(v.oid) || v.oid == types.OID), oid == types.OID && isInt(v.oid), oid == types.Int4 && v.oid == types.Bool:
		out.sql = cast(v.sql, duck)
	case oid == types.Bool && v.oid == types.Int4:
		out.sql = "(" + v.sql + " <> 0)"
	case isText(oid):
		out.sql = t.text(v)
	case isInt(oid) && isText(v.oid):
		out.sql = fmt.Sprintf("CASE WHEN regexp_full_match(%[1]s, '\\s*[-+]?[0-9]+\\s*') THEN CAST(trim(%[1]s, E' \\t\\n\\r\\f\\v') AS %[2]s) WHEN %[1]s IS NOT NULL THEN error('FS22P02:invalid input syntax for type %[3]s: \"' || %[1]s || '\"') END",
			v.sql, duck, types.Of(oid, -1).Name)
	case isMoment(oid) && isMoment(v.oid), oid == types.Time && (v.oid == types.Timestamp || v.oid == types.TimestampTZ):
		if v.oid == types.TimestampTZ || oid == types.TimestampTZ {
			t.zoned("", v.at)
		}
		if v.oid == types.TimestampTZ && oid != types.Timestamp {
			v.sql = cast(v.sql, "TIMESTAMP")
		}
		out.sql = cast(v.sql, duck)
	case isFloat(oid) && isText(v.oid):
		t.refuse(v.at, "casts from text to %s are not supported by the shadow", types.Of(oid, -1).Name)
	default:
		t.refuse(v.at, "casts from %s to %s are not supported by the shadow", v.typeName(), types.Of(oid, -1).Name)
	}
	return out
}

// text prints a value as PostgreSQL's output function does.
func (t *translator) text(v value) string {
	switch {
	case isText(v.oid):
		return v.sql
	case v.oid == types.BPChar && !v.opaque:
		return v.trimmed()
	case v.dyn:
		return dynText(v.sql)
	case v.oid == types.Numeric && v.p == v.s: // DuckDB leaves out the 0 before the point
		return cast(cast(v.sql, fixed("", v.p+1, v.s).duck()), "VARCHAR")
	case isInt(v.oid), v.oid == types.Numeric, v.oid == types.Bool, v.oid == types.UUID, v.oid == types.OID:
		return cast(v.sql, "VARCHAR")
	case isMoment(v.oid) && t.in.ISODates:
		odd := "date_part('year', " + t.explicit(v, types.Timestamp).sql + ") < 1"
		if v.oid == types.TimestampTZ { // whose offset had seconds once
			odd += " OR (epoch_us(" + t.explicit(v, types.Timestamp).sql + ") - epoch_us(" + v.sql + ")) % 60000000 <> 0"
		}
		return "CASE WHEN " + odd + " THEN " + fail("0A000", "moments of long ago as text are not supported by the shadow") + " ELSE " + cast(v.sql, "VARCHAR") + " END"
	}
	t.refuse(v.at, "casts from %s to text are not supported by the shadow", v.typeName())
	return ""
}

// stringArg is a function's text argument.
func (t *translator) stringArg(v value) string {
	if v.undecided() {
		return t.as(v, types.Text).sql
	}
	if !isText(v.oid) && (v.oid != types.BPChar || v.opaque) {
		t.refuse(v.at, "type %s cannot be used as text in the shadow", v.typeName())
	}
	return t.text(v)
}

// literalArg is the literal text of an argument, for functions whose meaning hangs on it.
func (t *translator) literalArg(v value, what string) string {
	switch {
	case v.lit != nil:
		return *v.lit
	case isText(v.oid) && v.konst && strings.HasPrefix(v.sql, "'"):
		return strings.ReplaceAll(v.sql[1:len(v.sql)-1], "''", "'")
	}
	t.refuse(v.at, "%s must be a constant in the shadow", what)
	return ""
}
