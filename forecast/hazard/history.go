package hazard

import (
	"math"
	"slices"
	"time"

	"foreshadow/forecast"
)

const day = 24 * time.Hour

// The kinds of events that begin and end a table. All others, and the end too, are changes of it.
const (
	CreateTable = "create_table"
	DropTable   = "drop_table"
)

// history is a schema's past: the lives of its tables, in days since an epoch of its own.
type history struct {
	epoch  time.Time
	tables []life // by name
}

// life is what happened to one table. Several changes of one day are one, such as those of one migration.
type life struct {
	name    string
	born    float64
	gone    float64 // +Inf while it lives
	changes []float64
	kinds   map[string]float64 // how many of its events were of each kind, its making aside; nil before the first
}

// newHistory sorts events into lives, known since a moment or, when it is zero, since the first event. A table that was never seen made is as old as
// its first event, unless tables says more; one that is made again after it was dropped goes on.
func newHistory(events []forecast.SchemaEvent, since time.Time, tables []Table) *history {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b forecast.SchemaEvent) int { return a.At.Compare(b.At) })
	if since.IsZero() && len(events) > 0 {
		since = events[0].At
	}
	h := &history{epoch: since.Truncate(day)}
	byName := map[string]*life{}
	for _, t := range tables {
		l := &life{name: t.Name, born: -math.Expm1(shipped.mean[0]), gone: math.Inf(1)} // as old as tables usually are
		if !t.Since.IsZero() {
			l.born = h.day(t.Since)
		}
		byName[t.Name] = l
	}
	for _, e := range events {
		if e.Relation == "" {
			continue
		}
		at := h.day(e.At)
		l := byName[e.Relation]
		if l == nil {
			l = &life{name: e.Relation, born: at, gone: math.Inf(1)}
			byName[e.Relation] = l
		}
		l.gone = math.Inf(1)
		if e.Kind == DropTable {
			l.gone = at
		}
		if e.Kind == CreateTable && l.kinds == nil {
			l.born = at
		}
		if l.kinds == nil {
			l.kinds = map[string]float64{}
		}
		if e.Kind != CreateTable {
			l.kinds[e.Kind]++
		}
		if n := len(l.changes); e.Kind != CreateTable && (n == 0 || math.Floor(l.changes[n-1]) < math.Floor(at)) {
			l.changes = append(l.changes, at)
		}
	}
	for _, t := range tables {
		byName[t.Name].gone = math.Inf(1)
	}
	for _, l := range byName {
		h.tables = append(h.tables, *l)
	}
	slices.SortFunc(h.tables, func(a, b life) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return h
}

// day is a moment in days since the history's epoch.
func (h *history) day(at time.Time) float64 { return at.Sub(h.epoch).Hours() / 24 }

// alive says that the table is there at a day, as far as was known then.
func (l *life) alive(at float64) bool { return l.born < at && at <= l.gone }

// before is how many of the changes lie before a day.
func (l *life) before(at float64) int {
	i, _ := slices.BinarySearch(l.changes, at)
	return i
}

// changed says that a change came from a day on and within so many days.
func (l *life) changed(at, within float64) bool {
	i := l.before(at)
	return i < len(l.changes) && l.changes[i] < at+within
}
