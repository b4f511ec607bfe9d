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
)

// Mark is a moment at which the primary's catalog was seen, by position and by clock.
type Mark struct {
	LSN  change.LSN
	Time time.Time
}

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
		if whole {
			d.placed = now
		}
		b, err := json.Marshal(d.placed)
		if err != nil {
			return err
		}
		return d.setMeta(map[string]string{"placed": string(b)})
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
	var leaves []*table
	for _, t := range d.tables {
		if slices.ContainsFunc(t.Parts, func(p part) bool { return p.Of == ref.OID }) {
			leaves = append(leaves, t)
		}
	}
	slices.SortFunc(leaves, func(a, b *table) int { return int(int64(a.OID) - int64(b.OID)) })
	var show []*table
	var shape *table // any leaf's columns are the parent's, a present one's surely
	for _, t := range leaves {
		in, err := d.partAt(t, ref)
		if err != nil {
			return "", true, err
		}
		if in {
			show = append(show, t)
		}
		if shape == nil || t.Dropped == 0 && shape.Dropped != 0 {
			shape = t
		}
	}
	if shape == nil {
		return "", false, nil
	}
	if len(show) == 0 {
		return "SELECT " + aliased(d.shape(shape), "") + " FROM " + shape.visible() + " WHERE false", true, nil
	}
	sql, err = d.unite(show, ref.AsOf)
	return sql, true, err
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
func (d *DB) unite(tables []*table, at AsOf) (string, error) {
	first := d.shape(tables[0])
	parts := make([]string, len(tables))
	for n, t := range tables {
		sql, err := d.tableSource(t, at)
		if err != nil {
			return "", err
		}
		cols := make([]string, len(first.Columns))
		for i, c := range first.Columns {
			cols[i] = ident(c.Name)
			typ := t.typeOf(d.shape(t), c.Name)
			if slices.ContainsFunc(tables, func(o *table) bool { return o.typeOf(d.shape(o), c.Name) != typ }) && typ != "VARCHAR" {
				cols[i] = asText(cols[i], typ) + " AS " + cols[i]
			}
		}
		if len(cols) == 0 {
			cols = []string{"1"}
		}
		parts[n] = fmt.Sprintf("SELECT %s FROM (%s)", strings.Join(cols, ", "), sql)
	}
	return strings.Join(parts, " UNION ALL "), nil
}

// typeOf is the DuckDB type in which a table's column is kept.
func (t *table) typeOf(rel *change.Relation, column string) string {
	for i, c := range rel.Columns {
		if c.Name == column {
			return t.gen().Types[i]
		}
	}
	return ""
}
