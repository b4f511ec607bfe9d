package encode

import (
	"math"
	"strconv"

	"foreshadow/sql/result"
)

// span is an interval broken into the fields that are written; each has its own sign.
type span struct {
	year, mon, day    int64
	hour, min, sec    int64
	fraction          int64 // microseconds, with the sign of the time
	started, negative bool  // of what was written so far
}

func textInterval(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return appendInterval(dst, c.Intervals[i], e.set.interval), nil
}

// appendInterval writes an interval as PostgreSQL's EncodeInterval does.
func appendInterval(dst []byte, v result.Span, style intervalStyle) []byte {
	switch {
	case v.Months == math.MaxInt32 && v.Days == math.MaxInt32 && v.Micros == math.MaxInt64:
		return append(dst, "infinity"...)
	case v.Months == math.MinInt32 && v.Days == math.MinInt32 && v.Micros == math.MinInt64:
		return append(dst, "-infinity"...)
	}
	seconds := v.Micros / microsPerSecond
	s := &span{
		year: int64(v.Months / 12), mon: int64(v.Months % 12), day: int64(v.Days),
		hour: seconds / 3600, min: seconds / 60 % 60, sec: seconds % 60, fraction: v.Micros % microsPerSecond,
	}
	switch style {
	case intervalVerbose:
		return s.verbose(dst)
	case intervalStandard:
		return s.standard(dst)
	case intervalISO:
		return s.iso(dst)
	}
	return s.postgres(dst)
}

func (s *span) timeIsZero() bool     { return s.hour == 0 && s.min == 0 && s.sec == 0 && s.fraction == 0 }
func (s *span) timeIsNegative() bool { return s.hour < 0 || s.min < 0 || s.sec < 0 || s.fraction < 0 }

// seconds writes the seconds without their sign, with two digits before the point if fill.
func (s *span) seconds(dst []byte, fill bool) []byte {
	width := 1
	if fill {
		width = 2
	}
	return appendFraction(appendPadded(dst, int(abs(s.sec)), width), abs(s.fraction))
}

func (s *span) postgres(dst []byte) []byte {
	dst = s.postgresPart(dst, s.year, "year")
	dst = s.postgresPart(dst, s.mon, "mon")
	dst = s.postgresPart(dst, s.day, "day")
	if s.started && s.timeIsZero() {
		return dst
	}
	if s.started {
		dst = append(dst, ' ')
	}
	if s.timeIsNegative() {
		dst = append(dst, '-')
	} else if s.negative {
		dst = append(dst, '+')
	}
	dst = append(appendPadded(dst, int(abs(s.hour)), 2), ':')
	dst = append(appendPadded(dst, int(abs(s.min)), 2), ':')
	return s.seconds(dst, true)
}

// postgresPart writes one part; a positive one after a negative one has a plus sign.
func (s *span) postgresPart(dst []byte, v int64, unit string) []byte {
	if v == 0 {
		return dst
	}
	if s.started {
		dst = append(dst, ' ')
	}
	if s.negative && v > 0 {
		dst = append(dst, '+')
	}
	s.started, s.negative = true, v < 0
	return appendUnit(dst, v, unit)
}

// appendUnit writes a count and its unit, with an s unless the count is 1.
func appendUnit(dst []byte, v int64, unit string) []byte {
	dst = append(append(strconv.AppendInt(dst, v, 10), ' '), unit...)
	if v != 1 {
		dst = append(dst, 's')
	}
	return dst
}

