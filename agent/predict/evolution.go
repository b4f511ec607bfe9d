package predict

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
	"foreshadow/forecast/hazard"
	"foreshadow/sql/parse"
)

// schemaEvents gives the changes of the schema that are known, oldest first, under their tables' names of now, and since when all are known. What was
// captured since the last run is stored first: it outlives the log.
func (r *Runner) schemaEvents(ctx context.Context) ([]forecast.SchemaEvent, time.Time, error) {
	from, captured, err := r.o.Store.ShapeChanges(ctx)
	if err != nil {
		return nil, from, fmt.Errorf("read changes of shapes: %w", err)
	}
	statements, err := r.o.Store.SchemaStatements(ctx, r.told)
	if err != nil {
		return nil, from, fmt.Errorf("read captured DDL: %w", err)
	}
	if _, err := r.o.Store.AppendSchemaEvents(ctx, append(captured, toldEvents(statements)...)); err != nil {
		return nil, from, err
	}
	if n := len(statements); n > 0 {
		r.told = statements[n-1].At
	}
	events, err := r.o.Store.SchemaEvents(ctx)
	if err != nil {
		return nil, from, fmt.Errorf("read schema events: %w", err)
	}
	if len(events) > 0 && (from.IsZero() || events[0].At.Before(from)) {
		from = events[0].At
	}
	return lineage(events), from, nil
}

// toldEvents reads the event trigger's statements. A text of several statements is told once for each, and counts once in its transaction.
func toldEvents(statements []change.Statement) []forecast.SchemaEvent {
	type once struct {
		xid  uint32
		text string
	}
	seen := map[once]bool{}
	var out []forecast.SchemaEvent
	for _, s := range statements {
		if seen[once{s.XID, s.Text}] {
			continue
		}
		seen[once{s.XID, s.Text}] = true
		changes, err := parse.SchemaChanges(s.Text)
		if err != nil {
			continue // a later version's syntax; what it did to columns shows in the tables' shapes
		}
		for _, c := range changes {
			e := forecast.SchemaEvent{At: s.At, Relation: qualified(c.Schema, c.Table, &s), Kind: c.Kind, Object: c.Object, Source: "captured"}
			if e.Kind == "rename_table" && !strings.Contains(e.Object, ".") {
				schema, _, _ := strings.Cut(e.Relation, ".")
				e.Object = schema + "." + e.Object
			}
			out = append(out, e)
		}
	}
	return out
}

// qualified names a table as capture does. A statement may leave the schema to the search path: then the object that it made or altered tells it.
func qualified(schema, table string, s *change.Statement) string {
	if schema != "" {
		return schema + "." + table
	}
	for _, o := range s.Objects {
		if of, name, ok := strings.Cut(o, "."); ok && strings.Trim(name, `"`) == table {
			return strings.Trim(of, `"`) + "." + table
		}
	}
	for _, of := range strings.Split(s.Path, ",") {
		if of = strings.Trim(strings.TrimSpace(of), `"`); of != "" && of != "$user" {
			return of + "." + table
		}
	}
	return "public." + table
}

// deployed is how long after its migration was written a change may be captured: an imported event that was captured within it counts once.
const deployed = 30 * day

// lineage gives events their tables' names of now, and leaves out what was told twice: by the trigger and by the table's shape, or by an import too.
func lineage(events []forecast.SchemaEvent) []forecast.SchemaEvent {
	out := slices.Clone(events)
	for i, e := range events {
		if e.Kind != "rename_table" {
			continue
		}
		for k := range out {
			together := out[k].At.Equal(e.At) && out[k].Kind != hazard.CreateTable // in one transaction, whose events come in any order
			if out[k].Relation == e.Object && (k < i || together) {
				out[k].Relation = e.Relation
			}
		}
	}
	type same struct{ relation, kind, object string }
	captured, last := map[same][]time.Time{}, map[same]time.Time{}
	for _, e := range out {
		if e.Source == "captured" {
			key := same{e.Relation, e.Kind, e.Object}
			captured[key] = append(captured[key], e.At)
		}
	}
	return slices.DeleteFunc(out, func(e forecast.SchemaEvent) bool {
		key := same{e.Relation, e.Kind, e.Object}
		if e.Source == "imported" {
			return slices.ContainsFunc(captured[key], func(at time.Time) bool { return at.Sub(e.At).Abs() < deployed })
		}
		before, again := last[key]
		last[key] = e.At
		return again && e.At.Sub(before) < day
	})
}

