package predict

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"foreshadow/agent/sampler"
	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// importChunk is how many samples are stored at a time.
const importChunk = 10_000

// ImportCSV stores the load history of a file with the columns series, at and value, such as another monitoring system exports, and
// gives the number of values. The names of series are those of foreshadow.series; an unknown one, or a line that cannot be read,
// ends the import with an error that names the line; what was stored before it stays. Steps that have a value already are left as they
// are, so importing a file again, or over what was measured since, does no harm; only new values are counted.
func (r *Runner) ImportCSV(ctx context.Context, path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open history: %w", err)
	}
	defer f.Close()
	stored, err := r.o.Store.Series(ctx, forecast.SeriesFilter{})
	if err != nil {
		return 0, fmt.Errorf("read series: %w", err)
	}
	known := map[string]forecast.Series{}
	for _, s := range stored {
		known[s.ID] = s
	}
	n := 0
	err = readHistory(f, func(chunk []forecast.Sample) error {
		chunk = slices.DeleteFunc(chunk, func(s forecast.Sample) bool { return has(known[s.Series.ID], s.At) })
		if len(chunk) == 0 {
			return nil
		}
		if err := r.o.Store.AppendSamples(ctx, chunk); err != nil {
			return fmt.Errorf("append samples: %w", err)
		}
		n += len(chunk)
		return nil
	})
	return n, err
}

// has says that a stored series has a value in the step that holds the time.
func has(s forecast.Series, at time.Time) bool {
	if s.Step <= 0 || at.Before(s.Start) {
		return false
	}
	i := int(at.Sub(s.Start) / s.Step)
	return i < len(s.Values) && measured(s.Values[i])
}

// readHistory reads the file and hands it on in chunks; a header line is passed over.
func readHistory(f io.Reader, use func([]forecast.Sample) error) error {
	in := csv.NewReader(f)
	in.FieldsPerRecord, in.ReuseRecord = 3, true
	var chunk []forecast.Sample
	for first := true; ; first = false {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return use(chunk)
		}
		if err != nil {
			return sqlerr.New(sqlerr.InvalidText, "history file: %s", err)
		}
		if first && record[0] == "series" {
			continue
		}
		line, _ := in.FieldPos(0)
		sample, err := importLine(record, line)
		if err != nil {
			return err
		}
		if chunk = append(chunk, sample); len(chunk) == importChunk {
			if err := use(chunk); err != nil {
				return err
			}
			chunk = nil
		}
	}
}

// importLine reads one line.
func importLine(record []string, line int) (forecast.Sample, error) {
	s, known := sampler.Describe(record[0])
	if !known {
		return forecast.Sample{}, sqlerr.New(sqlerr.UndefinedObject, "history file, line %d: series %q is not known", line, record[0]).
			WithHint("The names are those of foreshadow.series, such as load.total_calls or host.cpu.")
	}
	s.Source = "import"
	at, err := time.Parse(time.RFC3339, record[1])
	if err != nil {
		return forecast.Sample{}, sqlerr.New(sqlerr.InvalidDatetime, "history file, line %d: %q is not a time", line, record[1]).
			WithHint("Write times as in 2026-11-01T12:00:00Z.")
	}
	v, err := strconv.ParseFloat(record[2], 64)
	if err != nil || !measured(v) {
		return forecast.Sample{}, sqlerr.New(sqlerr.InvalidText, "history file, line %d: %q is not a number", line, record[2])
	}
	return forecast.Sample{Series: s, At: at, Value: v}, nil
}
