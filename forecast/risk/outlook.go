package risk

import (
	"math"
	"slices"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/forecast"
)

// Outlook is what is known and forecast of the database that a script is to run on. Unknown figures are NaN.
type Outlook struct {
	Now             time.Time
	Tables          map[string]Table // by schema.name
	Statements      []Statement
	Rates           Rates
	FreeConnections float64 // that statements may wait in
	DiskFree        float64 // bytes
	Snapshot        float64 // expected seconds until every transaction of now has ended
}

// Table is a table's size now and the rows that it is expected to have at the end of each coming day.
type Table struct {
	Rows, Heap, Index, Toast float64
	Days                     []forecast.Quantiles
	Readers, Writers         float64 // expected seconds until every transaction that holds it now has ended: any, and those that write
}

// at is the table's size so many days ahead, as a factor of today's bytes. Files do not shrink when rows are deleted.
func (t Table) at(day int) (rows, factor forecast.Quantiles) {
	rows = forecast.Quantiles{P10: t.Rows, P50: t.Rows, P90: t.Rows}
	if n := len(t.Days); n > 0 && day > 0 {
		rows = t.Days[min(day, n)-1]
	}
	grown := func(r float64) float64 { return max(1, r/max(t.Rows, 1)) }
	return rows, forecast.Quantiles{P10: grown(rows.P10), P50: grown(rows.P50), P90: grown(rows.P90)}
}

// Statement is one statement of the load, with its calls per second in each of the coming hours.
type Statement struct {
	Text  string
	Hours []float64
	uses  *uses
}

// uses are the relations and columns that a statement names.
type uses struct {
	reads, writes []string // name or schema.name
	columns       map[string]bool
}

// read takes a statement apart; one that cannot be parsed uses nothing.
func (s *Statement) read() *uses {
	if s.uses != nil {
		return s.uses
	}
	s.uses = &uses{columns: map[string]bool{}}
	tree, err := pg.Parse(s.Text)
	if err != nil {
		return s.uses
	}
	for _, st := range tree.Stmts {
		walk(st.Stmt.ProtoReflect(), s.uses.note)
	}
	return s.uses
}

// note adds what one node names.
func (u *uses) note(m any) {
	var target *pg.RangeVar
	switch m := m.(type) {
	case *pg.RangeVar:
		u.reads = append(u.reads, plain(m))
	case *pg.InsertStmt:
		target = m.Relation
		u.targets(m.Cols)
	case *pg.UpdateStmt:
		target = m.Relation
		u.targets(m.TargetList)
	case *pg.DeleteStmt:
		target = m.Relation
	case *pg.MergeStmt:
		target = m.Relation
	case *pg.ColumnRef:
		u.columns[last(m.Fields)] = true
	}
	if target != nil {
		u.writes = append(u.writes, plain(target))
	}
}

// targets are the columns that a statement sets.
func (u *uses) targets(list []*pg.Node) {
	for _, n := range list {
		u.columns[n.GetResTarget().GetName()] = true
	}
}

// plain is a relation's name as written, unquoted.
func plain(r *pg.RangeVar) string {
	if r.Schemaname != "" {
		return r.Schemaname + "." + r.Relname
	}
	return r.Relname
}

// names are those by which statements reach a relation: its own, those of the tables above it, and the views that read it.
func (c *Catalog) names(r *Relation) []string {
	all := append([]*Relation{r}, c.ancestors(r)...)
	for _, one := range all[:len(all):len(all)] {
		all = append(all, c.readers(one, 0)...)
	}
	var out []string
	for _, one := range all {
		_, short, _ := strings.Cut(one.Name, ".")
		out = append(out, one.Name, short)
	}
	return out
}

// conflicting is how many statements a second need what a lock keeps from them, in each coming hour; nil when no load is known.
func (o *Outlook) conflicting(c *Catalog, e Effect) []float64 {
	if len(o.Statements) == 0 {
		return nil
	}
	names := c.names(e.Relation)
	any := func(used []string) bool {
		return slices.ContainsFunc(used, func(n string) bool { return slices.Contains(names, n) })
	}
	var out []float64
	for i := range o.Statements {
		s := &o.Statements[i]
		u := s.read()
		if len(out) < len(s.Hours) {
			out = append(out, make([]float64, len(s.Hours)-len(out))...)
		}
		if e.Lock.BlocksReads() && any(u.reads) || e.Lock.BlocksWrites() && any(u.writes) {
			for h, v := range s.Hours {
				out[h] += v
			}
		}
	}
	return out
}

// broken are the statements of the load that stop working, with the calls a second that they make together.
func (o *Outlook) broken(c *Catalog, b Break) (texts []string, calls float64) {
	names := c.names(b.Relation)
	for i := range o.Statements {
		s := &o.Statements[i]
		u := s.read()
		named := slices.ContainsFunc(slices.Concat(u.reads, u.writes), func(n string) bool { return slices.Contains(names, n) })
		if named && (b.Column == "" || u.columns[b.Column]) {
			texts = append(texts, s.Text)
			calls += mean(s.Hours)
		}
	}
	return texts, calls
}

// mean is the average; NaN of nothing.
func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// quietest is the hour with the least, the first of equals.
func quietest(hours []float64) int {
	best := 0
	for h, v := range hours {
		if v < hours[best] {
			best = h
		}
	}
	return best
}

// known says whether a figure is.
func known(v float64) bool { return !math.IsNaN(v) }
