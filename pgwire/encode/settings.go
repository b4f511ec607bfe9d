package encode

import (
	"regexp"
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

// location finds a zone by PostgreSQL's name for it, which is one of the zone database or a fixed offset.
func location(name string) (*time.Location, error) {
	if name != "Local" {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	if east, ok := FixedZone(name); ok {
		return time.FixedZone(strings.Trim(posixZone.FindStringSubmatch(name)[1], "<>"), east), nil
	}
	return nil, sqlerr.New(sqlerr.InvalidParameterValue, "time zone %q is not known to this server", name).
		WithHint("Choose a zone by its full name, such as Europe/Berlin, or UTC.")
}

var posixZone = regexp.MustCompile(`^(<[^>]+>|[A-Za-z]*)([+-]?)(\d{1,3})(?::(\d\d?))?(?::(\d\d?))?$`)

// FixedZone gives the seconds east of UTC of a zone in the POSIX form without summer time, such as GMT-02:00 or <+03>-03, whose own offset counts
// to the west. ok is false for any other name, and for one that the zone database has.
func FixedZone(name string) (east int, ok bool) {
	m := posixZone.FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	if _, err := time.LoadLocation(name); err == nil {
		return 0, false
	}
	for i, unit := range []int{3600, 60, 1} {
		n, _ := strconv.Atoi(m[3+i]) // digits, or nothing
		east -= n * unit
	}
	if m[2] == "-" {
		east = -east
	}
	return east, true
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
