// Package chart draws a series and its forecast with plain text for a terminal. The command and the SQL function foreshadow.chart call it.
// It only draws: no colour, no cursor movement, no knowledge of where it is shown.
package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foreshadow/forecast"
)

// The marks that a chart is made of; they stay apart without colour.
const (
	historyMark  = '•'
	spanMark     = '│' // history that moved within one column
	medianMark   = '━'
	intervalMark = '░'
	nowMark      = '┊'
)

// Smallest and largest sizes that are drawn; others are brought within.
const (
	minWidth, maxWidth   = 30, 400
	minHeight, maxHeight = 6, 200
)

// Draw plots the history (the end of it, up to twice the forecast's length or two thirds of the width), the median and the interval, with labelled axes.
// width and height are in characters and include labels and the legend. Missing values are left blank. It returns lines that end in a newline, the same for the same input.
func Draw(history forecast.Series, f forecast.Result, width, height int) string {
	c := &canvas{width: min(max(width, minWidth), maxWidth), height: min(max(height, minHeight), maxHeight)}
	c.title, c.unit = title(history, f), history.Unit
	columns := c.columns(history, f)
	if len(columns) == 0 {
		return c.title + "\n(no values to draw)\n"
	}
	c.frame(columns)
	return c.render(columns, f)
}

func title(s forecast.Series, f forecast.Result) string {
	name := s.ID
	if name == "" {
		name = f.Series.ID
	}
	var words []string
	if name != "" {
		words = append(words, clean(name))
	}
	if s.Unit != "" {
		words = append(words, "["+clean(s.Unit)+"]")
	}
	if f.Model != "" {
		words = append(words, "model "+clean(f.Model))
	}
	if b := f.Backtest; b.Origins > 0 && !math.IsNaN(b.Skill) && !math.IsNaN(b.Coverage) {
		words = append(words, fmt.Sprintf("backtest skill %.2f, coverage %.0f %%", b.Skill, 100*b.Coverage))
	}
	return strings.Join(words, "  ")
}

// clean replaces what would break the lines.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// column is what one character's width of the plot shows.
type column struct {
	past           bool
	lo, mean, hi   float64 // of a past column: least, mean and greatest value; NaN where nothing was measured
	from           time.Time
	firstOfForward bool
}

// canvas is the plot's geometry.
type canvas struct {
	title         string
	width, height int
	rows          int // of the plot itself
	label         int // width of the value labels
	lo, hi        float64
	step          float64 // between value labels
	unit          string
}

// valueWidth is the room for the value labels and the axis.
const valueWidth = 9

// columns cuts history and forecast into the columns of the plot.
func (c *canvas) columns(s forecast.Series, f forecast.Result) []column {
	c.label = valueWidth
	room := c.width - c.label - 2
	values := s.Values
	first := slices.IndexFunc(values, finite)
	ahead := len(f.Points)
	if first < 0 && ahead == 0 {
		return nil
	}
	if first >= 0 {
		values = values[first:]
	} else {
		first, values = len(values), nil
	}
	if ahead > 0 && len(values) > max(2*ahead, room*2/3) {
		first += len(values) - max(2*ahead, room*2/3)
		values = values[len(values)-max(2*ahead, room*2/3):]
	}
	total := len(values) + ahead
	room = min(room, total)
	back := min(max((len(values)*room+total/2)/total, min(1, len(values))), room-min(1, ahead))
	out := make([]column, 0, room)
	for i := range back {
		from, to := i*len(values)/back, (i+1)*len(values)/back
		out = append(out, past(values[from:to], s.Start.Add(time.Duration(first+from)*s.Step)))
	}
	for i := range room - back {
		from, to := i*ahead/(room-back), (i+1)*ahead/(room-back)
		out = append(out, forward(f.Points[from:to], i == 0))
	}
	connect(out)
	return out
}

