package encode

import (
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known on hosts without a zone database

	"foreshadow/sql/sqlerr"
)

// dateStyle is the first word of PostgreSQL's DateStyle.
type dateStyle uint8

const (
	styleISO dateStyle = iota
	styleSQL
	styleGerman
	stylePostgres
)

// intervalStyle is PostgreSQL's IntervalStyle.
type intervalStyle uint8

const (
	intervalPostgres intervalStyle = iota
	intervalVerbose
	intervalStandard
	intervalISO
)

// Settings are a session's parameters that change how values are written as text.
type Settings struct {
	Location *time.Location
	style    dateStyle
	dayFirst bool
	interval intervalStyle
}

// ParseSettings reads TimeZone, DateStyle and IntervalStyle out of a session's reported parameters; a missing one has PostgreSQL's
// default, with UTC as the zone. An unknown value is an error, since a guess would show wrong times.
func ParseSettings(status map[string]string) (*Settings, error) {
	s := &Settings{Location: time.UTC}
	if name := status["TimeZone"]; name != "" {
		loc, err := location(name)
		if err != nil {
			return nil, err
		}
		s.Location = loc
	}
	if err := s.parseDateStyle(status["DateStyle"]); err != nil {
		return nil, err
	}
	switch strings.ToLower(status["IntervalStyle"]) {
	case "", "postgres":
	case "postgres_verbose":
		s.interval = intervalVerbose
	case "sql_standard":
		s.interval = intervalStandard
	case "iso_8601":
		s.interval = intervalISO
	default:
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unknown IntervalStyle %q", status["IntervalStyle"])
	}
	return s, nil
}

// parseDateStyle reads "ISO, MDY" and its kin.
func (s *Settings) parseDateStyle(v string) error {
	for word := range strings.SplitSeq(v, ",") {
		switch strings.ToUpper(strings.TrimSpace(word)) {
		case "", "ISO", "MDY", "YMD":
		case "DMY":
			s.dayFirst = true
		case "SQL":
			s.style = styleSQL
		case "GERMAN":
			s.style = styleGerman
		case "POSTGRES":
			s.style = stylePostgres
		default:
			return sqlerr.New(sqlerr.InvalidParameterValue, "unknown DateStyle %q", v)
		}
	}
	return nil
}

// location finds a zone by PostgreSQL's name for it, which is one of the zone database or a fixed offset such as <+03>-03.
func location(name string) (*time.Location, error) {
	if strings.HasPrefix(name, "<") {
		if loc := fixedZone(name); loc != nil {
			return loc, nil
		}
	} else if name != "Local" {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue, "time zone %q is not known to this server", name).
		WithHint("Choose a zone by its full name, such as Europe/Berlin, or UTC.")
}

// fixedZone reads the POSIX form <name>offset; its offset counts to the west.
func fixedZone(s string) *time.Location {
	name, rest, ok := strings.Cut(s[1:], ">")
	if !ok || rest == "" {
		return nil
	}
	sign := -1
	switch rest[0] {
	case '-':
		sign, rest = 1, rest[1:]
	case '+':
		rest = rest[1:]
	}
	total, unit := 0, 3600
	for part := range strings.SplitSeq(rest, ":") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 167 || unit == 0 {
			return nil
		}
		total += n * unit
		unit /= 60
	}
	return time.FixedZone(name, sign*total)
}

// zone finds the offset of moments in one location and remembers the span in which the last one holds.
type zone struct {
	loc    *time.Location
	lo, hi int64 // Unix seconds: lo <= t < hi
	offset int
	abbrev string
}

// at gives the seconds east of UTC at a Unix time, and the zone's abbreviation then.
func (z *zone) at(unix int64) (int, string) {
	if unix >= z.lo && unix < z.hi {
		return z.offset, z.abbrev
	}
	t := time.Unix(unix, 0).In(z.loc)
	z.abbrev, z.offset = t.Zone()
	start, end := t.ZoneBounds()
	z.lo, z.hi = unix, unix+1
	if !start.IsZero() {
		z.lo = start.Unix()
	}
	if !end.IsZero() {
		z.hi = end.Unix()
	} else {
		z.hi = 1 << 62
	}
	return z.offset, z.abbrev
}
