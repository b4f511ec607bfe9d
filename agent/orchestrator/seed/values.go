package seed

import (
	"fmt"

	"foreshadow/sql/types"
)

// columns lists the columns to write and their values.
func (b *builder) columns(t *table, dated bool) (names, values []string) {
	active := t.active()
	for _, c := range t.columns {
		if !c.generated {
			names = append(names, quote(c.name))
			values = append(values, b.value(t, c, active, dated))
		}
	}
	return names, values
}

// value is one column of a new row.
func (b *builder) value(t *table, c *column, active []*foreignKey, dated bool) string {
	own := "d." + quote(c.name)
	for i, f := range active {
		for n, name := range f.columns {
			if name != c.name {
				continue
			}
			if f.parent.staged {
				return fmt.Sprintf(`CASE WHEN x%d."fs$j" IS NULL THEN %s ELSE x%[1]d.%[3]s::%[4]s END`, i, own, quote(f.refColumns[n]), c.typeName)
			}
			parent := fmt.Sprintf(`d."fs$p%d"`, i)
			return fmt.Sprintf("CASE WHEN %s IS NULL THEN %s ELSE (%s)::%s END", parent, own, f.parent.fresh[f.refColumns[n]].value(own, parent, b.opts.RandomSeed), c.typeName)
		}
	}
	switch {
	case t.fresh[c.name] != nil:
		return t.fresh[c.name].value(own, `d."fs$j"`, b.opts.RandomSeed)
	case t.wraps[c.name] != nil:
		return t.wraps[c.name].value(own, active)
	case dated && t.time != nil && t.reference(c.name) == nil:
		return b.moment(t, c, active)
	}
	return own
}

// value is a number or day moved on.
func (w *wrap) value(own string, active []*foreignKey) string {
	if w.shift != "" {
		return fmt.Sprintf("(%s + %s)::%s", own, w.shift, w.column.typeName)
	}
	return fmt.Sprintf("(%s + %s * %d)::%s", own, turns(w.fks, active), w.offset, w.column.typeName)
}

// moment dates a new row: its main time lies at its place in the period, its other times as far from that as the donor's did.
func (b *builder) moment(t *table, c *column, active []*foreignKey) string {
	own, main := "d."+quote(c.name), "d."+quote(t.time.name)
	spread := fmt.Sprintf(`(timestamptz %s + (timestamptz %s - timestamptz %[1]s) * (d."fs$j"::float8 / %[3]d))`, literal(t.since), literal(t.until), t.m)
	if w := t.wraps[t.time.name]; w != nil {
		spread = w.value(main, active)
	} else if f := t.fresh[t.time.name]; f != nil {
		spread = f.value(main, `d."fs$j"`, b.opts.RandomSeed)
	}
	if c == t.time {
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s::%s END", own, spread, c.typeName)
	}
	switch c.base {
	case types.Timestamp, types.TimestampTZ:
		return fmt.Sprintf("CASE WHEN isfinite(%[1]s) AND isfinite(%[2]s) THEN (%[1]s + (%[3]s::timestamp - %[2]s::timestamp))::%[4]s ELSE %[1]s END", own, main, spread, c.typeName)
	case types.Date: // a birthday stays, a due date moves along
		return fmt.Sprintf("CASE WHEN isfinite(%[1]s) AND isfinite(%[2]s) AND abs(%[1]s::date - %[2]s::date) < 400 THEN (%[1]s + (%[3]s::date - %[2]s::date))::%[4]s ELSE %[1]s END", own, main, spread, c.typeName)
	}
	return own
}
