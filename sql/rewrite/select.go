package rewrite

import (
	"fmt"
	"strconv"
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
	return rel
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

func (t *translator) selfReferring(n *pg.SelectStmt, name string) bool {
	q := &Query{}
	q.scan(n.ProtoReflect(), nil)
	for _, r := range q.names {
		if r.Schema == "" && r.Name == name {
			return true
		}
	}
	return false
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

// groupBy sets the scope's grouping and prints the clause.
func (t *translator) groupBy(s *scope, n *pg.SelectStmt) string {
	if len(n.GroupClause) == 0 {
		return ""
	}
	if n.GroupDistinct {
		t.refuse(0, "GROUP BY DISTINCT is not supported by the shadow")
	}
	g := &grouping{exprs: map[string]bool{}}
	var items []string
	for _, item := range n.GroupClause {
		items = append(items, t.groupItem(s, g, n, item))
	}
	s.groups = g
	return " GROUP BY " + strings.Join(items, ", ")
}

func (t *translator) groupItem(s *scope, g *grouping, n *pg.SelectStmt, item *pg.Node) string {
	if set := item.GetGroupingSet(); set != nil {
		return t.groupingSet(s, g, n, set)
	}
	if row := item.GetRowExpr(); row != nil {
		var parts []string
		for _, a := range row.Args {
			parts = append(parts, t.groupItem(s, g, n, a))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	v := t.groupExpr(s, n, item)
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	t.distinctable(v)
	g.exprs[v.sql] = true
	return v.sql
}

func (t *translator) groupingSet(s *scope, g *grouping, n *pg.SelectStmt, set *pg.GroupingSet) string {
	g.sets = true
	var parts []string
	for _, c := range set.Content {
		parts = append(parts, t.groupItem(s, g, n, c))
	}
	list := "(" + strings.Join(parts, ", ") + ")"
	switch set.Kind {
	case pg.GroupingSetKind_GROUPING_SET_EMPTY:
		return "()"
	case pg.GroupingSetKind_GROUPING_SET_ROLLUP:
		return "ROLLUP " + list
	case pg.GroupingSetKind_GROUPING_SET_CUBE:
		return "CUBE " + list
	case pg.GroupingSetKind_GROUPING_SET_SETS:
		return "GROUPING SETS " + list
	}
	return list
}

// groupExpr finds what an item of GROUP BY means: a position, an input column, else an output name, else an expression.
func (t *translator) groupExpr(s *scope, n *pg.SelectStmt, item *pg.Node) value {
	if c := item.GetAConst(); c != nil && c.GetIval() != nil {
		i := int(c.GetIval().Ival)
		cols := t.targetNodes(s, n)
		if i < 1 || i > len(cols) {
			t.refuse(c.Location, "GROUP BY position %d is not in select list", i)
		}
		return cols[i-1]()
	}
	if c := item.GetColumnRef(); c != nil && len(c.Fields) == 1 {
		name := c.Fields[0].GetString_().GetSval()
		if _, ok := s.find([]string{name}); !ok {
			for _, target := range n.TargetList {
				if r := target.GetResTarget(); r.Name == name {
					return t.expr(s, r.Val)
				}
			}
		}
	}
	return t.expr(s, item)
}

// targetNodes lists the select list with * expanded, translated when asked for.
func (t *translator) targetNodes(s *scope, n *pg.SelectStmt) []func() value {
	var out []func() value
	for _, target := range n.TargetList {
		r := target.GetResTarget()
		if c := r.Val.GetColumnRef(); c != nil && c.Fields[len(c.Fields)-1].GetAStar() != nil {
			for _, x := range t.star(s, c) {
				out = append(out, func() value { return x.value })
			}
			continue
		}
		out = append(out, func() value { return t.expr(s, r.Val) })
	}
	return out
}

// distinctable refuses what cannot be grouped as PostgreSQL groups it.
func (t *translator) distinctable(v value) {
	if v.dyn {
		t.refuse(v.at, "grouping by a numeric of varying scale is not supported by the shadow")
	}
	t.comparable(v, false)
}

func (t *translator) distinct(s *scope, n *pg.SelectStmt, targets []col) string {
	if len(n.DistinctClause) == 1 && n.DistinctClause[0].Node == nil {
		for _, c := range targets {
			t.distinctable(c.value)
		}
		return "DISTINCT "
	}
	var on []string
	for _, d := range n.DistinctClause {
		v := t.sortExpr(s, d, targets)
		t.distinctable(v)
		on = append(on, v.sql)
	}
	return "DISTINCT ON (" + strings.Join(on, ", ") + ") "
}

// sortExpr finds what an item of ORDER BY means: a position, an output name, else an expression over the input.
func (t *translator) sortExpr(s *scope, n *pg.Node, targets []col) value {
	if i := t.outputIndex(n, targets); i >= 0 {
		return targets[i].value
	}
	if s == nil {
		t.refuse(location(n), "this ORDER BY is not supported by the shadow")
	}
	return t.expr(s, n)
}

func (t *translator) outputIndex(n *pg.Node, targets []col) int {
	if c := n.GetAConst(); c != nil && c.GetIval() != nil {
		i := int(c.GetIval().Ival) - 1
		if i < 0 || i >= len(targets) {
			t.refuse(c.Location, "ORDER BY position %d is not in select list", i+1)
		}
		return i
	}
	if c := n.GetColumnRef(); c != nil && len(c.Fields) == 1 {
		for i, x := range targets {
			if x.name == c.Fields[0].GetString_().GetSval() {
				return i
			}
		}
	}
	return -1
}

// orderBy prints ORDER BY with PostgreSQL's place for NULL. After DISTINCT an item is one of the columns.
func (t *translator) orderBy(s *scope, items []*pg.Node, targets []col, distinct bool) string {
	var parts []string
	for _, item := range items {
		by := item.GetSortBy()
		v := t.sortExpr(s, by.Node, targets)
		if v.undecided() {
			v = t.as(v, types.Text)
		}
		t.comparable(v, true)
		if v.konst && !distinct {
			continue // PostgreSQL accepts a constant, which orders nothing; DuckDB does not
		}
		text := v.key()
		if distinct {
			for i, c := range targets {
				if c.sql == v.sql && !v.dyn {
					text = strconv.Itoa(i + 1)
				}
			}
		}
		parts = append(parts, text+t.direction(by))
	}
	if len(parts) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(parts, ", ")
}

func (t *translator) direction(by *pg.SortBy) string {
	text, last := " ASC", true
	switch by.SortbyDir {
	case pg.SortByDir_SORTBY_DESC:
		text, last = " DESC", false
	case pg.SortByDir_SORTBY_USING:
		t.refuse(by.Location, "ORDER BY USING is not supported by the shadow")
	}
	switch by.SortbyNulls {
	case pg.SortByNulls_SORTBY_NULLS_FIRST:
		last = false
	case pg.SortByNulls_SORTBY_NULLS_LAST:
		last = true
	}
	if last {
		return text + " NULLS LAST"
	}
	return text + " NULLS FIRST"
}

// limit prints LIMIT and OFFSET, which must be constant.
func (t *translator) limit(n *pg.SelectStmt) string {
	if n.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES {
		t.refuse(0, "FETCH WITH TIES is not supported by the shadow")
	}
	out := ""
	for _, part := range []struct {
		word, name string
		code       string
		node       *pg.Node
	}{{" LIMIT ", "LIMIT", "2201W", n.LimitCount}, {" OFFSET ", "OFFSET", "2201X", n.LimitOffset}} {
		if part.node == nil {
			continue
		}
		count, ok := t.wholeNumber(part.node)
		if !ok {
			continue
		}
		if count < 0 {
			panic(refusal{sqlErr(part.code, part.name+" must not be negative")})
		}
		out += part.word + strconv.FormatInt(count, 10)
	}
	return out
}

// wholeNumber reads a constant integer; ok is false for NULL.
func (t *translator) wholeNumber(n *pg.Node) (int64, bool) {
	if c := n.GetAConst(); c != nil {
		if c.Isnull {
			return 0, false
		}
		if i := c.GetIval(); i != nil {
			return int64(i.Ival), true
		}
		if f := c.GetFval(); f != nil {
			if i, err := strconv.ParseInt(f.Fval, 10, 64); err == nil {
				return i, true
			}
		}
		if c.GetVal() == nil {
			return 0, true // pg_query leaves 0 out
		}
	}
	if !folds(n) {
		t.refuse(location(n), "this must be a constant whole number in the shadow")
	}
	_, text := t.computed(n)
	if text == nil {
		return 0, false
	}
	i, err := strconv.ParseInt(*text, 10, 64)
	if err != nil {
		t.refuse(location(n), "this must be a constant whole number in the shadow")
	}
	return i, true
}
