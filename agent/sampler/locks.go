package sampler

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/locks.sql
var locksSQL string

// locks remembers the tables that were ever held, so that their times of rest are sampled too.
type locks struct{ seen map[string]bool }

// readLocks samples how long transactions have held each table. The mean of such ages is the time that a lock which conflicts is expected to
// wait for. At most MaxObjects tables are followed.
func (s *Sampler) readLocks(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, locksSQL)
	if err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	held := map[string][2]float64{}
	var name string
	var readers, writers float64
	_, err = pgx.ForEachRow(rows, []any{&name, &readers, &writers}, func() error {
		held[name] = [2]float64{readers, writers}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read locks: %w", err)
	}
	b.add("lock.snapshot", held[""][0], "")
	delete(held, "")
	for name := range held {
		if len(s.locks.seen) < s.o.MaxObjects {
			s.locks.seen[name] = true
		}
	}
	var names []string
	for name := range s.locks.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.add("lock.readers:"+name, held[name][0], "")
		b.add("lock.writers:"+name, held[name][1], "")
	}
	return nil
}
