package rewrite

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// col is a column that can be named: value.sql is how DuckDB's text refers to it.
type col struct {
	name string
	value
}

// table is one item of FROM, a CTE or a finished SELECT. alias is DuckDB's name for it, name PostgreSQL's.
type table struct {
	name  string
	alias string
	sql   string // a SELECT, for subqueries and CTEs
	cols  []col
}

// scope is what names mean inside one SELECT. Inner scopes see the outer ones.
type scope struct {
	parent  *scope
	tables  []*table
	merged  []col           // columns of JOIN USING, named without a table
	hidden  map[string]bool // alias.column taken up in merged
	windows map[string]*pg.WindowDef
	ctes    map[string]*table
	groups  *grouping
	outward bool // names a column of a parent
}

// grouping says that a SELECT groups: a column is only seen through a grouped expression, an aggregate, or by depending on the key.
type grouping struct {
	exprs map[string]bool // texts of the grouped expressions
	sets  bool            // GROUPING SETS, where nothing depends on a key
	raw   int             // > 0 inside an aggregate's arguments and while a grouped expression is compared
}

// cte finds a WITH query by name.
func (s *scope) cte(name string) *table {
	for ; s != nil; s = s.parent {
		if c, ok := s.ctes[name]; ok {
			return c
		}
	}
	return nil
}

// columnRef resolves a name as PostgreSQL has already done: it exists and is not ambiguous.
func (t *translator) columnRef(s *scope, n *pg.ColumnRef) value {
	parts := make([]string, len(n.Fields))
	for i, f := range n.Fields {
		if f.GetAStar() != nil {
			t.refuse(n.Location, "whole-row references are not supported by the shadow")
		}
		parts[i] = f.GetString_().GetSval()
	}
	for at := s; at != nil; at = at.parent {
		if v, ok := at.find(parts); ok {
			t.captured(parts[len(parts)-1], v, n.Location)
			for inner := s; inner != at; inner = inner.parent {
				inner.outward = true
			}
			if v.Collated {
				t.touched.collated++
			}
			if v.Cased {
				t.touched.cased++
			}
			v.at = n.Location
			return t.grouped(at, v)
		}
	}
	if len(parts) == 1 && t.tableNamed(s, parts[0]) {
		t.refuse(n.Location, "whole-row references are not supported by the shadow")
	}
	t.refuse(n.Location, "column \"%s\" cannot be found in the shadow", parts[len(parts)-1])
	return value{}
}

func (t *translator) tableNamed(s *scope, name string) bool {
	for ; s != nil; s = s.parent {
		for _, tab := range s.tables {
			if tab.name == name {
				return true
			}
		}
	}
	return false
}

// grouped wraps a column that only depends on the grouping key: all its values in a group are the same.
func (t *translator) grouped(s *scope, v value) value {
	g := s.groups
	if g == nil || g.raw > 0 || g.exprs[v.sql] {
		return v
	}
	if g.sets {
		t.refuse(v.at, "columns outside the grouping sets are not supported by the shadow")
	}
	v.sql = "any_value(" + v.sql + ")"
	return v
}

// find looks a name up in this scope alone. One with a schema is of one of several tables that share their name, and is not found.
func (s *scope) find(parts []string) (value, bool) {
	name := parts[len(parts)-1]
	if len(parts) > 2 {
		return value{}, false
	}
	if len(parts) == 1 {
		for _, c := range s.merged {
			if c.name == name {
				return c.value, true
			}
		}
	}
	for _, tab := range s.tables {
		if len(parts) > 1 && tab.name != parts[0] {
			continue
		}
		for _, c := range tab.cols {
			if c.name == name {
				return c.value, true
			}
		}
	}
	return value{}, false
}

// captured notes that a column is named, and refuses a generated one, which replication leaves out.
func (t *translator) captured(name string, v value, at int32) {
	if v.read != nil {
		*v.read = true
	}
	if v.generated {
		t.refuse(at, "column \"%s\" is generated and is not captured", name)
	}
	if v.kept && !t.in.Lent {
		t.refuse(at, "column \"%s\" holds a value that the shadow does not compute with", name)
	}
}

// star lists the columns of * or of one table's.
func (t *translator) star(s *scope, n *pg.ColumnRef) []col {
	out := t.starred(s, n)
	for _, c := range out {
		t.captured(c.name, c.value, n.Location)
	}
	return out
}

func (t *translator) starred(s *scope, n *pg.ColumnRef) []col {
	if len(n.Fields) == 1 {
		out := append([]col{}, s.merged...)
		for _, tab := range s.tables {
			for _, c := range tab.cols {
				if !s.hidden[c.sql] {
					out = append(out, c)
				}
			}
		}
		return t.regroup(s, out)
	}
	name := n.Fields[len(n.Fields)-2].GetString_().GetSval()
	for at := s; at != nil && len(n.Fields) == 2; at = at.parent {
		for _, tab := range at.tables {
			if tab.name == name {
				return t.regroup(at, tab.cols)
			}
		}
	}
	t.refuse(n.Location, "relation \"%s\" cannot be found in the shadow", name)
	return nil
}

func (t *translator) regroup(s *scope, cols []col) []col {
	out := make([]col, len(cols))
	for i, c := range cols {
		out[i] = col{c.name, t.grouped(s, c.value)}
	}
	return out
}

// columnValue is a relation's column with the DuckDB type that its definition is cast to.
func columnValue(c Column, ref string) value {
	ty := types.Of(c.OID, c.TypMod)
	exact := ty.Exact || c.OID == types.BPChar && c.TypMod > 0 // padded, so that equal values are the same
	v := value{oid: c.OID, sql: ref, opaque: !exact || c.Kept, kept: c.Kept, enum: c.Enum, Collation: c.Collation}
	if c.OID == types.Numeric && !v.opaque {
		v.p, v.s, _ = types.Precision(c.TypMod)
	}
	return v
}
