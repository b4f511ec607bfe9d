package predict

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/sampler"
	"foreshadow/forecast"
)

// inputs is all that one run is computed from.
type inputs struct {
	at      time.Time
	lsn     change.LSN
	series  map[string]forecast.Series // by ID
	ids     []string                   // in order
	tables  []table
	groups  []group
	events  []forecast.Event  // what is known to change the load
	created []forecast.Sample // history from created-at columns, to be stored once
	schema  []forecast.SchemaEvent
	watched time.Time // since when all schema events are known
}

// table is one captured table. Its history is daily and ends with the rows counted now; it has no values where nothing tells of the past.
type table struct {
	relation           string
	oid                uint32
	rows               float64
	heap, index, toast float64
	history            forecast.Series
	doubt              float64 // rows a day by which the growth that created-at columns show may be off, because rows are deleted again
	columns            []columnUse
	parent             *table // followed by a table without a history of its own
}

// gather reads everything a run needs.
func (r *Runner) gather(ctx context.Context) (inputs, error) {
	in := inputs{at: r.o.Clock().UTC(), series: map[string]forecast.Series{}}
	var err error
	if in.lsn, _, err = r.o.Store.Position(ctx); err != nil {
		return in, fmt.Errorf("read position: %w", err)
	}
	stored, err := r.o.Store.Series(ctx, forecast.SeriesFilter{})
	if err != nil {
		return in, fmt.Errorf("read series: %w", err)
	}
	for _, s := range stored {
		in.series[s.ID] = s
		in.ids = append(in.ids, s.ID)
	}
	slices.Sort(in.ids)
	if in.events, err = r.o.Events(); err != nil { // forecasts without them are better than none
		r.o.Log.Warn("known events are left out of the forecasts", "error", err)
	}
	relations, err := r.o.Store.Relations(ctx)
	if err != nil {
		return in, fmt.Errorf("read relations: %w", err)
	}
	for _, rel := range relations {
		t, err := r.gatherTable(ctx, &in, rel)
		if err != nil {
			return in, fmt.Errorf("read history of %s.%s: %w", rel.Schema, rel.Name, err)
		}
		in.tables = append(in.tables, t)
	}
	slices.SortFunc(in.tables, func(a, b table) int { return strings.Compare(a.relation, b.relation) })
	in.adopt(r.o.References())
	in.group(r.o.Partitions())
	if in.schema, in.watched, err = r.schemaEvents(ctx); err != nil {
		return in, err
	}
	return in, nil
}

// gatherTable reads one table's rows, bytes and history.
func (r *Runner) gatherTable(ctx context.Context, in *inputs, rel change.Relation) (table, error) {
	t := table{relation: rel.Schema + "." + rel.Name, oid: rel.OID}
	rows, err := r.o.Store.RowCount(ctx, rel.OID)
	if err != nil {
		return t, err
	}
	t.rows = float64(rows)
	t.heap, _ = in.last("volume.heap_bytes:" + t.relation)
	t.index, _ = in.last("volume.index_bytes:" + t.relation)
	t.toast, _ = in.last("volume.toast_bytes:" + t.relation)
	t.history, _ = sampler.Describe("volume.rows:" + t.relation)
	start, counts, err := r.createdCounts(ctx, rel, in.at)
	if err != nil {
		return t, err
	}
	measured := in.series["volume.rows:"+t.relation]
	if len(counts) > 0 {
		t.history.Source = "created_at"
		survival := in.survival(t.relation)
		t.history = cumulate(t.history, start, counts, t.rows, survival, in.at)
		if survival < 1 {
			t.doubt = survival * (1 - survival) * ratePerDay(counts)
			t.history.Text = fmt.Sprintf("rows of a table, by the days on which they were created; %.0f %% of all that were inserted have been deleted again", 100*(1-survival))
		}
		in.created = append(in.created, in.unstored(t)...)
	}
	t.history = overlay(t.history, measured, t.rows, in.at)
	if t.columns, err = r.columnUses(ctx, in, rel); err != nil {
		return t, err
	}
	return t, nil
}

// last is the last measured value of a stored series.
func (in *inputs) last(id string) (float64, bool) {
	s := in.series[id]
	for i := len(s.Values) - 1; i >= 0; i-- {
		if measured(s.Values[i]) {
			return s.Values[i], true
		}
	}
	return 0, false
}

// survival is the share of inserted rows that were not deleted again, by the primary's statistics; 1 where they say too little.
func (in *inputs) survival(relation string) float64 {
	inserted, _ := in.last("volume.rows_inserted:" + relation)
	deleted, _ := in.last("volume.rows_deleted:" + relation)
	if inserted < 1000 {
		return 1
	}
	return max(0, 1-deleted/inserted)
}

// adopt gives every table without a history the parent to follow: of the tables it refers to, the largest that has a history
// of its own and fewer rows than the child, such as orders for order_items.
func (in *inputs) adopt(references []forecast.Reference) {
	byName := map[string]*table{}
	for i := range in.tables {
		byName[in.tables[i].relation] = &in.tables[i]
	}
	for _, ref := range references {
		child, parent := byName[ref.Child], byName[ref.Parent]
		if child == nil || parent == nil || child == parent || child.known() || !parent.known() || parent.rows < 1 || parent.rows > child.rows {
			continue
		}
		if child.parent == nil || child.parent.rows < parent.rows {
			child.parent = parent
		}
	}
}

// enough is how many days a history must have before its own changes are trusted.
const enough = 14

// known says that the table's past is known well enough to forecast from.
func (t *table) known() bool { return len(t.history.Values) >= enough }

// keep stores what the run learned of the past and the counts of now, so that later runs see what was measured.
func (r *Runner) keep(ctx context.Context, in inputs) error {
	samples := in.created
	for _, t := range in.tables {
		s, _ := sampler.Describe("volume.rows:" + t.relation)
		samples = append(samples, forecast.Sample{Series: s, At: in.at, Value: t.rows})
		samples = append(samples, t.columnSamples(in.at)...)
	}
	samples = append(samples, in.groupSamples()...)
	if len(samples) == 0 {
		return nil
	}
	if err := r.o.Store.AppendSamples(ctx, samples); err != nil {
		return fmt.Errorf("append samples: %w", err)
	}
	return nil
}
