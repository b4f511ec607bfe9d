package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"foreshadow/sql/types"
)

// growth is how one table grows. Its n rows, numbered 1..n by age, are donors of m new rows, numbered j = 1..m: `full` copies
// of all of them and one of the youngest `part`. Copy k of the row numbered r is therefore new row (k-1)*n + r, and
// full*n + r-(n-part) in the last, partial copy: every key can be computed from r and k, on both sides of a foreign key.
type growth struct {
	source       int64 // rows at the seed position
	n, m         int64
	full, part   int64
	target       int64 // -1: as many as there are
	order        string
	orderParent  *foreignKey // order by the age of this parent
	ranked       bool        // others refer to it: rows are numbered in a support table
	rankName     string
	rankColumns  []string
	time         *column           // when a row came to be
	since, until string            // literals of the period of the new rows
	fresh        map[string]*fresh // columns whose new value is a function of the donor's value and j
	wraps        map[string]*wrap
	tight        []*key // keys that copying alone cannot keep unique
	staged       bool   // new rows go through a support table
	stageName    string
	grown        bool // its new rows exist
	fanOuts      []fanOut
	lost         int64 // of m rows, those that found no place
}

// fresh makes new values of a column that are distinct for distinct j and from all that exist.
type fresh struct {
	column *column
	base   int64  // for numbers: new value = base + j
	date   string // for dates: the last one
	table  string
}

// wrap keeps a key unique that combines references with a number: when a donor's references have no further copies, the number moves on by offset.
type wrap struct {
	column *column
	fks    []*foreignKey
	offset int64
	shift  string // for dates: days by which copy k moves, instead of offset
}

// count reads the loaded counts and plans each table's growth.
func (b *builder) count(ctx context.Context) error {
	b.opts.Progress("plan", "", b.done, b.total)
	for i, t := range b.shape.tables {
		if err := b.conn.QueryRow(ctx, "SELECT count(*) FROM "+t.from()).Scan(&t.source); err != nil {
			return err
		}
		t.n, t.target = t.source, -1
		if n, ok := b.opts.Targets[t.label()]; ok {
			t.target = n
		} else if n, ok := b.partitionTargets(t); ok {
			t.target = n
		}
		t.rankName, t.stageName = fmt.Sprintf("foreshadow_seed.rank_%d", i), fmt.Sprintf("foreshadow_seed.new_%d", i)
		t.fresh, t.wraps = map[string]*fresh{}, map[string]*wrap{}
		t.time = timeColumn(t)
	}
	return nil
}

// partitionTargets sums the projections of a table's partitions, where the forecast knows only those.
func (b *builder) partitionTargets(t *table) (sum int64, ok bool) {
	if !t.partitioned {
		return 0, false
	}
	for name, p := range b.shape.loads {
		if n, found := b.opts.Targets[name]; found && p.root == t {
			sum, ok = sum+n, true
		}
	}
	return sum, ok
}

// timeNames are usual names of the moment when a row came to be, the surest first.
var timeNames = []string{"created_at", "created", "created_on", "inserted_at", "creation_time", "ordered_at", "placed_at", "occurred_at", "happened_at",
	"recorded_at", "logged_at", "event_time", "at", "ts", "time", "timestamp", "date", "day", "order_date"}

// timeColumn chooses the column by which rows are ordered: the partition key, a usual name, or a default of the current time.
func timeColumn(t *table) *column {
	var best *column
	bestScore := 0
	for _, c := range t.columns {
		if c.generated || !slices.Contains([]uint32{types.Timestamp, types.TimestampTZ, types.Date}, c.base) {
			continue
		}
		score := 0
		if i := slices.Index(timeNames, strings.ToLower(c.name)); i >= 0 {
			score += 200 - i
		}
		if d := strings.ToLower(c.defaultText); strings.Contains(d, "now()") || strings.Contains(d, "current_") || strings.Contains(d, "clock_timestamp") {
			score += 60
		}
		if c.name == t.partitionColumn() {
			score += 400
		}
		if score > 0 && c.notNull {
			score += 10
		}
		if score > bestScore {
			best, bestScore = c, score
		}
	}
	return best
}

// plan decides for all tables how many rows come and how their keys stay valid. It runs after shrinking, so counts are final.
func (b *builder) plan(ctx context.Context) error {
	for _, t := range b.shape.tables {
		t.m = max(0, t.target-t.n)
		switch {
		case t.target < 0 || t.m == 0:
			t.m = 0
		case t.n == 0:
			b.note(t, CheckNote, "not grown: it has no rows to grow from")
			t.m = 0
		case t.exclusion:
			b.note(t, CheckNote, "not grown: it has an exclusion constraint")
			t.m = 0
		default:
			t.full, t.part = t.m/t.n, t.m%t.n
		}
	}
	for _, t := range b.shape.tables {
		b.freeze(t)
	}
	for _, t := range b.shape.tables {
		if t.m > 0 {
			if err := b.planKeys(ctx, t); err != nil {
				return err
			}
		}
	}
	for _, t := range b.shape.tables {
		b.planParent(t)
	}
	for _, t := range b.shape.tables {
		b.planOrder(t)
	}
	return nil
}

