package shadow

import (
	"slices"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

// epoch is a stretch in which a table had one shape, kept in one generation: surely from In to Last. Between its Last and the next one's In
// the columns changed, and it is not known when; a zero Last says that the epoch lasts.
type epoch struct {
	Version  int32
	N        int // the generation
	In, Last Mark
}

// lastSeen is the last moment at which a table surely had its current shape.
func (d *DB) lastSeen(t *table) Mark {
	m := Mark{LSN: t.Since, Time: t.SinceTime}
	if e := t.epoch(); e != nil {
		m = e.In
	}
	for _, o := range []Mark{d.looked, t.used} {
		if o.after(m) {
			m = o
		}
	}
	return m
}

// epoch is the current one, nil before the first copy.
func (t *table) epoch() *epoch {
	if len(t.Epochs) == 0 {
		return nil
	}
	return &t.Epochs[len(t.Epochs)-1]
}

// turn ends a table's epoch at the moment that it was last seen in, and begins the one of its current generation and version.
func (t *table) turn(last, in Mark) {
	if e := t.epoch(); e != nil {
		e.Last = last
	}
	t.Epochs = append(t.Epochs, epoch{Version: t.Version, N: t.gen().N, In: in})
}

// epochAt finds the epoch of a position.
func (t *table) epochAt(at change.LSN) int {
	i := len(t.Epochs) - 1
	for i > 0 && at < t.Epochs[i].In.LSN {
		i--
	}
	return i
}

// shapeOf is an epoch's shape.
func (d *DB) shapeOf(t *table, i int) *change.Relation {
	return &d.shapes[t.OID][t.Epochs[i].Version-1]
}

// certain says that a moment lies where an epoch's shape is known to have been in force.
func (d *DB) certain(t *table, i int, a AsOf) error {
	e := &t.Epochs[i]
	if a == (AsOf{}) || i == len(t.Epochs)-1 && t.Dropped == 0 || a.upTo(e.Last) {
		return nil
	}
	what, to := "dropped", t.gone()
	if i < len(t.Epochs)-1 {
		if alike(d.shapeOf(t, i), d.shapeOf(t, i+1)) {
			return nil
		}
		what, to = "altered", t.Epochs[i+1].In
	}
	return sqlerr.New(sqlerr.SnapshotTooOld, "table %q was %s between %s (%s) and %s (%s), and it is not known when", d.shapeOf(t, i).Name, what,
		precise(e.Last.Time), e.Last.LSN, precise(to.Time), to.LSN).WithHint("ask for a moment before or after")
}

// gone is when a dropped table was noticed to be missing.
func (t *table) gone() Mark { return Mark{LSN: t.Dropped, Time: t.DroppedTime} }

// alike compares what a reader sees of two shapes.
func alike(a, b *change.Relation) bool {
	return a.Schema == b.Schema && a.Name == b.Name && slices.EqualFunc(a.Columns, b.Columns, func(x, y change.Column) bool {
		return x.Name == y.Name && x.TypeOID == y.TypeOID && x.TypMod == y.TypMod && x.AttNum == y.AttNum
	})
}

// Named asks for a table by its OID or, when that is 0, by its name in the first of some schemas that has it.
type Named struct {
	OID     uint32
	Schemas []string
	Name    string
}

// Shape is a table as it was at a moment. Dropped says that the primary no longer has it, Parent that it is a partitioned table, whose
// columns are those of one of its parts.
type Shape struct {
	change.Relation
	Dropped, Parent bool
}

// At tells which table had a name at a moment, and with which columns; nil when none that was captured had it.
func (d *DB) At(n Named, a AsOf) (*Shape, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.OID != 0 {
		if t := d.tables[n.OID]; t != nil && len(t.Epochs) > 0 {
			return d.tableAt(t, a)
		}
		return d.parentAt(n.OID, a)
	}
	for _, schema := range n.Schemas {
		s, err := d.namedAt(schema, n.Name, a)
		if s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// tableAt is a table's shape at a moment within its history.
func (d *DB) tableAt(t *table, a AsOf) (*Shape, error) {
	_, i, err := d.within(t, a)
	if err != nil {
		return nil, err
	}
	return &Shape{Relation: *d.shapeOf(t, i), Dropped: t.Dropped != 0}, nil
}

// within finds the position and the epoch of a moment at which a table surely was there in a known shape.
func (d *DB) within(t *table, a AsOf) (at change.LSN, i int, err error) {
	if at, err = d.moment(t, a); err != nil {
		return 0, 0, err
	}
	if t.Dropped != 0 && (a == (AsOf{}) || a.from(t.gone())) {
		return 0, 0, sqlerr.New(sqlerr.UndefinedTable, "table %q had been dropped by then", d.shape(t).Name).WithHint("ask for a moment before %s", precise(t.DroppedTime))
	}
	i = t.epochAt(at)
	return at, i, d.certain(t, i, a)
}

// namedAt looks for the table that had a name at a moment. The history of one that has had it since may begin too late: that is then the error.
func (d *DB) namedAt(schema, name string, a AsOf) (found *Shape, failed error) {
	for _, t := range d.tables {
		had := slices.ContainsFunc(t.Epochs, func(e epoch) bool {
			rel := &d.shapes[t.OID][e.Version-1]
			return rel.Schema == schema && rel.Name == name
		})
		if !had {
			continue
		}
		s, err := d.tableAt(t, a)
		switch {
		case err != nil:
			if failed == nil || sqlerr.Code(failed) == sqlerr.UndefinedTable {
				failed = err
			}
		case s.Schema == schema && s.Name == name:
			found = s
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, failed
}

// parentAt is the shape of a partitioned table, by one of its parts; nil when it is none.
func (d *DB) parentAt(oid uint32, a AsOf) (*Shape, error) {
	leaves, show, err := d.leavesAt(Ref{OID: oid, AsOf: a})
	if err != nil || len(leaves) == 0 {
		return nil, err
	}
	if len(show) == 0 {
		return &Shape{Relation: *d.shape(present(leaves)), Parent: true}, nil
	}
	s, err := d.tableAt(show[0], a)
	if s != nil {
		s.Parent = true
	}
	return s, err
}

// Moment gives a time its position: that of the last commit at or before it, so that all tables of a statement show the same one.
func (d *DB) Moment(a AsOf) (AsOf, error) {
	if a.Time.IsZero() {
		return a, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := notYet(a); err != nil {
		return a, err
	}
	at, err := d.lastCommit(a.Time)
	a.LSN = at
	return a, err
}

// lastCommit is the position of the last commit at or before a time; 0 if there is none.
func (d *DB) lastCommit(at time.Time) (change.LSN, error) {
	n, _, err := one[int64](d.w, "SELECT max(lsn) FROM log WHERE commit_time <= $1", at)
	return change.LSN(n), err
}
