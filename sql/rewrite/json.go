package rewrite

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// jsonOperator is a path of -> steps that ends in ->>, by keys that are constant. DuckDB reads a JSON number as a double and
// would lose digits, so numbers with a point are cut out of the text, where they stand exactly as PostgreSQL would show them.
func (t *translator) jsonOperator(s *scope, n *pg.A_Expr, op string) value {
	if op != "->>" {
		t.refuse(n.Location, "operator %s is supported by the shadow only before ->>", op)
	}
	var path []string
	base := n.Lexpr
	path = append(path, t.jsonKey(s, n.Rexpr))
	for {
		e := base.GetAExpr()
		if e == nil || e.Kind != pg.A_Expr_Kind_AEXPR_OP || e.Name[len(e.Name)-1].GetString_().GetSval() != "->" {
			break
		}
		path = append([]string{t.jsonKey(s, e.Rexpr)}, path...)
		base = e.Lexpr
	}
	v := t.expr(s, base)
	if v.oid != types.JSONB {
		t.refuse(n.Location, "operator ->> of this type is not supported by the shadow")
	}
	pointer := quoteLiteral("/" + strings.Join(path, "/"))
	plain := call("json_extract_string", "x", pointer)
	if len(path) > 1 {
		plain = "CASE json_type(x, " + pointer + ") WHEN 'DOUBLE' THEN " + fail("0A000", "this JSON number is not supported by the shadow") +
			" WHEN 'OBJECT' THEN " + fail("0A000", "a JSON object as text is not supported by the shadow") +
			" WHEN 'ARRAY' THEN " + fail("0A000", "a JSON array as text is not supported by the shadow") + " ELSE " + plain + " END"
		return of(types.Text, let(v.sql, plain))
	}
	key := strings.ReplaceAll(strings.ReplaceAll(path[0], "~1", "/"), "~0", "~")
	pattern := quoteLiteral(`[{ ]"` + quoteMeta(key) + `": (-?[0-9][-+0-9.eE]*)`)
	numbers := "regexp_extract_all(x, " + pattern + ", 1)"
	return of(types.Text, let(v.sql, "CASE WHEN json_type(x, "+pointer+") IN ('DOUBLE', 'UBIGINT', 'BIGINT', 'HUGEINT') THEN CASE WHEN len("+numbers+") = 1 THEN "+numbers+"[1] ELSE "+
		fail("0A000", "this JSON number is not supported by the shadow")+" END WHEN json_type(x, "+pointer+") IN ('OBJECT', 'ARRAY') THEN "+
		fail("0A000", "JSON objects and arrays as text are not supported by the shadow")+" ELSE "+plain+" END"))
}

// jsonKey is a constant key, written for a JSON pointer.
func (t *translator) jsonKey(s *scope, n *pg.Node) string {
	v := t.expr(s, n)
	if v.lit == nil && !isText(v.oid) {
		t.refuse(location(n), "JSON array elements are not supported by the shadow")
	}
	k := t.literalArg(v, "a JSON key")
	if strings.ContainsAny(k, "\"\\") {
		t.refuse(location(n), "this JSON key is not supported by the shadow")
	}
	return strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1")
}

// quoteMeta escapes what a regular expression would read otherwise.
func quoteMeta(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
