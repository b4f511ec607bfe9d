package rewrite

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"foreshadow/sql/ast"
	"foreshadow/sql/types"
)

// from translates the items of FROM in order; a later LATERAL item sees the earlier ones.
func (t *translator) from(s *scope, items []*pg.Node) string {
	var out []string
	for _, n := range items {
		out = append(out, t.fromItem(s, n))
	}
	return strings.Join(out, ", ")
}

// fromItem adds an item's tables to the scope and prints it.
func (t *translator) fromItem(s *scope, n *pg.Node) string {
	switch n := n.Node.(type) {
	case *pg.Node_RangeVar:
		return t.rangeVar(s, n.RangeVar)
	case *pg.Node_RangeSubselect:
		return t.subselect(s, n.RangeSubselect)
	case *pg.Node_JoinExpr:
		return t.join(s, n.JoinExpr)
	case *pg.Node_RangeFunction:
		return t.rangeFunction(s, n.RangeFunction)
	}
	t.refuse(location(n), "this item of FROM is not supported by the shadow")
	return ""
}

// rangeVar is a CTE or a relation, which becomes a CTE of its own at the head of the statement.
func (t *translator) rangeVar(s *scope, n *pg.RangeVar) string {
	if n.Schemaname == "" {
		if c := s.cte(n.Relname); c != nil {
			return t.addTable(s, n.Relname, n.Alias, c.alias, c.cols)
		}
	}
	key := RelationName{Schema: n.Schemaname, Name: n.Relname}.Key()
	rel := t.in.Then[int(n.Location)]
	if rel == nil {
		rel = t.in.Relations[key]
	}
	if rel == nil {
		t.refuse(n.Location, "relation %s cannot be joined with relations of the shadow", key)
	}
	if rel.Parent && !n.Inh {
		t.refuse(n.Location, "ONLY of a partitioned table is not supported by the shadow")
	}
	period, _ := t.q.Period(int(n.Location))
	u := t.use(rel, period)
	cols := make([]col, len(rel.Columns))
	for i, c := range rel.Columns {
		cols[i] = col{c.Name, columnValue(c, fmt.Sprintf("c%d", i+1))}
		cols[i].generated = c.Generated
		cols[i].read = &u.Read[i]
	}
	return t.addTable(s, n.Relname, n.Alias, u.CTE, cols)
}

// use enters a relation once for each moment it is read at.
func (t *translator) use(rel *Relation, period ast.Period) Use {
	for _, u := range t.uses {
		if u.Relation == rel && u.Period == period {
			return u
		}
	}
	u := Use{CTE: fmt.Sprintf("r%d", len(t.uses)+1), Relation: rel, Period: period, Read: make([]bool, len(rel.Columns))}
	for i, c := range rel.Columns {
		text := "s." + quoteIdent(types.Column(c.Name))
		if cond, ok := rel.Hidden[c.Name]; ok {
			text = "CASE WHEN " + cond + " THEN NULL ELSE " + text + " END"
		}
		if c.Generated { // never read: a reference to it has been refused
			text = "NULL"
		}
		if !c.Kept {
			text = cast(text, types.Of(c.OID, c.TypMod).DuckDB)
		}
		u.Columns = append(u.Columns, fmt.Sprintf("%s AS c%d", text, i+1))
	}
	if len(u.Columns) == 0 {
		u.Columns = []string{"1 AS c0"}
	}
	t.uses = append(t.uses, u)
	return u
}

// addTable gives an item its alias and columns. cols refer to the item's own columns, without a table.
func (t *translator) addTable(s *scope, name string, a *pg.Alias, source string, cols []col) string {
	tab := &table{name: name, alias: t.name("t")}
	if a != nil {
		tab.name = a.Aliasname
	}
	for i, c := range cols {
		c.sql = tab.alias + "." + c.sql
		if a != nil && i < len(a.Colnames) {
			c.name = a.Colnames[i].GetString_().GetSval()
		}
		tab.cols = append(tab.cols, c)
	}
	s.tables = append(s.tables, tab)
	return source + " AS " + tab.alias
}

// plain renames a finished SELECT's columns to what stands before the table's name.
func (rel *table) plain() []col {
	out := make([]col, len(rel.cols))
	for i, c := range rel.cols {
		_, c.sql, _ = strings.Cut(c.sql, ".")
		out[i] = c
	}
	return out
}

