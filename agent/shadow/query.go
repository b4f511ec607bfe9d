package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Query is one SELECT in DuckDB's dialect. Parameters are bound as text. Fields are what PostgreSQL announced; nil lets DuckDB's types decide.
// Tables are loaded as temporary tables before the statement runs.
type Query struct {
	SQL      string
	Params   []*string
	Fields   []result.Field
	Tables   []result.Table
	TimeZone string
}

// Query starts a SELECT on a connection of its own and streams its batches. Cancelling ctx interrupts it at any time.
// A column that is kept as text, because it holds values DuckDB's type cannot, comes with kind Text whatever Fields says.
func (d *DB) Query(ctx context.Context, q Query) (result.Rows, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	r, err := c.start(ctx, q)
	if err != nil {
		c.close()
		return nil, queryError(ctx, err)
	}
	r.own = true
	return r, nil
}

// Together runs queries that all see the same moment. Each one's rows must be closed before the next is asked.
func (d *DB) Together(ctx context.Context, do func(query func(Query) (result.Rows, error)) error) error {
	c, err := d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.exec("BEGIN TRANSACTION"); err != nil {
		return err
	}
	return do(func(q Query) (result.Rows, error) {
		r, err := c.start(ctx, q)
		if err != nil {
			return nil, queryError(ctx, err)
		}
		return r, nil
	})
}

// start runs a SELECT after it has loaded its tables.
func (c *conn) start(ctx context.Context, q Query) (*rows, error) {
	if q.TimeZone != "" {
		if err := c.exec("SET TimeZone = " + quote(q.TimeZone)); err != nil {
			return nil, err
		}
	}
	for _, t := range q.Tables {
		if err := c.load(t); err != nil {
			return nil, fmt.Errorf("load table %s: %w", t.Name, err)
		}
	}
	args := make([]any, len(q.Params))
	for i, p := range q.Params {
		args[i] = p
	}
	s, err := c.prepare(q.SQL, args)
	if err != nil {
		return nil, err
	}
	if k := duck.PreparedStatementType(s.p); k != duck.StatementTypeSelect && k != duck.StatementTypeExplain {
		s.close()
		return nil, sqlerr.New(sqlerr.ReadOnlyTransaction, "cannot execute a writing statement on the shadow")
	}
	stop := context.AfterFunc(ctx, c.interrupt)
	r, err := open(c, s, q.Fields)
	if err != nil {
		stop()
		return nil, err
	}
	r.stop = stop
	return r, nil
}

// queryError tells a cancelled statement from one that DuckDB refused.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var se *sqlerr.Error
	if errors.As(err, &se) {
		return err
	}
	msg := err.Error()
	switch {
	case strings.Contains(msg, "Out of Memory"):
		return sqlerr.New(sqlerr.OutOfMemory, "the statement needs more memory than the shadow may use").WithDetail("%s", msg)
	case strings.Contains(msg, "INTERRUPT"):
		return context.Canceled
	case strings.Contains(msg, "Out of Range"), strings.Contains(msg, "Overflow"):
		return sqlerr.New(sqlerr.NumericOutOfRange, "value out of range").WithDetail("%s", msg)
	case strings.Contains(msg, "Conversion Error"):
		return sqlerr.New(sqlerr.InvalidText, "invalid input for a conversion").WithDetail("%s", msg)
	}
	return err
}

// rows streams a DuckDB result. The bytes of a batch point into DuckDB's chunk, which lives until the next call.
type rows struct {
	c      *conn
	s      *prepared
	res    duck.Result
	chunk  duck.DataChunk
	fields []result.Field
	cols   []*decoder
	batch  result.Batch
	count  int64
	own    bool // the connection ends with the rows
	stop   func() bool
	once   sync.Once
	done   bool
}

