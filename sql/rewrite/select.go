package rewrite

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// selectStmt translates a SELECT, VALUES or set operation. Its columns are named c1, c2, ... behind a fresh alias.
func (t *translator) selectStmt(n *pg.SelectStmt, outer *scope) *table {
	if t.depth++; t.depth > 100 {
		t.refuse(0, "the statement is nested too deeply for the shadow")
	}
	defer func() { t.depth-- }()
	if len(n.LockingClause) > 0 {
		t.refuse(0, "SELECT FOR UPDATE is not supported by the shadow")
	}
	s := &scope{parent: outer, ctes: map[string]*table{}}
	with := t.with(s, n.WithClause)
	var rel *table
	switch {
	case n.Op != pg.SetOperation_SETOP_NONE:
		rel = t.setOperation(s, n)
	case len(n.ValuesLists) > 0:
		rel = t.values(s, n)
	default:
		rel = t.core(s, n)
	}
	rel.sql = with + rel.sql
	if t.depth > 1 && chooses(n) {
		rel.sql = t.apart(rel.sql)
	}
	return rel
}

// chooses says that which rows a SELECT gives depends on what other rows there are, so that no condition on its result may be applied before.
func chooses(n *pg.SelectStmt) bool {
	on := len(n.DistinctClause) > 0 && n.DistinctClause[0].Node != nil
	return on || n.LimitCount != nil || n.LimitOffset != nil
}

// apart has DuckDB compute a query by itself: 1.5.6 pushes the keys of a join, and the bounds of an ORDER BY ... LIMIT, below a LIMIT and a DISTINCT ON within,
// which then keep other rows.
func (t *translator) apart(sql string) string {
	name := t.name("m")
	return "WITH " + name + " AS MATERIALIZED (" + sql + ") SELECT * FROM " + name
}

// finish names the columns of a SELECT behind a fresh alias.
func (t *translator) finish(sql string, cols []col) *table {
	rel := &table{alias: t.name("s"), sql: sql}
	for i, c := range cols {
		c.sql = fmt.Sprintf("%s.c%d", rel.alias, i+1)
		c.konst = false
		rel.cols = append(rel.cols, c)
	}
	return rel
}

// decided gives undecided columns type text, as PostgreSQL does where a query ends.
func (t *translator) decided(rel *table) *table {
	for i, c := range rel.cols {
		if c.undecided() {
			rel.cols[i].lit, rel.cols[i].null, rel.cols[i].oid = nil, false, types.Text
		}
	}
	return rel
}

// with translates the CTEs; each is a CTE of DuckDB's under a fresh name.
func (t *translator) with(s *scope, w *pg.WithClause) string {
	if w == nil {
		return ""
	}
	var parts []string
	recursive := ""
	for _, c := range w.Ctes {
		e := c.GetCommonTableExpr()
		if e.SearchClause != nil || e.CycleClause != nil {
			t.refuse(e.Location, "SEARCH and CYCLE are not supported by the shadow")
		}
		name := t.name("q")
		inner := &scope{parent: s}
		body := e.Ctequery.GetSelectStmt()
		var rel *table
		if w.Recursive && body.Op == pg.SetOperation_SETOP_UNION && t.selfReferring(body.Rarg, e.Ctename) {
			recursive = "RECURSIVE "
			rel = t.recursive(inner, body, e, name)
		} else {
			rel = t.decided(t.selectStmt(body, inner))
		}
		s.ctes[e.Ctename] = cteTable(rel, e, name)
		parts = append(parts, name+" AS ("+rel.sql+")")
	}
	return "WITH " + recursive + strings.Join(parts, ", ") + " "
}

// cteTable is how a CTE is seen: its columns without a table before them.
func cteTable(rel *table, e *pg.CommonTableExpr, name string) *table {
	out := &table{alias: name, cols: rel.plain()}
	for i := range out.cols {
		if i < len(e.Aliascolnames) {
			out.cols[i].name = e.Aliascolnames[i].GetString_().GetSval()
		}
	}
	return out
}

func (t *translator) selfReferring(n *pg.SelectStmt, name string) (found bool) {
	tables(n.ProtoReflect(), nil, func(rv *pg.RangeVar) { found = found || rv.Schemaname == "" && rv.Relname == name })
	return found
}

