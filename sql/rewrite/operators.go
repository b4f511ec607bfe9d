package rewrite

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// operator translates the forms of A_Expr.
func (t *translator) operator(s *scope, n *pg.A_Expr) value {
	op := n.Name[len(n.Name)-1].GetString_().GetSval()
	switch n.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		return t.plainOperator(s, n, op)
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return t.anyArray(s, n, op)
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		return t.compare("IS DISTINCT FROM", t.expr(s, n.Lexpr), t.expr(s, n.Rexpr))
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return t.compare("IS NOT DISTINCT FROM", t.expr(s, n.Lexpr), t.expr(s, n.Rexpr))
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		l, r := t.expr(s, n.Lexpr), t.expr(s, n.Rexpr)
		if l.undecided() {
			l = t.as(l, types.Text)
		}
		out := l
		out.konst = false
		out.sql = "CASE WHEN " + t.compare("=", l, r).sql + " THEN NULL ELSE " + l.sql + " END"
		return out
	case pg.A_Expr_Kind_AEXPR_IN:
		return t.in1(s, n, op)
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE:
		return t.likeExpr(s, n, op)
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		items := n.Rexpr.GetList().Items
		low, high := t.compare(">=", t.expr(s, n.Lexpr), t.expr(s, items[0])), t.compare("<=", t.expr(s, n.Lexpr), t.expr(s, items[1]))
		text := "(" + low.sql + " AND " + high.sql + ")"
		if n.Kind == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN {
			text = "(NOT " + text + ")"
		}
		return of(types.Bool, text)
	}
	t.refuse(n.Location, "this operator is not supported by the shadow")
	return value{}
}

// comparisons are the operators of equality and order, and what DuckDB calls them.
var comparisons = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

func (t *translator) plainOperator(s *scope, n *pg.A_Expr, op string) value {
	if n.Lexpr == nil {
		return t.unary(op, t.expr(s, n.Rexpr), n.Location)
	}
	if op == "->>" || op == "->" || op == "#>>" {
		return t.jsonOperator(s, n, op)
	}
	l, r := t.expr(s, n.Lexpr), t.expr(s, n.Rexpr)
	if l.at == 0 {
		l.at = n.Location
	}
	switch {
	case comparisons[op]:
		return t.compare(op, l, r)
	case op == "||":
		return t.concat(l, r, n.Location)
	case op == "~" || op == "~*" || op == "!~" || op == "!~*":
		return t.regex(op, l, r, n.Location)
	}
	l, r = t.operandTypes(op, numbered(l), numbered(r), n.Location)
	if l.opaque || r.opaque {
		t.refuse(n.Location, "values of this type cannot be computed with in the shadow")
	}
	switch {
	case isNumber(l.oid) && isNumber(r.oid):
		return t.number(op, l, r, n.Location)
	case isMoment(l.oid) || isMoment(r.oid) || l.oid == types.Interval || r.oid == types.Interval || l.oid == types.Time:
		return t.momentOperator(op, l, r, n.Location)
	case l.oid == types.LSN && r.oid == types.LSN && op == "-":
		return fixed(cast("CAST("+l.sql+" AS HUGEINT) - CAST("+r.sql+" AS HUGEINT)", "DECIMAL(21,0)"), 21, 0)
	}
	t.refuse(n.Location, "operator %s of %s and %s is not supported by the shadow", op, l.typeName(), r.typeName())
	return value{}
}

// operandTypes gives an undecided operand PostgreSQL's type: the other's, or an interval beside a moment that is added to.
func (t *translator) operandTypes(op string, l, r value, at int32) (value, value) {
	other := func(known value) uint32 {
		switch {
		case op == "+" && (known.oid == types.Timestamp || known.oid == types.TimestampTZ):
			return types.Interval
		case known.oid == types.Interval && (op == "*" || op == "/"):
			return types.Float8
		case op == "+" && known.oid == types.Date:
			t.refuse(at, "this operator is not supported by the shadow")
		}
		return known.oid
	}
	switch {
	case l.undecided() && r.undecided():
		t.refuse(at, "operator %s of untyped constants is not supported by the shadow", op)
	case l.undecided():
		l = t.as(l, other(r))
	case r.undecided():
		r = t.as(r, other(l))
	}
	return l, r
}

