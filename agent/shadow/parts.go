package shadow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Mark is a moment at which the primary's catalog was seen, by position and by clock.
type Mark struct {
	LSN  change.LSN
	Time time.Time
}

// after says that a mark is later than another one; the clock goes on while the log stands still.
func (m Mark) after(o Mark) bool { return m.LSN > o.LSN || m.LSN == o.LSN && m.Time.After(o.Time) }

// part says that a table is, or was, a partition of another one. It was not yet at NotYet, it was from In to Last, and no more at Out;
// what lies between is not known. A zero NotYet is not known, a zero Out means that it still is.
type part struct {
	Of                    uint32
	NotYet, In, Last, Out Mark
}

// upTo says that a moment is not after a mark.
func (a AsOf) upTo(m Mark) bool {
	if a.Time.IsZero() {
		return a.LSN <= m.LSN
	}
	return !a.Time.After(m.Time)
}

// from says that a moment is not before a mark.
func (a AsOf) from(m Mark) bool {
	if a.Time.IsZero() {
		return a.LSN >= m.LSN
	}
	return !a.Time.Before(m.Time)
}

// Place tells which partitioned tables each table is a part of, as the catalog showed at now; same is a moment up to which it showed
// what was placed before, zero if there is none. Tables that are not loaded yet are placed by a later call.
func (d *DB) Place(_ context.Context, parents map[uint32][]uint32, now, same Mark) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return nil
	}
	return d.transact(func() error {
		before, whole := d.placed, true
		if same.LSN > before.LSN {
			before = same
		}
		for oid, of := range parents {
			t := d.tables[oid]
			if t == nil || !t.Synced {
				whole = false
			} else if t.place(of, now, before) {
				d.touched[oid] = true
			}
		}
		d.placed = before
		words := map[string]string{}
		if whole {
			d.placed = now
			words["whole"] = "true"
		}
		b, err := json.Marshal(d.placed)
		if err != nil {
			return err
		}
		words["placed"] = string(b)
		return d.setMeta(words)
	})
}

// place opens and closes the table's memberships; it says whether something changed.
func (t *table) place(of []uint32, now, before Mark) (changed bool) {
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Out == (Mark{}) && !slices.Contains(of, p.Of) {
			p.Last, p.Out, changed = before, now, true
			if p.Last.LSN < p.In.LSN {
				p.Last = p.In
			}
		}
	}
	for _, parent := range of {
		if !slices.ContainsFunc(t.Parts, func(p part) bool { return p.Of == parent && p.Out == (Mark{}) }) {
			t.Parts, changed = append(t.Parts, part{Of: parent, NotYet: before, In: now}), true
		}
	}
	return changed
}

// partitioned gives the SELECT of a partitioned table: the rows of its parts, by the columns' names. known is false when no table is or was a part of it.
func (d *DB) partitioned(ref Ref) (sql string, known bool, err error) {
	leaves, show, err := d.leavesAt(ref)
	if err != nil || len(leaves) == 0 {
		return "", err != nil, err
	}
	if len(show) == 0 {
		shape := present(leaves)
		return "SELECT " + aliased(d.shape(shape), "") + " FROM " + shape.visible() + " WHERE false", true, nil
	}
	if ref.Versions {
		_, before, err := d.leavesAt(Ref{OID: ref.OID, AsOf: ref.Since})
		if err != nil {
			return "", true, err
		}
		for _, t := range before {
			if ref.Since != (AsOf{}) && !slices.Contains(show, t) {
				return "", true, sqlerr.New(sqlerr.SnapshotTooOld, "table %q ceased to be a partition within the interval", d.shape(t).Name).
					WithHint("ask for the partitions themselves")
			}
		}
	}
	sql, err = d.unite(show, ref)
	return sql, true, err
}

// partsOf lists the tables that are or were parts of a partitioned one.
func (d *DB) partsOf(oid uint32) []*table {
	var parts []*table
	for _, t := range d.tables {
		if slices.ContainsFunc(t.Parts, func(p part) bool { return p.Of == oid }) {
			parts = append(parts, t)
		}
	}
	slices.SortFunc(parts, func(a, b *table) int { return int(int64(a.OID) - int64(b.OID)) })
	return parts
}

