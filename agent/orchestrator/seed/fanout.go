package seed

import (
	"context"
	"fmt"
)

// fanOutLimit is the size of a table above which its fan-outs are not measured: it would cost more than it tells.
const fanOutLimit = 500_000

// fanOut is how one reference's rows lie over the parents.
type fanOut struct {
	f            *foreignKey
	share, mean  float64 // of parents that have children, and how many those have
	parents, all int64
}

// measure reads the present fan-out of a reference.
func (b *builder) measure(ctx context.Context, t *table, f *foreignKey) (fanOut, error) {
	out := fanOut{f: f}
	var with int64
	c := quote(f.columns[0])
	err := b.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(DISTINCT %s), count(%[1]s), (SELECT count(*) FROM %s) FROM %s", c, f.parent.from(), t.from())).Scan(&with, &out.all, &out.parents)
	if with > 0 && out.parents > 0 {
		out.share, out.mean = float64(with)/float64(out.parents), float64(out.all)/float64(with)
	}
	return out, err
}

// fanOutsBefore measures the references that are about to grow on both sides.
func (b *builder) fanOutsBefore(ctx context.Context) error {
	for _, t := range b.shape.tables {
		for _, f := range t.fks {
			if t.m == 0 || f.frozen || len(f.columns) > 1 || t.n+t.m > fanOutLimit {
				continue
			}
			m, err := b.measure(ctx, t, f)
			if err != nil {
				return fmt.Errorf("measure fan-out of %s: %w", f.name, err)
			}
			t.fanOuts = append(t.fanOuts, m)
		}
	}
	return nil
}

// fanOutsAfter reports how the measured references have kept their shape.
func (b *builder) fanOutsAfter(ctx context.Context, t *table) error {
	for _, was := range t.fanOuts {
		is, err := b.measure(ctx, t, was.f)
		if err != nil {
			return fmt.Errorf("measure fan-out of %s: %w", was.f.name, err)
		}
		b.note(t, CheckFanOut, "%s: %.1f %% of %s have rows, %.2f each; on the source %.1f %%, %.2f each", was.f.name, 100*is.share, was.f.parent.label(), is.mean, 100*was.share, was.mean)
	}
	return nil
}
