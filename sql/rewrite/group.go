package rewrite

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

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
	v, column := t.groupExpr(s, n, item)
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	if g.sets && !column { // where it is left out, what a larger expression takes it for depends on PostgreSQL's version
		t.refuse(v.at, "expressions in grouping sets are not supported by the shadow")
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

// groupExpr finds what an item of GROUP BY means: a position, an input column, else an output name, else an expression. It says whether that is a column.
func (t *translator) groupExpr(s *scope, n *pg.SelectStmt, item *pg.Node) (v value, column bool) {
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
					return t.expr(s, r.Val), r.Val.GetColumnRef() != nil
				}
			}
		}
	}
	return t.expr(s, item), item.GetColumnRef() != nil
}

// targetNodes lists the select list with * expanded, translated when asked for, and says what are columns.
func (t *translator) targetNodes(s *scope, n *pg.SelectStmt) []func() (value, bool) {
	var out []func() (value, bool)
	for _, target := range n.TargetList {
		r := target.GetResTarget()
		if c := r.Val.GetColumnRef(); c != nil && c.Fields[len(c.Fields)-1].GetAStar() != nil {
			for _, x := range t.star(s, c) {
				out = append(out, func() (value, bool) { return x.value, true })
			}
			continue
		}
		out = append(out, func() (value, bool) { return t.expr(s, r.Val), r.Val.GetColumnRef() != nil })
	}
	return out
}

// distinctable refuses what cannot be grouped as PostgreSQL groups it.
func (t *translator) distinctable(v value) {
	switch {
	case v.dyn:
		t.refuse(v.at, "grouping by a numeric of varying scale is not supported by the shadow")
	case v.oid == types.Interval: // 1 day and 24 hours are equal and look different
		t.refuse(v.at, "grouping by an interval is not supported by the shadow")
	}
	t.comparable(v, false)
}
