package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"foreshadow/forecast"
)

// number writes a value in at most eight characters, with k, M, G, T for thousands and so on.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	abs := math.Abs(v)
	units := []struct {
		size   float64
		suffix string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}
	if abs >= 1e15 || abs < 1e-3 {
		return strconv.FormatFloat(v, 'e', 1, 64)
	}
	for _, u := range units {
		if abs >= 0.9995*u.size {
			return short(v/u.size) + u.suffix
		}
	}
	return short(v)
}

// short writes a value below a thousand with three digits or so.
func short(v float64) string {
	digits := 0
	switch abs := math.Abs(v); {
	case abs < 0.1:
		digits = 4
	case abs < 10:
		digits = 2
	case abs < 100:
		digits = 1
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// values gives each row its label: round values at the rows that are nearest to them, bytes as such.
func (c *canvas) values() []string {
	out := make([]string, c.rows)
	n := math.Round((c.hi - c.lo) / c.step)
	if !(n >= 1 && n <= float64(c.rows)) {
		out[0], out[c.rows-1] = number(c.hi), number(c.lo) // a range too large for sums, or too small for its distance from zero
		return out
	}
	for k := range int(n) + 1 {
		v := c.lo + float64(k)*c.step
		if math.Abs(v) < c.step/1e6 {
			v = 0
		}
		label := number(v)
		if c.unit == "bytes" {
			label += "B"
		}
		out[c.row(v)] = label
	}
	return out
}

// tick is one distance of marks on the time axis: so many months, or so long.
type tick struct {
	months int
	span   time.Duration
	layout string
}

// The layouts of marks: dates where days are told apart, with the time where hours are.
const (
	byDay    = "2006-01-02"
	byMinute = "2006-01-02 15:04"
	bySecond = "01-02 15:04:05"
)

const day = 24 * time.Hour

// ticks are the distances from which the narrowest is taken whose labels have room. Weeks begin on Monday.
var ticks = []tick{
	{0, time.Second, bySecond}, {0, 10 * time.Second, bySecond}, {0, time.Minute, byMinute}, {0, 5 * time.Minute, byMinute}, {0, 15 * time.Minute, byMinute}, {0, time.Hour, byMinute},
	{0, 3 * time.Hour, byMinute}, {0, 6 * time.Hour, byMinute}, {0, 12 * time.Hour, byMinute}, {0, day, byDay}, {0, 2 * day, byDay}, {0, 7 * day, byDay}, {0, 14 * day, byDay}, {1, 0, byDay},
	{2, 0, byDay}, {3, 0, byDay}, {6, 0, byDay}, {12, 0, byDay}, {24, 0, byDay}, {60, 0, byDay}, {120, 0, byDay}, {600, 0, byDay}, {1200, 0, byDay}, {12000, 0, byDay},
}

// before is the last mark that is not after a time.
func (k tick) before(at time.Time) time.Time {
	if k.months > 0 {
		m := at.Year()*12 + int(at.Month()) - 1
		return time.Date(0, time.Month(m-m%k.months+1), 1, 0, 0, 0, 0, time.UTC)
	}
	return at.Truncate(k.span) // counted from the year 1, which began on a Monday
}

// dates gives the time axis with a mark wherever a round date begins, and below it the dates, each beginning under its mark. Series without dates
// have the numbers of steps.
func (c *canvas) dates(columns []column, f forecast.Result) (axis, dates string) {
	line, below := []rune(strings.Repeat("─", len(columns))), []rune(strings.Repeat(" ", c.width))
	put := func(x int, text string) {
		if at := c.label + 1 + x; at+len(text) <= len(below) {
			line[x] = '┬'
			copy(below[at:], []rune(text))
		}
	}
	first := columns[0].from
	if first.IsZero() || first.Year() <= 1 {
		for x := 0; x < len(columns); x += 22 {
			put(x, fmt.Sprintf("+%d", stepOf(columns, x, f)))
		}
		return string(line), strings.TrimRight(string(below), " ")
	}
	for _, k := range ticks {
		at := marks(columns, k)
		if len(at) == 0 || !apart(at, len(k.layout)+2) {
			continue
		}
		for _, x := range minor(columns, k) {
			line[x] = '┴'
		}
		for _, x := range at {
			put(x, k.before(end(columns, x)).Format(k.layout))
		}
		return string(line), strings.TrimRight(string(below), " ")
	}
	put(0, first.Format(byMinute)) // no round date lies within
	return string(line), strings.TrimRight(string(below), " ")
}

// end is the last moment of a column.
func end(columns []column, x int) time.Time {
	if x+1 < len(columns) {
		return columns[x+1].from.UTC().Add(-1)
	}
	return columns[x].from.UTC()
}

// marks are the columns in which a mark lies.
func marks(columns []column, k tick) []int {
	var out []int
	for x := range columns {
		if !k.before(end(columns, x)).Before(columns[x].from.UTC()) {
			out = append(out, x)
		}
	}
	return out
}

// minor are marks without labels between those of a tick: the closest of its kind, months or spans, that stay apart.
func minor(columns []column, of tick) []int {
	for _, k := range ticks {
		even := k.months > 0 && of.months > 0 && of.months%k.months == 0 || k.span > 0 && of.span > 0 && of.span%k.span == 0
		if at := marks(columns, k); even && apart(at, 4) {
			return at
		}
	}
	return nil
}

// apart says that there is room for labels between marks.
func apart(at []int, room int) bool {
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < room {
			return false
		}
	}
	return true
}

// stepOf counts time from the first column in steps of the forecast, or in columns.
func stepOf(columns []column, x int, f forecast.Result) int {
	if f.Series.Step > 0 {
		return int(columns[x].from.Sub(columns[0].from) / f.Series.Step)
	}
	return x
}
