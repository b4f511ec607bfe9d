package shadow

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// chunk appends rows to one table, column by column, through DuckDB's appender. Whoever made it must close it, before its connection.
// An appender belongs to the transaction that is open when it flushes.
type chunk struct {
	app   duck.Appender
	data  duck.DataChunk
	cols  []cell
	long  longs
	n     int
	limit int
}

// cell is one column of a chunk: where its values and its validity mask lie, and how a PostgreSQL text becomes a value.
type cell struct {
	vec  duck.Vector
	ptr  unsafe.Pointer
	mask []uint64
	long *longs
	put  func(c *cell, i int, text []byte) error
	bin  func(c *cell, i int, v []byte) error // the same from the binary form, where it is taken
	size int                                  // DECIMAL: bytes of the stored integer
	frac int                                  // DECIMAL: digits after the point
}

// newChunk opens an appender on a table whose columns have these DuckDB types.
func newChunk(c *conn, tbl string, types []string) (*chunk, error) {
	return openChunk(c, "", "main", tbl, types)
}

// newTempChunk opens an appender on a temporary table.
func newTempChunk(c *conn, tbl string, types []string) (*chunk, error) {
	return openChunk(c, "temp", "main", tbl, types)
}

func openChunk(c *conn, catalog, schema, tbl string, types []string) (*chunk, error) {
	w := &chunk{cols: make([]cell, len(types)), limit: int(duck.VectorSize())}
	if duck.AppenderCreateExt(c.c, catalog, schema, tbl, &w.app) != duck.StateSuccess {
		err := fmt.Errorf("open appender on %s: %s", tbl, duck.AppenderError(w.app))
		duck.AppenderDestroy(&w.app)
		return nil, err
	}
	logical := make([]duck.LogicalType, len(types))
	for i := range types {
		logical[i] = duck.AppenderColumnType(w.app, duck.IdxT(i))
		w.cols[i].long = &w.long
		w.cols[i].put, w.cols[i].bin = putters[types[i]], binaries[types[i]]
		if strings.HasPrefix(types[i], "DECIMAL") {
			w.cols[i].decimal(logical[i])
		}
	}
	w.data = duck.CreateDataChunk(logical)
	for i := range logical {
		duck.DestroyLogicalType(&logical[i])
	}
	w.reset()
	return w, nil
}

func (c *cell) decimal(t duck.LogicalType) {
	c.put, c.bin, c.frac = putDecimal, binDecimal, int(duck.DecimalScale(t))
	switch duck.DecimalInternalType(t) {
	case duck.TypeSmallInt:
		c.size = 2
	case duck.TypeInteger:
		c.size = 4
	case duck.TypeBigInt:
		c.size = 8
	default:
		c.size = 16
	}
}

// reset points the cells at the chunk's vectors, which may move when it is reset.
func (w *chunk) reset() {
	w.n = 0
	for i := range w.cols {
		c := &w.cols[i]
		c.vec = duck.DataChunkGetVector(w.data, duck.IdxT(i))
		c.ptr = duck.VectorGetData(c.vec)
		duck.VectorEnsureValidityWritable(c.vec)
		c.mask = unsafe.Slice((*uint64)(duck.VectorGetValidity(c.vec)), (w.limit+63)/64)
		for j := range c.mask {
			c.mask[j] = ^uint64(0)
		}
	}
}

// next ends a row; a full chunk is handed to DuckDB.
func (w *chunk) next() error {
	w.n++
	if w.n < w.limit {
		return nil
	}
	return w.push()
}

func (w *chunk) push() error {
	if w.n == 0 {
		return nil
	}
	duck.DataChunkSetSize(w.data, duck.IdxT(w.n))
	if duck.AppendDataChunk(w.app, w.data) != duck.StateSuccess {
		return fmt.Errorf("append rows: %s", duck.AppenderError(w.app))
	}
	duck.DataChunkReset(w.data)
	w.long.free()
	w.reset()
	return nil
}

// flush hands everything appended so far to the open transaction.
func (w *chunk) flush() error {
	if err := w.push(); err != nil {
		return err
	}
	if duck.AppenderFlush(w.app) != duck.StateSuccess {
		return errors.New("flush rows: " + duck.AppenderError(w.app))
	}
	return nil
}

// close gives the appender back; rows that were not flushed are lost.
func (w *chunk) close() {
	if w == nil {
		return
	}
	duck.DestroyDataChunk(&w.data)
	w.long.free()
	duck.AppenderClear(w.app)
	duck.AppenderDestroy(&w.app)
}

// null makes the current row's column NULL.
func (w *chunk) null(col int) { w.cols[col].mask[w.n/64] &^= 1 << (w.n % 64) }

// text sets the current row's column from PostgreSQL's text form.
func (w *chunk) text(col int, v []byte) error {
	c := &w.cols[col]
	if err := c.put(c, w.n, v); err != nil {
		return fmt.Errorf("column %d: %w", col+1, err)
	}
	return nil
}

// str sets a VARCHAR column.
func (w *chunk) str(col int, v []byte) { _ = putText(&w.cols[col], w.n, v) }

// blob sets a BLOB column.
func (w *chunk) blob(col int, v []byte) { _ = putBytes(&w.cols[col], w.n, v) }

// set stores a fixed-width value at the current row.
func set[T any](w *chunk, col int, v T) { at[T](&w.cols[col], w.n, v) }

func at[T any](c *cell, i int, v T) {
	*(*T)(unsafe.Add(c.ptr, uintptr(i)*unsafe.Sizeof(v))) = v
}
