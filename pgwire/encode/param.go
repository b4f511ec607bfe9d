package encode

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// iso is how parameters are written: PostgreSQL and DuckDB read it whatever the session's settings are.
var iso = &Settings{Location: time.UTC}

// ParamText gives a bound parameter as PostgreSQL's text; nil is NULL. Moments with a zone are written in UTC.
// Errors are for the user: 22P03 for bytes that are not of the type, 22021 for text that is not UTF-8, 0A000 for a type without a binary form here.
func ParamText(oid uint32, format int16, value []byte) (*string, error) {
	if value == nil {
		return nil, nil
	}
	switch {
	case format == 0 || format == 1 && sameBytes(oid):
		return checkedText(value)
	case format != 1:
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", format)
	case versioned(oid):
		if len(value) == 0 || value[0] != 1 {
			return nil, badBinary(oid)
		}
		return checkedText(value[1:])
	}
	text, err := binaryText(oid, value)
	if err != nil {
		return nil, err
	}
	s := string(text)
	return &s, nil
}

// badBinary is PostgreSQL's error for a parameter whose bytes do not fit its type.
func badBinary(oid uint32) error {
	return sqlerr.New("22P03", "incorrect binary data format for a parameter of type %d", oid)
}

// checkedText refuses what PostgreSQL would refuse as text.
func checkedText(value []byte) (*string, error) {
	if at := bytes.IndexByte(value, 0); at >= 0 {
		return nil, sqlerr.New("22021", `invalid byte sequence for encoding "UTF8": 0x00`)
	}
	if !utf8.Valid(value) {
		return nil, sqlerr.New("22021", `invalid byte sequence for encoding "UTF8"`)
	}
	s := string(value)
	return &s, nil
}

// binaryText decodes one binary value.
func binaryText(oid uint32, v []byte) ([]byte, error) {
	if size := fixedSize(oid); size > 0 && len(v) != size {
		return nil, badBinary(oid)
	}
	switch oid {
	case types.Bool:
		if v[0] != 0 {
			return []byte("true"), nil
		}
		return []byte("false"), nil
	case types.Int2:
		return strconv.AppendInt(nil, int64(int16(binary.BigEndian.Uint16(v))), 10), nil
	case types.Int4:
		return strconv.AppendInt(nil, int64(int32(binary.BigEndian.Uint32(v))), 10), nil
	case types.Int8:
		return strconv.AppendInt(nil, int64(binary.BigEndian.Uint64(v)), 10), nil
	case types.OID, oidXID, oidCID:
		return strconv.AppendUint(nil, uint64(binary.BigEndian.Uint32(v)), 10), nil
	case oidXID8:
		return strconv.AppendUint(nil, binary.BigEndian.Uint64(v), 10), nil
	case types.LSN:
		return appendLSN(nil, binary.BigEndian.Uint64(v)), nil
	case types.Float4:
		return appendFloat(nil, float64(math.Float32frombits(binary.BigEndian.Uint32(v))), float4), nil
	case types.Float8:
		return appendFloat(nil, math.Float64frombits(binary.BigEndian.Uint64(v)), float8), nil
	case types.Numeric:
		return numericText(nil, v)
	case types.Bytea:
		return hex.AppendEncode([]byte(`\x`), v), nil
	case types.UUID:
		return appendUUID(nil, v), nil
	case types.Date, types.Time, types.Timestamp, types.TimestampTZ, types.Interval, oidTimeTZ:
		if (oid == types.Time || oid == oidTimeTZ) && binary.BigEndian.Uint64(v) > microsPerDay {
			return nil, sqlerr.New("22008", "time out of range")
		}
		return timeText(oid, v), nil
	}
	m := pgtype.NewMap()
	if t, ok := m.TypeForOID(oid); ok {
		switch codec := t.Codec.(type) {
		case *pgtype.ArrayCodec:
			return arrayText(v, codec.ElementType.OID)
		case *pgtype.RangeCodec:
			return rangeText(v, codec.ElementType.OID)
		}
	}
	out, err := recode(m, oid, pgtype.BinaryFormatCode, pgtype.TextFormatCode, v, []byte{})
	switch {
	case err == nil:
		return out, nil
	case !codecKnows(oid):
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "a parameter of type %d cannot be read in binary format", oid).
			WithHint("Send this parameter as text.")
	}
	return nil, badBinary(oid)
}

// fixedSize is the length that a binary value must have; 0 means any.
func fixedSize(oid uint32) int {
	switch oid {
	case types.Bool:
		return 1
	case types.Int2:
		return 2
	case types.Int4, types.OID, oidXID, oidCID, types.Float4, types.Date:
		return 4
	case types.Int8, oidXID8, types.LSN, types.Float8, types.Time, types.Timestamp, types.TimestampTZ:
		return 8
	case oidTimeTZ:
		return 12
	case types.UUID, types.Interval:
		return 16
	}
	return 0
}

// timeText decodes the types of time; v has the right length.
func timeText(oid uint32, v []byte) []byte {
	if oid == types.Date {
		days := int64(int32(binary.BigEndian.Uint32(v)))
		switch days {
		case math.MaxInt32:
			return []byte("infinity")
		case math.MinInt32:
			return []byte("-infinity")
		}
		year, month, day := civil(days)
		return iso.appendDate(nil, year, month, day)
	}
	micros := int64(binary.BigEndian.Uint64(v))
	switch oid {
	case types.Interval:
		days, months := int32(binary.BigEndian.Uint32(v[8:])), int32(binary.BigEndian.Uint32(v[12:]))
		return appendInterval(nil, result.Span{Months: months, Days: days, Micros: micros}, intervalPostgres)
	case types.Time:
		return appendClock(nil, micros)
	case oidTimeTZ:
		return appendOffset(appendClock(nil, micros), -int(int32(binary.BigEndian.Uint32(v[8:]))))
	}
	if out, ok := appendInfinity(nil, micros); ok {
		return out
	}
	return iso.appendMoment(nil, micros, oid == types.TimestampTZ, 0, "UTC")
}
