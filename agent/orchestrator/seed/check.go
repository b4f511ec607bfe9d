package seed

import (
	"context"
	_ "embed" // catalog queries
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed sql/sequences.sql
var sequencesSQL string

//go:embed sql/sizes.sql
var sizesSQL string

//go:embed sql/constraints.sql
var constraintsSQL string

// finish moves the sequences behind the keys, gathers statistics and writes the report.
func (b *builder) finish(ctx context.Context) error {
	b.opts.Progress("statistics", "", b.done, b.total)
	if err := b.exec(ctx, "RESET search_path"); err != nil {
		return err
	}
	if err := b.sequences(ctx); err != nil {
		return fmt.Errorf("set sequences: %w", err)
	}
	if err := b.exec(ctx, "VACUUM (FREEZE, ANALYZE)"); err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return b.check(ctx)
}

// sequences sets each sequence that fills a column to the column's highest value.
func (b *builder) sequences(ctx context.Context) error {
	type line struct {
		Sequence, Table, Column string
		Low, High, Step         int64
	}
	rows, err := b.conn.Query(ctx, sequencesSQL)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
	if err != nil {
		return err
	}
	for _, l := range lines {
		edge := "max"
		if l.Step < 0 {
			edge = "min"
		}
		_, err := b.conn.Exec(ctx, fmt.Sprintf("SELECT setval(%s, least(greatest(v, %d), %d)) FROM (SELECT %s(%s)::bigint AS v FROM %s) s WHERE v IS NOT NULL",
			literal(l.Sequence), l.Low, l.High, edge, l.Column, l.Table))
		var e *pgconn.PgError
		if err != nil && !(errors.As(err, &e) && e.Code[:2] == "42") { // a column that holds no numbers
			return err
		}
	}
	return nil
}

// proofs counts a table's keys and foreign keys and those that are not valid.
type proofs struct{ keys, badKeys, fks, badFKs int64 }

// check counts every table once more and says what is proven.
func (b *builder) check(ctx context.Context) error {
	sizes := map[uint32]int64{}
	rows, err := b.conn.Query(ctx, sizesSQL)
	if err != nil {
		return err
	}
	var oid uint32
	var size int64
	if _, err := pgx.ForEachRow(rows, []any{&oid, &size}, func() error { sizes[oid] = size; return nil }); err != nil {
		return err
	}
	proven := map[uint32]proofs{}
	if rows, err = b.conn.Query(ctx, constraintsSQL); err != nil {
		return err
	}
	var p proofs
	if _, err := pgx.ForEachRow(rows, []any{&oid, &p.keys, &p.badKeys, &p.fks, &p.badFKs}, func() error { proven[oid] = p; return nil }); err != nil {
		return err
	}
	for _, t := range b.shape.tables {
		var actual int64
		if err := b.conn.QueryRow(ctx, "SELECT count(*) FROM "+t.from()).Scan(&actual); err != nil {
			return err
		}
		here := t.oidHere(ctx, b.conn)
		b.reportTable(t, actual, sizes[here], proven[here])
		if err := b.fanOutsAfter(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// oidHere is the table's OID in the instance's database; the shape was read in another one.
func (t *table) oidHere(ctx context.Context, conn *pgx.Conn) (oid uint32) {
	_ = conn.QueryRow(ctx, "SELECT to_regclass($1)::oid", t.ident()).Scan(&oid) // zero finds nothing, which the report shows
	return oid
}

// reportTable writes a table's lines.
func (b *builder) reportTable(t *table, actual, size int64, p proofs) {
	projected := t.target
	if projected < 0 {
		projected = t.source
	}
	verdict := "exact"
	if actual != projected {
		verdict = fmt.Sprintf("%+d against the projection", actual-projected)
	}
	line := func(check, result string, bytes int64) {
		b.report.Rows = append(b.report.Rows, Row{Relation: t.label(), SourceRows: t.source, ProjectedRows: projected, ActualRows: actual, Bytes: bytes, Check: check, Result: result})
	}
	line(CheckRows, verdict, size)
	line(CheckSize, "", size)
	line(CheckUnique, fmt.Sprintf("%d valid, %d not", p.keys-p.badKeys, p.badKeys), -1)
	line(CheckFK, fmt.Sprintf("%d valid, %d not", p.fks-p.badFKs, p.badFKs), -1)
}
