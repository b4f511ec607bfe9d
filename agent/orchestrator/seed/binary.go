package seed

import (
	"encoding/binary"
	"fmt"
	"math"

	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// binaryOK says whether values of a field can be written in COPY's binary format for a column. A field whose type is not
// the column's own is written as text, and so is its whole table: the format belongs to the COPY, not to a column.
func binaryOK(f result.Field, c *column) bool {
	if f.TypeOID != c.base {
		return false
	}
	switch f.TypeOID {
	case types.Bool, types.Int2, types.Int4, types.Int8, types.OID, types.LSN, types.Float4, types.Float8, types.Bytea, types.Date, types.Time,
		types.Timestamp, types.TimestampTZ, types.Interval, types.UUID, types.Text, types.Varchar, types.BPChar, types.JSON, types.JSONB, types.Name:
		return true
	}
	if f.TypeOID == types.Numeric {
		t := types.Of(f.TypeOID, f.TypMod)
		return t.Kind == result.Decimal
	}
	return false
}

// appendBinary encodes a batch in COPY's binary format.
func appendBinary(buf []byte, b *result.Batch, take []int, fields []result.Field) ([]byte, error) {
	for r := range b.Len {
		buf = binary.BigEndian.AppendUint16(buf, uint16(len(take)))
		for _, i := range take {
			c := &b.Columns[i]
			if c.Null(r) {
				buf = append(buf, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			at := len(buf)
			buf = append(buf, 0, 0, 0, 0)
			var err error
			if buf, err = appendBinaryValue(buf, c, r, fields[i].TypeOID); err != nil {
				return nil, err
			}
			binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
		}
	}
	return buf, nil
}

// appendBinaryValue writes one value as its type's receive function reads it.
func appendBinaryValue(buf []byte, c *result.Column, r int, oid uint32) ([]byte, error) {
	switch c.Kind {
	case result.Text:
		if oid == types.JSONB {
			buf = append(buf, 1)
		}
		if known(oid) {
			return append(buf, c.Bytes[r]...), nil
		}
	case result.Bytea, result.UUID:
		return append(buf, c.Bytes[r]...), nil
	case result.Bool:
		return append(buf, byte(c.Ints[r]&1)), nil
	case result.Int:
		return appendInt(buf, c.Ints[r], oid), nil
	case result.Float:
		if oid == types.Float4 {
			return binary.BigEndian.AppendUint32(buf, math.Float32bits(float32(c.Floats[r]))), nil
		}
		return binary.BigEndian.AppendUint64(buf, math.Float64bits(c.Floats[r])), nil
	case result.Decimal:
		return appendNumeric(buf, decimal(c, r), c.Scale), nil
	case result.Date:
		return binary.BigEndian.AppendUint32(buf, uint32(day(c.Ints[r]))), nil
	case result.Time, result.Timestamp:
		return binary.BigEndian.AppendUint64(buf, uint64(c.Ints[r])), nil
	case result.Interval:
		s := c.Intervals[r]
		buf = binary.BigEndian.AppendUint64(buf, uint64(s.Micros))
		buf = binary.BigEndian.AppendUint32(buf, uint32(s.Days))
		return binary.BigEndian.AppendUint32(buf, uint32(s.Months)), nil
	}
	return nil, fmt.Errorf("type %d does not travel as kind %d", oid, c.Kind)
}

// known are the types whose binary form is their text.
func known(oid uint32) bool {
	switch oid {
	case types.Text, types.Varchar, types.BPChar, types.JSON, types.JSONB, types.Name:
		return true
	}
	return false
}

// appendInt writes an integer in its type's width.
func appendInt(buf []byte, v int64, oid uint32) []byte {
	switch oid {
	case types.Int2:
		return binary.BigEndian.AppendUint16(buf, uint16(v))
	case types.Int4, types.OID:
		return binary.BigEndian.AppendUint32(buf, uint32(v))
	}
	return binary.BigEndian.AppendUint64(buf, uint64(v))
}

// day narrows days to the four bytes of a date, infinities included.
func day(v int64) int32 {
	switch v {
	case math.MaxInt64:
		return math.MaxInt32
	case math.MinInt64:
		return math.MinInt32
	}
	return int32(v)
}

// appendNumeric writes a decimal text as PostgreSQL's groups of four digits.
func appendNumeric(buf []byte, s string, scale int) []byte {
	sign := uint16(0)
	if s[0] == '-' {
		sign, s = 0x4000, s[1:]
	}
	point := len(s)
	if scale > 0 {
		point = len(s) - scale - 1
	}
	digit := func(i int) int { // of weight 10^(point-1-i); zero beyond the text
		if i < 0 {
			return 0
		}
		if i >= point {
			i++
		}
		if i >= len(s) {
			return 0
		}
		return int(s[i] - '0')
	}
	weight := (point+3)/4 - 1
	var groups [128]uint16
	n, first := 0, point-4*(weight+1)
	for i := first; i < point+scale && n < len(groups); i += 4 {
		groups[n] = uint16(digit(i)*1000 + digit(i+1)*100 + digit(i+2)*10 + digit(i+3))
		n++
	}
	lead := 0
	for lead < n && groups[lead] == 0 {
		lead++
		weight--
	}
	for n > lead && groups[n-1] == 0 {
		n--
	}
	if n == lead {
		weight, sign = 0, 0
	}
	buf = binary.BigEndian.AppendUint16(buf, uint16(n-lead))
	buf = binary.BigEndian.AppendUint16(buf, uint16(int16(weight)))
	buf = binary.BigEndian.AppendUint16(buf, sign)
	buf = binary.BigEndian.AppendUint16(buf, uint16(scale))
	for _, g := range groups[lead:n] {
		buf = binary.BigEndian.AppendUint16(buf, g)
	}
	return buf
}
