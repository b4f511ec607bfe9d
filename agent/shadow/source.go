package shadow

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Ref asks for one relation: a captured table by its OID, or a relation of schema foreshadow by its name.
// Readable limits whose changes such a relation shows; nil means all.
type Ref struct {
	OID      uint32
	Name     string
	AsOf     AsOf
	Then     bool // with the columns of that moment; otherwise with today's
	Versions bool // every version that was valid at some time from Since to AsOf, with the columns of AsOf and when each was valid
	Since    AsOf // the zero value is the beginning of the history
	Readable []uint32
}

// AsOf is a moment of the past, by the primary's clock or by a position; the zero value is now. A time may have its position with it: see Moment.
type AsOf struct {
	Time time.Time
	LSN  change.LSN
}

func sortRelations(rels []change.Relation) {
	slices.SortFunc(rels, func(a, b change.Relation) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name), cmp.Compare(a.OID, b.OID))
	})
}

// Source gives the DuckDB SELECT that yields a relation under its own column names. It folds first what is not folded yet of it,
// so that the answer holds everything captured up to now; all relations show the same moment. A past that expires before the query has begun is missing
// in it: see Reading.
func (d *DB) Source(ctx context.Context, ref Ref) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold(ctx, ref.AsOf, ref.Since)
	if ref.Name != "" {
		return d.view(ref)
	}
	d.ask(ref.OID)
	if !d.open {
		if err := d.foldFor(ref.OID); err != nil {
			return "", err
		}
	}
	t := d.tables[ref.OID]
	if t == nil || len(t.Gens) == 0 {
		if sql, known, err := d.partitioned(ref); known {
			return sql, err
		}
		return "", sqlerr.New(sqlerr.UndefinedTable, "the table is not captured").
			WithHint("see foreshadow.operations for what is being copied, and message in foreshadow.capture_status for what is left out")
	}
	r, err := d.tableRows(t, ref)
	return r.sql, err
}

// rowset is a SELECT with its columns' names and DuckDB types.
type rowset struct {
	sql   string
	names []string
	types []string
}

// tableRows gives the rows of one captured table.
func (d *DB) tableRows(t *table, ref Ref) (rowset, error) {
	lost := t.Lost != nil && ref.AsOf != (AsOf{})
	if lost && !ref.AsOf.upTo(t.Lost.Looked) {
		return rowset{}, sqlerr.New(sqlerr.SnapshotTooOld, "the rows of table %q are not known since %s (%s)", d.shape(t).Name, precise(t.Lost.Looked.Time), t.Lost.Looked.LSN).
			WithHint("it has to be copied from the primary again; ask for a moment before, or again when foreshadow.operations shows the copy as done")
	}
	if !t.Synced && !lost {
		return rowset{}, sqlerr.New(sqlerr.ObjectNotInState, "table %q is being copied from the primary", d.shape(t).Name).
			WithHint("try again when foreshadow.operations shows the copy as done")
	}
	if ref.Versions {
		return d.versions(t, ref)
	}
	if ref.AsOf == (AsOf{}) {
		if t.Dropped != 0 {
			return rowset{}, sqlerr.New(sqlerr.UndefinedTable, "table %q was dropped on the primary", d.shape(t).Name).
				WithHint("ask for it AS OF a moment before it was dropped")
		}
		r := named(d.shape(t), t.gen())
		r.sql = "SELECT " + aliased(d.shape(t), "") + " FROM " + t.visible()
		return r, nil
	}
	if ref.Then {
		at, i, err := d.within(t, ref.AsOf)
		if err != nil {
			return rowset{}, err
		}
		return d.asOf(t, i, at, true)
	}
	at, err := d.moment(t, ref.AsOf)
	if err != nil {
		return rowset{}, err
	}
	return d.asOf(t, t.epochAt(at), at, false)
}

// named lists a shape's columns as a generation keeps them.
func named(rel *change.Relation, g *gen) rowset {
	var r rowset
	for i, c := range rel.Columns {
		r.names, r.types = append(r.names, c.Name), append(r.types, g.Types[i])
	}
	return r
}

// moment finds the position of a moment and checks that it lies within the table's history.
func (d *DB) moment(t *table, a AsOf) (change.LSN, error) {
	if g := t.hidden(a); g != nil {
		return 0, d.notKnown(t, g)
	}
	at := a.LSN
	if a == (AsOf{}) { // now
		return max(d.pos.commit, t.Epochs[len(t.Epochs)-1].In.LSN), nil
	}
	if !a.Time.IsZero() {
		if err := notYet(a); err != nil {
			return 0, err
		}
		if a.Time.Before(t.SinceTime) {
			return 0, tooOld(d.shape(t).Name, t)
		}
		if at == 0 {
			var err error
			if at, err = d.lastCommit(a.Time); err != nil {
				return 0, err
			}
		}
		at = max(at, t.Since)
		for _, e := range t.Epochs {
			if a.from(e.In) {
				at = max(at, e.In.LSN) // a copy and a change of columns count, even though no commit has followed them
			}
		}
		return at, nil
	}
	if at < t.Since {
		return 0, tooOld(d.shape(t).Name, t)
	}
	last, _ := d.reach()
	if end := max(last, d.stored.end); at > end {
		return 0, sqlerr.New(sqlerr.SnapshotTooOld, "position %s has not been captured yet", at).WithHint("the shadow stands at %s", end)
	}
	return at, nil
}

