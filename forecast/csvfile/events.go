package csvfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"foreshadow/forecast"
)

// Events reads known events: name,start,end and, where any recurs, every. An empty end is a change for good, such as a deployment;
// every is a duration such as 168h. Errors name the line.
func Events(in io.Reader) ([]forecast.Event, error) {
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; the first line must be name,start,end or name,start,end,every")
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, []string{"name", "start", "end"}) && !slices.Equal(header, []string{"name", "start", "end", "every"}) {
		return nil, fmt.Errorf("line 1: the header %q must be name,start,end or name,start,end,every", strings.Join(header, ","))
	}
	var out []forecast.Event
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read CSV: %w", err)
		}
		e, err := event(row)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		out = append(out, e)
	}
}

func event(row []string) (e forecast.Event, err error) {
	e.Name = row[0]
	if e.From, err = moment(row[1]); err != nil {
		return e, err
	}
	if row[2] != "" {
		if e.To, err = moment(row[2]); err != nil {
			return e, err
		}
		if !e.To.After(e.From) {
			return e, fmt.Errorf("event %q does not end after its start", e.Name)
		}
	}
	if len(row) < 4 || row[3] == "" {
		return e, nil
	}
	if e.Every, err = time.ParseDuration(row[3]); err != nil || e.To.IsZero() || e.Every < e.To.Sub(e.From) {
		return e, fmt.Errorf("event %q recurs every %q: that must be a duration such as 168h, not shorter than the event, which must have an end", e.Name, row[3])
	}
	return e, nil
}
