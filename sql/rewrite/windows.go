package rewrite

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// windowFunctions are those that are no aggregates; the type is that of the result, 0 for the argument's.
var windowFunctions = map[string]uint32{"row_number": types.Int8, "rank": types.Int8, "dense_rank": types.Int8, "percent_rank": types.Float8,
	"cume_dist": types.Float8, "ntile": types.Int4, "lag": 0, "lead": 0, "first_value": 0, "last_value": 0, "nth_value": 0}

// windows remembers the WINDOW clause; each use prints its definition in full.
func (t *translator) windows(s *scope, defs []*pg.Node) {
	for _, d := range defs {
		w := d.GetWindowDef()
		if s.windows == nil {
			s.windows = map[string]*pg.WindowDef{}
		}
		s.windows[w.Name] = w
	}
}

// The bits of frameOptions, from PostgreSQL's parsenodes.h.
const (
	frameNonDefault       = 0x00001
	frameRange            = 0x00002
	frameRows             = 0x00004
	frameGroups           = 0x00008
	frameStartUnbounded   = 0x00020
	frameEndUnbounded     = 0x00100
	frameStartCurrent     = 0x00200
	frameEndCurrent       = 0x00400
	frameStartPreceding   = 0x00800
	frameEndPreceding     = 0x01000
	frameStartFollowing   = 0x02000
	frameEndFollowing     = 0x04000
	frameExclusion        = 0x38000
	frameRangeWithOffsets = frameStartPreceding | frameEndPreceding | frameStartFollowing | frameEndFollowing
)

// over prints a window's definition.
func (t *translator) over(s *scope, w *pg.WindowDef) string {
	if w.Name != "" && w.Refname == "" && len(w.PartitionClause)+len(w.OrderClause) == 0 {
		if d, ok := s.windows[w.Name]; ok {
			w = d
		}
	}
	partition, order := w.PartitionClause, w.OrderClause
	if w.Refname != "" {
		base := s.windows[w.Refname]
		if base == nil {
			t.refuse(w.Location, "window \"%s\" cannot be found in the shadow", w.Refname)
		}
		if base.Refname != "" {
			t.refuse(w.Location, "windows of windows are not supported by the shadow")
		}
		partition = base.PartitionClause
		if len(order) == 0 {
			order = base.OrderClause
		}
	}
	var parts []string
	for _, p := range partition {
		v := t.expr(s, p)
		t.distinctable(v)
		parts = append(parts, v.sql)
	}
	text := ""
	if len(parts) > 0 {
		text = "PARTITION BY " + strings.Join(parts, ", ")
	}
	text = strings.TrimSpace(text + t.windowOrder(s, order))
	return " OVER (" + strings.TrimSpace(text+t.frame(w)) + ")"
}

// windowOrder is ORDER BY of a window, where numbers and names are expressions.
func (t *translator) windowOrder(s *scope, items []*pg.Node) string {
	var parts []string
	for _, item := range items {
		by := item.GetSortBy()
		v := t.expr(s, by.Node)
		if v.undecided() {
			v = t.as(v, types.Text)
		}
		t.comparable(v, true)
		parts = append(parts, v.key()+t.direction(by))
	}
	if len(parts) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(parts, ", ")
}

func (t *translator) frame(w *pg.WindowDef) string {
	o := w.FrameOptions
	if o&frameNonDefault == 0 {
		return ""
	}
	if o&(frameGroups|frameExclusion) != 0 || o&frameRange != 0 && o&frameRangeWithOffsets != 0 {
		t.refuse(w.Location, "this window frame is not supported by the shadow")
	}
	unit := "ROWS"
	if o&frameRange != 0 {
		unit = "RANGE"
	}
	start, end := "UNBOUNDED PRECEDING", "CURRENT ROW"
	switch {
	case o&frameStartCurrent != 0:
		start = "CURRENT ROW"
	case o&frameStartPreceding != 0:
		start = t.offset(w.StartOffset) + " PRECEDING"
	case o&frameStartFollowing != 0:
		start = t.offset(w.StartOffset) + " FOLLOWING"
	}
	switch {
	case o&frameEndUnbounded != 0:
		end = "UNBOUNDED FOLLOWING"
	case o&frameEndPreceding != 0:
		end = t.offset(w.EndOffset) + " PRECEDING"
	case o&frameEndFollowing != 0:
		end = t.offset(w.EndOffset) + " FOLLOWING"
	}
	return " " + unit + " BETWEEN " + start + " AND " + end
}

func (t *translator) offset(n *pg.Node) string {
	i, ok := t.wholeNumber(n)
	if !ok || i < 0 {
		t.refuse(location(n), "this window frame is not supported by the shadow")
	}
	return fmt.Sprint(i)
}

// windowCall is a function with OVER.
func (t *translator) windowCall(s *scope, n *pg.FuncCall, name string) value {
	over := t.over(s, n.Over)
	if agg, ok := aggregates[name]; ok {
		if n.AggDistinct || len(n.AggOrder) > 0 || agg == nil {
			t.refuse(n.Location, "this window aggregate is not supported by the shadow")
		}
		return t.windowAggregate(s, n, agg, over)
	}
	oid, ok := windowFunctions[name]
	if !ok || n.AggFilter != nil {
		t.refuse(n.Location, "window function %s is not supported by the shadow", name)
	}
	args := make([]string, len(n.Args))
	values := make([]value, len(n.Args))
	for i, a := range n.Args {
		values[i] = t.expr(s, a)
		args[i] = values[i].sql
	}
	if name == "nth_value" && len(n.Args) == 2 {
		if place, ok := t.wholeNumber(n.Args[1]); !ok || place < 1 {
			t.refuse(n.Location, "this form of nth_value is not supported by the shadow")
		}
	}
	var first value
	if len(args) > 0 {
		first = t.settled(values[:1])
		args[0] = first.sql
	}
	if len(args) > 2 {
		var byDefault value
		first, byDefault = t.unify(first, values[2], n.Location)
		args[0], args[2] = first.sql, byDefault.sql
	}
	text := call(name, args...) + over
	switch {
	case oid == 0:
		first.sql, first.konst = text, false
		return first
	case oid == types.Int4:
		text = cast(text, "INTEGER")
	}
	return of(oid, text)
}

// windowAggregate takes its argument after grouping, unlike a plain aggregate.
func (t *translator) windowAggregate(s *scope, n *pg.FuncCall, agg aggregate, over string) value {
	suffix := over
	if n.AggFilter != nil {
		suffix = " FILTER (WHERE " + t.boolean(s, n.AggFilter) + ")" + over
	}
	if n.AggStar {
		return of(types.Int8, "count(*)"+suffix)
	}
	if len(n.Args) != 1 {
		t.refuse(n.Location, "this window aggregate is not supported by the shadow")
	}
	v := numbered(t.expr(s, n.Args[0]))
	v.at = n.Location
	if v.opaque || v.undecided() {
		t.refuse(n.Location, "values of this type cannot be computed with in the shadow")
	}
	return agg(t, v, func(f, arg string) string { return f + "(" + arg + ")" + suffix })
}
