package rewrite

import (
	"slices"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// expr translates an expression. In a grouped SELECT an expression that is grouped by is taken as a whole.
func (t *translator) expr(s *scope, n *pg.Node) value {
	if t.depth++; t.depth > 400 {
		t.refuse(location(n), "the expression is nested too deeply for the shadow")
	}
	defer func() { t.depth-- }()
	if folds(n) {
		oid, text := t.computed(n)
		if _, isList := elements[oid]; isList {
			t.refuse(location(n), "arrays are supported only in = ANY (...) by the shadow")
		}
		return t.literal(oid, text, location(n))
	}
	if g := s.groups; g != nil && g.raw == 0 && len(g.exprs) > 0 && n.GetAConst() == nil && n.GetSubLink() == nil {
		g.raw++
		v := t.plainExpr(s, n)
		g.raw--
		if g.exprs[v.sql] {
			return v
		}
	}
	return t.plainExpr(s, n)
}

// plainExpr is the list of the nodes that are understood; all others are refused.
func (t *translator) plainExpr(s *scope, n *pg.Node) value {
	var v value
	touched := t.touched
	switch n := n.Node.(type) {
	case *pg.Node_AConst:
		v = t.constant(n.AConst)
	case *pg.Node_ColumnRef:
		v = t.columnRef(s, n.ColumnRef)
	case *pg.Node_TypeCast:
		v = t.typeCast(s, n.TypeCast)
	case *pg.Node_AExpr:
		v = t.operator(s, n.AExpr)
	case *pg.Node_BoolExpr:
		v = t.boolExpr(s, n.BoolExpr)
	case *pg.Node_NullTest:
		v = t.nullTest(s, n.NullTest)
	case *pg.Node_BooleanTest:
		v = t.booleanTest(s, n.BooleanTest)
	case *pg.Node_CaseExpr:
		v = t.caseExpr(s, n.CaseExpr)
	case *pg.Node_CoalesceExpr:
		v = t.coalesce(s, n.CoalesceExpr)
	case *pg.Node_MinMaxExpr:
		v = t.minMax(s, n.MinMaxExpr)
	case *pg.Node_FuncCall:
		v = t.funcCall(s, n.FuncCall)
	case *pg.Node_SubLink:
		v = t.subLink(s, n.SubLink)
	case *pg.Node_GroupingFunc:
		v = t.groupingFunc(s, n.GroupingFunc)
	case *pg.Node_CollateClause:
		v = t.collate(s, n.CollateClause)
	default:
		t.refuse(location(&pg.Node{Node: n}), "this expression is not supported by the shadow")
	}
	if v.at == 0 {
		v.at = location(n)
	}
	if isText(v.oid) && n.GetColumnRef() == nil && n.GetCollateClause() == nil { // a collation that any part of it brings, or the database's
		v.Collated = v.Collated || t.collation.Collated || t.touched.collated > touched.collated
		v.Cased = v.Cased || t.collation.Cased || t.touched.cased > touched.cased
	}
	return v
}

// constant is a literal as PostgreSQL types it: strings and NULL wait for their context.
func (t *translator) constant(c *pg.A_Const) value {
	v := value{konst: true, at: c.Location, oid: types.Unknown}
	switch x := c.Val.(type) {
	case *pg.A_Const_Ival:
		v.oid, v.sql = types.Int4, cast(strconv.Itoa(int(x.Ival.Ival)), "INTEGER")
	case *pg.A_Const_Fval:
		if i, err := strconv.ParseInt(x.Fval.Fval, 10, 64); err == nil {
			v.oid, v.sql = types.Int8, cast(strconv.FormatInt(i, 10), "BIGINT")
			break
		}
		v = t.numericLiteral(&x.Fval.Fval, c.Location)
	case *pg.A_Const_Boolval:
		v.oid, v.sql = types.Bool, strings.ToUpper(strconv.FormatBool(x.Boolval.Boolval))
	case *pg.A_Const_Sval:
		v.lit = &x.Sval.Sval
	case nil:
		if !c.Isnull {
			v.oid, v.sql = types.Int4, "CAST(0 AS INTEGER)"
			break
		}
		v.null = true
	default:
		t.refuse(c.Location, "this literal is not supported by the shadow")
	}
	return v
}

// boolean translates a condition.
func (t *translator) boolean(s *scope, n *pg.Node) string {
	v := t.as(t.expr(s, n), types.Bool)
	return v.sql
}

func (t *translator) boolExpr(s *scope, n *pg.BoolExpr) value {
	parts := make([]string, len(n.Args))
	for i, a := range n.Args {
		parts[i] = t.boolean(s, a)
	}
	switch n.Boolop {
	case pg.BoolExprType_NOT_EXPR:
		return of(types.Bool, "(NOT "+parts[0]+")")
	case pg.BoolExprType_OR_EXPR:
		return of(types.Bool, "("+strings.Join(parts, " OR ")+")")
	}
	return of(types.Bool, "("+strings.Join(parts, " AND ")+")")
}

func (t *translator) nullTest(s *scope, n *pg.NullTest) value {
	v := t.expr(s, n.Arg)
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	if v.oid >= FirstUserOID && !v.enum { // a composite value of NULLs is NULL
		t.refuse(location(n.Arg), "values of this type cannot be tested for NULL in the shadow")
	}
	if n.Nulltesttype == pg.NullTestType_IS_NULL {
		return of(types.Bool, "("+v.sql+" IS NULL)")
	}
	return of(types.Bool, "("+v.sql+" IS NOT NULL)")
}

func (t *translator) booleanTest(s *scope, n *pg.BooleanTest) value {
	tests := map[pg.BoolTestType]string{pg.BoolTestType_IS_TRUE: "IS NOT DISTINCT FROM TRUE", pg.BoolTestType_IS_NOT_TRUE: "IS DISTINCT FROM TRUE",
		pg.BoolTestType_IS_FALSE: "IS NOT DISTINCT FROM FALSE", pg.BoolTestType_IS_NOT_FALSE: "IS DISTINCT FROM FALSE",
		pg.BoolTestType_IS_UNKNOWN: "IS NULL", pg.BoolTestType_IS_NOT_UNKNOWN: "IS NOT NULL"}
	return of(types.Bool, "("+t.boolean(s, n.Arg)+" "+tests[n.Booltesttype]+")")
}

// caseExpr evaluates its simple form's operand again for each branch, which is alike as nothing here is volatile.
func (t *translator) caseExpr(s *scope, n *pg.CaseExpr) value {
	var conditions []string
	var results []value
	for _, w := range n.Args {
		when := w.GetCaseWhen()
		if n.Arg != nil {
			conditions = append(conditions, t.compare("=", t.expr(s, n.Arg), t.expr(s, when.Expr)).sql)
		} else {
			conditions = append(conditions, t.boolean(s, when.Expr))
		}
		results = append(results, t.expr(s, when.Result))
	}
	last := value{oid: types.Unknown, null: true, konst: true}
	if n.Defresult != nil {
		last = t.expr(s, n.Defresult)
	}
	out := t.settled(append(results, last))
	var b strings.Builder
	b.WriteString("CASE")
	for i, c := range conditions {
		b.WriteString(" WHEN " + c + " THEN " + t.like(results[i], out))
	}
	out.sql = b.String() + " ELSE " + t.like(last, out) + " END"
	return out
}

// settled is the common type of values, text when none decides.
func (t *translator) settled(values []value) value {
	v := t.common(values)
	if v.oid == types.Interval && slices.ContainsFunc(values, func(v value) bool { return v.konst && !v.null }) { // DuckDB takes 1 month and 30 days for the same
		t.refuse(v.at, "a choice of constant intervals is not supported by the shadow")
	}
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	v.konst = false
	return v
}

func (t *translator) coalesce(s *scope, n *pg.CoalesceExpr) value {
	return t.variadic(s, "coalesce", n.Args)
}

// variadic calls a function whose arguments and result share a type.
func (t *translator) variadic(s *scope, f string, args []*pg.Node) value {
	values := make([]value, len(args))
	for i, a := range args {
		values[i] = t.expr(s, a)
	}
	out := t.settled(values)
	texts := make([]string, len(args))
	for i, v := range values {
		texts[i] = t.like(v, out)
	}
	out.sql = call(f, texts...)
	return out
}

// minMax is GREATEST and LEAST, which pass over NULL in both engines.
func (t *translator) minMax(s *scope, n *pg.MinMaxExpr) value {
	f := "greatest"
	if n.Op == pg.MinMaxOp_IS_LEAST {
		f = "least"
	}
	v := t.variadic(s, f, n.Args)
	t.comparable(v, true)
	if v.oid == types.Interval {
		t.refuse(n.Location, "%s of intervals is not supported by the shadow", f)
	}
	if v.dyn {
		t.refuse(n.Location, "%s of numerics of different scales is not supported by the shadow", f)
	}
	return v
}

func (t *translator) groupingFunc(s *scope, n *pg.GroupingFunc) value {
	var args []string
	for _, a := range n.Args {
		args = append(args, t.expr(s, a).sql)
	}
	return of(types.Int4, cast(call("grouping", args...), "INTEGER"))
}

// collate accepts the byte order, which is the shadow's.
func (t *translator) collate(s *scope, n *pg.CollateClause) value {
	name := n.Collname[len(n.Collname)-1].GetString_().GetSval()
	if name != "C" && name != "POSIX" && name != "ucs_basic" {
		t.refuse(n.Location, "collation \"%s\" is not supported by the shadow", name)
	}
	v := t.expr(s, n.Arg)
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	v.Collation = Collation{Cased: true} // only that of ASCII changes
	return v
}

// subLink is a subquery in an expression.
func (t *translator) subLink(s *scope, n *pg.SubLink) value {
	rel := t.selectStmt(n.Subselect.GetSelectStmt(), s)
	switch n.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		return of(types.Bool, "EXISTS ("+rel.sql+")")
	case pg.SubLinkType_EXPR_SUBLINK:
		if len(rel.cols) != 1 {
			t.refuse(n.Location, "a subquery without one column is not supported by the shadow")
		}
		rel = t.decided(rel)
		v := rel.cols[0].value
		v.sql = "(" + rel.sql + ")"
		return v
	case pg.SubLinkType_ANY_SUBLINK, pg.SubLinkType_ALL_SUBLINK:
		if n.Testexpr.GetRowExpr() != nil || len(rel.cols) != 1 {
			t.refuse(n.Location, "row comparisons are not supported by the shadow")
		}
		rel = t.decided(rel)
		op := "="
		if len(n.OperName) > 0 {
			op = n.OperName[len(n.OperName)-1].GetString_().GetSval()
		}
		l, r := t.expr(s, n.Testexpr), rel.cols[0].value
		cl, cr := t.comparands(op, l, r)
		if cl.oid == types.Numeric && !cl.dyn {
			cl, cr = sameDecimal(cl, cr) // DuckDB 1.5.6 would round the query's when there is no room for all digits
		}
		word := " ANY "
		if n.SubLinkType == pg.SubLinkType_ALL_SUBLINK {
			word = " ALL "
		}
		return of(types.Bool, "("+cl.key()+" "+op+word+"(SELECT "+cr.key()+" FROM ("+rel.sql+") AS "+rel.alias+"))")
	}
	t.refuse(n.Location, "this kind of subquery is not supported by the shadow")
	return value{}
}
