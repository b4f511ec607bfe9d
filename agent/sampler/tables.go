package sampler

import (
	"context"
	_ "embed"
	"fmt"

	"foreshadow/forecast"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/tables.sql
var tablesSQL string

//go:embed sql/keys.sql
var keysSQL string

//go:embed sql/references.sql
var referencesSQL string

//go:embed sql/partitioned.sql
var partitionedSQL string

// readTables measures the largest tables: bytes of heap, indexes and TOAST, and the statistics' count of rows.
func (s *Sampler) readTables(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, tablesSQL, s.o.MaxObjects)
	if err != nil {
		return fmt.Errorf("read table sizes: %w", err)
	}
	var name string
	var table, index, toast, live, dead, inserted, deleted *float64
	_, err = pgx.ForEachRow(rows, []any{&name, &table, &index, &toast, &live, &dead, &inserted, &deleted}, func() error {
		if table == nil || index == nil || toast == nil { // dropped while we looked
			return nil
		}
		b.add("volume.heap_bytes:"+name, *table-*toast, "")
		b.add("volume.index_bytes:"+name, *index, "")
		b.add("volume.toast_bytes:"+name, *toast, "")
		b.add("volume.live_rows:"+name, *live, "")
		b.add("volume.dead_rows:"+name, *dead, "")
		b.add("volume.rows_inserted:"+name, *inserted, "")
		b.add("volume.rows_deleted:"+name, *deleted, "")
		return nil
	})
	if err != nil {
		return fmt.Errorf("read table sizes: %w", err)
	}
	return nil
}

// key is one integer key or sequence as keys.sql finds it. Column is empty for a sequence that feeds no column.
type key struct {
	schema, table, column string
	last, limit, first    *float64
	indexed               bool
}

// readKeys reads the last value of every growing key, and the largest value it may take.
func (s *Sampler) readKeys(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, keysSQL, s.o.MaxObjects)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var keys []key
	var k key
	_, err = pgx.ForEachRow(rows, []any{&k.schema, &k.table, &k.column, &k.last, &k.limit, &k.first, &k.indexed}, func() error {
		keys = append(keys, k)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	for _, k := range keys {
		if k.last == nil && k.indexed {
			if k.last, err = s.largest(ctx, k); err != nil {
				return fmt.Errorf("read largest key of %s.%s: %w", k.schema, k.table, err)
			}
		}
		if k.last == nil || k.limit == nil {
			continue
		}
		name := k.schema + "." + k.table
		if k.column != "" {
			name += "." + k.column
		}
		b.add("key.last:"+name, *k.last, "")
		b.add("key.max:"+name, *k.limit, "")
		if k.first != nil {
			b.add("key.first:"+name, *k.first, "")
		}
	}
	return nil
}

// largest looks up the largest key at the end of its index.
func (s *Sampler) largest(ctx context.Context, k key) (last *float64, err error) {
	column := pgx.Identifier{k.column}.Sanitize()
	table := pgx.Identifier{k.schema, k.table}.Sanitize()
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT max(%s)::float8 FROM %s", column, table)).Scan(&last)
	return last, err
}

// readReferences reads the foreign keys, by which a table without a time of its own is forecast, and which tables are partitions.
func (s *Sampler) readReferences(ctx context.Context, _ *batch) error {
	references, err := s.pairs(ctx, referencesSQL)
	if err != nil {
		return fmt.Errorf("read foreign keys: %w", err)
	}
	partitions, err := s.pairs(ctx, partitionedSQL)
	if err != nil {
		return fmt.Errorf("read partitions: %w", err)
	}
	s.mu.Lock()
	s.references, s.partitions = references, partitions
	s.mu.Unlock()
	return nil
}

func (s *Sampler) pairs(ctx context.Context, sql string) ([]forecast.Reference, error) {
	rows, err := s.conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[forecast.Reference])
}
