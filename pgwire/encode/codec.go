package encode

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// sameBytes says that a type's binary form is its text.
func sameBytes(oid uint32) bool {
	switch oid {
	case types.Text, types.Varchar, types.BPChar, types.Name, types.Unknown, types.JSON, oidChar, oidXML, oidCString, oidRefCursor:
		return true
	}
	return false
}

// versioned says that a type's binary form is its text after a version byte of 1.
func versioned(oid uint32) bool { return oid == types.JSONB || oid == oidJSONPath }

// pickBinaryText chooses how PostgreSQL's text of a type becomes its binary form.
func pickBinaryText(f result.Field) (appendFunc, error) {
	oid := f.TypeOID
	if sameBytes(oid) || f.Enum {
		return encoded, nil
	}
	if fn := textFunc(oid); fn != nil {
		return func(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) { return fn(dst, c.Bytes[i]) }, nil
	}
	if !codecKnows(oid) {
		return nil, noBinary(f)
	}
	return func(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
		if e.types == nil {
			e.types = pgtype.NewMap()
		}
		out, err := appendBinary(e.types, dst, oid, c.Bytes[i])
		if err != nil {
			return dst, sqlerr.New(sqlerr.FeatureNotSupported, "a value of column %q cannot be sent in binary format", f.Name).
				WithHint("Ask for this column in text format, or cast it to text.")
		}
		return out, nil
	}, nil
}

// shared is only read: it says which types pgtype knows.
var shared = pgtype.NewMap()

// codecKnows says whether pgtype can write a type in binary exactly. Types whose codec would lose something are left out.
func codecKnows(oid uint32) bool {
	t, ok := shared.TypeForOID(oid)
	return ok && oid != oidPgNodeTree && t.Codec.FormatSupported(pgtype.BinaryFormatCode)
}

// recode moves a value from one format to the other through pgtype's own types.
func recode(m *pgtype.Map, oid uint32, from, to int16, src, dst []byte) ([]byte, error) {
	t, ok := m.TypeForOID(oid)
	if !ok {
		return dst, sqlerr.New(sqlerr.FeatureNotSupported, "type %d has no binary format here", oid)
	}
	value, err := scanned(m, t, from, src)
	if err != nil {
		return dst, err
	}
	out, err := m.Encode(oid, to, value, dst)
	if err == nil && out == nil {
		err = sqlerr.New(sqlerr.Internal, "a value of type %d became NULL", oid)
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}

// scanned reads a value. The types of time have their own Go types, because a plain time cannot be infinite.
func scanned(m *pgtype.Map, t *pgtype.Type, format int16, src []byte) (any, error) {
	switch t.OID {
	case types.Date:
		var v pgtype.Date
		err := m.Scan(t.OID, format, src, &v)
		return v, err
	case types.Timestamp:
		var v pgtype.Timestamp
		err := m.Scan(t.OID, format, src, &v)
		return v, err
	case types.TimestampTZ:
		var v pgtype.Timestamptz
		err := m.Scan(t.OID, format, src, &v)
		return v, err
	}
	return t.Codec.DecodeValue(m, t.OID, format, src)
}

// appendTimeTZ writes a time with its offset; PostgreSQL counts that in seconds to the west.
func appendTimeTZ(dst, text []byte) ([]byte, error) {
	micros, west, ok := parseTimeTZ(string(text))
	if !ok {
		return dst, notPostgres("time with time zone")
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(micros))
	return binary.BigEndian.AppendUint32(dst, uint32(int32(west))), nil
}

// parseTimeTZ reads HH:MM:SS[.ffffff]±HH[:MM[:SS]].
func parseTimeTZ(s string) (micros int64, west int, ok bool) {
	at := strings.LastIndexAny(s, "+-")
	if at < 0 {
		return 0, 0, false
	}
	clock, fraction, _ := strings.Cut(s[:at], ".")
	seconds, ok := parseClock(clock)
	if !ok || len(fraction) > 6 {
		return 0, 0, false
	}
	if fraction != "" {
		f, err := strconv.Atoi(fraction + "000000"[len(fraction):])
		if err != nil || f < 0 {
			return 0, 0, false
		}
		micros = int64(f)
	}
	west, ok = parseClock(s[at+1:])
	if s[at] == '+' {
		west = -west
	}
	return micros + int64(seconds)*microsPerSecond, west, ok
}

// parseClock reads HH[:MM[:SS]] as seconds.
func parseClock(s string) (seconds int, ok bool) {
	unit := 3600
	for part := range strings.SplitSeq(s, ":") {
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 || unit == 0 {
			return 0, false
		}
		seconds += v * unit
		unit /= 60
	}
	return seconds, true
}