func (s *span) verbose(dst []byte) []byte {
	dst = append(dst, '@')
	dst = s.verbosePart(dst, s.year, "year")
	dst = s.verbosePart(dst, s.mon, "mon")
	dst = s.verbosePart(dst, s.day, "day")
	dst = s.verbosePart(dst, s.hour, "hour")
	dst = s.verbosePart(dst, s.min, "min")
	if s.sec != 0 || s.fraction != 0 {
		dst = append(dst, ' ')
		switch minus := s.sec < 0 || s.fraction < 0; {
		case minus && !s.started:
			s.negative = true
		case minus != s.negative:
			dst = append(dst, '-')
		}
		dst = append(s.seconds(dst, false), " sec"...)
		if abs(s.sec) != 1 || s.fraction != 0 {
			dst = append(dst, 's')
		}
		s.started = true
	}
	if !s.started {
		dst = append(dst, " 0"...)
	}
	if s.negative {
		dst = append(dst, " ago"...)
	}
	return dst
}

// verbosePart writes one part; the first decides whether the whole is "ago", and later signs are relative to that.
func (s *span) verbosePart(dst []byte, v int64, unit string) []byte {
	if v == 0 {
		return dst
	}
	if !s.started {
		s.negative = v < 0
	}
	if s.negative {
		v = -v
	}
	s.started = true
	return appendUnit(append(dst, ' '), v, unit)
}

func (s *span) iso(dst []byte) []byte {
	if s.year == 0 && s.mon == 0 && s.day == 0 && s.timeIsZero() {
		return append(dst, "PT0S"...)
	}
	dst = append(dst, 'P')
	dst = isoPart(dst, s.year, 'Y')
	dst = isoPart(dst, s.mon, 'M')
	dst = isoPart(dst, s.day, 'D')
	if s.timeIsZero() {
		return dst
	}
	dst = append(dst, 'T')
	dst = isoPart(dst, s.hour, 'H')
	dst = isoPart(dst, s.min, 'M')
	if s.sec == 0 && s.fraction == 0 {
		return dst
	}
	if s.sec < 0 || s.fraction < 0 {
		dst = append(dst, '-')
	}
	return append(s.seconds(dst, false), 'S')
}

func isoPart(dst []byte, v int64, unit byte) []byte {
	if v == 0 {
		return dst
	}
	return append(strconv.AppendInt(dst, v, 10), unit)
}

func (s *span) standard(dst []byte) []byte {
	negative := s.year < 0 || s.mon < 0 || s.day < 0 || s.timeIsNegative()
	positive := s.year > 0 || s.mon > 0 || s.day > 0 || s.hour > 0 || s.min > 0 || s.sec > 0 || s.fraction > 0
	months := s.year != 0 || s.mon != 0
	days := s.day != 0 || !s.timeIsZero()
	switch {
	case !negative && !positive:
		return append(dst, '0')
	case negative && positive || months && days:
		return s.standardMixed(dst)
	case negative:
		dst = append(dst, '-')
	}
	if months {
		dst = append(strconv.AppendInt(dst, abs(s.year), 10), '-')
		return strconv.AppendInt(dst, abs(s.mon), 10)
	}
	if s.day != 0 {
		dst = append(strconv.AppendInt(dst, abs(s.day), 10), ' ')
	}
	return s.standardClock(dst)
}

// standardMixed writes all three parts, each with its sign, for what the SQL standard has no literal.
func (s *span) standardMixed(dst []byte) []byte {
	dst = append(dst, signOf(s.year < 0 || s.mon < 0))
	dst = append(strconv.AppendInt(dst, abs(s.year), 10), '-')
	dst = append(strconv.AppendInt(dst, abs(s.mon), 10), ' ')
	dst = append(dst, signOf(s.day < 0))
	dst = append(strconv.AppendInt(dst, abs(s.day), 10), ' ')
	return s.standardClock(append(dst, signOf(s.timeIsNegative())))
}

func (s *span) standardClock(dst []byte) []byte {
	dst = append(strconv.AppendInt(dst, abs(s.hour), 10), ':')
	dst = append(appendPadded(dst, int(abs(s.min)), 2), ':')
	return s.seconds(dst, true)
}

func signOf(negative bool) byte {
	if negative {
		return '-'
	}
	return '+'
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
