// Package result holds the words in which rows travel: columnar batches from the shadow, encoded rows from the mirror.
// The shadow and the mirror produce them, the SQL engine passes them on, pgwire encodes them. It knows no database and no protocol.
package result

import (
	"context"
	"math/big"
)

// Field describes one result column as PostgreSQL announces it.
type Field struct {
	Name     string
	TableOID uint32
	AttNum   uint16
	TypeOID  uint32
	TypeSize int16
	TypMod   int32
	Enum     bool // whose binary form is its text
}

// Kind says which slice of a Column holds its values.
type Kind uint8

// The kinds. Text carries text types and, for every type without a kind of its own, PostgreSQL's text form of the value.
// Encoded carries values already in the wire format that the client asked for, as the mirror returns them.
const (
	Text      Kind = iota // Bytes
	Bool                  // Ints: 0 or 1
	Int                   // Ints: int2, int4, int8, oid, pg_lsn
	Float                 // Floats: float4, float8
	Decimal               // Bigs or Ints, unscaled, with Scale
	Bytea                 // Bytes
	Date                  // Ints: days since 2000-01-01; math.MaxInt64 and MinInt64 are the infinities
	Time                  // Ints: microseconds of the day, up to and including 24:00:00
	Timestamp             // Ints: microseconds since 2000-01-01 00:00; the infinities as in Date; also timestamptz, in UTC
	Interval              // Intervals
	UUID                  // Bytes: 16 each
	Encoded               // Bytes, nil for NULL
)

// Span is an interval in PostgreSQL's three independent parts.
type Span struct {
	Months, Days int32
	Micros       int64
}

// Column holds one column of a batch. Only the slice that Kind names is set. Nulls is nil when no value is NULL.
type Column struct {
	Kind      Kind
	Scale     int // Decimal: digits after the point
	Nulls     []bool
	Ints      []int64
	Floats    []float64
	Bytes     [][]byte
	Bigs      []*big.Int // Decimal beyond 64 bits; Ints is nil then
	Intervals []Span
}

// Null says whether row i is NULL.
func (c *Column) Null(i int) bool {
	if c.Kind == Encoded {
		return c.Bytes[i] == nil
	}
	return c.Nulls != nil && c.Nulls[i]
}

// Batch is some rows, column by column. It is valid until the next call of Next on the Rows it came from.
type Batch struct {
	Len     int
	Columns []Column
}

// Rows is a stream of batches. Next returns io.EOF after the last batch; Tag is valid from then on. Close may be called at any time, and more than once.
type Rows interface {
	Fields() []Field
	Next(ctx context.Context) (*Batch, error)
	Tag() string
	Close() error
}

// Live may be implemented by Rows that come one by one over a long time: each batch is sent to the client before the next is waited for.
type Live interface{ Live() bool }

// Resting may be implemented by Rows that can be cancelled, or run out of time, while they are read. Rest says that no more are asked for
// until the next call of Next, as when a portal is suspended.
type Resting interface{ Rest() }

// Rest tells rows that no more are asked for now, if they want to know.
func Rest(r Rows) {
	if resting, ok := r.(Resting); ok {
		resting.Rest()
	}
}

// Table is a small relation held in memory, such as the list of requests. Values are string, int64, float64, bool, time.Time or nil.
type Table struct {
	Name    string
	Columns []TableColumn
	Rows    [][]any
}

// TableColumn names a column of a Table and its type in DuckDB's words.
type TableColumn struct {
	Name string
	Type string
}
