package seed

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// makeFresh plans new values for a column.
func (b *builder) makeFresh(ctx context.Context, t *table, c *column) error {
	f := &fresh{column: c, table: t.label()}
	var err error
	switch c.base {
	case types.Int2, types.Int4, types.Int8, types.Numeric:
		f.base, err = b.numberBase(ctx, t, c)
	case types.Float8:
		err = b.scan(ctx, &f.base, "SELECT coalesce(ceil(max(%s)), 0)::bigint FROM %s", quote(c.name), t.from())
	case types.Date:
		err = b.scan(ctx, &f.date, "SELECT coalesce(max(%s) FILTER (WHERE isfinite(%[1]s)), current_date)::text FROM %[2]s", quote(c.name), t.from())
	case types.UUID:
	default:
		err = b.scan(ctx, &f.base, "SELECT coalesce(max(foreshadow_seed.number_in(%s::text)), 0) FROM %s", quote(c.name), t.from())
	}
	if err != nil {
		return fmt.Errorf("plan keys of %s: %w", t.label(), err)
	}
	t.fresh[c.name] = f
	return nil
}

// numeric says that a column counts, or is a date: it can move on by an offset.
func numeric(c *column) bool {
	return slices.Contains([]uint32{types.Int2, types.Int4, types.Int8, types.Numeric, types.Date}, c.base)
}

// freshable says that new distinct values of a column can be made.
func freshable(c *column) bool { return c != nil && !c.generated && preference(c) < 100 }

// preference orders the kinds of columns by how little a new value changes their meaning.
func preference(c *column) int {
	switch c.base {
	case types.Int8:
		return 1
	case types.Int4:
		return 2
	case types.Int2:
		return 3
	case types.UUID:
		return 4
	case types.Text, types.Varchar, types.BPChar:
		return 5
	case types.Numeric, types.Float8:
		return 7
	case types.Date:
		return 8
	}
	if c.baseName == "citext" {
		return 6
	}
	return 100
}

// scan reads one value.
func (b *builder) scan(ctx context.Context, to any, sql string, args ...any) error {
	return b.conn.QueryRow(ctx, fmt.Sprintf(sql, args...)).Scan(to)
}

// highest is the largest value that a column's type holds.
func highest(c *column) int64 {
	switch c.base {
	case types.Int2:
		return math.MaxInt16
	case types.Int4:
		return math.MaxInt32
	case types.Numeric:
		if p, s, ok := types.Precision(c.typmod); ok && p-s < 18 {
			return int64(math.Pow10(p-s)) - 1
		}
	}
	return math.MaxInt64
}

// numberBase finds m free numbers in a row: above all that exist, or, when the type ends before, in the first gap that is
// wide enough. Without one the projection cannot come true with this type: 22003, which is a finding about the primary.
func (b *builder) numberBase(ctx context.Context, t *table, c *column) (int64, error) {
	var top int64
	if err := b.scan(ctx, &top, "SELECT least(coalesce(ceil(max(%s)), 0), 9223372036854775807)::bigint FROM %s", quote(c.name), t.from()); err != nil {
		return 0, err
	}
	top = max(top, 0)
	limit := highest(c)
	if t.m <= limit-top {
		return top, nil
	}
	var gap *int64
	err := b.scan(ctx, &gap, `SELECT min(k) FROM (SELECT k, lead(k, 1, %[3]d) OVER (ORDER BY k) - k - 1 AS room
		FROM (SELECT DISTINCT %[1]s::bigint AS k FROM %[2]s WHERE %[1]s > 0 UNION SELECT 0) s) g WHERE room >= %[4]d`, quote(c.name), t.from(), limit, t.m)
	if err != nil {
		return 0, err
	}
	if gap == nil {
		return 0, sqlerr.New(sqlerr.NumericOutOfRange, "the projected keys of %s.%s exceed %s: %d more are needed after %d", t.label(), c.name, c.typeName, t.m, top).
			WithHint("The column %s runs out before this horizon; see foreshadow.limits_forecast. Widen it on the primary, or ask for a nearer horizon.", c.name)
	}
	b.note(t, CheckKey, "%s runs out before the horizon (%d of %d used, %d more needed); the new rows use free numbers from %d on", c.name, top, limit, t.m, *gap+1)
	return *gap, nil
}