func (t *translator) unary(op string, v value, at int32) value {
	v = numbered(v)
	if v.opaque || !isNumber(v.oid) && v.oid != types.Interval || op != "-" && op != "+" {
		t.refuse(at, "operator %s is not supported by the shadow", op)
	}
	if op == "+" {
		return v
	}
	if v.dyn {
		return dynamic(let(v.sql, "CASE WHEN x.v IS NOT NULL THEN {v: -x.v, s: x.s} END"))
	}
	v.sql = "(-" + v.sql + ")"
	return v
}

// number is arithmetic by PostgreSQL's types: the wider one, with its overflow and division by zero.
func (t *translator) number(op string, l, r value, at int32) value {
	if !strings.Contains("+-*/%", op) {
		t.refuse(at, "operator %s is not supported by the shadow", op)
	}
	oid := wider(l.oid, r.oid)
	if isFloat(oid) && l.oid != r.oid {
		oid = types.Float8
	}
	if oid == types.Numeric {
		if op == "/" {
			return t.divide(l, r)
		}
		return t.arithmetic(op, l, r)
	}
	l, r = t.explicit(l, oid), t.explicit(r, oid)
	duck := types.Of(oid, -1).DuckDB
	switch {
	case isFloat(oid) && op == "%":
		t.refuse(at, "operator %% of floats is not supported by the shadow")
	case isFloat(oid):
		return of(oid, t.floatOperator(op, l, r))
	case op == "/" || op == "%":
		word := map[string]string{"/": "//", "%": "%"}[op]
		return of(oid, fmt.Sprintf("(CASE WHEN %s = 0 THEN %s ELSE %s %s %s END)", r.sql, cast(fail("22012", "division by zero"), duck), l.sql, word, r.sql))
	}
	out := of(oid, "("+apart(l)+" "+op+" "+apart(r)+")")
	out.shifted = l.konst || r.konst
	return out
}

// apart keeps DuckDB from making one constant of two, as in (a + 32767) - 3, whose overflow would be lost.
func apart(v value) string {
	if !v.shifted {
		return v.sql
	}
	wider := map[uint32]string{types.Int2: "INTEGER", types.Int4: "BIGINT", types.Int8: "HUGEINT"}[v.oid]
	return cast(cast(v.sql, wider), types.Of(v.oid, -1).DuckDB)
}

// floatOperator raises PostgreSQL's errors where IEEE arithmetic would go on with infinities.
func (t *translator) floatOperator(op string, l, r value) string {
	text := "(" + l.sql + " " + op + " " + r.sql + ")"
	if op == "/" {
		text = fmt.Sprintf("(CASE WHEN %s = 0 AND NOT isnan(%s) THEN %s ELSE %s / %s END)", r.sql, l.sql, cast(fail("22012", "division by zero"), l.duck()), l.sql, r.sql)
	}
	lost := map[string]string{"*": l.sql + " <> 0 AND " + r.sql + " <> 0", "/": l.sql + " <> 0 AND NOT isinf(" + r.sql + ")"}[op]
	if lost == "" {
		lost = "FALSE"
	}
	return let("{r: "+text+", i: isinf("+l.sql+") OR isinf("+r.sql+"), l: "+lost+"}", "CASE WHEN isinf(x.r) AND NOT x.i THEN "+fail("22003", "value out of range: overflow")+
		" WHEN x.r = 0 AND x.l THEN "+fail("22003", "value out of range: underflow")+" ELSE x.r END")
}

// comparands casts two values to the type PostgreSQL compares them in.
func (t *translator) comparands(op string, l, r value) (value, value) {
	ordered := op != "=" && op != "<>" && !strings.HasPrefix(op, "IS ")
	l, r = numbered(l), numbered(r)
	switch {
	case l.undecided() && r.undecided():
		l, r = t.as(l, types.Text), t.as(r, types.Text)
	case l.undecided():
		l = t.as(l, r.oid)
	case r.undecided():
		r = t.as(r, l.oid)
	}
	if l.oid == r.oid { // a constant or a parameter does not know by itself that its type is an enum
		l.enum, r.enum = l.enum || r.enum, l.enum || r.enum
	}
	t.comparable(l, ordered)
	t.comparable(r, ordered)
	if isText(l.oid) != isText(r.oid) && (l.oid == types.BPChar || r.oid == types.BPChar) {
		l, r = t.explicit(l, types.Text), t.explicit(r, types.Text)
	}
	switch {
	case l.oid == r.oid || isText(l.oid) && isText(r.oid):
	case isNumber(l.oid) && isNumber(r.oid):
		oid := wider(l.oid, r.oid)
		if isFloat(oid) {
			oid = types.Float8
		}
		l, r = t.explicit(l, oid), t.explicit(r, oid)
	case l.oid == types.OID && isInt(r.oid) || r.oid == types.OID && isInt(l.oid):
		l, r = of(types.Int8, cast(l.sql, "BIGINT")), of(types.Int8, cast(r.sql, "BIGINT"))
	case isMoment(l.oid) && isMoment(r.oid):
		oid := laterMoment(l.oid, r.oid)
		l, r = t.explicit(l, oid), t.explicit(r, oid)
	default:
		t.refuse(l.at, "operator %s of %s and %s is not supported by the shadow", op, l.typeName(), r.typeName())
	}
	if l.dyn != r.dyn {
		l, r = dynamic(t.dyn(l)), dynamic(t.dyn(r))
	}
	return l, r
}

