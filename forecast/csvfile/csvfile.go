// Package csvfile reads series from CSV and writes forecasts to it, for the command's forecast and backtest.
// Two shapes are read: wide, one series a line (id,V1,V2,...), and long, one value a line (id,time,value). It makes no forecasts.
package csvfile

import (
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

// WideStep is the step given to series of the wide shape, which carries no times: they are counted in steps, as hours from year one.
const WideStep = time.Hour

// maxSteps bounds the steps between the first and the last time of a long series, so that one wrong date cannot fill the memory.
const maxSteps = 2_000_000

// Each gives the series of a CSV file to take, in the order they first appear; Values are NaN where nothing was measured. Errors name the line.
// Of the wide shape one series at a time is held. An error of take ends the reading and is returned as it is.
func Each(in io.Reader, take func(forecast.Series) error) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty; the first line must be id,V1,V2,... or id,time,value")
	}
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if long, ok := longColumns(header); ok {
		return eachLong(r, long, take)
	}
	if len(header) < 2 {
		return fmt.Errorf("line 1: the header %q has one column; it must be id,V1,V2,... or id,time,value", strings.Join(header, ","))
	}
	if _, err := strconv.ParseFloat(strings.TrimSpace(header[len(header)-1]), 64); err == nil {
		return fmt.Errorf("line 1: the header ends in the number %q; a header line id,V1,V2,... or id,time,value must come first", header[len(header)-1])
	}
	return eachWide(r, take)
}

func eachWide(r *csv.Reader, take func(forecast.Series) error) error {
	seen := map[string]int{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read CSV: %w", err)
		}
		line, _ := r.FieldPos(0)
		id := strings.Clone(strings.TrimSpace(row[0]))
		if before, dup := seen[id]; dup {
			return fmt.Errorf("line %d: series %q stands on line %d already", line, id, before)
		}
		seen[id] = line
		values := make([]float64, 0, len(row)-1)
		for i, cell := range row[1:] {
			v, err := number(cell)
			if err != nil {
				return fmt.Errorf("line %d, column %d: %w", line, i+2, err)
			}
			values = append(values, v)
		}
		for len(values) > 0 && math.IsNaN(values[len(values)-1]) { // lines end in empty cells where series differ in length
			values = values[:len(values)-1]
		}
		if len(values) == 0 {
			return fmt.Errorf("line %d: series %q holds no values", line, id)
		}
		if err := take(forecast.Series{ID: id, Source: "import", Step: WideStep, Values: values}); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return errors.New("the file holds a header and no series")
	}
	return nil
}

// number reads a cell; an empty one, NA, NaN and null are missing values.
func number(cell string) (float64, error) {
	cell = strings.TrimSpace(cell)
	switch strings.ToLower(cell) {
	case "", "na", "nan", "null":
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", cell)
	}
	return v, nil
}

// Write puts forecasts out as id,h,mean,lo,hi with h counted from 1.
func Write(out io.Writer, results []*forecast.Result) error {
	w := csv.NewWriter(out)
	if err := w.Write([]string{"id", "h", "mean", "lo", "hi"}); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	for _, r := range results {
		for k, p := range r.Points {
			if err := w.Write([]string{r.Series.ID, strconv.Itoa(k + 1), text(p.Mean), text(p.Lo), text(p.Hi)}); err != nil {
				return fmt.Errorf("write series %q: %w", r.Series.ID, err)
			}
		}
	}
	w.Flush()
	return w.Error()
}

// text writes a value with ten significant digits, which keeps results equal between machines.
func text(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }
