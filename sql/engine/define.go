package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
)

// hidden are the columns that hold texts of statements, which PostgreSQL shows only to roles that may read all statistics.
var hidden = map[string]map[string]string{
	"load_forecast": {"query": "TRUE"},
	"series":        {"description": "s.kind = 'load'"},
}

// hide marks the columns that the login may not see and gives its rights, if any relation needs them.
func (s *querySession) hide(ctx context.Context, rels map[string]*rewrite.Relation) (rights, error) {
	needed := false
	for _, r := range rels {
		needed = needed || r.Schema == "foreshadow"
	}
	if !needed {
		return rights{}, nil
	}
	rt, err := s.rightsOf(ctx)
	if err != nil {
		return rights{}, err
	}
	for _, r := range rels {
		r.Hidden = nil
		if r.Schema == "foreshadow" && !rt.stats {
			r.Hidden = hidden[r.Name]
		}
	}
	return rt, nil
}

// define gives each relation of a plan its SELECT: the shadow's, or a table in memory that goes with the query.
func (s *querySession) define(ctx context.Context, plan *rewrite.Plan, spans map[ast.Period]span, rt rights, q *Query) ([]string, error) {
	out := make([]string, len(plan.Uses))
	for i, u := range plan.Uses {
		var err error
		switch {
		case u.Function == "diff":
			out[i], err = s.diff(ctx, u.Args)
		case u.Function != "":
			var t result.Table
			if t, err = s.predict(ctx, u); err == nil {
				out[i] = memoryTable(q, t, i)
			}
		case u.Relation.Schema == "foreshadow" && s.source.Views[u.Relation.Name] != nil:
			out[i], err = s.view(ctx, u.Relation, q, i)
		default:
			out[i], err = s.stored(ctx, u, spans, rt)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// memoryTable adds a table to the query under a name of its own.
func memoryTable(q *Query, t result.Table, i int) string {
	t.Name = fmt.Sprintf("m%d", i+1)
	q.Tables = append(q.Tables, t)
	return "SELECT * FROM " + t.Name
}

// view computes a relation of the agent's; its columns are named by the relation's definition.
func (s *querySession) view(ctx context.Context, rel *rewrite.Relation, q *Query, i int) (string, error) {
	t, err := s.source.Views[rel.Name](ctx, s.login)
	if err != nil {
		return "", err
	}
	if len(t.Columns) != len(rel.Columns) {
		return "", sqlerr.New(sqlerr.Internal, "relation foreshadow.%s has %d columns instead of %d", rel.Name, len(t.Columns), len(rel.Columns))
	}
	columns := make([]result.TableColumn, len(t.Columns))
	for c := range columns {
		columns[c] = result.TableColumn{Name: rel.Columns[c].Name, Type: t.Columns[c].Type}
	}
	t.Columns = columns
	return memoryTable(q, t, i), nil
}

// stored asks the shadow for a relation at its moment.
func (s *querySession) stored(ctx context.Context, u rewrite.Use, spans map[ast.Period]span, rt rights) (string, error) {
	at := spans[u.Period]
	ref := Ref{OID: u.Relation.OID, AsOf: at.To, Then: u.Relation.Then, Versions: u.Period.Kind != ast.AsOf, Since: at.From}
	if u.Relation.Schema == "foreshadow" {
		ref = Ref{Name: u.Relation.Name, Readable: rt.readable}
	}
	return s.source.Shadow.Source(ctx, ref)
}

// The defaults of the functions' parameters, as in foreshadow.sql.
const (
	defaultLevel   = 95
	defaultWidth   = 100
	defaultHeight  = 20
	defaultHorizon = 30 * 24 * time.Hour
	defaultWindow  = time.Hour
	defaultLoad    = "load.total_time_ms"
)

// predict computes a function of schema foreshadow.
func (s *querySession) predict(ctx context.Context, u rewrite.Use) (result.Table, error) {
	p := s.source.Predictor
	if p == nil {
		return result.Table{}, sqlerr.New(sqlerr.ObjectNotInState, "this agent runs without forecasts")
	}
	switch u.Function {
	case "predicted_state":
		h, err := s.span(u.Args[0], 0)
		if err != nil {
			return result.Table{}, err
		}
		return p.PredictedState(ctx, h)
	case "forecast":
		h, err := s.span(u.Args[1], 0)
		if err != nil {
			return result.Table{}, err
		}
		level, err := number(u.Args[2], defaultLevel, 1, 99.99, "level")
		if err != nil {
			return result.Table{}, err
		}
		if err := s.maySee(ctx, text(u.Args[0])); err != nil {
			return result.Table{}, err
		}
		return p.Forecast(ctx, text(u.Args[0]), h, level)
	case "low_load_windows":
		duration, err := s.span(u.Args[0], defaultWindow)
		if err != nil {
			return result.Table{}, err
		}
		series := defaultLoad
		if u.Args[1] != nil {
			series = *u.Args[1]
		}
		if err := s.maySee(ctx, series); err != nil {
			return result.Table{}, err
		}
		return p.LowLoadWindows(ctx, duration, series)
	case "assess_ddl":
		h, err := s.span(u.Args[1], 0)
		if err != nil {
			return result.Table{}, err
		}
		return s.assessTable(ctx, text(u.Args[0]), h)
	}
	h, err := s.span(u.Args[1], defaultHorizon)
	if err != nil {
		return result.Table{}, err
	}
	width, err := number(u.Args[2], defaultWidth, 20, 1000, "width")
	if err != nil {
		return result.Table{}, err
	}
	height, err := number(u.Args[3], defaultHeight, 5, 200, "height")
	if err != nil {
		return result.Table{}, err
	}
	if err := s.maySee(ctx, text(u.Args[0])); err != nil {
		return result.Table{}, err
	}
	return p.Chart(ctx, text(u.Args[0]), h, int(width), int(height))
}

// maySee refuses a series of a key that foreshadow.series does not show to the login, as if there were none. Other series tell no more of a
// table than pg_class does.
func (s *querySession) maySee(ctx context.Context, series string) error {
	if !strings.HasPrefix(series, "key.") {
		return nil
	}
	rt, err := s.rightsOf(ctx)
	if err != nil || rt.readable == nil {
		return err
	}
	from, err := s.source.Shadow.Source(ctx, Ref{Name: "series", Readable: rt.readable})
	if err != nil {
		return err
	}
	rows, err := s.source.Shadow.Query(ctx, Query{SQL: "SELECT s.series FROM (" + from + ") s WHERE s.series = $1", Params: []*string{&series}})
	if err != nil {
		return err
	}
	defer rows.Close()
	if b, err := rows.Next(ctx); err == nil && b.Len > 0 {
		return nil
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return sqlerr.New(sqlerr.UndefinedObject, "series \"%s\" does not exist", series).WithHint("SELECT series FROM foreshadow.series lists them.")
}

// span turns months, days and microseconds, as the mirror computed them, into the time from now.
func (s *querySession) span(arg *string, byDefault time.Duration) (time.Duration, error) {
	if arg == nil {
		return byDefault, nil
	}
	f := strings.Fields(*arg)
	if len(f) != 3 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon must be an interval")
	}
	months, err1 := strconv.Atoi(f[0])
	days, err2 := strconv.Atoi(f[1])
	us, err3 := strconv.ParseInt(f[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || max(months, -months) > 12*200 || max(days, -days) > 366*200 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "the horizon is too far away")
	}
	now := s.e.o.Now()
	return positive(now.AddDate(0, months, days).Sub(now).Microseconds() + us)
}

// number reads a numeric argument and its bounds. Floats come as PostgreSQL's eight bytes in hexadecimal.
func number(arg *string, byDefault, low, high float64, name string) (float64, error) {
	if arg == nil {
		return byDefault, nil
	}
	v, err := rewrite.Number(*arg)
	if err != nil || v < low || v > high {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be between %v and %v", name, low, high)
	}
	return v, nil
}
