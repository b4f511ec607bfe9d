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
	Readable []uint32
}

// AsOf is a moment of the past, by the primary's clock or by a position; the zero value is now.
type AsOf struct {
	Time time.Time
	LSN  change.LSN
}

func sortRelations(rels []change.Relation) {
	slices.SortFunc(rels, func(a, b change.Relation) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name), cmp.Compare(a.OID, b.OID))
	})
}

// Source gives the DuckDB SELECT that yields a relation under its own column names. It folds first what is not folded yet,
// so that the answer holds everything captured up to now; all relations show the same moment.
func (d *DB) Source(_ context.Context, ref Ref) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		if err := d.foldAll(); err != nil {
			return "", err
		}
	}
	if ref.Name != "" {
		return d.view(ref)
	}
	t := d.tables[ref.OID]
	if t == nil || len(t.Gens) == 0 {
		if sql, known, err := d.partitioned(ref); known {
			return sql, err
		}
		return "", sqlerr.New(sqlerr.UndefinedTable, "the table is not captured").
			WithHint("see foreshadow.tables and foreshadow.operations for what is captured and what is being copied")
	}
	return d.tableSource(t, ref.AsOf)
}

// tableSource is the SELECT of one captured table.
func (d *DB) tableSource(t *table, moment AsOf) (string, error) {
	if !t.Synced {
		return "", sqlerr.New(sqlerr.ObjectNotInState, "table %q is being copied from the primary", d.shape(t).Name).
			WithHint("try again when foreshadow.operations shows the copy as done")
	}
	if moment == (AsOf{}) {
		if t.Dropped != 0 {
			return "", sqlerr.New(sqlerr.UndefinedTable, "table %q was dropped on the primary", d.shape(t).Name).
				WithHint("ask for it AS OF a moment before it was dropped")
		}
		return "SELECT " + aliased(d.shape(t), "") + " FROM " + t.visible(), nil
	}
	at, err := d.moment(t, moment)
	if err != nil {
		return "", err
	}
	return d.asOf(t, at), nil
}

// moment finds the position of a moment and checks that it lies within the table's history.
func (d *DB) moment(t *table, a AsOf) (change.LSN, error) {
	if g := t.hidden(a); g != nil {
		return 0, sqlerr.New(sqlerr.SnapshotTooOld, "the rows of table %q are not known between %s (%s) and %s (%s)", d.shape(t).Name,
			precise(g.From.Time), g.From.LSN, precise(g.To.Time), g.To.LSN).WithHint("it had to be copied from the primary again; see foreshadow.capture_gaps, and foreshadow.change_log for its changes")
	}
	at := a.LSN
	if !a.Time.IsZero() {
		if a.Time.After(time.Now()) {
			return 0, sqlerr.New(sqlerr.SnapshotTooOld, "%s lies in the future", a.Time.Format(time.RFC3339)).
				WithHint("the future is in a predictive instance: CREATE PREDICTIVE INSTANCE")
		}
		if a.Time.Before(t.SinceTime) {
			return 0, tooOld(d.shape(t).Name, t)
		}
		n, ok, err := one[int64](d.w, "SELECT max(lsn) FROM log WHERE commit_time <= $1", a.Time)
		if err != nil {
			return 0, err
		}
		if at = change.LSN(n); !ok || at < t.Since {
			at = t.Since
		}
		for _, g := range t.Gaps {
			if a.from(g.To) {
				at = max(at, g.To.LSN) // the copy counts, even though no commit has followed it
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

// precise writes a time as PostgreSQL does, to the microsecond.
func precise(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000+00") }

func tooOld(name string, t *table) error {
	return sqlerr.New(sqlerr.SnapshotTooOld, "the history of table %q begins at %s (%s)", name, precise(t.SinceTime), t.Since).
		WithHint("ask for a moment since then")
}

// aliased lists a shape's columns under their own names.
func aliased(rel *change.Relation, prefix string) string {
	cols := make([]string, len(rel.Columns))
	for i, c := range rel.Columns {
		cols[i] = fmt.Sprintf("%sc%d AS %s", prefix, i, ident(c.Name))
	}
	if len(cols) == 0 {
		return "1"
	}
	return strings.Join(cols, ", ")
}

// asOf unites the current rows that existed at a position with the versions that did, all in the table's current shape.
func (d *DB) asOf(t *table, at change.LSN) string {
	to := d.shape(t)
	parts := []string{fmt.Sprintf("SELECT %s FROM (%s) WHERE lo <= %d AND (hi IS NULL OR hi > %d)", aliased(to, ""), d.present(t), uint64(at), uint64(at))}
	for i := range t.Gens {
		g := &t.Gens[i]
		from := &d.shapes[t.OID][g.Version-1]
		cols := make([]string, len(to.Columns))
		for k := range to.Columns {
			cols[k] = historic(from, to, g, t.gen(), k) + " AS " + ident(to.Columns[k].Name)
		}
		if len(cols) == 0 {
			cols = []string{"1"}
		}
		parts = append(parts, fmt.Sprintf("SELECT %s FROM h%d_%d WHERE lo <= %d AND hi > %d", strings.Join(cols, ", "), t.OID, g.N, uint64(at), uint64(at)))
	}
	return strings.Join(parts, " UNION ALL ")
}

// historic reads a column of the current shape out of an older generation; it is NULL where there was no such column.
func historic(from, to *change.Relation, g, now *gen, k int) string {
	j := origin(from, &to.Columns[k])
	switch {
	case j < 0:
		return "NULL::" + now.Types[k]
	case g.Types[j] == now.Types[k]:
		return fmt.Sprintf("c%d", j)
	case now.Types[k] == "VARCHAR":
		return asText(fmt.Sprintf("c%d", j), g.Types[j])
	}
	return fmt.Sprintf("CAST(c%d AS %s)", j, now.Types[k]) // a value that does not fit is an error: NULL would be a lie
}

// fieldType looks up how a column is carried.
func fieldType(c *change.Column) types.Type { return types.Of(c.TypeOID, c.TypMod) }