// notYet refuses the future.
func notYet(a AsOf) error {
	if !a.Time.After(time.Now()) {
		return nil
	}
	return sqlerr.New(sqlerr.SnapshotTooOld, "%s lies in the future", a.Time.Format(time.RFC3339)).
		WithHint("the future is in a predictive instance: CREATE PREDICTIVE INSTANCE")
}

// notKnown is the error of a moment within a gap.
func (d *DB) notKnown(t *table, g *gap) error {
	return sqlerr.New(sqlerr.SnapshotTooOld, "the rows of table %q are not known between %s (%s) and %s (%s)", d.shape(t).Name,
		precise(g.From.Time), g.From.LSN, precise(g.To.Time), g.To.LSN).WithHint("it had to be copied from the primary again; see foreshadow.capture_gaps, and foreshadow.change_log for its changes")
}

// precise writes a time as PostgreSQL does, to the microsecond.
func precise(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000+00") }

func tooOld(name string, t *table) error {
	return sqlerr.New(sqlerr.SnapshotTooOld, "the history of table %q begins at %s (%s)", name, precise(t.SinceTime), t.Since).
		WithHint("ask for a moment since then")
}

// aliased lists a shape's columns under their own names, as types.Column writes them.
func aliased(rel *change.Relation, prefix string) string {
	cols := make([]string, len(rel.Columns))
	for i, c := range rel.Columns {
		cols[i] = fmt.Sprintf("%sc%d AS %s", prefix, i, ident(types.Column(c.Name)))
	}
	if len(cols) == 0 {
		return "1"
	}
	return strings.Join(cols, ", ")
}

// asOf gives the rows that were there at a position: an epoch's generation has all of them, those that it ended since and those that
// were current when it was left. They come with the columns of then, or with today's.
func (d *DB) asOf(t *table, i int, at change.LSN, then bool) (rowset, error) {
	g := &t.Gens[t.Epochs[i].N-1]
	from := d.shapeOf(t, i)
	r := named(from, g)
	cols := make([]string, len(from.Columns))
	for k := range cols {
		cols[k] = fmt.Sprintf("c%d", k)
	}
	if !then {
		to := d.shape(t)
		r = named(to, t.gen())
		cols = make([]string, len(to.Columns))
		for k := range to.Columns {
			var err error
			if cols[k], err = historic(from, to, g, t.gen(), k); err != nil {
				return r, err
			}
		}
	}
	for k := range cols {
		cols[k] += " AS " + ident(types.Column(r.names[k]))
	}
	if len(cols) == 0 {
		cols = []string{"1"}
	}
	list := strings.Join(cols, ", ")
	r.sql = fmt.Sprintf("SELECT %[1]s FROM (%[2]s) WHERE lo <= %[5]d AND (hi IS NULL OR hi > %[5]d) UNION ALL SELECT %[1]s FROM h%[3]d_%[4]d WHERE lo <= %[5]d AND hi > %[5]d",
		list, d.remaining(t, g.N), t.OID, g.N, uint64(at))
	return r, nil
}

// historic reads a column of the current shape out of an older generation. Where there was no such column, it is what the primary gave to
// rows that lived to see it added.
func historic(from, to *change.Relation, g, now *gen, k int) (string, error) {
	c := &to.Columns[k]
	j := origin(from, c)
	switch {
	case j < 0 && c.Rewrite:
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "column %q of table %q did not exist then", c.Name, to.Name).WithHint("ask for the table itself, not for a view of it")
	case j < 0 && c.Missing != nil && now.Types[k] == "BLOB":
		return "from_hex(" + quote(strings.TrimPrefix(*c.Missing, `\x`)) + ")", nil
	case j < 0 && c.Missing != nil:
		return "CAST(" + quote(*c.Missing) + " AS " + now.Types[k] + ")", nil
	case j < 0:
		return "NULL::" + now.Types[k], nil
	case g.Types[j] == now.Types[k]:
		return fmt.Sprintf("c%d", j), nil
	case now.Types[k] == "VARCHAR":
		return asText(fmt.Sprintf("c%d", j), g.Types[j]), nil
	}
	return fmt.Sprintf("CAST(c%d AS %s)", j, now.Types[k]), nil // a value that does not fit is an error: NULL would be a lie
}

// fieldType looks up how a column is carried.
func fieldType(c *change.Column) types.Type { return types.Of(c.TypeOID, c.TypMod) }
