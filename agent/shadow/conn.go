package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/sql/result"
)

// conn is one connection to DuckDB, used by one goroutine at a time. Only interrupt may be called from another.
type conn struct {
	d      *DB
	c      duck.Connection
	mu     sync.Mutex // between interrupt and close
	closed bool
}

func (d *DB) connect() (*conn, error) {
	c := &conn{d: d}
	d.connMu.Lock()
	defer d.connMu.Unlock()
	if d.broken.Load() {
		return nil, errBroken
	}
	if duck.Connect(d.db, &c.c) != duck.StateSuccess {
		return nil, errors.New("connect to duckdb")
	}
	if err := c.exec("SET TimeZone = 'UTC'"); err != nil {
		c.disconnect()
		return nil, err
	}
	d.conns[c] = true
	return c, nil
}

func (c *conn) close() {
	c.disconnect()
	c.d.connMu.Lock()
	defer c.d.connMu.Unlock()
	delete(c.d.conns, c)
}

func (c *conn) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	duck.Disconnect(&c.c)
}

func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		duck.Interrupt(c.c)
	}
}

// exec runs one statement, or several when there are no arguments, and throws its rows away.
func (c *conn) exec(sql string, args ...any) error {
	if c.d.broken.Load() {
		return errBroken
	}
	var all duck.ExtractedStatements
	n := duck.ExtractStatements(c.c, sql, &all)
	defer duck.DestroyExtracted(&all)
	if n == 0 {
		return c.failed(duck.ExtractStatementsError(all))
	}
	for i := range n {
		s := &prepared{}
		if duck.PrepareExtractedStatement(c.c, all, i, &s.p) != duck.StateSuccess {
			err := c.failed(duck.PrepareError(s.p))
			s.close()
			return err
		}
		if err := c.finish(s, args); err != nil {
			return err
		}
	}
	return nil
}

// finish binds a statement's parameters, runs it to its end and closes it.
func (c *conn) finish(s *prepared, args []any) error {
	defer s.close()
	if err := s.bind(args); err != nil {
		return err
	}
	var pending duck.PendingResult
	defer duck.DestroyPending(&pending)
	if duck.PendingPrepared(s.p, &pending) != duck.StateSuccess {
		return c.failed(duck.PendingError(pending))
	}
	work(pending)
	var res duck.Result
	defer duck.DestroyResult(&res)
	if duck.ExecutePending(pending, &res) != duck.StateSuccess {
		return c.failed(duck.ResultError(&res))
	}
	return nil
}

// execAll runs statements in order and stops at the first error.
func (c *conn) execAll(sqls ...string) error {
	for _, s := range sqls {
		if err := c.exec(s); err != nil {
			return err
		}
	}
	return nil
}

// prepared is one prepared statement with its parameters bound.
type prepared struct{ p duck.PreparedStatement }

func (s *prepared) close() { duck.DestroyPrepare(&s.p) }

func (c *conn) prepare(sql string, args []any) (*prepared, error) {
	if c.d.broken.Load() {
		return nil, errBroken
	}
	s := &prepared{}
	if duck.Prepare(c.c, sql, &s.p) != duck.StateSuccess {
		err := c.failed(duck.PrepareError(s.p))
		s.close()
		return nil, err
	}
	if err := s.bind(args); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *prepared) bind(args []any) error {
	for i, a := range args {
		if bind(s.p, duck.IdxT(i+1), a) != duck.StateSuccess {
			return fmt.Errorf("bind parameter %d", i+1)
		}
	}
	return nil
}

func bind(p duck.PreparedStatement, i duck.IdxT, a any) duck.State {
	switch v := a.(type) {
	case nil:
		return duck.BindNull(p, i)
	case string:
		return duck.BindVarchar(p, i, v)
	case *string:
		if v == nil {
			return duck.BindNull(p, i)
		}
		return duck.BindVarchar(p, i, *v)
	case int:
		return duck.BindInt64(p, i, int64(v))
	case int64:
		return duck.BindInt64(p, i, v)
	case int32:
		return duck.BindInt32(p, i, v)
	case uint32:
		return duck.BindUInt32(p, i, v)
	case uint64:
		return duck.BindUInt64(p, i, v)
	case float64:
		return duck.BindDouble(p, i, v)
	case bool:
		return duck.BindBoolean(p, i, v)
	case []byte:
		return duck.BindBlob(p, i, v)
	case time.Time:
		if v.IsZero() {
			return duck.BindNull(p, i)
		}
		return duck.BindTimestampTZ(p, i, duck.NewTimestamp(v.UnixMicro()))
	}
	return duck.StateError
}

// rows runs a small query and returns its rows as int64, float64, bool, string, time.Time or nil.
func (c *conn) rows(sql string, args ...any) (out [][]any, err error) {
	err = c.each(context.Background(), sql, args, func(cols []result.Column, i int) error {
		row := make([]any, len(cols))
		for j := range cols {
			row[j] = plain(&cols[j], i)
		}
		out = append(out, row)
		return nil
	})
	return out, err
}

// each runs a query and gives its rows one by one.
func (c *conn) each(ctx context.Context, sql string, args []any, do func(cols []result.Column, i int) error) error {
	s, err := c.prepare(sql, args)
	if err != nil {
		return err
	}
	r, err := open(c, s, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.Len {
			if err := do(b.Columns, i); err != nil {
				return err
			}
		}
	}
}

// one runs a query of one row and one column; ok is false when it gave no row or a NULL.
func one[T any](c *conn, sql string, args ...any) (v T, ok bool, err error) {
	rows, err := c.rows(sql, args...)
	if err != nil || len(rows) == 0 {
		return v, false, err
	}
	v, ok = rows[0][0].(T)
	return v, ok, nil
}

// pgEpoch is PostgreSQL's zero of time, in microseconds of Unix time.
const pgEpoch = 946684800 * int64(1e6)

func plain(c *result.Column, i int) any {
	if c.Null(i) {
		return nil
	}
	switch c.Kind {
	case result.Bool:
		return c.Ints[i] != 0
	case result.Int:
		return c.Ints[i]
	case result.Float:
		return c.Floats[i]
	case result.Decimal:
		if c.Bigs != nil {
			return c.Bigs[i].Int64()
		}
		return c.Ints[i]
	case result.Timestamp:
		return time.UnixMicro(c.Ints[i] + pgEpoch).UTC()
	case result.Date:
		return time.Unix((c.Ints[i]+10957)*86400, 0).UTC()
	case result.Interval:
		return c.Intervals[i]
	case result.Time:
		return c.Ints[i]
	}
	return string(c.Bytes[i])
}
