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
	Load            []forecast.Quantiles // the load at the end of each coming day, as a factor of that in Statements; empty when its growth is not known
	Rates           Rates
	FreeConnections float64 // that statements may wait in
	DiskFree        float64 // bytes
	Snapshot        float64 // expected seconds until every transaction of now has ended
}

// Table is a table's size now and the rows that it is expected to have at the end of each coming day.
type Table struct {
	Rows, Heap, Index, Toast float64
	Days                     []forecast.Quantiles
	Readers, Writers         Wait
}

// Wait is the expected seconds until the transactions that hold a table have ended (readers are any of them): on average, and in each of the coming hours
// where that is known.
type Wait struct {
	Mean  float64
	Hours []float64
}

// at is the wait in a coming hour.
func (w Wait) at(hour int) float64 {
	if hour < len(w.Hours) {
		return w.Hours[hour]
	}
	return w.Mean
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

// grown is the factor by which the load has changed at a day; beyond what is followed it stays.
func (o *Outlook) grown(day, point int) float64 {
	if len(o.Load) == 0 || day < 1 {
		return 1
	}
	q := o.Load[min(day, len(o.Load))-1]
	return [...]float64{low: q.P10, median: q.P50, high: q.P90}[point]
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

// quietest is the hour in which the fewest statements queue up behind a lock that is held for so many seconds, the first of equals with the shortest wait.
func quietest(load []float64, wait Wait, seconds float64) int {
	best := 0
	queued := func(h int) float64 { return load[h] * (seconds + wait.at(h)) }
	for h := range load {
		if queued(h) < queued(best) || queued(h) == queued(best) && wait.at(h) < wait.at(best) {
			best = h
		}
	}
	return best
}

// known says whether a figure is.
func known(v float64) bool { return !math.IsNaN(v) }
