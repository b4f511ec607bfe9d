package shadow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
)

// AppendSchemaEvents stores changes of the schema that are not stored yet, and gives the number of new ones.
func (d *DB) AppendSchemaEvents(_ context.Context, events []forecast.SchemaEvent) (n int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	err = d.side(func(c *conn) error {
		stored, err := schemaEvents(c)
		if err != nil {
			return err
		}
		have := map[forecast.SchemaEvent]bool{}
		for _, e := range stored {
			have[once(e)] = true
		}
		var fresh []forecast.SchemaEvent
		for _, e := range events {
			if key := once(e); !have[key] {
				have[key] = true
				fresh = append(fresh, e)
			}
		}
		if n = len(fresh); n == 0 {
			return nil
		}
		if err := writeSchemaEvents(c, fresh); err != nil {
			return err
		}
		return d.noteAside(c, evolved, fresh)
	})
	if err != nil {
		return 0, fmt.Errorf("store schema events: %w", err)
	}
	return n, nil
}

// once is what makes two events the same, whoever told of them.
func once(e forecast.SchemaEvent) forecast.SchemaEvent {
	e.At, e.Source = e.At.UTC().Truncate(time.Microsecond), ""
	return e
}

func writeSchemaEvents(c *conn, events []forecast.SchemaEvent) error {
	w, err := newChunk(c, "schema_events", []string{"TIMESTAMPTZ", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"})
	if err != nil {
		return err
	}
	defer w.close()
	for i := range events {
		e := &events[i]
		set(w, 0, e.At.UnixMicro())
		for k, text := range []string{e.Relation, e.Kind, e.Object, e.Source} {
			w.str(k+1, []byte(text))
		}
		if err := w.next(); err != nil {
			return err
		}
	}
	return w.flush()
}

// SchemaEvents gives the stored changes of the schema, oldest first.
func (d *DB) SchemaEvents(context.Context) ([]forecast.SchemaEvent, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	return schemaEvents(c)
}

func schemaEvents(c *conn) ([]forecast.SchemaEvent, error) {
	rows, err := c.rows("SELECT ts, relation, kind, object, source FROM schema_events ORDER BY ts, rowid")
	if err != nil {
		return nil, err
	}
	out := make([]forecast.SchemaEvent, len(rows))
	for i, r := range rows {
		out[i] = forecast.SchemaEvent{At: moment(r[0]).UTC(), Relation: r[1].(string), Kind: r[2].(string), Object: r[3].(string), Source: r[4].(string)}
	}
	return out, nil
}

// SchemaStatements gives the changes of the schema that the event trigger told after a moment, in the log's order.
func (d *DB) SchemaStatements(_ context.Context, after time.Time) ([]change.Statement, error) {
	rows, err := d.read("SELECT commit_time, xid, after FROM log WHERE op = $1 AND epoch_us(commit_time) > $2 ORDER BY lsn, seq", int32(change.DDL), after.UnixMicro())
	if err != nil {
		return nil, err
	}
	var out []change.Statement
	for _, r := range rows {
		var told struct {
			Tag, Statement string
			Objects        []string
			Path           string `json:"search_path"`
		}
		if json.Unmarshal([]byte(r[2].(string)), &told) != nil {
			continue // anyone may send a message with the trigger's prefix
		}
		xid, _ := r[1].(int64)
		out = append(out, change.Statement{At: moment(r[0]).UTC(), XID: uint32(xid), Tag: told.Tag, Text: told.Statement, Objects: told.Objects, Path: told.Path})
	}
	return out, nil
}

// ShapeChanges gives the changes of the schema that showed in the tables' own shapes since capture began, oldest first, each under the name that its
// table had after it. From is when capture began: what tables were like before it is not known. Indexes, constraints and defaults do not show in shapes.
func (d *DB) ShapeChanges(context.Context) (from time.Time, events []forecast.SchemaEvent, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var first Mark
	for _, t := range d.tables {
		if len(t.Epochs) > 0 && (first == Mark{} || first.after(t.Epochs[0].In)) {
			first = t.Epochs[0].In
		}
	}
	for _, t := range d.tables {
		for i := range t.Epochs {
			events = append(events, d.turned(t, i, first)...)
		}
		if t.Dropped != 0 && len(t.Epochs) > 0 {
			events = append(events, forecast.SchemaEvent{At: t.DroppedTime, Relation: nameOf(d.shapeOf(t, len(t.Epochs)-1)), Kind: "drop_table"})
		}
	}
	for i := range events {
		events[i].At, events[i].Source = events[i].At.UTC(), "captured"
	}
	slices.SortFunc(events, func(a, b forecast.SchemaEvent) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Relation, b.Relation), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object))
	})
	return first.Time.UTC(), events, nil
}

// nameOf is the qualified name of a shape.
func nameOf(rel *change.Relation) string { return rel.Schema + "." + rel.Name }

// turned says what came with one of a table's epochs; first is when capture began.
func (d *DB) turned(t *table, i int, first Mark) []forecast.SchemaEvent {
	to := d.shapeOf(t, i)
	var out []forecast.SchemaEvent
	add := func(kind, object string) {
		out = append(out, forecast.SchemaEvent{At: t.Epochs[i].In.Time, Relation: nameOf(to), Kind: kind, Object: object})
	}
	if i == 0 {
		if t.Epochs[0].In.LSN > first.LSN {
			add("create_table", "")
		}
		return out
	}
	from := d.shapeOf(t, i-1)
	if nameOf(from) != nameOf(to) {
		add("rename_table", nameOf(from))
	}
	kept := map[int]bool{}
	for k := range to.Columns {
		c := &to.Columns[k]
		j := origin(from, c)
		if j < 0 {
			add("add_column", c.Name)
			continue
		}
		kept[j] = true
		if o := &from.Columns[j]; o.Name != c.Name {
			add("rename_column", c.Name)
		} else if o.TypeOID != c.TypeOID || o.TypMod != c.TypMod {
			add("alter_type", c.Name)
		}
	}
	for j := range from.Columns {
		if !kept[j] {
			add("drop_column", from.Columns[j].Name)
		}
	}
	return out
}
