package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// shrinkRounds bounds how often a table's oldest rows are deleted again after rows of the same table that held them have gone.
const shrinkRounds = 10

// shrink deletes the oldest rows of tables that are projected smaller, children before parents. A row that another row
// still refers to stays, as it would on the primary, so a table may stay larger than projected; the report says so.
func (b *builder) shrink(ctx context.Context) error {
	ordered := b.parentsFirst()
	slices.Reverse(ordered)
	for _, t := range ordered {
		for range shrinkRounds {
			excess := t.n - t.target
			if t.target < 0 || excess <= 0 {
				break
			}
			b.opts.Progress("shrink", t.label(), b.done, b.total)
			tag, err := b.conn.Exec(ctx, b.deletion(t, excess))
			if err != nil {
				return fmt.Errorf("shrink %s: %w", t.label(), err)
			}
			t.n -= tag.RowsAffected()
			if tag.RowsAffected() == 0 {
				break
			}
		}
	}
	return nil
}

// deletion is the statement that deletes the oldest unreferenced rows.
func (b *builder) deletion(t *table, excess int64) string {
	var order, free []string
	if t.time != nil {
		order = append(order, "t."+quote(t.time.name)+" NULLS FIRST")
	}
	if len(t.keys) > 0 {
		for _, c := range t.keys[0].columns {
			order = append(order, "t."+quote(c))
		}
	}
	order = append(order, "t.tableoid", "t.ctid")
	for _, child := range b.shape.tables {
		for _, f := range child.fks {
			if f.parent != t {
				continue
			}
			cond := fmt.Sprintf("NOT EXISTS (SELECT FROM %s c WHERE %s", child.from(), f.on("t", "c"))
			if child == t { // a row may refer to itself
				cond += " AND (c.tableoid, c.ctid) <> (t.tableoid, t.ctid)"
			}
			free = append(free, cond+")")
		}
	}
	where := ""
	if len(free) > 0 {
		where = " WHERE " + strings.Join(free, " AND ")
	}
	return fmt.Sprintf("DELETE FROM %s x USING (SELECT t.tableoid AS o, t.ctid AS c FROM %[1]s t%s ORDER BY %s LIMIT %d) d WHERE x.tableoid = d.o AND x.ctid = d.c",
		t.from(), where, strings.Join(order, ", "), excess)
}
