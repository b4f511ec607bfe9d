package encode

import (
	"math"
	"strconv"

	"foreshadow/sql/result"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
	epochUnix       = 946_684_800 // 2000-01-01, where PostgreSQL's times begin, in Unix seconds
	epochDays       = 10_957      // the same in days
)

// civil turns days since 2000-01-01 into a date of the proleptic Gregorian calendar; year 0 is 1 BC.
// The method is Howard Hinnant's civil_from_days.
func civil(days int64) (year int64, month, day int) {
	z := days + epochDays + 719_468
	era := floorDiv(z, 146_097)
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// appendPadded writes a number with at least width digits.
func appendPadded(dst []byte, v, width int) []byte {
	for limit := pow10(width - 1); limit > v && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(v), 10)
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// append2 writes two digits.
func append2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// appendInfinity handles the two ends of time; ok is false for any other value.
func appendInfinity(dst []byte, v int64) (out []byte, ok bool) {
	switch v {
	case math.MaxInt64:
		return append(dst, "infinity"...), true
	case math.MinInt64:
		return append(dst, "-infinity"...), true
	}
	return dst, false
}

func textDate(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	if out, ok := appendInfinity(dst, c.Ints[i]); ok {
		return out, nil
	}
	year, month, day := civil(c.Ints[i])
	return e.set.appendDate(dst, year, month, day), nil
}

// appendDate writes a date on its own, in the session's style.
func (s *Settings) appendDate(dst []byte, year int64, month, day int) []byte {
	shown, bc := displayYear(year)
	switch s.style {
	case styleISO:
		dst = appendISODate(dst, shown, month, day)
	case styleGerman:
		dst = appendParts(dst, day, month, shown, '.')
	default:
		sep := byte('/')
		if s.style == stylePostgres {
			sep = '-'
		}
		if s.dayFirst {
			dst = appendParts(dst, day, month, shown, sep)
		} else {
			dst = appendParts(dst, month, day, shown, sep)
		}
	}
	return appendBC(dst, bc)
}

func appendISODate(dst []byte, year, month, day int) []byte {
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(append2(dst, month), '-')
	return append2(dst, day)
}

func appendParts(dst []byte, first, second, year int, sep byte) []byte {
	dst = append(append2(dst, first), sep)
	dst = append(append2(dst, second), sep)
	return appendPadded(dst, year, 4)
}

// displayYear turns the astronomical year into the one that is written, which has no year 0.
func displayYear(year int64) (shown int, bc bool) {
	if year > 0 {
		return int(year), false
	}
	return int(1 - year), true
}

func appendBC(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}

func textTime(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendClock(dst, c.Ints[i]), nil
}

// appendClock writes microseconds of a day as HH:MM:SS with as many decimals as are needed.
func appendClock(dst []byte, micros int64) []byte {
	seconds, fraction := micros/microsPerSecond, micros%microsPerSecond
	dst = append(append2(dst, int(seconds/3600)), ':')
	dst = append(append2(dst, int(seconds/60%60)), ':')
	return appendFraction(append2(dst, int(seconds%60)), fraction)
}

// appendFraction writes the microseconds of a second, without zeros at the end.
func appendFraction(dst []byte, micros int64) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, int(micros), 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func textTimestamp(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	if out, ok := appendInfinity(dst, c.Ints[i]); ok {
		return out, nil
	}
	return e.set.appendMoment(dst, c.Ints[i], false, 0, ""), nil
}

func textTimestampTZ(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	v := c.Ints[i]
	if out, ok := appendInfinity(dst, v); ok {
		return out, nil
	}
	offset, abbrev := e.zone.at(floorDiv(v, microsPerSecond) + epochUnix)
	return e.set.appendMoment(dst, v+int64(offset)*microsPerSecond, true, offset, abbrev), nil
}

// appendMoment writes a local date and time in the session's style, with its zone when zoned.
func (s *Settings) appendMoment(dst []byte, micros int64, zoned bool, offset int, abbrev string) []byte {
	days := floorDiv(micros, microsPerDay)
	clock := micros - days*microsPerDay
	year, month, day := civil(days)
	shown, bc := displayYear(year)
	switch s.style {
	case styleISO:
		dst = append(appendISODate(dst, shown, month, day), ' ')
		dst = appendClock(dst, clock)
		if zoned {
			dst = appendOffset(dst, offset)
		}
		return appendBC(dst, bc)
	case stylePostgres:
		return appendBC(s.appendPostgres(dst, days, clock, zoned, abbrev), bc)
	case styleGerman:
		dst = appendParts(dst, day, month, shown, '.')
	case styleSQL:
		if s.dayFirst {
			dst = appendParts(dst, day, month, shown, '/')
		} else {
			dst = appendParts(dst, month, day, shown, '/')
		}
	}
	dst = appendClock(append(dst, ' '), clock)
	if zoned {
		dst = append(append(dst, ' '), abbrev...)
	}
	return appendBC(dst, bc)
}

// appendPostgres writes the style of old: Wed Dec 17 07:37:16 1997 PST.
func (s *Settings) appendPostgres(dst []byte, days, clock int64, zoned bool, abbrev string) []byte {
	year, month, day := civil(days)
	shown, _ := displayYear(year)
	weekday := int((days%7+7+6)%7) * 3 // 2000-01-01 was a Saturday
	dst = append(append(dst, "SunMonTueWedThuFriSat"[weekday:weekday+3]...), ' ')
	name := "JanFebMarAprMayJunJulAugSepOctNovDec"[month*3-3 : month*3]
	if s.dayFirst {
		dst = append(append(append2(dst, day), ' '), name...)
	} else {
		dst = append2(append(append(dst, name...), ' '), day)
	}
	dst = append(appendClock(append(dst, ' '), clock), ' ')
	dst = appendPadded(dst, shown, 4)
	if zoned {
		dst = append(append(dst, ' '), abbrev...)
	}
	return dst
}

// appendOffset writes seconds east of UTC as +HH, with minutes and seconds when there are any.
func appendOffset(dst []byte, offset int) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append2(append(dst, sign), offset/3600)
	if offset%3600 != 0 {
		dst = append2(append(dst, ':'), offset/60%60)
	}
	if offset%60 != 0 {
		dst = append2(append(dst, ':'), offset%60)
	}
	return dst
}