func (t *translator) compare(op string, l, r value) value {
	l, r = t.comparands(op, l, r)
	if l.dyn && strings.ContainsAny(op, "<>") && op != "<>" { // DuckDB makes BETWEEN of two such comparisons, which it cannot do with structs
		return of(types.Bool, let("{a: "+l.key()+", b: "+r.key()+"}",
			"CASE WHEN x.a IS NOT NULL AND x.b IS NOT NULL THEN x.a.w "+op[:1]+" x.b.w OR x.a.w = x.b.w AND x.a.f "+op+" x.b.f END"))
	}
	return of(types.Bool, "("+l.key()+" "+op+" "+r.key()+")")
}

// in1 is x IN (a, b): the comparisons one by one, as the items may have different types.
func (t *translator) in1(s *scope, n *pg.A_Expr, op string) value {
	l := t.expr(s, n.Lexpr)
	if n.Lexpr.GetRowExpr() != nil {
		t.refuse(n.Location, "row comparisons are not supported by the shadow")
	}
	var items []value
	for _, item := range n.Rexpr.GetList().Items {
		items = append(items, t.expr(s, item))
	}
	return t.membership(l, t.alike(l, items), op == "<>")
}

// alike gives the constants of an IN list, where there are several, the type that they have in common with the left side: to a real they are reals.
func (t *translator) alike(l value, items []value) []value {
	oid, constants := l.oid, 0
	for _, v := range items {
		if !v.konst {
			continue
		}
		constants++
		if isNumber(oid) && isNumber(v.oid) {
			oid = wider(oid, v.oid)
		}
	}
	for i, v := range items {
		if constants > 1 && v.konst && isFloat(oid) && isNumber(v.oid) {
			items[i] = t.explicit(v, oid)
		}
	}
	return items
}

// membership prints IN when all items compare alike, and otherwise comparisons joined by OR.
func (t *translator) membership(l value, items []value, not bool) value {
	var keys, tests []string
	left, alike := "", true
	for _, r := range items {
		a, b := t.comparands("=", l, r)
		if left != "" && left != a.key() {
			alike = false
		}
		left = a.key()
		keys = append(keys, b.key())
		tests = append(tests, "("+a.key()+" = "+b.key()+")")
	}
	text := "(" + strings.Join(tests, " OR ") + ")"
	switch {
	case len(items) == 0:
		text = "FALSE"
	case alike:
		text = "(" + left + " IN (" + strings.Join(keys, ", ") + "))"
	}
	if not {
		text = "(NOT " + text + ")"
	}
	return of(types.Bool, text)
}

// anyArray is x = ANY (array) and x <> ALL (array) of a constant array.
func (t *translator) anyArray(s *scope, n *pg.A_Expr, op string) value {
	all := n.Kind == pg.A_Expr_Kind_AEXPR_OP_ALL
	if !folds(n.Rexpr) || op != "=" && op != "<>" || (op == "=") == all {
		t.refuse(n.Location, "this comparison with an array is not supported by the shadow")
	}
	oid, text := t.computed(n.Rexpr)
	items, known := t.list(oid, text, n.Location)
	l := t.expr(s, n.Lexpr)
	if !known && !t.preparing() {
		return of(types.Bool, "CAST(NULL AS BOOLEAN)")
	}
	if len(items) == 0 {
		t.comparands("=", l, t.literal(elements[oid], nil, n.Location))
	}
	return t.membership(l, items, all)
}