// recursive takes the types from the first term, as PostgreSQL does.
func (t *translator) recursive(s *scope, n *pg.SelectStmt, e *pg.CommonTableExpr, name string) *table {
	if len(n.SortClause) > 0 || n.LimitCount != nil || n.LimitOffset != nil || n.WithClause != nil {
		t.refuse(e.Location, "this form of recursive query is not supported by the shadow")
	}
	left := t.decided(t.selectStmt(n.Larg, s))
	for _, c := range left.cols {
		t.distinctable(c.value)
	}
	inner := &scope{parent: s, ctes: map[string]*table{e.Ctename: cteTable(left, e, name)}}
	right := t.selectStmt(n.Rarg, inner)
	op := " UNION "
	if n.All {
		op = " UNION ALL "
	}
	return t.finish(t.branch(left, left.cols)+op+t.branch(right, left.cols), left.cols)
}

// core translates SELECT ... FROM ... WHERE ... GROUP BY ... ORDER BY ... LIMIT.
func (t *translator) core(s *scope, n *pg.SelectStmt) *table {
	from := t.from(s, n.FromClause)
	where := ""
	if n.WhereClause != nil {
		where = " WHERE " + t.boolean(s, n.WhereClause)
	}
	t.windows(s, n.WindowClause)
	group := t.groupBy(s, n)
	targets := t.targets(s, n.TargetList)
	having := ""
	if n.HavingClause != nil {
		having = " HAVING " + t.boolean(s, n.HavingClause)
	}
	if s.outward && s.groups != nil && s.groups.sets {
		t.refuse(0, "grouping sets that depend on an outer query are not supported by the shadow") // DuckDB forgets the group of no rows
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	distinct := len(n.DistinctClause) > 0
	if distinct {
		b.WriteString(t.distinct(s, n, targets))
	}
	for i, c := range targets {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s AS c%d", c.sql, i+1)
	}
	if len(targets) == 0 {
		b.WriteString("NULL AS c0")
	}
	if from != "" {
		b.WriteString(" FROM " + from)
	}
	b.WriteString(where + group + having)
	b.WriteString(t.orderBy(s, n.SortClause, targets, distinct))
	b.WriteString(t.limit(n))
	return t.finish(b.String(), targets)
}

// targets expands * and names what has no name.
func (t *translator) targets(s *scope, list []*pg.Node) []col {
	var out []col
	for _, n := range list {
		r := n.GetResTarget()
		if c := r.Val.GetColumnRef(); c != nil && c.Fields[len(c.Fields)-1].GetAStar() != nil {
			out = append(out, t.star(s, c)...)
			continue
		}
		v := t.expr(s, r.Val)
		if v.undecided() {
			v.sql = t.as(v, types.Text).sql
		}
		name := r.Name
		if name == "" {
			name = impliedName(r.Val)
		}
		out = append(out, col{name, v})
	}
	return out
}

// impliedName is the name PostgreSQL gives to an expression, as far as ORDER BY and outer queries may use it.
func impliedName(n *pg.Node) string {
	switch n := n.Node.(type) {
	case *pg.Node_ColumnRef:
		return n.ColumnRef.Fields[len(n.ColumnRef.Fields)-1].GetString_().GetSval()
	case *pg.Node_FuncCall:
		_, name := funcName(n.FuncCall)
		return name
	case *pg.Node_TypeCast:
		if inner := impliedName(n.TypeCast.Arg); inner != "?column?" {
			return inner
		}
		names := n.TypeCast.TypeName.Names
		return names[len(names)-1].GetString_().GetSval()
	case *pg.Node_CoalesceExpr:
		return "coalesce"
	case *pg.Node_CaseExpr:
		return "case"
	case *pg.Node_SubLink:
		if n.SubLink.SubLinkType == pg.SubLinkType_EXISTS_SUBLINK {
			return "exists"
		}
		if sel := n.SubLink.Subselect.GetSelectStmt(); n.SubLink.SubLinkType == pg.SubLinkType_EXPR_SUBLINK && len(sel.TargetList) == 1 {
			r := sel.TargetList[0].GetResTarget()
			if r.Name != "" {
				return r.Name
			}
			return impliedName(r.Val)
		}
	case *pg.Node_MinMaxExpr:
		if n.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			return "least"
		}
		return "greatest"
	}
	return "?column?"
}