// makeWrap plans a number that moves on when a row's references have no more copies.
func (b *builder) makeWrap(ctx context.Context, t *table, c *column, refs []*foreignKey, k *key) error {
	w := &wrap{column: c}
	if c.base == types.Date {
		return b.makeShift(ctx, t, w, refs)
	}
	b.stride(k, refs)
	for _, f := range refs {
		if !f.frozen {
			w.fks = append(w.fks, f)
		}
	}
	var low, high int64
	if err := b.conn.QueryRow(ctx, fmt.Sprintf("SELECT coalesce(floor(min(%s)), 0)::bigint, coalesce(ceil(max(%[1]s)), 0)::bigint FROM %[2]s", quote(c.name), t.from())).Scan(&low, &high); err != nil {
		return fmt.Errorf("plan keys of %s: %w", t.label(), err)
	}
	w.offset = high - low + 1
	if w.offset <= 0 || float64(high)+float64(w.offset)*float64(t.full+1) > float64(highest(c)) {
		t.tight = append(t.tight, k) // no room to move on: what collides is repaired or left out
		return nil
	}
	t.wraps[c.name] = w
	return nil
}

// makeShift plans rows per day and reference: references stay, days move on, so that the new days follow the old ones.
func (b *builder) makeShift(ctx context.Context, t *table, w *wrap, refs []*foreignKey) error {
	for _, f := range refs {
		f.frozen = true
	}
	c := quote(w.column.name)
	var span, part int64
	err := b.conn.QueryRow(ctx, fmt.Sprintf(`SELECT coalesce(max(d) - min(d), 0) + 1, coalesce(max(d) - min(d) FILTER (WHERE r <= %d), 0) + 1
		FROM (SELECT %s::date AS d, row_number() OVER (ORDER BY %[2]s DESC) AS r FROM %s WHERE isfinite(%[2]s)) s`, t.part, c, t.from())).Scan(&span, &part)
	if err != nil {
		return fmt.Errorf("plan keys of %s: %w", t.label(), err)
	}
	w.shift = fmt.Sprintf(`(CASE WHEN d."fs$k" <= %d THEN d."fs$k" * %d ELSE (d."fs$k" - 1) * %d + %d END)::integer`, t.full, span, span, part)
	t.wraps[w.column.name] = w
	return nil
}

// value is the SQL of the new value made from the donor's value v and the number j.
func (f *fresh) value(v, j string, seed int64) string {
	var out string
	switch f.column.base {
	case types.Int2, types.Int4, types.Int8, types.Numeric, types.Float8:
		out = fmt.Sprintf("(%d + %s)", f.base, j)
	case types.Date:
		out = fmt.Sprintf("(%s::date + (%s)::integer)", literal(f.date), j)
	case types.UUID:
		out = fmt.Sprintf("md5(%s || %s)", literal(fmt.Sprintf("%d:%s.%s:", seed, f.table, f.column.name)), j)
	default:
		out = fmt.Sprintf("foreshadow_seed.renumber(%s::text, %d + %s, %d)", v, f.base, j, f.room())
	}
	out += "::" + f.column.typeName
	if f.column.notNull {
		return out
	}
	return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s END", v, out)
}

// room is how many characters a text column holds, 0 for any number.
func (f *fresh) room() int32 {
	if (f.column.base == types.Varchar || f.column.base == types.BPChar) && f.column.typmod > 4 {
		return f.column.typmod - 4
	}
	return 0
}

// period sets the literals between which a table's new rows are dated: the horizon's, but inside the partitions that exist.
func (b *builder) period(ctx context.Context, t *table) error {
	const form = "2006-01-02 15:04:05.999999-07"
	t.since, t.until = b.opts.From.UTC().Format(form), b.opts.To.UTC().Format(form)
	if t.time == nil || t.time.name != t.partitionColumn() {
		return nil
	}
	low, high, ok := t.lastRange()
	if !ok {
		return nil
	}
	var bounds [2]time.Time
	err := b.conn.QueryRow(ctx, fmt.Sprintf("SELECT %s::timestamptz, %s::timestamptz - interval '1 millisecond'", literal(low), literal(high))).Scan(&bounds[0], &bounds[1])
	if err != nil || !bounds[1].Before(b.opts.To) {
		return err
	}
	b.note(t, CheckNote, "its partitions end at %s, so new rows are dated before", high)
	t.until = bounds[1].UTC().Format(form)
	if !bounds[0].Before(b.opts.From) || !b.opts.From.Before(bounds[1]) {
		t.since = bounds[0].UTC().Format(form)
	}
	return nil
}
