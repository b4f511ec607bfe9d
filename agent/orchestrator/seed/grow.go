package seed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// grow adds the projected rows, parents before children.
func (b *builder) grow(ctx context.Context) error {
	if err := b.plan(ctx); err != nil {
		return err
	}
	if err := b.exec(ctx, "SET enable_nestloop = off; SET enable_mergejoin = off"); err != nil { // nothing is analysed yet; hashing is right for whole tables
		return err
	}
	if err := b.fanOutsBefore(ctx); err != nil {
		return err
	}
	ordered := b.parentsFirst()
	for _, t := range ordered {
		if t.ranked || b.orders(t) {
			if err := b.rank(ctx, t); err != nil {
				return fmt.Errorf("number rows of %s: %w", t.label(), err)
			}
		}
	}
	for _, t := range ordered {
		if t.m == 0 {
			continue
		}
		b.opts.Progress("grow", t.label(), b.done, b.total)
		if err := b.growTable(ctx, t); err != nil {
			return fmt.Errorf("grow %s: %w", t.label(), err)
		}
		t.grown = true
		b.done += t.m
		b.opts.Progress("grow", t.label(), b.done, b.total)
	}
	return nil
}

// orders says whether another table is ordered by this one's age.
func (b *builder) orders(t *table) bool {
	for _, c := range b.shape.tables {
		if c.orderParent != nil && c.orderParent.parent == t {
			return true
		}
	}
	return false
}

// parentsFirst sorts the tables by their references; a cycle is broken where it is met.
func (b *builder) parentsFirst() []*table {
	var out []*table
	seen := map[*table]bool{}
	var visit func(t *table)
	visit = func(t *table) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, f := range t.fks {
			visit(f.parent)
		}
		out = append(out, t)
	}
	for _, t := range b.shape.tables {
		visit(t)
	}
	return out
}

// rank numbers the rows of a table that others refer to, by age.
func (b *builder) rank(ctx context.Context, t *table) error {
	var columns strings.Builder
	for _, c := range t.rankColumns {
		columns.WriteString(", t." + quote(c))
	}
	return b.exec(ctx, fmt.Sprintf("CREATE UNLOGGED TABLE %s AS SELECT row_number() OVER (ORDER BY %s) AS rn%s FROM %s t%s",
		t.rankName, t.order, columns.String(), t.from(), t.orderJoin()))
}

// orderJoin brings in the parent's age that orders a table.
func (t *table) orderJoin() string {
	if t.orderParent == nil {
		return ""
	}
	return " LEFT JOIN " + t.orderParent.parent.rankName + " o ON " + t.orderParent.on("o", "t")
}

// on is the join condition between a parent's columns and the child's.
func (f *foreignKey) on(parent, child string) string {
	var parts []string
	for i, c := range f.columns {
		parts = append(parts, fmt.Sprintf("%s.%s = %s.%s", parent, quote(f.refColumns[i]), child, quote(c)))
	}
	return strings.Join(parts, " AND ")
}

// growTable makes one table's new rows. A check that dated rows would break is kept by leaving the donors' times.
func (b *builder) growTable(ctx context.Context, t *table) error {
	if err := b.period(ctx, t); err != nil {
		return err
	}
	t.tighten()
	err := b.insert(ctx, t, true)
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "23514" && t.time != nil && t.fresh[t.time.name] == nil {
		b.note(t, CheckNote, "new rows keep the times of the rows they were made from, since dating them breaks a check: %s", e.Message)
		err = b.insert(ctx, t, false)
	}
	if err != nil {
		return explain(err)
	}
	return nil
}

// insert runs the INSERT ... SELECT, directly or through a support table where keys must be compared first.
func (b *builder) insert(ctx context.Context, t *table, dated bool) error {
	names, values := b.columns(t, dated)
	list := strings.Join(names, ", ")
	rows := b.rows(t)
	if !t.staged {
		return b.exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s", t.ident(), list, strings.Join(values, ", "), rows))
	}
	sql := fmt.Sprintf(`DROP TABLE IF EXISTS %[1]s; CREATE UNLOGGED TABLE %[1]s (LIKE %[2]s); ALTER TABLE %[1]s ADD COLUMN "fs$j" bigint;
		INSERT INTO %[1]s (%[3]s, "fs$j") SELECT %[4]s, d."fs$j" FROM %[5]s`, t.stageName, t.ident(), list, strings.Join(values, ", "), rows)
	if err := b.exec(ctx, sql); err != nil {
		return err
	}
	for range min(2, len(t.tight)) { // mending one key may break another that shares a column with it
		for _, k := range t.tight {
			if err := b.repair(ctx, t, k); err != nil {
				return err
			}
		}
	}
	return b.exec(ctx, fmt.Sprintf(`INSERT INTO %s (%[2]s) OVERRIDING SYSTEM VALUE SELECT %[2]s FROM %s ORDER BY "fs$j"`, t.ident(), list, t.stageName))
}