// connect stretches each past column to its neighbour before, so that steep moves stay one line.
func connect(columns []column) {
	for i := len(columns) - 1; i > 0; i-- {
		a, b := columns[i-1], &columns[i]
		if a.past && b.past && finite(a.mean) && finite(b.mean) {
			b.lo, b.hi = min(b.lo, a.mean), max(b.hi, a.mean)
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func past(values []float64, from time.Time) column {
	col := column{past: true, from: from, lo: math.NaN(), mean: math.NaN(), hi: math.NaN()}
	n := 0
	for _, v := range values {
		if !finite(v) {
			continue
		}
		if n == 0 {
			col.lo, col.hi, col.mean = v, v, 0
		}
		n++
		col.lo, col.hi = min(col.lo, v), max(col.hi, v)
		col.mean += (v - col.mean) / float64(n)
	}
	return col
}

func forward(points []forecast.Point, first bool) column {
	col := column{from: points[0].At, lo: math.Inf(1), hi: math.Inf(-1), firstOfForward: first}
	for i, p := range points {
		col.lo, col.hi = min(col.lo, p.Lo), max(col.hi, p.Hi)
		col.mean += (p.Mean - col.mean) / float64(i+1)
	}
	if !finite(col.lo) || !finite(col.hi) {
		col.lo, col.hi = col.mean, col.mean
	}
	return col
}

// farthest is where values are drawn at most, so that no sum overflows.
const farthest = 1e300

// frame finds the range of values and the rows.
func (c *canvas) frame(columns []column) {
	c.rows = c.height - 4 // title, axis, dates, legend
	c.lo, c.hi = math.Inf(1), math.Inf(-1)
	for _, col := range columns {
		if finite(col.lo) && finite(col.hi) {
			c.lo, c.hi = min(c.lo, col.lo), max(c.hi, col.hi)
		}
	}
	if !finite(c.lo) || !finite(c.hi) {
		c.lo, c.hi = 0, 1
	}
	c.lo, c.hi = min(max(c.lo, -farthest), farthest), max(min(c.hi, farthest), -farthest)
	if c.lo > 0 && c.lo < 0.4*c.hi { // show the distance to zero where it costs little
		c.lo = 0
	}
	if c.hi <= c.lo {
		by := max(math.Abs(c.lo)*0.1, 1)
		if c.lo == 0 {
			c.hi = by
		} else {
			c.lo, c.hi = max(c.lo-by, -math.MaxFloat64), min(c.hi+by, math.MaxFloat64)
		}
	}
	c.step = round((c.hi - c.lo) / max(float64(c.rows/rowsPerLabel), 1))
	if lo, hi := math.Floor(c.lo/c.step)*c.step, math.Ceil(c.hi/c.step)*c.step; c.step > 0 && finite(lo) && finite(hi) && lo < hi {
		c.lo, c.hi = lo, hi
	}
}

// rowsPerLabel is about how many rows lie from one value label to the next.
const rowsPerLabel = 2

// round is the next number of 1, 2, 2.5 or 5 times a power of ten.
func round(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, by := range []float64{1, 2, 2.5, 5} {
		if v <= by*power {
			return by * power
		}
	}
	return 10 * power
}

// row is the line, from the top, that a value falls on.
func (c *canvas) row(v float64) int {
	share := v/2/(c.hi/2-c.lo/2) - c.lo/2/(c.hi/2-c.lo/2)
	return c.rows - 1 - int(math.Round(min(max(share, 0), 1)*float64(c.rows-1)))
}

// render puts marks on the grid and writes it with its axes.
func (c *canvas) render(columns []column, f forecast.Result) string {
	grid := make([][]rune, c.rows)
	for i := range grid {
		grid[i] = slices.Repeat([]rune{' '}, len(columns))
	}
	for x, col := range columns {
		c.mark(grid, x, col)
	}
	var b strings.Builder
	b.WriteString(cut(c.title, c.width) + "\n")
	labels := c.values()
	for i, line := range grid {
		axis := "│"
		if labels[i] != "" {
			axis = "┤"
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%*s %s%s", c.label-1, labels[i], axis, string(line)), " ") + "\n")
	}
	ticks, dates := c.dates(columns, f)
	b.WriteString(strings.Repeat(" ", c.label) + "└" + ticks + "\n")
	b.WriteString(dates + "\n")
	b.WriteString(cut(legend(f), c.width) + "\n")
	return b.String()
}

func (c *canvas) mark(grid [][]rune, x int, col column) {
	if !finite(col.mean) {
		return
	}
	if col.firstOfForward {
		for _, line := range grid {
			line[x] = nowMark
		}
	}
	between, at := intervalMark, medianMark
	if col.past {
		between, at = spanMark, historyMark
	}
	for y := c.row(col.hi); y <= c.row(col.lo); y++ {
		grid[y][x] = between
	}
	grid[c.row(col.mean)][x] = at
}

func legend(f forecast.Result) string {
	if len(f.Points) == 0 {
		return fmt.Sprintf("%c history", historyMark)
	}
	begins := "forecast"
	if at := f.Points[0].At; at.Year() > 1 {
		layout := byDay
		if f.Series.Step < day {
			layout = byMinute
		}
		begins += " from " + at.UTC().Format(layout)
	}
	return fmt.Sprintf("%c history  %c %s  %c median  %c %g %% interval", historyMark, nowMark, begins, medianMark, intervalMark, f.Level)
}

func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