// schemaChanges are the changes of the schema that are expected, with the probability that each comes within a span of time; dates are looked for up to
// a horizon. Limits that force a change count too.
func (in *inputs) schemaChanges(within, horizon time.Duration, limits []forecast.Limit) []forecast.SchemaChange {
	var tables []hazard.Table
	for i := range in.tables {
		t := hazard.Table{Name: in.tables[i].relation}
		if in.tables[i].known() {
			t.Since = in.tables[i].history.Start
		}
		tables = append(tables, t)
	}
	if len(tables) == 0 {
		return nil
	}
	out := hazard.Forecast(in.events, hazard.Options{At: in.at, From: in.watched, Within: within, Horizon: horizon, Tables: tables})
	for _, l := range limits {
		what, ok := remedies[l.Kind]
		if !ok || l.P10.IsZero() {
			continue
		}
		relation := l.Object[:max(strings.LastIndexByte(l.Object, '.'), 0)]
		if t := in.tableOf(l.Object); t != nil {
			relation = t.relation
		}
		forced := forecast.SchemaChange{Relation: relation, What: what, Within: within, Probability: chanceBy(l, in.at, in.at.Add(within)),
			P10: l.P10, P50: l.P50, P90: l.P90, Because: fmt.Sprintf("%s of %s is reached", l.Kind, l.Object), Basis: l.Basis} // how far it has come is only for those who may read the table
		i := slices.IndexFunc(out, func(c forecast.SchemaChange) bool { return c.Relation == relation && c.What == hazard.AnyChange })
		if i >= 0 {
			out[i] = either(out[i], forced)
		}
		out = append(out, forced)
	}
	slices.SortStableFunc(out, func(a, b forecast.SchemaChange) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

// remedies are the changes of the schema that a limit forces.
var remedies = map[string]string{
	"integer_key": "alter_type", "integer_range": "alter_type", "numeric_range": "alter_type", "text_length": "alter_type",
	"check_bound": "drop_constraint", "partition_range": "add_partition",
}

// either adds to a table's next change, whatever it will be, one that a limit forces.
func either(any, forced forecast.SchemaChange) forecast.SchemaChange {
	any.Probability = 1 - (1-any.Probability)*(1-forced.Probability)
	for _, d := range []struct{ at, forced *time.Time }{{&any.P10, &forced.P10}, {&any.P50, &forced.P50}, {&any.P90, &forced.P90}} {
		if compareDates(*d.forced, *d.at) < 0 {
			*d.at = *d.forced
		}
	}
	any.Because += "; " + forced.Because
	return any
}

// chanceBy is the probability that a limit is reached by a moment, in a straight line between its dates. Dates beyond what was looked at say nothing.
func chanceBy(l forecast.Limit, now, by time.Time) float64 {
	from, p := now, 0.0
	for _, q := range []struct {
		at time.Time
		p  float64
	}{{l.P10, 0.1}, {l.P50, 0.5}, {l.P90, 0.9}} {
		switch {
		case q.at.IsZero():
			return p
		case by.Before(q.at):
			return p + (q.p-p)*float64(by.Sub(from))/float64(q.at.Sub(from))
		}
		from, p = q.at, q.p
	}
	if spread := l.P90.Sub(l.P50); spread > 0 { // beyond the late date what is left halves with every such distance
		return 1 - (1-p)*math.Exp2(-float64(by.Sub(from))/float64(spread))
	}
	return 1
}
