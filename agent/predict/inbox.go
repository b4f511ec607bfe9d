package predict

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// The endings of files in the inbox: a history of DDL events, and values of series.
const (
	inboxDDL     = ".ddl.csv"
	inboxSeries  = ".series.csv"
	inboxRefused = ".refused"
)

// takeInbox imports what the import commands left for the agent, and says whether there was anything. A file that cannot be imported is put aside under
// another name, and logged; one that the store could not take is tried again.
func (r *Runner) takeInbox(ctx context.Context) (taken bool) {
	if r.o.Inbox == "" {
		return false
	}
	files, err := os.ReadDir(r.o.Inbox) // sorted by name, and the names begin with the time
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.o.Log.Warn("the folder of imports could not be read", "error", err)
		}
		return false
	}
	for _, f := range files {
		name := filepath.Join(r.o.Inbox, f.Name())
		var n int
		switch {
		case strings.HasPrefix(f.Name(), "."): // still being written
			continue
		case strings.HasSuffix(f.Name(), inboxDDL):
			n, err = r.importDDLFile(ctx, name)
		case strings.HasSuffix(f.Name(), inboxSeries):
			n, err = r.ImportCSV(ctx, name)
		default:
			continue
		}
		if ctx.Err() != nil {
			return taken
		}
		switch {
		case unreadable(err):
			r.o.Log.Error("an import was refused", "file", f.Name(), "error", err)
			err = os.Rename(name, name+inboxRefused)
		case err != nil:
			r.o.Log.Warn("an import could not be stored and is tried again", "file", f.Name(), "error", err)
			continue
		default:
			r.o.Log.Info("history imported", "file", f.Name(), "new", n)
			taken, err = true, os.Remove(name)
		}
		if err != nil {
			r.o.Log.Warn("an import could not be put away", "error", err)
		}
	}
	return taken
}

// unreadable tells an error of the file from one of the store: its SQLSTATE is of data or of a name.
func unreadable(err error) bool {
	code := sqlerr.Code(err)
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "42")
}

func (r *Runner) importDDLFile(ctx context.Context, name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h, err := ReadHistory(f, "", r.o.Clock())
	if err != nil {
		return 0, err
	}
	return r.ImportHistory(ctx, h.Events)
}

// LeaveHistory leaves DDL events in the inbox of an agent, which takes them while it runs or when it starts.
func LeaveHistory(inbox string, events []forecast.SchemaEvent, now time.Time) error {
	return leave(inbox, now, inboxDDL, func(w *csv.Writer) error {
		if err := w.Write([]string{"timestamp", "table", "kind", "object"}); err != nil {
			return err
		}
		for _, e := range events {
			table, object := e.Relation, e.Object
			if e.Kind == "rename_table" && object != "" {
				table, object = object, table // as ReadHistory has it
			}
			if err := w.Write([]string{e.At.Format(time.RFC3339Nano), table, e.Kind, object}); err != nil {
				return err
			}
		}
		return nil
	})
}

// LeaveSamples leaves values of series in the inbox; read gives them piece by piece, and what it failed at leaves nothing.
func LeaveSamples(inbox string, now time.Time, read func(use func([]forecast.Sample) error) error) error {
	return leave(inbox, now, inboxSeries, func(w *csv.Writer) error {
		return read(func(samples []forecast.Sample) error {
			for i := range samples {
				s := &samples[i]
				if err := w.Write([]string{s.Series.ID, s.At.UTC().Format(time.RFC3339), strconv.FormatFloat(s.Value, 'g', -1, 64)}); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// leave writes a file into an inbox; it appears whole or not at all.
func leave(inbox string, now time.Time, ending string, write func(*csv.Writer) error) error {
	f, err := os.CreateTemp(inbox, ".import-*")
	if err != nil {
		return fmt.Errorf("leave an import for the agent: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone when all went well
	w := csv.NewWriter(f)
	err = write(w)
	w.Flush()
	// The agent may run under another account; the folder is its own.
	if put := errors.Join(w.Error(), f.Chmod(0o644), f.Close()); put != nil {
		err = errors.Join(err, fmt.Errorf("leave an import for the agent: %w", put))
	}
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(now.UTC().Format("20060102T150405.000000000"), ".", "") + ending
	return os.Rename(f.Name(), filepath.Join(inbox, name))
}
