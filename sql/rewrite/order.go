package rewrite

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

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
		v := numbered(t.sortExpr(s, by.Node, targets))
		if v.undecided() {
			v = t.as(v, types.Text)
		}
		t.comparable(v, true)
		if v.konst && !distinct {
			continue // PostgreSQL accepts a constant, which orders nothing; DuckDB does not
		}
		text := v.key()
		if isFloat(v.oid) { // else a sort gives 0 for -0
			text = "(" + text + " + 0.0)"
		}
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