// active are the references that may move to new parents now, in a fixed order. The new rows of a parent that is not yet
// grown can be computed only when it is certain that all of them will come to be.
func (t *table) active() []*foreignKey {
	var out []*foreignKey
	for _, f := range t.fks {
		if !f.frozen && (f.parent.grown || !f.parent.staged && f.parent.certain()) {
			out = append(out, f)
		}
	}
	return out
}

// certain says that no key of a table can fail for want of parents: each has a new value of its own, or no reference.
func (t *table) certain() bool {
	return !slices.ContainsFunc(t.keys, t.dependent)
}

// dependent says that a key's uniqueness rests on references.
func (t *table) dependent(k *key) bool {
	own := func(c string) bool { return t.fresh[c] != nil }
	refers := func(c string) bool { return t.reference(c) != nil }
	return !slices.ContainsFunc(k.columns, own) && slices.ContainsFunc(k.columns, refers)
}

// tighten looks at the references that cannot reach all their new parents: some parents were left out, or are not there
// yet. Their rows stay with the donor's parent, so the keys that rest on them are compared and repaired.
func (t *table) tighten() {
	for again := true; again; {
		again = false
		active := t.active()
		for _, k := range t.keys {
			if !t.dependent(k) || slices.Contains(t.tight, k) {
				continue
			}
			for _, c := range k.columns {
				if f := t.reference(c); f != nil && !f.frozen && (f.parent.lost > 0 || !slices.Contains(active, f)) {
					t.tight, t.staged, again = append(t.tight, k), true, true
					break
				}
			}
		}
	}
}

// rows is the FROM clause of new rows as d: the donor's columns, fs$k and fs$j, and for each reference i its number of
// copies fs$s, the chosen copy fs$m and the parent's number fs$p, NULL where the donor's own parent stays.
func (b *builder) rows(t *table) string {
	donors := fmt.Sprintf(`(SELECT t.*, row_number() OVER (ORDER BY %s) AS "fs$r" FROM %s t%s)`, t.order, t.from(), t.orderJoin())
	var out string
	if t.full == 0 {
		out = fmt.Sprintf(`(SELECT d.*, 1::bigint AS "fs$k", d."fs$r" - %d AS "fs$j" FROM %s d WHERE d."fs$r" > %[1]d)`, t.n-t.part, donors)
	} else {
		out = fmt.Sprintf(`(SELECT d.*, g.k AS "fs$k", CASE WHEN g.k <= %[1]d THEN (g.k - 1) * %[2]d + d."fs$r" ELSE %[1]d::bigint * %[2]d + d."fs$r" - %[3]d END AS "fs$j"
			FROM %[4]s d CROSS JOIN generate_series(1::bigint, %[5]d) g(k) WHERE g.k <= %[1]d OR d."fs$r" > %[3]d)`, t.full, t.n, t.n-t.part, donors, t.full+1)
	}
	active := t.active()
	if len(active) == 0 {
		return out + " d"
	}
	var joins, sizes, picks, parents, stages strings.Builder
	for i, f := range active {
		p := f.parent
		fmt.Fprintf(&joins, " LEFT JOIN %s r%d ON %s", p.rankName, i, f.on(fmt.Sprintf("r%d", i), "d"))
		fmt.Fprintf(&sizes, `, r%d.rn AS "fs$q%[1]d", CASE WHEN r%[1]d.rn IS NULL THEN 1 ELSE %[2]d + (r%[1]d.rn > %[3]d)::integer END::bigint AS "fs$s%[1]d"`, i, 1+p.full, p.n-p.part)
		fmt.Fprintf(&picks, `, (%s) %% d."fs$s%d" AS "fs$m%[2]d"`, turns(f.stride, active), i)
		fmt.Fprintf(&parents, `, CASE WHEN d."fs$m%[1]d" = 0 THEN NULL WHEN d."fs$m%[1]d" <= %[2]d THEN (d."fs$m%[1]d" - 1) * %[3]d + d."fs$q%[1]d"
			ELSE %[2]d::bigint * %[3]d + d."fs$q%[1]d" - %[4]d END AS "fs$p%[1]d"`, i, p.full, p.n, p.n-p.part)
		if p.staged {
			fmt.Fprintf(&stages, ` LEFT JOIN %s x%d ON x%[2]d."fs$j" = d."fs$p%[2]d"`, p.stageName, i)
		}
	}
	out = fmt.Sprintf("(SELECT d.*%s FROM %s d%s)", sizes.String(), out, joins.String())
	out = fmt.Sprintf("(SELECT d.*%s FROM %s d)", picks.String(), out)
	out = fmt.Sprintf("(SELECT d.*%s FROM %s d)", parents.String(), out)
	return out + " d" + stages.String()
}

// turns is how often the combinations of some references have been gone through at copy k.
func turns(fks, active []*foreignKey) string {
	out := `d."fs$k"`
	for _, f := range fks {
		for i, g := range active {
			if f == g {
				out = fmt.Sprintf(`(%s / d."fs$s%d")`, out, i)
			}
		}
	}
	return out
}