func (t *translator) subselect(s *scope, n *pg.RangeSubselect) string {
	outer := &scope{parent: s.parent, ctes: s.ctes}
	lateral := ""
	query := n.Subquery.GetSelectStmt()
	if n.Lateral {
		outer, lateral = s, "LATERAL "
		if query.LimitCount == nil && query.LimitOffset == nil && len(query.DistinctClause) == 0 && len(query.SortClause) > 0 {
			query, _ = proto.Clone(query).(*pg.SelectStmt)
			query.SortClause = nil // orders nothing, and DuckDB 1.5.6 loses rows with it where an aggregate has none
		}
	}
	rel := t.decided(t.selectStmt(query, outer))
	name := ""
	if n.Alias != nil {
		name = n.Alias.Aliasname
	}
	return lateral + t.addTable(s, name, n.Alias, "("+rel.sql+")", rel.plain())
}

// join translates both sides into the same scope and then the condition.
func (t *translator) join(s *scope, n *pg.JoinExpr) string {
	words := map[pg.JoinType]string{pg.JoinType_JOIN_INNER: "JOIN", pg.JoinType_JOIN_LEFT: "LEFT JOIN", pg.JoinType_JOIN_RIGHT: "RIGHT JOIN", pg.JoinType_JOIN_FULL: "FULL JOIN"}
	word, ok := words[n.Jointype]
	if !ok || n.Alias != nil {
		t.refuse(0, "this kind of join is not supported by the shadow")
	}
	inner := &scope{parent: s.parent, ctes: s.ctes, tables: append([]*table{}, s.tables...), hidden: map[string]bool{}}
	before := len(inner.tables)
	left := t.fromItem(inner, n.Larg)
	middle := len(inner.tables)
	leftMerged := inner.merged
	inner.merged = nil
	right := t.fromItem(inner, n.Rarg)
	rightMerged := inner.merged
	inner.merged = append(append([]col{}, leftMerged...), rightMerged...)
	condition := ""
	switch {
	case n.IsNatural || len(n.UsingClause) > 0:
		names := t.usingNames(n, inner, before, middle, leftMerged, rightMerged)
		condition = t.using(n, inner, names, side{inner.tables[before:middle], leftMerged}, side{inner.tables[middle:], rightMerged})
	case n.Quals != nil:
		condition = " ON " + t.boolean(inner, n.Quals)
	case n.Jointype == pg.JoinType_JOIN_INNER:
		word = "CROSS JOIN"
	}
	s.tables = inner.tables
	s.merged = append(s.merged, inner.merged...)
	if s.hidden == nil {
		s.hidden = map[string]bool{}
	}
	for k := range inner.hidden {
		s.hidden[k] = true
	}
	return "(" + left + " " + word + " " + right + condition + ")"
}

// side is one side of a join.
type side struct {
	tables []*table
	merged []col
}

func (d side) find(name string) (value, bool) {
	s := scope{tables: d.tables, merged: d.merged}
	return s.find([]string{name})
}

func (t *translator) usingNames(n *pg.JoinExpr, s *scope, before, middle int, lm, rm []col) []string {
	var names []string
	for _, u := range n.UsingClause {
		names = append(names, u.GetString_().GetSval())
	}
	if n.IsNatural {
		right := side{s.tables[middle:], rm}
		seen := map[string]bool{}
		for _, c := range append(append([]col{}, lm...), columnsOf(s.tables[before:middle], s.hidden)...) {
			if _, ok := right.find(c.name); ok && !seen[c.name] {
				seen[c.name] = true
				names = append(names, c.name)
			}
		}
	}
	return names
}

func columnsOf(tables []*table, hidden map[string]bool) []col {
	var out []col
	for _, tab := range tables {
		for _, c := range tab.cols {
			if !hidden[c.sql] {
				out = append(out, c)
			}
		}
	}
	return out
}

// using merges the named columns, as PostgreSQL does: the left one, or the right one of a right join, or whichever is known of a full join.
func (t *translator) using(n *pg.JoinExpr, s *scope, names []string, left, right side) string {
	var conditions []string
	var merged []col
	taken := map[string]bool{}
	for _, name := range names {
		l, ok1 := left.find(name)
		r, ok2 := right.find(name)
		if !ok1 || !ok2 {
			t.refuse(0, "column \"%s\" of USING cannot be found in the shadow", name)
		}
		t.captured(name, l, 0)
		t.captured(name, r, 0)
		conditions = append(conditions, t.compare("=", l, r).sql)
		m := l
		switch n.Jointype {
		case pg.JoinType_JOIN_RIGHT:
			m = r
		case pg.JoinType_JOIN_FULL:
			cl, cr := t.unify(l, r, 0)
			m = cl
			m.sql = call("coalesce", cl.sql, cr.sql)
		}
		merged = append(merged, col{name, m})
		taken[name] = true
		s.hidden[l.sql], s.hidden[r.sql] = true, true
	}
	for _, c := range s.merged {
		if !taken[c.name] {
			merged = append(merged, c)
		}
	}
	s.merged = merged
	if len(conditions) == 0 {
		return " ON TRUE"
	}
	return " ON " + strings.Join(conditions, " AND ")
}
