package encode

import (
	"encoding/binary"
	"math"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// The OIDs of types that have a binary form here and no row in sql/types.
const (
	oidChar       = 18
	oidXID        = 28
	oidCID        = 29
	oidXML        = 142
	oidTimeTZ     = 1266
	oidRefCursor  = 1790
	oidCString    = 2275
	oidJSONPath   = 4072
	oidXID8       = 5069
	oidPgNodeTree = 194
)

// pickBinary chooses the binary form of a kind for the announced type.
func pickBinary(kind result.Kind, f result.Field) (appendFunc, error) {
	if kind == result.Text {
		return pickBinaryText(f)
	}
	if kind == result.Decimal && f.TypeOID == types.Numeric {
		return binaryDecimal, nil
	}
	if kind == result.Int {
		if fn := pickBinaryInt(f.TypeOID); fn != nil {
			return fn, nil
		}
	}
	switch [2]uint32{uint32(kind), f.TypeOID} {
	case [2]uint32{uint32(result.Bool), types.Bool}:
		return binaryBool, nil
	case [2]uint32{uint32(result.Float), types.Float4}:
		return binaryFloat4, nil
	case [2]uint32{uint32(result.Float), types.Float8}:
		return binaryFloat8, nil
	case [2]uint32{uint32(result.Bytea), types.Bytea}:
		return encoded, nil
	case [2]uint32{uint32(result.Date), types.Date}:
		return binaryDate, nil
	case [2]uint32{uint32(result.Time), types.Time}, [2]uint32{uint32(result.Timestamp), types.Timestamp},
		[2]uint32{uint32(result.Timestamp), types.TimestampTZ}:
		return binaryInt8, nil
	case [2]uint32{uint32(result.Interval), types.Interval}:
		return binaryInterval, nil
	case [2]uint32{uint32(result.UUID), types.UUID}:
		return encoded, nil
	}
	return nil, noBinary(f)
}

// Binary says whether values of a column can be written in binary format, in whichever kind they come.
func Binary(f result.Field) bool {
	for kind := result.Text; kind < result.Encoded; kind++ {
		if _, err := pickBinary(kind, f); err == nil {
			return true
		}
	}
	return false
}

// noBinary refuses a binary column rather than put other bytes into it.
func noBinary(f result.Field) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "column %q of type %d cannot be sent in binary format", f.Name, f.TypeOID).
		WithHint("Ask for this column in text format, or cast it to text.")
}

// pickBinaryInt chooses the width of an integer.
func pickBinaryInt(oid uint32) appendFunc {
	switch oid {
	case types.Int8, types.LSN, oidXID8:
		return binaryInt8
	case types.Int4:
		return binaryInt4
	case types.Int2:
		return binaryInt2
	case types.OID, oidXID, oidCID:
		return binaryUint4
	case types.Numeric:
		return binaryIntNumeric
	}
	return nil
}

func binaryBool(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	if c.Ints[i] != 0 {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func binaryInt8(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(c.Ints[i])), nil
}

func binaryInt4(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := c.Ints[i]
	if v < math.MinInt32 || v > math.MaxInt32 {
		return dst, sqlerr.New(sqlerr.NumericOutOfRange, "integer out of range")
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func binaryInt2(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := c.Ints[i]
	if v < math.MinInt16 || v > math.MaxInt16 {
		return dst, sqlerr.New(sqlerr.NumericOutOfRange, "smallint out of range")
	}
	return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
}

func binaryUint4(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := c.Ints[i]
	if v < 0 || v > math.MaxUint32 {
		return dst, sqlerr.New(sqlerr.NumericOutOfRange, "OID out of range")
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func binaryFloat4(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(c.Floats[i]))), nil
}

func binaryFloat8(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(c.Floats[i])), nil
}

// binaryDate writes days; the infinities are the ends of the 32-bit range there.
func binaryDate(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := min(max(c.Ints[i], math.MinInt32), math.MaxInt32)
	return binary.BigEndian.AppendUint32(dst, uint32(int32(v))), nil
}

func binaryInterval(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := c.Intervals[i]
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.Micros))
	dst = binary.BigEndian.AppendUint32(dst, uint32(v.Days))
	return binary.BigEndian.AppendUint32(dst, uint32(v.Months)), nil
}