// open executes a prepared statement as a stream and takes it over.
func open(c *conn, s *prepared, fields []result.Field) (*rows, error) {
	r := &rows{c: c, s: s, fields: fields}
	var pending duck.PendingResult
	if duck.PendingPreparedStreaming(s.p, &pending) != duck.StateSuccess {
		err := c.failed(duck.PendingError(pending))
		duck.DestroyPending(&pending)
		s.close()
		return nil, err
	}
	work(pending)
	state := duck.ExecutePending(pending, &r.res)
	duck.DestroyPending(&pending)
	if state != duck.StateSuccess {
		err := c.failed(duck.ResultError(&r.res))
		r.Close()
		return nil, err
	}
	n := int(duck.ColumnCount(&r.res))
	if fields != nil && len(fields) != n {
		r.Close()
		return nil, fmt.Errorf("the statement returns %d columns, %d were announced", n, len(fields))
	}
	r.cols, r.batch.Columns = make([]*decoder, n), make([]result.Column, n)
	for i := range n {
		t := duck.ColumnLogicalType(&r.res, duck.IdxT(i))
		r.cols[i] = newDecoder(t)
		duck.DestroyLogicalType(&t)
		if r.cols[i].read == nil {
			r.Close()
			return nil, fmt.Errorf("column %d has a type that rows cannot carry", i+1)
		}
		if fields == nil {
			oid, mod := r.cols[i].oid()
			name := duck.ColumnName(&r.res, duck.IdxT(i))
			r.fields = append(r.fields, result.Field{Name: name, TypeOID: oid, TypMod: mod, TypeSize: types.Of(oid, mod).Size})
		}
	}
	return r, nil
}

// work runs a statement's tasks until it has rows, an error or its end. ExecutePending alone would spin while other threads do the last ones.
func work(pending duck.PendingResult) {
	const shortest, longest = 20 * time.Microsecond, time.Millisecond
	for pause := shortest; ; {
		switch duck.PendingExecuteTask(pending) {
		case duck.PendingStateResultNotReady:
			pause = shortest
		case duck.PendingStateNoTasksAvailable:
			time.Sleep(pause)
			pause = min(2*pause, longest)
		default:
			return
		}
	}
}

// Fields describes the columns.
func (r *rows) Fields() []result.Field { return r.fields }

// Tag is the command tag, valid after io.EOF.
func (r *rows) Tag() string { return "SELECT " + strconv.FormatInt(r.count, 10) }

// Next gives the next batch, or io.EOF.
func (r *rows) Next(ctx context.Context) (*result.Batch, error) {
	for !r.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		duck.DestroyDataChunk(&r.chunk)
		r.chunk = duck.FetchChunk(r.res)
		if r.chunk.Ptr == nil {
			r.done = true
			if msg := duck.ResultError(&r.res); msg != "" {
				return nil, queryError(ctx, r.c.failed(msg))
			}
			break
		}
		n := int(duck.DataChunkGetSize(r.chunk))
		if n == 0 {
			continue
		}
		for i, d := range r.cols {
			d.column(duck.DataChunkGetVector(r.chunk, duck.IdxT(i)), n, &r.batch.Columns[i])
		}
		r.batch.Len = n
		r.count += int64(n)
		return &r.batch, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// Close ends the statement; it may be called more than once.
func (r *rows) Close() error {
	r.once.Do(func() {
		r.done = true
		if r.stop != nil {
			r.stop()
		}
		duck.DestroyDataChunk(&r.chunk)
		duck.DestroyResult(&r.res)
		r.s.close()
		if r.own {
			r.c.close()
		}
	})
	return nil
}

// load makes a temporary table of a small relation.
func (c *conn) load(t result.Table) error {
	var b strings.Builder
	b.WriteString("CREATE OR REPLACE TEMP TABLE " + ident(t.Name) + " (")
	marks := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(ident(col.Name) + " " + col.Type)
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	if err := c.exec(b.String() + ")"); err != nil {
		return err
	}
	insert := "INSERT INTO " + ident(t.Name) + " VALUES (" + strings.Join(marks, ", ") + ")"
	for _, row := range t.Rows {
		args := make([]any, len(row))
		for i, v := range row {
			args[i] = argument(v)
		}
		if err := c.exec(insert, args...); err != nil {
			return err
		}
	}
	return nil
}

// argument brings the values that a Table may hold to those that bind knows.
func argument(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return fmt.Sprintf("%d microseconds", v.Microseconds())
	case fmt.Stringer:
		if t, ok := v.(time.Time); ok {
			return t
		}
		return v.String()
	case uint64:
		return v
	}
	return v
}

func ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