// likeExpr gives LIKE PostgreSQL's escape character, unless the pattern has none.
func (t *translator) likeExpr(s *scope, n *pg.A_Expr, op string) value {
	r := t.expr(s, n.Rexpr)
	escape := " ESCAPE '\\'"
	if r.lit != nil && !strings.Contains(*r.lit, `\`) {
		escape = ""
	}
	word := map[string]string{"~~": " LIKE ", "!~~": " NOT LIKE ", "~~*": " ILIKE ", "!~~*": " NOT ILIKE "}[op]
	if word == "" {
		t.refuse(n.Location, "this operator is not supported by the shadow")
	}
	l := padded(t.expr(s, n.Lexpr))
	if strings.HasSuffix(op, "*") {
		t.folds(l, n.Location)
		t.folds(r, n.Location)
	}
	return of(types.Bool, "("+t.stringArg(l)+word+t.stringArg(r)+escape+")")
}

// padded is a character(n) as text where PostgreSQL sees its padding, with which it is stored.
func padded(v value) value {
	if v.oid == types.BPChar && !v.opaque {
		v.oid = types.Text
	}
	return v
}

// concat joins texts; other types are printed as PostgreSQL prints them.
func (t *translator) concat(l, r value, at int32) value {
	if !l.undecided() && !isText(l.oid) && !r.undecided() && !isText(r.oid) || l.opaque || r.opaque {
		t.refuse(at, "operator || of these types is not supported by the shadow")
	}
	text := func(v value) string {
		if v.undecided() {
			return t.as(v, types.Text).sql
		}
		return t.text(v)
	}
	return of(types.Text, "("+text(l)+" || "+text(r)+")")
}

// safePattern are regular expressions that both engines read alike: no escapes but of punctuation, no back references or lookaround, anchors only at the
// ends of branches, where nothing repeats them.
var safePattern = regexp.MustCompile(`^\^?(?:[^\\(){}\[\]^$|]|\\[.^$*+?()\[\]{}|/-]|\((?:\?:)?\^?|\$?\)|\$?\|\^?|\{\d{1,2}(?:,\d{0,2})?\}|\[\^?-?(?:\w-\w|[\w .,:;@/_])+-?\])*\$?$`)

// misplaced are a quantifier with nothing before it, which RE2 allows after an anchor, and groups that only PostgreSQL or only RE2 knows.
var misplaced = regexp.MustCompile(`^\*\*\*|(?:^|[^\\])\^[*+?{]|\(\?[^:]`)

func (t *translator) regex(op string, l, r value, at int32) value {
	pattern := t.literalArg(r, "a regular expression")
	if !safePattern.MatchString(pattern) || misplaced.MatchString(pattern) || strings.Contains(pattern, "[:") {
		t.refuse(at, "this regular expression is not supported by the shadow")
	}
	if _, err := regexp.Compile(pattern); err != nil {
		t.refuse(at, "this regular expression is not supported by the shadow")
	}
	flags, subject := "s", t.stringArg(padded(l))
	if strings.HasSuffix(op, "*") {
		t.folds(l, at)
		if strings.ContainsFunc(pattern, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.refuse(at, "this regular expression is not supported by the shadow")
		}
		flags = "is"
		if strings.ContainsAny(pattern, "sSkK[") { // which RE2 takes for the long s and the Kelvin sign, too
			subject = call("replace", call("replace", subject, "'ſ'", "'ø'"), "'\u212a'", "'ø'")
		}
	}
	text := call("regexp_matches", subject, quoteLiteral(pattern), quoteLiteral(flags))
	if strings.HasPrefix(op, "!") {
		text = "(NOT " + text + ")"
	}
	return of(types.Bool, text)
}

// momentOperator is the arithmetic of dates, times and intervals.
func (t *translator) momentOperator(op string, l, r value, at int32) value {
	plain := "(" + l.sql + " " + op + " " + r.sql + ")"
	additive := op == "+" || op == "-"
	switch {
	case l.oid == types.Date && r.oid == types.Date && op == "-":
		return of(types.Int4, t.finite(cast(plain, "INTEGER"), l, r))
	case l.oid == types.Date && (r.oid == types.Int4 || r.oid == types.Int2) && additive:
		return of(types.Date, "("+l.sql+" "+op+" "+cast(r.sql, "INTEGER")+")")
	case r.oid == types.Date && l.oid == types.Int4 && op == "+":
		return of(types.Date, "("+r.sql+" + "+l.sql+")")
	case (l.oid == types.Date || l.oid == types.Timestamp) && r.oid == types.Interval && additive:
		return of(types.Timestamp, inTurn(op, of(types.Timestamp, cast(l.sql, "TIMESTAMP")), r))
	case l.oid == types.TimestampTZ && r.oid == types.Interval && additive:
		t.zoned("", at)
		return of(types.TimestampTZ, inTurn(op, l, r))
	case l.oid == types.Interval && isMoment(r.oid) && op == "+":
		return t.momentOperator(op, r, l, at)
	case isMoment(l.oid) && isMoment(r.oid) && op == "-":
		oid := laterMoment(l.oid, r.oid)
		l, r = t.explicit(l, oid), t.explicit(r, oid)
		return of(types.Interval, let(t.finite("epoch_us("+l.sql+") - epoch_us("+r.sql+")", l, r), "to_days(CAST(x // 86400000000 AS INTEGER)) + to_microseconds(x % 86400000000)"))
	case l.oid == types.Interval && r.oid == types.Interval && additive && !l.konst && !r.konst: // see inTurn
		return of(types.Interval, plain)
	case l.oid == types.Interval && isInt(r.oid) && op == "*":
		return of(types.Interval, "("+l.sql+" * "+cast(r.sql, "BIGINT")+")")
	case r.oid == types.Interval && isInt(l.oid) && op == "*":
		return of(types.Interval, "("+r.sql+" * "+cast(l.sql, "BIGINT")+")")
	}
	t.refuse(at, "operator %s of %s and %s is not supported by the shadow", op, l.typeName(), r.typeName())
	return value{}
}

// finite leaves differences of infinities to PostgreSQL, whose versions do not agree about them.
func (t *translator) finite(difference string, l, r value) string {
	return "CASE WHEN isinf(" + l.sql + ") OR isinf(" + r.sql + ") THEN " + fail("0A000", "infinite moments cannot be subtracted in the shadow") + " ELSE " + difference + " END"
}

// inTurn adds an interval's months, then its days, then its time, each by the local clock, as PostgreSQL does whatever their signs. The parts of a
// constant are added by operators that look different, since DuckDB takes t + '1 month' and t + '30 days' for one expression, and computes it once.
func inTurn(op string, l, r value) string {
	parts := constantInterval.FindStringSubmatch(r.sql)
	switch {
	case parts == nil && l.oid == types.TimestampTZ:
		text := let("{t: "+l.sql+", i: "+r.sql+"}", "{t: x.t, m: CAST(date_part('year', x.i) * 12 + date_part('month', x.i) AS INTEGER), d: CAST(date_part('day', x.i) AS INTEGER), "+
			"us: date_part('hour', x.i) * 3600000000 + date_part('minute', x.i) * 60000000 + date_part('microseconds', x.i)}")
		text = let(text, "{t: CASE WHEN x.m = 0 THEN x.t ELSE "+byClock("x.t", op+" to_months(x.m)")+" END, d: x.d, us: x.us}")
		return let(text, "CASE WHEN x.d = 0 THEN x.t ELSE "+byClock("x.t", op+" to_days(x.d)")+" END "+op+" to_microseconds(x.us)")
	case parts == nil:
		return "(" + l.sql + " " + op + " " + r.sql + ")"
	}
	plus, minus := "", "-"
	if op == "-" {
		plus, minus = minus, plus
	}
	add := func(text, what string) string { return "(" + text + " " + what + ")" }
	if l.oid == types.TimestampTZ {
		add = byClock
	}
	text := l.sql
	if parts[1] != "0" {
		text = add(text, "+ to_months("+signed(plus, parts[1])+")")
	}
	if parts[2] != "0" {
		text = add(text, "- to_days("+signed(minus, parts[2])+")")
	}
	if parts[3] != "0" {
		text = "(to_microseconds(" + signed(plus, parts[3]) + ") + " + text + ")"
	}
	return text
}

// byClock adds to the local time, of which an hour that the clock shows twice is the later one, as in PostgreSQL; DuckDB's own addition takes the earlier one
// where the clock is turned back at midnight.
func byClock(text, what string) string {
	return "CAST(CAST(" + text + " AS TIMESTAMP) " + what + " AS TIMESTAMPTZ)"
}

// constantInterval is how literal prints one.
var constantInterval = regexp.MustCompile(`^\(to_months\((-?\d+)\) \+ to_days\((-?\d+)\) \+ to_microseconds\((-?\d+)\)\)$`)

// signed puts a sign before a number.
func signed(sign, number string) string {
	if sign == "-" && strings.HasPrefix(number, "-") {
		return number[1:]
	}
	return sign + number
}
