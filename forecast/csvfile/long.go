package csvfile

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/forecast"
)

// columns are the places of the long shape's columns.
type columns struct{ id, time, value int }

// longColumns finds the long shape by its header, in any order of columns; id may be missing for a single series.
func longColumns(header []string) (columns, bool) {
	c := columns{-1, -1, -1}
	for i, name := range header {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "id", "unique_id", "series":
			c.id = i
		case "time", "timestamp", "at", "ds", "date":
			c.time = i
		case "value", "y":
			c.value = i
		}
	}
	return c, c.time >= 0 && c.value >= 0
}

// measured is one line of the long shape.
type measured struct {
	at    time.Time
	value float64
	line  int
}

func eachLong(r *csv.Reader, c columns, take func(forecast.Series) error) error {
	byID := map[string][]measured{}
	var order []string
	need := max(c.id, c.time, c.value) + 1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read CSV: %w", err)
		}
		line, _ := r.FieldPos(0)
		if len(row) < need {
			return fmt.Errorf("line %d: %d cells where the header has %d or more", line, len(row), need)
		}
		id := ""
		if c.id >= 0 {
			id = strings.TrimSpace(row[c.id])
		}
		at, err := moment(row[c.time])
		if err != nil {
			return fmt.Errorf("line %d, column %d: %w", line, c.time+1, err)
		}
		v, err := number(row[c.value])
		if err != nil {
			return fmt.Errorf("line %d, column %d: %w", line, c.value+1, err)
		}
		if _, known := byID[id]; !known {
			id = strings.Clone(id)
			order = append(order, id)
		}
		byID[id] = append(byID[id], measured{at, v, line})
	}
	if len(order) == 0 {
		return errors.New("the file holds a header and no values")
	}
	for _, id := range order {
		s, err := regular(id, byID[id])
		if err != nil {
			return err
		}
		if err := take(s); err != nil {
			return err
		}
	}
	return nil
}

// layouts are the forms of a time that are read; without a zone it is UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST",
}

// moment reads a time: a date with or without the time of day, or a number of seconds since 1970.
func moment(cell string) (time.Time, error) {
	cell = strings.TrimSpace(cell)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, cell); err == nil {
			return t.UTC(), nil
		}
	}
	if seconds, err := strconv.ParseFloat(cell, 64); err == nil && math.Abs(seconds) < 1e11 {
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(part*1e9)).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2026-01-31 15:04:05, a date or seconds since 1970", cell)
}

// maxSpan bounds the time between the first and the last value of a series.
const maxSpan = 200 * 365 * 24 * time.Hour

// regular puts values on an equal step, the most frequent distance between them; several within a step become their mean, steps without are NaN.
func regular(id string, rows []measured) (forecast.Series, error) {
	slices.SortStableFunc(rows, func(a, b measured) int { return a.at.Compare(b.at) })
	step := usualStep(rows)
	start := rows[0].at
	span := float64(rows[len(rows)-1].at.Unix()-start.Unix()) / step.Seconds()
	if span > maxSteps || span*step.Seconds() > maxSpan.Seconds() {
		return forecast.Series{}, fmt.Errorf("line %d: series %q would have %.0f steps of %v from %s to here; is a time wrong?",
			rows[len(rows)-1].line, id, span, step, start.Format(time.DateTime))
	}
	at := func(t time.Time) int { return int((t.Sub(start) + step/2) / step) }
	values := make([]float64, at(rows[len(rows)-1].at)+1)
	counts := make([]int, len(values))
	for _, row := range rows {
		if i := at(row.at); !math.IsNaN(row.value) {
			counts[i]++
			values[i] += (row.value - values[i]) / float64(counts[i])
		}
	}
	any := false
	for i, n := range counts {
		if n == 0 {
			values[i] = math.NaN()
		}
		any = any || n > 0
	}
	if !any {
		return forecast.Series{}, fmt.Errorf("line %d: series %q holds no values", rows[0].line, id)
	}
	return forecast.Series{ID: id, Source: "import", Start: start, Step: step, Values: values}, nil
}

// usualStep is the most frequent distance between times, the least of those equally frequent; an hour for a single value.
func usualStep(rows []measured) time.Duration {
	counts := map[time.Duration]int{}
	for i := 1; i < len(rows); i++ {
		if d := rows[i].at.Sub(rows[i-1].at); d > 0 {
			counts[d]++
		}
	}
	best := time.Hour
	found := 0
	for d, n := range counts {
		if n > found || n == found && cmp.Less(d, best) {
			best, found = d, n
		}
	}
	return max(best, time.Millisecond)
}
