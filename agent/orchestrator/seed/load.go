package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"foreshadow/agent/change"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"

	"github.com/jackc/pgx/v5/pgconn"
)

// load copies every captured table into its place. Rows of a relation that the schema no longer has are left out, with a note.
func (b *builder) load(ctx context.Context) error {
	for _, t := range b.shape.tables {
		if n, ok := b.opts.Targets[t.label()]; ok {
			b.total += n
		}
	}
	for _, r := range b.opts.Relations {
		place, ok := b.shape.loads[r.Schema+"."+r.Name]
		if !ok {
			b.report.Rows = append(b.report.Rows, Row{Relation: r.Schema + "." + r.Name, SourceRows: -1, ProjectedRows: -1, ActualRows: -1, Bytes: -1,
				Check: CheckNote, Result: "not built: the table is not in the source's schema"})
			continue
		}
		if place.whole && b.partitionsCaptured(place.root) {
			continue
		}
		if err := b.loadOne(ctx, r, place); err != nil {
			return fmt.Errorf("load %s.%s: %w", r.Schema, r.Name, err)
		}
	}
	return nil
}

// partitionsCaptured says that a partitioned table's rows come through its partitions.
func (b *builder) partitionsCaptured(root *table) bool {
	for _, r := range b.opts.Relations {
		if p, ok := b.shape.loads[r.Schema+"."+r.Name]; ok && p.root == root && !p.whole {
			return true
		}
	}
	return false
}

// loadOne copies one relation. The truncation in the same transaction lets the server skip the log and freeze the rows.
func (b *builder) loadOne(ctx context.Context, r change.Relation, place target) error {
	rows, err := b.opts.Store.Rows(ctx, r.OID, b.opts.LSN)
	if err != nil {
		return err
	}
	defer rows.Close()
	enc, columns := newEncoder(rows, place)
	if len(columns) == 0 {
		return nil
	}
	label := r.Schema + "." + r.Name
	enc.progress = func(n int) {
		b.done += int64(n)
		b.opts.Progress("load", label, b.done, b.total)
	}
	enc.ctx = ctx
	enc.peek()
	ident, options := place.name.Sanitize(), "FORMAT text"
	if enc.binary {
		options = "FORMAT binary"
	}
	begin := "BEGIN"
	if !place.whole {
		begin, options = "BEGIN; TRUNCATE ONLY "+ident, options+", FREEZE"
	}
	if err := b.exec(ctx, begin); err != nil {
		return err
	}
	_, err = b.conn.PgConn().CopyFrom(ctx, enc, fmt.Sprintf("COPY %s (%s) FROM STDIN (%s)", ident, strings.Join(columns, ", "), options))
	if enc.err != nil {
		return enc.err
	}
	if err != nil {
		return explain(err)
	}
	return b.exec(ctx, "COMMIT")
}

// explain turns a server's error into one for the user.
func explain(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	out := sqlerr.New(e.Code, "%s", e.Message)
	out.Detail, out.Hint, out.Table, out.Column, out.Constraint = e.Detail, e.Hint, e.TableName, e.ColumnName, e.ConstraintName
	return out
}

// encoder is the reader that COPY consumes: batches in, COPY's format out.
type encoder struct {
	ctx      context.Context
	rows     result.Rows
	fields   []result.Field
	take     []int // places of the columns that the table has
	binary   bool
	started  bool
	first    *result.Batch // read ahead by peek
	buf      []byte
	off      int
	progress func(rows int)
	ended    bool
	err      error
}

// newEncoder matches the rows' fields with the table's columns by name. Generated columns compute themselves.
func newEncoder(rows result.Rows, place target) (*encoder, []string) {
	e := &encoder{rows: rows, fields: rows.Fields(), binary: true}
	var columns []string
	for i, f := range e.fields {
		c, ok := place.columns[f.Name]
		if !ok || c.generated {
			continue
		}
		e.take = append(e.take, i)
		columns = append(columns, quote(f.Name))
		e.binary = e.binary && binaryOK(f, c)
	}
	return e, columns
}

// Read implements io.Reader.
func (e *encoder) Read(p []byte) (int, error) {
	for e.off == len(e.buf) {
		if e.err != nil {
			return 0, e.err
		}
		if e.ended {
			return 0, io.EOF
		}
		e.fill()
	}
	n := copy(p, e.buf[e.off:])
	e.off += n
	return n, nil
}

// fill encodes the next batch.
func (e *encoder) fill() {
	e.buf, e.off = e.buf[:0], 0
	if e.binary && !e.started {
		e.buf = append(e.buf, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	}
	e.started = true
	batch, err := e.next()
	switch {
	case errors.Is(err, io.EOF):
		e.ended = true
		if e.binary {
			e.buf = append(e.buf, 0xff, 0xff)
		}
		return
	case err != nil:
		e.err = fmt.Errorf("read rows of the shadow: %w", err)
		return
	}
	if e.binary {
		e.buf, e.err = appendBinary(e.buf, batch, e.take, e.fields)
	} else {
		e.buf, e.err = appendText(e.buf, batch, e.take, e.fields)
	}
	e.progress(batch.Len)
}

// peek reads the first batch, since only it tells how values travel: a column may come as text where its type has a kind.
func (e *encoder) peek() {
	batch, err := e.rows.Next(e.ctx)
	switch {
	case errors.Is(err, io.EOF):
		e.first = &result.Batch{}
		return
	case err != nil:
		e.err = fmt.Errorf("read rows of the shadow: %w", err)
		return
	}
	e.first = batch
	for _, i := range e.take {
		f := e.fields[i]
		e.binary = e.binary && batch.Columns[i].Kind == types.Of(f.TypeOID, f.TypMod).Kind
	}
}

// next gives the batch read ahead, then the following ones.
func (e *encoder) next() (*result.Batch, error) {
	if b := e.first; b != nil {
		e.first = nil
		return b, nil
	}
	return e.rows.Next(e.ctx)
}
