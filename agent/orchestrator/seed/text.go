package seed

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// appendText encodes a batch in COPY's text format.
func appendText(buf []byte, b *result.Batch, take []int, fields []result.Field) ([]byte, error) {
	for r := range b.Len {
		for n, i := range take {
			if n > 0 {
				buf = append(buf, '\t')
			}
			c := &b.Columns[i]
			if c.Null(r) {
				buf = append(buf, '\\', 'N')
				continue
			}
			var err error
			if buf, err = appendTextValue(buf, c, r, fields[i].TypeOID); err != nil {
				return nil, err
			}
		}
		buf = append(buf, '\n')
	}
	return buf, nil
}

// appendTextValue writes one value as PostgreSQL reads it.
func appendTextValue(buf []byte, c *result.Column, r int, oid uint32) ([]byte, error) {
	switch c.Kind {
	case result.Text, result.Encoded:
		return appendEscaped(buf, c.Bytes[r]), nil
	case result.Bool:
		return append(buf, "ft"[c.Ints[r]&1]), nil
	case result.Int:
		if oid == types.LSN {
			v := uint64(c.Ints[r])
			return fmt.Appendf(buf, "%X/%X", v>>32, uint32(v)), nil
		}
		return strconv.AppendInt(buf, c.Ints[r], 10), nil
	case result.Float:
		bits := 64
		if oid == types.Float4 {
			bits = 32
		}
		return appendFloat(buf, c.Floats[r], bits), nil
	case result.Decimal:
		return append(buf, decimal(c, r)...), nil
	case result.Bytea:
		buf = append(buf, '\\', '\\', 'x')
		return hex.AppendEncode(buf, c.Bytes[r]), nil
	case result.Date:
		return appendDate(buf, c.Ints[r]), nil
	case result.Time:
		return appendClock(buf, c.Ints[r]), nil
	case result.Timestamp:
		return appendTimestamp(buf, c.Ints[r], oid == types.TimestampTZ), nil
	case result.Interval:
		s := c.Intervals[r]
		return fmt.Appendf(buf, "%d mons %d days %d microseconds", s.Months, s.Days, s.Micros), nil
	case result.UUID:
		return hex.AppendEncode(buf, c.Bytes[r]), nil
	}
	return nil, fmt.Errorf("unknown kind %d of a column", c.Kind)
}

// appendEscaped hides the characters that mean something to COPY.
func appendEscaped(buf, v []byte) []byte {
	for _, ch := range v {
		switch ch {
		case '\\':
			buf = append(buf, '\\', '\\')
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, ch)
		}
	}
	return buf
}

// appendFloat writes the shortest text that reads back as the same number.
func appendFloat(buf []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(buf, "NaN"...)
	case math.IsInf(v, 1):
		return append(buf, "Infinity"...)
	case math.IsInf(v, -1):
		return append(buf, "-Infinity"...)
	}
	return strconv.AppendFloat(buf, v, 'g', -1, bits)
}

// decimal writes an unscaled number with its scale; the exponent form is exact and needs no padding.
func decimal(c *result.Column, r int) string {
	var v *big.Int
	if c.Ints != nil {
		v = big.NewInt(c.Ints[r])
	} else {
		v = c.Bigs[r]
	}
	s, sign := v.String(), ""
	if s[0] == '-' {
		s, sign = s[1:], "-"
	}
	if c.Scale == 0 {
		return sign + s
	}
	for len(s) <= c.Scale {
		s = "0" + s
	}
	return sign + s[:len(s)-c.Scale] + "." + s[len(s)-c.Scale:]
}

// epoch is PostgreSQL's.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// infinite writes the infinities of dates and times.
func infinite(buf []byte, v int64) ([]byte, bool) {
	switch v {
	case math.MaxInt64:
		return append(buf, "infinity"...), true
	case math.MinInt64:
		return append(buf, "-infinity"...), true
	}
	return buf, false
}

// appendDate writes days since the epoch; years before 1 carry BC.
func appendDate(buf []byte, days int64) []byte {
	if out, ok := infinite(buf, days); ok {
		return out
	}
	t := time.Unix(epoch.Unix()+days*86400, 0).UTC()
	return appendDay(buf, t, "")
}

// appendDay writes a day and what follows it, then the era.
func appendDay(buf []byte, t time.Time, rest string) []byte {
	year, era := t.Year(), ""
	if year < 1 {
		year, era = 1-year, " BC"
	}
	buf = fmt.Appendf(buf, "%04d-%02d-%02d", year, int(t.Month()), t.Day())
	return append(append(buf, rest...), era...)
}

// appendClock writes microseconds of a day, up to and including 24:00:00.
func appendClock(buf []byte, us int64) []byte {
	s := us / 1e6
	buf = fmt.Appendf(buf, "%02d:%02d:%02d", s/3600, s/60%60, s%60)
	if f := us % 1e6; f != 0 {
		buf = fmt.Appendf(buf, ".%06d", f)
	}
	return buf
}

// appendTimestamp writes microseconds since the epoch.
func appendTimestamp(buf []byte, us int64, zone bool) []byte {
	if out, ok := infinite(buf, us); ok {
		return out
	}
	days, rest := us/86_400_000_000, us%86_400_000_000
	if rest < 0 {
		days, rest = days-1, rest+86_400_000_000
	}
	clock := string(appendClock([]byte{' '}, rest))
	if zone {
		clock += "+00"
	}
	return appendDay(buf, time.Unix(epoch.Unix()+days*86400, 0).UTC(), clock)
}
