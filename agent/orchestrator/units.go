package orchestrator

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// span is an interval in calendar parts, as PostgreSQL adds them: months, then days, then time.
type span struct {
	months, days int
	rest         time.Duration
}

// add moves a time by the interval.
func (s span) add(t time.Time) time.Time { return t.AddDate(0, s.months, s.days).Add(s.rest) }

// spanUnits are the names of units in the singular.
var spanUnits = map[string]span{
	"millennium": {months: 12000}, "century": {months: 1200}, "decade": {months: 120},
	"year": {months: 12}, "yr": {months: 12}, "y": {months: 12}, "month": {months: 1}, "mon": {months: 1},
	"week": {days: 7}, "w": {days: 7}, "day": {days: 1}, "d": {days: 1},
	"hour": {rest: time.Hour}, "hr": {rest: time.Hour}, "h": {rest: time.Hour},
	"minute": {rest: time.Minute}, "min": {rest: time.Minute}, "m": {rest: time.Minute},
	"second": {rest: time.Second}, "sec": {rest: time.Second}, "s": {rest: time.Second},
	"millisecond": {rest: time.Millisecond}, "ms": {rest: time.Millisecond},
}

// The parts of an interval: a number with a unit, or a time of day at the end.
var (
	spanPart  = regexp.MustCompile(`^\s*([+-]?\d+(?:\.\d+)?)\s*([a-zA-Z]+)`)
	clockPart = regexp.MustCompile(`^\s*([+-]?)(\d+):(\d{2})(?::(\d{2}))?\s*$`)
)

// parseSpan reads the usual written forms of a PostgreSQL interval: "90 days", "1 year 2 mons", "2 days 03:00".
func parseSpan(text string) (span, error) {
	var out span
	rest := strings.TrimSpace(text)
	bad := fmt.Errorf("invalid input syntax for type interval: %q", text)
	if rest == "" {
		return out, bad
	}
	for rest != "" {
		if m := clockPart.FindStringSubmatch(rest); m != nil {
			h, _ := strconv.Atoi(m[2])
			mi, _ := strconv.Atoi(m[3])
			s, _ := strconv.Atoi("0" + m[4])
			d := time.Duration(h)*time.Hour + time.Duration(mi)*time.Minute + time.Duration(s)*time.Second
			if m[1] == "-" {
				d = -d
			}
			out.rest += d
			return out, nil
		}
		m := spanPart.FindStringSubmatch(rest)
		if m == nil {
			return out, bad
		}
		unit, ok := spanUnits[strings.ToLower(m[2])]
		if !ok {
			unit, ok = spanUnits[strings.TrimSuffix(strings.ToLower(m[2]), "s")]
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if !ok || err != nil || math.Abs(n)*unit.years() > 250 { // beyond, a Duration overflows
			return out, bad
		}
		out = out.plus(unit, n)
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	return out, nil
}

// years is roughly how long an interval is.
func (s span) years() float64 {
	return float64(s.months)/12 + float64(s.days)/365 + s.rest.Hours()/24/365
}

// plus adds n units; fractions spill into the next smaller part, a month being 30 days.
func (s span) plus(unit span, n float64) span {
	months := float64(unit.months) * n
	whole := math.Trunc(months)
	days := float64(unit.days)*n + (months-whole)*30
	wholeDays := math.Trunc(days)
	s.months += int(whole)
	s.days += int(wholeDays)
	s.rest += time.Duration((days-wholeDays)*24*float64(time.Hour)) + time.Duration(float64(unit.rest)*n)
	return s
}

// sizePart is a number with a unit of bytes.
var sizePart = regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(?:i?[bB]|bytes)?\s*$`)

// parseSize reads a size as PostgreSQL's settings write it; units are powers of 1024, a bare number counts bytes.
func parseSize(text string) (int64, error) {
	m := sizePart.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("invalid size: %q", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	shift := map[string]float64{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[strings.ToLower(m[2])]
	n *= math.Exp2(shift)
	if err != nil || n > math.MaxInt64/2 {
		return 0, fmt.Errorf("invalid size: %q", text)
	}
	return int64(n), nil
}

// pretty writes a size for a person.
func pretty(bytes int64) string {
	v, units := float64(bytes), []string{"bytes", "kB", "MB", "GB", "TB"}
	i := 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
