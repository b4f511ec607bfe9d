package ingest

import (
	"cmp"
	"slices"
	"time"

	"foreshadow/agent/capture"
)

// Operation is the initial copy of one table, or of all of them, under way or done.
type Operation struct {
	Name, Object, Phase string // Phase: waiting, copying, done, failed
	Done, Total         int64  // Total is an estimate; 0 is not known
	Kept                int64  // of what is done: rows that were durable already when the copy was taken up again
	Unit                string
	Started, Updated    time.Time
	Message             string
}

// ETA is how long the copy will still take at its rate so far; not ok where that cannot be told.
func (o *Operation) ETA() (left time.Duration, ok bool) {
	read := o.Done - o.Kept
	if o.Phase != "copying" || read <= 0 || o.Total < o.Done {
		return 0, false
	}
	return time.Duration(float64(o.Updated.Sub(o.Started)) * float64(o.Total-o.Done) / float64(read)), true
}

// Operations lists the copies of tables since the start, oldest first; where there are several, all of them together come first.
func (g *Ingest) Operations() []Operation {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Operation, 0, len(g.ops)+1)
	for _, o := range g.ops {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Operation) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Object, b.Object)) })
	if len(out) > 1 {
		out = slices.Insert(out, 0, together(out))
	}
	return out
}

// AllTables is the object of the operation that stands for all copies together.
const AllTables = "all tables"

func together(ops []Operation) Operation {
	all := Operation{Name: ops[0].Name, Object: AllTables, Phase: "done", Unit: ops[0].Unit, Started: ops[0].Started}
	known := true
	for _, o := range ops {
		switch {
		case o.Phase == "failed":
			all.Phase = "failed"
		case o.Phase != "done" && all.Phase != "failed":
			all.Phase = "copying"
		}
		known = known && (o.Phase == "done" || o.Total > 0)
		all.Done, all.Total, all.Kept = all.Done+o.Done, all.Total+max(o.Total, o.Done), all.Kept+o.Kept
		if o.Updated.After(all.Updated) {
			all.Updated = o.Updated
		}
	}
	if !known {
		all.Total = 0
	}
	return all
}

// operate changes what Operations shows of a table's copy.
func (g *Ingest) operate(t *capture.Table, f func(*Operation)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.ops[t.Relation.OID]
	if o == nil {
		o = &Operation{Name: "initial copy", Object: t.Relation.Schema + "." + t.Relation.Name, Unit: "rows"}
		g.ops[t.Relation.OID] = o
	}
	f(o)
	o.Updated = time.Now()
}
