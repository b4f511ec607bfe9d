package shadow

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	duck "github.com/duckdb/duckdb-go-bindings"

	"foreshadow/sql/result"
)

// putters has a row for each DuckDB type that holds a column: it reads PostgreSQL's text form as it looks with DateStyle ISO,
// IntervalStyle postgres, bytea_output hex and time zone UTC, and never alters a value.
var putters = map[string]func(c *cell, i int, v []byte) error{
	"BOOLEAN": putBool, "BLOB": putBytea, "VARCHAR": putText, "UUID": putUUID,
	"SMALLINT": putInt[int16](), "INTEGER": putInt[int32](), "BIGINT": putInt[int64](),
	"UINTEGER": putOID, "UBIGINT": putLSN,
	"FLOAT": putFloat[float32](32), "DOUBLE": putFloat[float64](64),
	"DATE": putDate, "TIME": putTime, "TIMESTAMP": putTimestamp, "TIMESTAMPTZ": putTimestamp, "INTERVAL": putInterval,
}

// errText says that a text is not in the form that its type has on the stream.
var errText = errors.New("unexpected text form")

func malformed(v []byte) error { return fmt.Errorf("%w of %d bytes", errText, len(v)) }

func putText(c *cell, i int, v []byte) error {
	if !utf8.Valid(v) {
		v = octal(v, `\`)
	}
	return putBytes(c, i, v)
}

// octal writes each byte that is no UTF-8, which DuckDB's strings cannot have, as PostgreSQL 16 shows such a "char": a backslash and three digits.
func octal(v []byte, backslash string) []byte {
	out := make([]byte, 0, 4*len(v))
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		if r == utf8.RuneError && n == 1 {
			out = fmt.Appendf(out, "%s%03o", backslash, v[0])
		} else {
			out = append(out, v[:n]...)
		}
		v = v[n:]
	}
	return out
}

// putBytes sets a string as it is. No call into C is made unless it is very long.
func putBytes(c *cell, i int, v []byte) error {
	switch {
	case len(v) <= len(short{}.bytes):
		s := short{size: uint32(len(v))}
		copy(s.bytes[:], v)
		at(c, i, s)
	case len(v) <= blockSize/4:
		s := long{size: uint32(len(v)), at: c.long.keep(v)}
		copy(s.prefix[:], v)
		at(c, i, s)
	default:
		duck.UnsafeVectorAssignStringElementLen(c.vec, duck.IdxT(i), v)
	}
	return nil
}

func putBool(c *cell, i int, v []byte) error {
	at(c, i, len(v) > 0 && v[0] == 't')
	return nil
}

func putBytea(c *cell, i int, v []byte) error {
	if len(v) < 2 || v[0] != '\\' || v[1] != 'x' {
		return malformed(v)
	}
	b := make([]byte, hex.DecodedLen(len(v)-2))
	if _, err := hex.Decode(b, v[2:]); err != nil {
		return malformed(v)
	}
	return putBytes(c, i, b)
}

func putUUID(c *cell, i int, v []byte) error {
	var b [16]byte
	if _, err := hex.Decode(b[:], bytes.ReplaceAll(v, []byte("-"), nil)); err != nil || len(v) != 36 {
		return malformed(v)
	}
	n := new(big.Int).SetBytes(b[:])
	lower := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	at(c, i, hugeint{lower, int64(n.Rsh(n, 64).Uint64() ^ 1<<63)})
	return nil
}

func putInt[T int16 | int32 | int64]() func(*cell, int, []byte) error {
	return func(c *cell, i int, v []byte) error {
		n, ok := parseInt(v)
		if !ok || n != int64(T(n)) {
			return malformed(v)
		}
		at(c, i, T(n))
		return nil
	}
}

// parseInt reads a decimal integer without a copy of its text, as long as it is not near the end of the range.
func parseInt(v []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(v, []byte("-"))
	if len(digits) == 0 || len(digits) > 18 {
		n, err := strconv.ParseInt(text(v), 10, 64)
		return n, err == nil
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(v) {
		n = -n
	}
	return n, true
}

func putOID(c *cell, i int, v []byte) error {
	n, err := strconv.ParseUint(text(v), 10, 32)
	if err != nil {
		return malformed(v)
	}
	at(c, i, uint32(n))
	return nil
}

func putLSN(c *cell, i int, v []byte) error {
	hi, lo, ok := strings.Cut(text(v), "/")
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return malformed(v)
	}
	at(c, i, h<<32|l)
	return nil
}

func putFloat[T float32 | float64](bits int) func(*cell, int, []byte) error {
	return func(c *cell, i int, v []byte) error {
		f, err := strconv.ParseFloat(text(v), bits)
		if err != nil {
			return malformed(v)
		}
		at(c, i, T(f))
		return nil
	}
}

// putDecimal reads a numeric of at most 38 digits whose text has exactly the column's scale.
func putDecimal(c *cell, i int, v []byte) error {
	whole, frac, _ := strings.Cut(text(v), ".")
	if len(frac) > c.frac {
		return malformed(v)
	}
	digits := whole + frac + strings.Repeat("0", c.frac-len(frac))
	if len(digits) <= 18 {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return malformed(v)
		}
		return c.integer(i, n)
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return malformed(v)
	}
	if c.size <= 8 {
		return c.integer(i, n.Int64())
	}
	lower := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	at(c, i, hugeint{lower, n.Rsh(n, 64).Int64()})
	return nil
}

func (c *cell) integer(i int, n int64) error {
	switch c.size {
	case 2:
		at(c, i, int16(n))
	case 4:
		at(c, i, int32(n))
	case 8:
		at(c, i, n)
	default:
		at(c, i, hugeint{uint64(n), n >> 63})
	}
	return nil
}

func putDate(c *cell, i int, v []byte) error {
	s := text(v)
	switch s {
	case "infinity":
		at(c, i, int32(math.MaxInt32))
		return nil
	case "-infinity":
		at(c, i, int32(-math.MaxInt32))
		return nil
	}
	s, bc := strings.CutSuffix(s, " BC")
	days, ok := parseDate(s, bc)
	if !ok {
		return malformed(v)
	}
	at(c, i, int32(days))
	return nil
}

// parseDate gives days since 1970-01-01 in the proleptic Gregorian calendar.
func parseDate(s string, bc bool) (int64, bool) {
	y, rest, ok1 := strings.Cut(s, "-")
	m, d, ok2 := strings.Cut(rest, "-")
	year, err1 := strconv.ParseInt(y, 10, 32)
	month, err2 := strconv.ParseInt(m, 10, 8)
	day, err3 := strconv.ParseInt(d, 10, 8)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || err3 != nil {
		return 0, false
	}
	if bc {
		year = 1 - year
	}
	return civil(year, month, day), true
}

// civil counts days from 1970-01-01, by Howard Hinnant's days_from_civil.
func civil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

func putTime(c *cell, i int, v []byte) error {
	us, ok := parseClock(text(v))
	if !ok {
		return malformed(v)
	}
	at(c, i, us)
	return nil
}

// parseClock reads [-]hh:mm:ss[.ffffff] as microseconds.
func parseClock(s string) (int64, bool) {
	s, neg := strings.CutPrefix(s, "-")
	s = strings.TrimPrefix(s, "+")
	h, rest, ok1 := strings.Cut(s, ":")
	m, sec, ok2 := strings.Cut(rest, ":")
	sec, frac, _ := strings.Cut(sec, ".")
	if !ok1 || !ok2 || len(frac) > 6 {
		return 0, false
	}
	hh, err1 := strconv.ParseInt(h, 10, 64)
	mm, err2 := strconv.ParseInt(m, 10, 64)
	ss, err3 := strconv.ParseInt(sec, 10, 64)
	us, err4 := strconv.ParseInt((frac + "000000")[:6], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return 0, false
	}
	n := ((hh*60+mm)*60+ss)*1_000_000 + us
	if neg {
		n = -n
	}
	return n, true
}

func putTimestamp(c *cell, i int, v []byte) error {
	us, ok := parseTimestamp(text(v))
	if !ok {
		return malformed(v)
	}
	at(c, i, us)
	return nil
}

// parseTimestamp gives microseconds since 1970; it is not ok beyond DuckDB's range. A time zone can only be UTC.
func parseTimestamp(s string) (int64, bool) {
	switch s {
	case "infinity":
		return math.MaxInt64, true
	case "-infinity":
		return -math.MaxInt64, true
	}
	s, bc := strings.CutSuffix(s, " BC")
	s = strings.TrimSuffix(s, "+00")
	date, clock, ok := strings.Cut(s, " ")
	if !ok {
		return 0, false
	}
	days, ok1 := parseDate(date, bc)
	us, ok2 := parseClock(clock)
	const perDay = 86_400_000_000
	if !ok1 || !ok2 || days > (math.MaxInt64-us)/perDay-1 {
		return 0, false
	}
	return days*perDay + us, true
}

func putInterval(c *cell, i int, v []byte) error {
	sp, ok := parseInterval(text(v))
	if !ok {
		return malformed(v)
	}
	at(c, i, sp)
	return nil
}

// parseInterval reads IntervalStyle postgres. The infinities are held as PostgreSQL holds them, in three extreme parts.
func parseInterval(s string) (sp result.Span, ok bool) {
	switch s {
	case "infinity":
		return result.Span{Months: math.MaxInt32, Days: math.MaxInt32, Micros: math.MaxInt64}, true
	case "-infinity":
		return result.Span{Months: math.MinInt32, Days: math.MinInt32, Micros: math.MinInt64}, true
	}
	words := strings.Fields(s)
	for j := 0; j < len(words); j++ {
		if strings.Contains(words[j], ":") {
			if sp.Micros, ok = parseClock(words[j]); !ok {
				return sp, false
			}
			continue
		}
		n, err := strconv.ParseInt(words[j], 10, 32)
		if err != nil || j+1 == len(words) {
			return sp, false
		}
		j++
		switch strings.TrimSuffix(words[j], "s") {
		case "year":
			sp.Months += int32(n) * 12
		case "mon":
			sp.Months += int32(n)
		case "day":
			sp.Days += int32(n)
		default:
			return sp, false
		}
	}
	return sp, len(words) > 0
}

// fits says whether a DuckDB type can hold a value. Those that it cannot are rare: NaN in a DECIMAL, and timestamps after the year 294246.
func fits(duckType string, v []byte) bool {
	switch {
	case strings.HasPrefix(duckType, "DECIMAL"):
		return len(v) == 0 || v[0] != 'N' && v[0] != 'I' && !bytes.HasPrefix(v, []byte("-I"))
	case duckType == "TIMESTAMP" || duckType == "TIMESTAMPTZ":
		if len(v) > 4 && v[4] == '-' { // a year of four digits
			return true
		}
		_, ok := parseTimestamp(text(v))
		return ok
	}
	return true
}

func text(b []byte) string { return string(b) }