// leavesAt lists the tables that are or were parts of a partitioned one, and those that were at a moment.
func (d *DB) leavesAt(ref Ref) (leaves, show []*table, err error) {
	leaves = d.partsOf(ref.OID)
	for _, t := range leaves {
		in, err := d.partAt(t, ref)
		if err != nil {
			return nil, nil, err
		}
		if in {
			show = append(show, t)
		}
	}
	return leaves, show, nil
}

// stayed refuses an interval in which a table became a part, or may have. One from the beginning begins where it is first known to be one.
func (d *DB) stayed(t *table, ref Ref) (Ref, error) {
	i := slices.IndexFunc(t.Parts, func(p part) bool {
		return p.Of == ref.OID && (p.Out == (Mark{}) || ref.AsOf != (AsOf{}) && ref.AsOf.upTo(p.Last))
	})
	if i < 0 {
		return ref, sqlerr.New(sqlerr.SnapshotTooOld, "it is not known whether table %q was a partition then", d.shape(t).Name)
	}
	in := t.Parts[i].In
	if ref.Since == (AsOf{}) {
		ref.Since.LSN = in.LSN
	}
	if !ref.Since.from(in) {
		return ref, sqlerr.New(sqlerr.SnapshotTooOld, "table %q became a partition within the interval", d.shape(t).Name).
			WithHint("ask for an interval since %s, or for the partitions themselves", precise(in.Time))
	}
	return ref, nil
}

// present picks a part whose columns are the parent's: a present one's surely are.
func present(leaves []*table) *table {
	if i := slices.IndexFunc(leaves, func(t *table) bool { return t.Dropped == 0 }); i >= 0 {
		return leaves[i]
	}
	return leaves[0]
}

// partAt says whether a table was a part of a partitioned one at a moment.
func (d *DB) partAt(t *table, ref Ref) (bool, error) {
	for _, p := range t.Parts {
		gone := p.Out != (Mark{})
		switch at := ref.AsOf; {
		case p.Of != ref.OID:
		case at == (AsOf{}):
			if !gone && t.Dropped == 0 {
				return true, nil
			}
		case p.NotYet != (Mark{}) && at.upTo(p.NotYet) || gone && at.from(p.Out):
		case at.from(p.In) && (!gone || at.upTo(p.Last)):
			return true, nil
		case p.NotYet == (Mark{}) && !at.from(p.In):
			return false, tooOld(d.shape(t).Name, t)
		default:
			return false, sqlerr.New(sqlerr.SnapshotTooOld, "it is not known whether table %q was a partition then", d.shape(t).Name).
				WithHint("ask for a moment since %s, or before %s", p.In.Time.UTC().Format(time.RFC3339), p.NotYet.Time.UTC().Format(time.RFC3339))
		}
	}
	return false, nil
}

// unite joins tables' rows under the first one's column names. A column that one of them keeps as text comes as text from all.
func (d *DB) unite(tables []*table, ref Ref) (string, error) {
	sets := make([]rowset, len(tables))
	for n, t := range tables {
		of := ref
		if ref.Versions {
			var err error
			if of, err = d.stayed(t, ref); err != nil {
				return "", err
			}
		}
		var err error
		if sets[n], err = d.tableRows(t, of); err != nil {
			return "", err
		}
	}
	parts := make([]string, len(sets))
	for n, r := range sets {
		cols := make([]string, len(sets[0].names))
		for i, name := range sets[0].names {
			typ := r.typeOf(name)
			if typ == "" || len(r.names) != len(cols) {
				return "", sqlerr.New(sqlerr.SnapshotTooOld, "the partitions had different columns then")
			}
			cols[i] = ident(types.Column(name))
			if slices.ContainsFunc(sets, func(o rowset) bool { return o.typeOf(name) != typ }) && typ != "VARCHAR" {
				cols[i] = asText(cols[i], typ) + " AS " + cols[i]
			}
		}
		if len(cols) == 0 {
			cols = []string{"1"}
		}
		parts[n] = fmt.Sprintf("SELECT %s FROM (%s)", strings.Join(cols, ", "), r.sql)
	}
	return strings.Join(parts, " UNION ALL "), nil
}

// typeOf is the DuckDB type of a column, "" if there is none of that name.
func (r *rowset) typeOf(column string) string {
	if i := slices.Index(r.names, column); i >= 0 {
		return r.types[i]
	}
	return ""
}
