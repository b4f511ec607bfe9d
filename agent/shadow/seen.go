package shadow

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

//go:embed hidden.sql
var hiddenSQL string

// Seen is a table as a snapshot of the primary shows it.
type Seen struct {
	Relation change.Relation
	SQL      string // a SELECT of columns c0, c1, ... in the relation's order, and last times: how often the row counts, which can be less than zero
	Unknown  int64  // values that were not sent and could not be found
}

// ErrMoved says that a table's rows in a snapshot can no longer be told: take another one.
var ErrMoved = errors.New("the table's rows in this snapshot cannot be told any more")

// Seen gives the rows of a table that a snapshot of the primary shows. Everything up to the filter's position must be stored. A snapshot need not show
// the commits in the order of the log: one that is written there already may not be visible yet while a later one is. So a version counts by the commits
// that made and ended it, each for itself. That holds also where rows have no key and a deletion ended whichever of the equal rows: the sum is the same.
func (d *DB) Seen(ctx context.Context, oid uint32, f Filter) (Seen, error) {
	hidden, err := d.invisible(ctx, oid, f)
	if err != nil {
		return Seen{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		if err := d.foldFor(oid); err != nil {
			return Seen{}, err
		}
	}
	t := d.tables[oid]
	switch {
	case t == nil || len(t.Gens) == 0:
		return Seen{}, sqlerr.New(sqlerr.UndefinedTable, "the table is not captured")
	case !t.Synced:
		return Seen{}, sqlerr.New(sqlerr.ObjectNotInState, "the table is being copied from the primary")
	case t.Dropped != 0:
		return Seen{}, sqlerr.New(sqlerr.UndefinedTable, "the table was dropped on the primary")
	case f.LSN < t.Since || t.hidden(AsOf{LSN: f.LSN}) != nil || len(hidden) > 0 && t.Filter != nil && hidden[0] <= t.Filter.LSN:
		return Seen{}, ErrMoved
	}
	sql, err := d.counted(t, sight{f.LSN, hidden})
	return Seen{Relation: *d.shape(t), SQL: sql, Unknown: t.Unknown}, err
}

// invisible finds the commits of a table that are in the log up to the filter's position and that the snapshot does not show. A commit waits to become
// visible for moments, seldom for a standby; within an hour no transaction's number is used twice.
func (d *DB) invisible(_ context.Context, oid uint32, f Filter) ([]change.LSN, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	running := make([]string, len(f.Xip))
	for i, x := range f.Xip {
		running[i] = fmt.Sprint(x)
	}
	rows, err := c.rows(strings.Replace(hiddenSQL, "/*running*/", "["+strings.Join(running, ", ")+"]::BIGINT[]", 1), oid, uint64(f.LSN), int64(f.Xmax))
	if err != nil {
		return nil, fmt.Errorf("find commits that are not visible yet: %w", err)
	}
	out := make([]change.LSN, len(rows))
	for i, r := range rows {
		out[i] = lsn(r[0])
	}
	return out, nil
}

// sight is the commits that a snapshot shows: those up to a position, but for some.
type sight struct {
	upTo   change.LSN
	except []change.LSN
}

// has gives the SQL that says, as 1 or 0, whether the commit in a column is visible.
func (v sight) has(column string) string {
	if len(v.except) == 0 {
		return fmt.Sprintf("(%s <= %d)::INTEGER", column, uint64(v.upTo))
	}
	list := make([]string, len(v.except))
	for i, l := range v.except {
		list[i] = fmt.Sprint(uint64(l))
	}
	return fmt.Sprintf("(%s <= %d AND %[1]s NOT IN (%[3]s))::INTEGER", column, uint64(v.upTo), strings.Join(list, ", "))
}

// counted lists every version of a table's rows with how often it counts.
func (d *DB) counted(t *table, v sight) (string, error) {
	to := d.shape(t)
	cols := make([]string, len(to.Columns))
	for k := range cols {
		cols[k] = fmt.Sprintf("c%d, ", k)
	}
	parts := []string{fmt.Sprintf("SELECT %s%s - CASE WHEN hi IS NULL THEN 0 ELSE %s END AS times FROM (%s) WHERE lo <= %d", strings.Join(cols, ""), v.has("lo"), v.has("hi"), d.present(t), uint64(v.upTo))}
	for i := range t.Gens {
		g := &t.Gens[i]
		from := &d.shapes[t.OID][g.Version-1]
		for k := range cols {
			col, err := historic(from, to, g, t.gen(), k)
			if err != nil {
				return "", err
			}
			cols[k] = fmt.Sprintf("%s AS c%d, ", col, k)
		}
		parts = append(parts, fmt.Sprintf("SELECT %s%s - %s AS times FROM h%d_%d WHERE lo <= %d", strings.Join(cols, ""), v.has("lo"), v.has("hi"), t.OID, g.N, uint64(v.upTo)))
	}
	return "SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") WHERE times <> 0", nil
}
