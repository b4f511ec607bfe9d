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

// dates writes the line below the time axis: moments in full where days are shown, with the hour where they are not. Series without dates get step numbers.
func (c *canvas) dates(columns []column, f forecast.Result) string {
	line := []rune(strings.Repeat(" ", c.width))
	first, last := columns[0].from, columns[len(columns)-1].from
	layout := layoutFor(last.Sub(first))
	dated := !first.IsZero() && first.Year() > 1
	free := 0
	put := func(x int, text string) {
		at := min(c.label+1+x, len(line)-len(text))
		if at >= free && at+len(text) <= len(line) {
			copy(line[at:], []rune(text))
			free = at + len(text) + 2
		}
	}
	gap := 22
	for x := 0; x < len(columns); x += gap {
		if dated {
			put(x, columns[x].from.Format(layout))
		} else {
			put(x, fmt.Sprintf("+%d", stepOf(columns, x, f)))
		}
	}
	return strings.TrimRight(string(line), " ")
}

// layoutFor fits a date's text to the time shown.
func layoutFor(shown time.Duration) string {
	switch {
	case shown >= 10*24*time.Hour:
		return "2006-01-02"
	case shown >= 10*time.Minute:
		return "2006-01-02 15:04"
	default:
		return "01-02 15:04:05"
	}
}

// stepOf counts time from the first column in steps of the forecast, or in columns.
func stepOf(columns []column, x int, f forecast.Result) int {
	if f.Series.Step > 0 {
		return int(columns[x].from.Sub(columns[0].from) / f.Series.Step)
	}
	return x
}
