package encode

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/sql/types"
)

// appendBinary writes PostgreSQL's text of any value in the binary form of its type: scalars, arrays and ranges of them.
func appendBinary(m *pgtype.Map, dst []byte, oid uint32, text []byte) ([]byte, error) {
	if fn := textFunc(oid); fn != nil {
		return fn(dst, text)
	}
	if t, ok := m.TypeForOID(oid); ok {
		switch codec := t.Codec.(type) {
		case *pgtype.ArrayCodec:
			return appendArray(m, dst, codec.ElementType.OID, text)
		case *pgtype.RangeCodec:
			return appendRange(m, dst, codec.ElementType.OID, text)
		}
	}
	return recode(m, oid, pgtype.TextFormatCode, pgtype.BinaryFormatCode, text, dst)
}

// textFunc gives the function of a type that needs no codec of pgtype.
func textFunc(oid uint32) func(dst, text []byte) ([]byte, error) {
	switch {
	case sameBytes(oid):
		return func(dst, text []byte) ([]byte, error) { return append(dst, text...), nil }
	case versioned(oid):
		return func(dst, text []byte) ([]byte, error) { return append(append(dst, 1), text...), nil }
	}
	switch oid {
	case types.Numeric:
		return appendNumeric
	case oidTimeTZ:
		return appendTimeTZ
	case oidInet:
		return func(dst, text []byte) ([]byte, error) { return appendInet(dst, text, 0) }
	case oidCIDR:
		return func(dst, text []byte) ([]byte, error) { return appendInet(dst, text, 1) }
	case types.Int8, types.Int4, types.Int2, types.OID, oidXID, oidCID, oidXID8:
		return func(dst, text []byte) ([]byte, error) { return appendDigits(dst, text, oid) }
	case types.Float4, types.Float8:
		return func(dst, text []byte) ([]byte, error) { return appendFloatBits(dst, text, oid) }
	case types.Bool:
		return appendBool
	case types.Bytea:
		return appendBytea
	}
	return nil
}

// appendDigits writes an integer of the type's width.
func appendDigits(dst, text []byte, oid uint32) ([]byte, error) {
	switch oid {
	case oidXID8:
		v, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return dst, notPostgres("number")
		}
		return binary.BigEndian.AppendUint64(dst, v), nil
	case types.OID, oidXID, oidCID:
		v, err := strconv.ParseUint(string(text), 10, 32)
		if err != nil {
			return dst, notPostgres("number")
		}
		return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
	}
	size := map[uint32]int{types.Int8: 64, types.Int4: 32, types.Int2: 16}[oid]
	v, err := strconv.ParseInt(string(text), 10, size)
	if err != nil {
		return dst, notPostgres("number")
	}
	switch size {
	case 64:
		return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
	case 32:
		return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
	}
	return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
}

// appendFloatBits writes a float; Go reads NaN and Infinity as PostgreSQL writes them.
func appendFloatBits(dst, text []byte, oid uint32) ([]byte, error) {
	size := 64
	if oid == types.Float4 {
		size = 32
	}
	v, err := strconv.ParseFloat(string(text), size)
	if err != nil {
		return dst, notPostgres("float")
	}
	if size == 32 {
		bits := math.Float32bits(float32(v))
		if math.IsNaN(v) {
			bits = 0x7fc00000
		}
		return binary.BigEndian.AppendUint32(dst, bits), nil
	}
	bits := math.Float64bits(v)
	if math.IsNaN(v) {
		bits = 0x7ff8000000000000 // Go's own NaN has one bit more
	}
	return binary.BigEndian.AppendUint64(dst, bits), nil
}

func appendBool(dst, text []byte) ([]byte, error) {
	switch string(text) {
	case "t", "true":
		return append(dst, 1), nil
	case "f", "false":
		return append(dst, 0), nil
	}
	return dst, notPostgres("boolean")
}

// appendBytea reads the hexadecimal form; the older one is never asked for here.
func appendBytea(dst, text []byte) ([]byte, error) {
	if len(text) < 2 || text[0] != '\\' || text[1] != 'x' {
		return dst, notPostgres("bytea")
	}
	out, err := hex.AppendDecode(dst, text[2:])
	if err != nil {
		return dst, notPostgres("bytea")
	}
	return out, nil
}
