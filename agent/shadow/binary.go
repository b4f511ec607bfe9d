package shadow

import (
	"encoding/binary"
	"math"
	"strings"

	"foreshadow/sql/result"
)

// binaries has a row for each DuckDB type whose values are taken in PostgreSQL's binary form too; what they store is what putters do from the text.
var binaries = map[string]func(c *cell, i int, v []byte) error{
	"BOOLEAN":  sized(1, func(c *cell, i int, v []byte) error { at(c, i, v[0] != 0); return nil }),
	"SMALLINT": sized(2, func(c *cell, i int, v []byte) error { at(c, i, binary.BigEndian.Uint16(v)); return nil }),
	"INTEGER":  sized(4, bin32), "UINTEGER": sized(4, bin32), "FLOAT": sized(4, bin32),
	"BIGINT": sized(8, bin64), "UBIGINT": sized(8, bin64), "DOUBLE": sized(8, bin64), "TIME": sized(8, bin64),
	"DATE": sized(4, binDate), "TIMESTAMP": sized(8, binTimestamp), "TIMESTAMPTZ": sized(8, binTimestamp),
	"INTERVAL": sized(16, binInterval), "UUID": sized(16, binUUID), "BLOB": putBytes,
}

// sized checks that a value has the length that its type has.
func sized(n int, put func(c *cell, i int, v []byte) error) func(*cell, int, []byte) error {
	return func(c *cell, i int, v []byte) error {
		if len(v) != n {
			return malformed(v)
		}
		return put(c, i, v)
	}
}

// Binary says which columns a copy takes in PostgreSQL's binary form.
func (l *Load) Binary() []bool {
	out := make([]bool, len(l.Gen.Types))
	for i, typ := range l.Gen.Types {
		_, ok := binaries[typ]
		out[i] = ok || strings.HasPrefix(typ, "DECIMAL") && narrow(typ)
	}
	return out
}

// narrow says that a DECIMAL's digits fit into eight bytes.
func narrow(typ string) bool {
	digits, _, _ := strings.Cut(strings.TrimPrefix(typ, "DECIMAL("), ",")
	return len(digits) == 1 || digits <= "18" && len(digits) == 2
}

func bin32(c *cell, i int, v []byte) error { at(c, i, binary.BigEndian.Uint32(v)); return nil }

func bin64(c *cell, i int, v []byte) error { at(c, i, binary.BigEndian.Uint64(v)); return nil }

// PostgreSQL counts days from 2000 on; DuckDB from 1970.
const pgEpochDays = 10957

func binDate(c *cell, i int, v []byte) error {
	switch days := int32(binary.BigEndian.Uint32(v)); days {
	case math.MaxInt32:
		at(c, i, int32(math.MaxInt32))
	case math.MinInt32:
		at(c, i, int32(-math.MaxInt32))
	default:
		at(c, i, days+pgEpochDays)
	}
	return nil
}

func binTimestamp(c *cell, i int, v []byte) error {
	switch us := int64(binary.BigEndian.Uint64(v)); us {
	case math.MaxInt64:
		at(c, i, int64(math.MaxInt64))
	case math.MinInt64:
		at(c, i, int64(-math.MaxInt64))
	default:
		if us > lastTimestamp {
			return malformed(v)
		}
		at(c, i, us+pgEpoch)
	}
	return nil
}

// lastTimestamp is the last one that DuckDB can hold, as PostgreSQL counts; it is that of parseTimestamp.
const lastTimestamp = math.MaxInt64/86_400_000_000*86_400_000_000 - 1 - pgEpoch

func binInterval(c *cell, i int, v []byte) error {
	at(c, i, result.Span{Micros: int64(binary.BigEndian.Uint64(v)), Days: int32(binary.BigEndian.Uint32(v[8:])), Months: int32(binary.BigEndian.Uint32(v[12:]))})
	return nil
}

func binUUID(c *cell, i int, v []byte) error {
	at(c, i, hugeint{binary.BigEndian.Uint64(v[8:]), int64(binary.BigEndian.Uint64(v) ^ 1<<63)})
	return nil
}

// The sign of a binary numeric; other values are NaN and the infinities.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
)

// powers of ten that fit into eight bytes.
var powers = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// binDecimal reads a numeric of at most 18 digits: their number in groups of four, the first group's weight, the sign, the digits after the point, the groups.
func binDecimal(c *cell, i int, v []byte) error {
	if len(v) < 8 || len(v) != 8+2*int(binary.BigEndian.Uint16(v)) {
		return malformed(v)
	}
	weight, sign := int(int16(binary.BigEndian.Uint16(v[2:]))), binary.BigEndian.Uint16(v[4:])
	if sign != numericPositive && sign != numericNegative {
		return malformed(v)
	}
	n := int64(0)
	for at, e := 8, 4*weight+c.frac; at < len(v); at, e = at+2, e-4 {
		group := int64(binary.BigEndian.Uint16(v[at:]))
		switch {
		case group == 0:
		case e >= len(powers):
			return malformed(v)
		case e >= 0:
			n += group * powers[e]
		case e <= -4 || group%powers[-e] != 0:
			return malformed(v) // more digits after the point than the column has
		default:
			n += group / powers[-e]
		}
	}
	if sign == numericNegative {
		n = -n
	}
	return c.integer(i, n)
}

// fitsBinary is fits for the binary form.
func fitsBinary(duckType string, v []byte) bool {
	switch {
	case strings.HasPrefix(duckType, "DECIMAL"):
		return len(v) < 6 || v[4]&0xC0 != 0xC0
	case strings.HasPrefix(duckType, "TIMESTAMP"):
		us := int64(0)
		if len(v) == 8 {
			us = int64(binary.BigEndian.Uint64(v))
		}
		return us <= lastTimestamp || us == math.MaxInt64
	}
	return true
}
