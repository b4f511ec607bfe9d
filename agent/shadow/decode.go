package shadow

import (
	"encoding/binary"
	"math"
	"math/big"
	"unsafe"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// decoder turns one result column's vectors into a result.Column. The column's buffers are used again for every batch.
type decoder struct {
	id    duck.Type
	inner duck.Type // of a decimal
	scale int
	read  func(d *decoder, data unsafe.Pointer, n int, c *result.Column)
}

// stringT is DuckDB's string: up to twelve bytes inline, else a prefix and a pointer.
type stringT struct {
	length uint32
	prefix [4]byte
	ptr    *byte
}

func (s *stringT) bytes() []byte {
	if s.length <= 12 {
		return unsafe.Slice((*byte)(unsafe.Pointer(&s.prefix)), s.length)
	}
	return unsafe.Slice(s.ptr, s.length)
}

type hugeint struct {
	lower uint64
	upper int64
}

func (h hugeint) big() *big.Int {
	v := new(big.Int).Lsh(big.NewInt(h.upper), 64)
	return v.Add(v, new(big.Int).SetUint64(h.lower))
}

func newDecoder(t duck.LogicalType) *decoder {
	d := &decoder{id: duck.GetTypeId(t)}
	if d.id == duck.TypeDecimal {
		d.scale, d.inner = int(duck.DecimalScale(t)), duck.DecimalInternalType(t)
	}
	d.read = readers[d.id]
	return d
}

// readers has a row for each DuckDB type that a statement may return; the engine casts every other one to text.
var readers = map[duck.Type]func(*decoder, unsafe.Pointer, int, *result.Column){
	duck.TypeBoolean:     ints[uint8](result.Bool),
	duck.TypeTinyInt:     ints[int8](result.Int),
	duck.TypeSmallInt:    ints[int16](result.Int),
	duck.TypeInteger:     ints[int32](result.Int),
	duck.TypeBigInt:      ints[int64](result.Int),
	duck.TypeUTinyInt:    ints[uint8](result.Int),
	duck.TypeUSmallInt:   ints[uint16](result.Int),
	duck.TypeUInteger:    ints[uint32](result.Int),
	duck.TypeUBigInt:     ints[uint64](result.Int),
	duck.TypeFloat:       floats[float32],
	duck.TypeDouble:      floats[float64],
	duck.TypeHugeInt:     readHuge,
	duck.TypeDecimal:     readDecimal,
	duck.TypeVarchar:     texts(result.Text),
	duck.TypeBlob:        texts(result.Bytea),
	duck.TypeDate:        readDate,
	duck.TypeTime:        ints[int64](result.Time),
	duck.TypeTimestamp:   readTimestamp,
	duck.TypeTimestampTZ: readTimestamp,
	duck.TypeInterval:    readInterval,
	duck.TypeUUID:        readUUID,
	duck.TypeSQLNull:     readNull,
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// grow gives a slice of n elements, reusing s where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func ints[T integer](k result.Kind) func(*decoder, unsafe.Pointer, int, *result.Column) {
	return func(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
		c.Kind, c.Ints = k, grow(c.Ints, n)
		for i, v := range unsafe.Slice((*T)(data), n) {
			c.Ints[i] = int64(v)
		}
	}
}

func floats[T float32 | float64](_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Floats = result.Float, grow(c.Floats, n)
	for i, v := range unsafe.Slice((*T)(data), n) {
		c.Floats[i] = float64(v)
	}
}

func texts(k result.Kind) func(*decoder, unsafe.Pointer, int, *result.Column) {
	return func(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
		c.Kind, c.Bytes = k, grow(c.Bytes, n)
		strs := unsafe.Slice((*stringT)(data), n)
		for i := range strs {
			if c.Nulls != nil && c.Nulls[i] {
				c.Bytes[i] = nil
				continue
			}
			c.Bytes[i] = strs[i].bytes()
		}
	}
}

func readHuge(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Scale, c.Ints = result.Decimal, 0, nil
	bigs(c, data, n)
}

func bigs(c *result.Column, data unsafe.Pointer, n int) {
	c.Bigs = grow(c.Bigs, n)
	for i, v := range unsafe.Slice((*hugeint)(data), n) {
		c.Bigs[i] = v.big()
	}
}

func readDecimal(d *decoder, data unsafe.Pointer, n int, c *result.Column) {
	switch d.inner {
	case duck.TypeSmallInt:
		ints[int16](result.Decimal)(d, data, n, c)
	case duck.TypeInteger:
		ints[int32](result.Decimal)(d, data, n, c)
	case duck.TypeBigInt:
		ints[int64](result.Decimal)(d, data, n, c)
	default:
		c.Kind = result.Decimal
		bigs(c, data, n)
	}
	c.Scale = d.scale
}

func readDate(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Ints = result.Date, grow(c.Ints, n)
	for i, v := range unsafe.Slice((*int32)(data), n) {
		switch v {
		case math.MaxInt32:
			c.Ints[i] = math.MaxInt64
		case -math.MaxInt32:
			c.Ints[i] = math.MinInt64
		default:
			c.Ints[i] = int64(v) - 10957
		}
	}
}

func readTimestamp(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Ints = result.Timestamp, grow(c.Ints, n)
	for i, v := range unsafe.Slice((*int64)(data), n) {
		switch v {
		case math.MaxInt64:
			c.Ints[i] = math.MaxInt64
		case -math.MaxInt64:
			c.Ints[i] = math.MinInt64
		default:
			c.Ints[i] = v - pgEpoch
		}
	}
}

func readInterval(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Intervals = result.Interval, grow(c.Intervals, n)
	copy(c.Intervals, unsafe.Slice((*result.Span)(data), n)) // months, days, micros: the same layout
}

func readUUID(_ *decoder, data unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Bytes = result.UUID, grow(c.Bytes, n)
	buf := make([]byte, 16*n)
	for i, v := range unsafe.Slice((*hugeint)(data), n) {
		b := buf[16*i : 16*i+16 : 16*i+16]
		binary.BigEndian.PutUint64(b, uint64(v.upper)^1<<63)
		binary.BigEndian.PutUint64(b[8:], v.lower)
		c.Bytes[i] = b
	}
}

func readNull(_ *decoder, _ unsafe.Pointer, n int, c *result.Column) {
	c.Kind, c.Bytes, c.Nulls = result.Text, make([][]byte, n), make([]bool, n)
	for i := range c.Nulls {
		c.Nulls[i] = true
	}
}

// column decodes the first n values of a vector.
func (d *decoder) column(v duck.Vector, n int, c *result.Column) {
	nulls := c.Nulls
	c.Nulls = nil
	if mask := duck.VectorGetValidity(v); mask != nil {
		words := unsafe.Slice((*uint64)(mask), (n+63)/64)
		for i := range n {
			if words[i/64]&(1<<(i%64)) == 0 {
				if c.Nulls == nil {
					c.Nulls = grow(nulls, n)
					clear(c.Nulls)
				}
				c.Nulls[i] = true
			}
		}
	}
	d.read(d, duck.VectorGetData(v), n, c)
}

// oid gives the PostgreSQL type that announces a DuckDB column when nobody else did.
func (d *decoder) oid() (oid uint32, typmod int32) {
	switch d.id {
	case duck.TypeBoolean:
		return types.Bool, -1
	case duck.TypeTinyInt, duck.TypeSmallInt, duck.TypeUTinyInt:
		return types.Int2, -1
	case duck.TypeInteger, duck.TypeUSmallInt:
		return types.Int4, -1
	case duck.TypeBigInt:
		return types.Int8, -1
	case duck.TypeUInteger:
		return types.OID, -1
	case duck.TypeUBigInt:
		return types.LSN, -1
	case duck.TypeFloat:
		return types.Float4, -1
	case duck.TypeDouble:
		return types.Float8, -1
	case duck.TypeDecimal, duck.TypeHugeInt:
		return types.Numeric, -1
	case duck.TypeBlob:
		return types.Bytea, -1
	case duck.TypeDate:
		return types.Date, -1
	case duck.TypeTime:
		return types.Time, -1
	case duck.TypeTimestamp:
		return types.Timestamp, -1
	case duck.TypeTimestampTZ:
		return types.TimestampTZ, -1
	case duck.TypeInterval:
		return types.Interval, -1
	case duck.TypeUUID:
		return types.UUID, -1
	}
	return types.Text, -1
}
