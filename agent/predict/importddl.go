package predict

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/hazard"
	"foreshadow/sql/sqlerr"
)

// History is a migrations folder's history as a file of DDL events told it.
type History struct {
	Events []forecast.SchemaEvent
	Bulk   int // migrations of so many events that they are a squashed or initial schema: of them only the tables that they made are kept
	Passed int // rows that name no table, or are about other objects
}

// The bounds of a file of DDL events: migrations with so many events are bulk, and so many of its bad rows are told.
const (
	bulkEvents = 60
	toldRows   = 10
)

// tableKinds are the kinds of events that are about a table, and otherKinds those that are passed over.
var (
	tableKinds = []string{"create_table", "drop_table", "rename_table", "add_column", "drop_column", "rename_column", "alter_type", "alter_null", "alter_default", "alter_other",
		"add_index", "drop_index", "rename_index", "add_constraint", "drop_constraint", "validate_constraint", "rename_constraint", "add_trigger", "drop_trigger"}
	otherKinds = []string{"create_view", "drop_view", "create_type", "alter_type_enum", "create_function"}
)

// ReadHistory reads DDL events from CSV with a header that names at least timestamp, table and kind; migration, object and project are used when they
// are there, other columns are passed over. A file of several projects needs the name of one. The rows that cannot be read are told together,
// each by its line, and then nothing is read. A table's name may be qualified.
func ReadHistory(f io.Reader, project string, now time.Time) (History, error) {
	h := historyFile{csv: csv.NewReader(f), project: project, now: now, size: map[string]int{}, projects: map[string]bool{}}
	if err := h.header(); err != nil {
		return History{}, err
	}
	for {
		record, err := h.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			h.bad = append(h.bad, err.Error())
			if !errors.Is(err, csv.ErrFieldCount) { // a quote that does not end: what follows cannot be told apart
				break
			}
			continue
		}
		h.row(record)
	}
	return h.finish()
}

// historyFile is a file of DDL events while it is read.
type historyFile struct {
	csv      *csv.Reader
	column   map[string]int
	project  string
	now      time.Time
	rows     []forecast.SchemaEvent
	from     []string // each row's migration
	size     map[string]int
	projects map[string]bool
	passed   int
	bad      []string
}

func (h *historyFile) header() error {
	record, err := h.csv.Read()
	if err != nil {
		return sqlerr.New(sqlerr.InvalidText, "the file of DDL events has no header: %s", err)
	}
	h.column = map[string]int{}
	for i, name := range record {
		h.column[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	for _, name := range []string{"timestamp", "table", "kind"} {
		if _, ok := h.column[name]; !ok {
			return sqlerr.New(sqlerr.UndefinedColumn, "the file of DDL events has no column %q", name).
				WithHint("Its header is such as project,timestamp,committed_at,migration,table,kind,object; timestamp, table and kind must be there.")
		}
	}
	return nil
}

// field is one of a row's values; empty where the file has no such column.
func (h *historyFile) field(record []string, name string) string {
	if i, ok := h.column[name]; ok {
		return strings.TrimSpace(record[i])
	}
	return ""
}

// row takes one event, or says what is wrong with it.
func (h *historyFile) row(record []string) {
	line, _ := h.csv.FieldPos(0)
	project := h.field(record, "project")
	if h.projects[project] = true; h.project != "" && project != h.project {
		return
	}
	complain := func(format string, args ...any) {
		h.bad = append(h.bad, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
	e := forecast.SchemaEvent{Relation: h.field(record, "table"), Kind: h.field(record, "kind"), Object: h.field(record, "object"), Source: "imported"}
	var err error
	if e.At, err = readTime(h.field(record, "timestamp")); err != nil {
		complain("%s", err)
		return
	}
	switch {
	case e.At.After(h.now):
		complain("timestamp %s lies in the future", e.At.Format(time.RFC3339))
		return
	case slices.Contains(otherKinds, e.Kind) || e.Relation == "" && slices.Contains(tableKinds, e.Kind):
		h.passed++
		return
	case !slices.Contains(tableKinds, e.Kind):
		complain("kind %q is not known", e.Kind)
		return
	}
	if e.Kind == "rename_table" { // the file has the old name as its table, and the new one, where it is known, as its object
		if to := e.Object; to != "" && !strings.EqualFold(to, "to") {
			e.Relation, e.Object = to, e.Relation
		} else {
			e.Object = ""
		}
	}
	migration := h.field(record, "migration")
	h.rows, h.from = append(h.rows, e), append(h.from, migration)
	if migration != "" {
		h.size[migration]++
	}
}

// readTime reads a time as CSV files have it; one without a zone is in UTC.
func readTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("timestamp %q is not a time", text)
}

// finish leaves out bulk migrations, and refuses a file with bad rows, with several projects or with nothing.
func (h *historyFile) finish() (History, error) {
	if n := len(h.bad); n > 0 {
		told := strings.Join(h.bad[:min(n, toldRows)], "\n")
		if n > toldRows {
			told += fmt.Sprintf("\n... and %d more", n-toldRows)
		}
		return History{}, sqlerr.New(sqlerr.InvalidText, "%d rows of the file cannot be read, so none was imported:\n%s", n, told).
			WithHint("Times are such as 2026-11-01T12:00:00Z; kinds are %s.", strings.Join(append(slices.Clone(tableKinds), otherKinds...), ", "))
	}
	names := slices.Sorted(maps.Keys(h.projects))
	if h.project == "" && len(names) > 1 {
		return History{}, sqlerr.New(sqlerr.InvalidParameterValue, "the file holds the histories of %d projects", len(names)).
			WithHint("Choose the one of this database with --project: %s.", strings.Join(names, ", "))
	}
	if h.project != "" && !h.projects[h.project] {
		return History{}, sqlerr.New(sqlerr.UndefinedObject, "the file holds no project %q", h.project).WithHint("It holds %s.", strings.Join(names, ", "))
	}
	out := History{Passed: h.passed}
	for _, n := range h.size {
		if n >= bulkEvents {
			out.Bulk++
		}
	}
	for i, e := range h.rows {
		if h.size[h.from[i]] < bulkEvents || e.Kind == hazard.CreateTable {
			out.Events = append(out.Events, e)
		}
	}
	if len(out.Events) == 0 {
		return History{}, sqlerr.New(sqlerr.InvalidText, "the file holds no change of a table")
	}
	return out, nil
}

// ImportHistory stores DDL events that are not stored yet, and gives the number of new ones. A table's name without a schema is that of the captured
// table which alone has it, or else one of schema public.
func (r *Runner) ImportHistory(ctx context.Context, events []forecast.SchemaEvent) (int, error) {
	relations, err := r.o.Store.Relations(ctx)
	if err != nil {
		return 0, fmt.Errorf("read relations: %w", err)
	}
	schemas := map[string]string{}
	for _, rel := range relations {
		if _, twice := schemas[rel.Name]; twice {
			schemas[rel.Name] = "public"
		} else {
			schemas[rel.Name] = rel.Schema
		}
	}
	qualify := func(name string) string {
		if strings.Contains(name, ".") {
			return name
		}
		if schema, ok := schemas[name]; ok {
			return schema + "." + name
		}
		return "public." + name
	}
	events = slices.Clone(events)
	for i := range events {
		events[i].Relation = qualify(events[i].Relation)
		if events[i].Kind == "rename_table" && events[i].Object != "" {
			events[i].Object = qualify(events[i].Object)
		}
	}
	return r.o.Store.AppendSchemaEvents(ctx, events)
}