// freeze settles which references may move to new parents. Those that share a column with another cannot move independently.
func (b *builder) freeze(t *table) {
	for _, f := range t.fks {
		f.frozen = f.parent.m == 0
		for _, g := range t.fks {
			if g != f && slices.ContainsFunc(f.columns, func(c string) bool { return slices.Contains(g.columns, c) }) {
				f.frozen = true
			}
		}
		for _, c := range f.columns {
			if col := t.column(c); col == nil || col.generated {
				f.frozen = true
			}
		}
	}
}

// reference is the foreign key that a column belongs to, nil when none.
func (t *table) reference(column string) *foreignKey {
	for _, f := range t.fks {
		if slices.Contains(f.columns, column) {
			return f
		}
	}
	return nil
}

// planKeys makes each unique key of a growing table stay unique, the narrow ones first, since a wider key is unique with them.
func (b *builder) planKeys(ctx context.Context, t *table) error {
	keys := slices.Clone(t.keys)
	slices.SortStableFunc(keys, func(x, y *key) int { return len(x.columns) - len(y.columns) })
	for _, k := range keys {
		if err := b.planKey(ctx, t, k); err != nil {
			return err
		}
	}
	t.staged = len(t.tight) > 0
	return nil
}

// planKey chooses how one key stays unique.
func (b *builder) planKey(ctx context.Context, t *table, k *key) error {
	var refs []*foreignKey
	dated := false
	for _, name := range k.columns {
		f := t.reference(name)
		switch {
		case t.fresh[name] != nil:
			return nil
		case f == nil:
			dated = dated || t.time != nil && name == t.time.name && t.time.base != types.Date && b.spreads(t)
		case !slices.Contains(refs, f):
			refs = append(refs, f)
		}
	}
	own := slices.DeleteFunc(slices.Clone(k.columns), func(name string) bool {
		return t.reference(name) != nil || t.wraps[name] != nil || !freshable(t.column(name))
	})
	slices.SortStableFunc(own, func(x, y string) int { return preference(t.column(x)) - preference(t.column(y)) })
	if dated { // each new row has a moment of its own, which is enough; a number that is a key by itself is renewed all the same
		if len(own) == 0 || len(refs) > 0 {
			return nil
		}
		var alone bool
		if err := b.scan(ctx, &alone, "SELECT count(DISTINCT %s) = count(*) FROM %s", quote(own[0]), t.from()); err != nil || !alone {
			return err
		}
	}
	switch {
	case len(own) == 0:
		b.stride(k, refs)
		t.tight = append(t.tight, k)
		return nil
	case len(refs) == 0 || !numeric(t.column(own[0])):
		return b.makeFresh(ctx, t, t.column(own[0]))
	}
	return b.makeWrap(ctx, t, t.column(own[0]), refs, k)
}

// spreads says whether the new rows' moments are all different.
func (b *builder) spreads(t *table) bool {
	return b.opts.To.Sub(b.opts.From).Microseconds() > 2*t.m
}

// stride lets the references of a key without other columns count through all combinations of their copies: the first
// one changes fastest. A reference that another key uses already keeps its place.
func (b *builder) stride(k *key, refs []*foreignKey) {
	var before []*foreignKey
	for _, f := range refs {
		if f.frozen {
			continue
		}
		if f.stride == nil {
			f.stride = slices.Clone(before)
		}
		before = append(before, f)
	}
}

// planParent decides how the children of a table find its new rows: by computing the key, or in the table of new rows.
func (b *builder) planParent(t *table) {
	for _, child := range b.shape.tables {
		for _, f := range child.fks {
			if f.parent != t || t.m == 0 || child.m == 0 || f.frozen {
				continue
			}
			t.ranked = true
			for _, c := range f.refColumns {
				if !slices.Contains(t.rankColumns, c) {
					t.rankColumns = append(t.rankColumns, c)
				}
				if t.fresh[c] == nil || len(f.refColumns) > 1 {
					t.staged = true
				}
			}
		}
	}
}

// planOrder decides by what a table's rows are numbered: their moment, their parent's age, or their key. The order is total.
func (b *builder) planOrder(t *table) {
	var by []string
	if t.time != nil {
		by = append(by, "t."+quote(t.time.name)+" NULLS FIRST")
	} else {
		for _, f := range t.fks {
			if !f.frozen && f.parent != t && f.parent.ranked && f.parent.time != nil {
				t.orderParent = f
				by = append(by, "o.rn NULLS FIRST")
				break
			}
		}
	}
	if len(t.keys) > 0 {
		for _, c := range t.keys[0].columns {
			by = append(by, "t."+quote(c))
		}
	} else {
		by = append(by, "t.ctid")
	}
	t.order = strings.Join(by, ", ")
}
