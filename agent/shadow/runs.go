package shadow

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/result"
	"foreshadow/sql/types"

	"foreshadow/agent/change"
)

// keptRuns is how many runs keep their points. Of older ones the first of a day does for keptDays and the first of a week for keptWeeks, so that
// they can be held against what happened; the others keep what chose their models.
const (
	keptRuns  = 30
	keptDays  = 35
	keptWeeks = 104
)

//go:embed thin.sql
var thinSQL string

// SaveRun stores a forecast run and gives it its number.
func (d *DB) SaveRun(_ context.Context, run forecast.Run) (id int64, err error) {
	err = d.side(func(c *conn) error {
		last, _, err := one[int64](c, "SELECT max(run_id) FROM runs")
		if err != nil {
			return err
		}
		id = last + 1
		parameters, err := json.Marshal(run.Parameters)
		if err != nil {
			return err
		}
		if err := c.exec("INSERT INTO runs VALUES ($1, $2, $3, $4, $5)", id, run.StartedAt, run.Horizon.Microseconds(), run.Version, string(parameters)); err != nil {
			return err
		}
		for n := range run.Results {
			if err := saveResult(c, id, n, &run.Results[n]); err != nil {
				return err
			}
		}
		if err := savePoints(c, id, run.Results); err != nil {
			return err
		}
		for _, l := range run.Limits {
			if err := insert(c, "run_limits", append([]any{id, l.Kind, l.Object, l.Current, l.Max, l.Unit, l.P10, l.P50, l.P90, l.Note}, basis(l.Basis)...)); err != nil {
				return err
			}
		}
		for _, s := range run.Schema {
			if err := insert(c, "run_schema", append([]any{id, s.Relation, s.What, s.Probability, s.Within.Microseconds(), s.P10, s.P50, s.P90, s.Because}, basis(s.Basis)...)); err != nil {
				return err
			}
		}
		if err := c.exec(fmt.Sprintf(thinSQL, id-keptRuns, run.StartedAt.Unix(), keptDays, keptWeeks)); err != nil {
			return err
		}
		return d.noteAside(c, ran, run)
	})
	if err != nil {
		return 0, fmt.Errorf("save forecast run: %w", err)
	}
	return id, nil
}

// basis gives the columns that say what a forecast rests on.
func basis(b forecast.Basis) []any {
	return []any{b.Model, b.From, b.To, b.Backtest.Origins, b.Backtest.MASE, b.Backtest.Skill, b.Backtest.Coverage}
}

func basisOf(row []any) (b forecast.Basis) {
	b.Model, _ = row[0].(string) // runs of older versions have none
	b.From, b.To = moment(row[1]), moment(row[2])
	if n, ok := row[3].(int64); ok {
		b.Backtest = forecast.Backtest{Origins: int(n), MASE: row[4].(float64), Skill: row[5].(float64), Coverage: row[6].(float64)}
	}
	return b
}

// insert appends one row to a table of the shadow's own.
func insert(c *conn, table string, row []any) error {
	marks := make([]string, len(row))
	for i := range row {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	return c.exec("INSERT INTO "+table+" VALUES ("+strings.Join(marks, ", ")+")", row...)
}

func saveResult(c *conn, id int64, n int, r *forecast.Result) error {
	s := &r.Series
	return c.exec("INSERT INTO run_series VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
		id, n, s.ID, s.Kind, s.Object, s.Measure, s.Unit, s.Source, s.Text, s.Step.Microseconds(), s.Start, r.Model, r.Level,
		r.From, r.To, r.Backtest.Origins, r.Backtest.MASE, r.Backtest.Skill, r.Backtest.Coverage)
}

func savePoints(c *conn, id int64, results []forecast.Result) error {
	w, err := newChunk(c, "run_points", []string{"BIGINT", "INTEGER", "TIMESTAMPTZ", "DOUBLE", "DOUBLE", "DOUBLE"})
	if err != nil {
		return err
	}
	defer w.close()
	for n := range results {
		for _, p := range results[n].Points {
			set(w, 0, id)
			set(w, 1, int32(n))
			set(w, 2, p.At.UnixMicro())
			set(w, 3, p.Mean)
			set(w, 4, p.Lo)
			set(w, 5, p.Hi)
			if err := w.next(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// LatestRun gives the last forecast run, or nil when there was none.
func (d *DB) LatestRun(context.Context) (*forecast.Run, error) {
	rows, err := d.read("SELECT run_id, started_at, horizon_us, model_version, coalesce(parameters, '{}') FROM runs ORDER BY run_id DESC LIMIT 1")
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := rows[0]
	run := &forecast.Run{ID: r[0].(int64), StartedAt: moment(r[1]), Horizon: time.Duration(r[2].(int64)) * time.Microsecond, Version: r[3].(int64)}
	if err := json.Unmarshal([]byte(r[4].(string)), &run.Parameters); err != nil {
		return nil, fmt.Errorf("read the parameters of run %d: %w", run.ID, err)
	}
	if run.Results, err = d.results(run.ID); err != nil {
		return nil, err
	}
	rows, err = d.read("SELECT kind, object, current_value, max_value, unit, p10, p50, p90, note, "+basisColumns+" FROM run_limits WHERE run_id = $1 ORDER BY rowid", run.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		run.Limits = append(run.Limits, forecast.Limit{Kind: r[0].(string), Object: r[1].(string), Current: r[2].(float64), Max: r[3].(float64),
			Unit: r[4].(string), P10: moment(r[5]), P50: moment(r[6]), P90: moment(r[7]), Note: r[8].(string), Basis: basisOf(r[9:])})
	}
	rows, err = d.read("SELECT relation, what, probability, within_us, p10, p50, p90, because, "+basisColumns+" FROM run_schema WHERE run_id = $1 ORDER BY rowid", run.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		run.Schema = append(run.Schema, forecast.SchemaChange{Relation: r[0].(string), What: r[1].(string), Probability: r[2].(float64),
			Within: time.Duration(r[3].(int64)) * time.Microsecond, P10: moment(r[4]), P50: moment(r[5]), P90: moment(r[6]), Because: r[7].(string), Basis: basisOf(r[8:])})
	}
	return run, nil
}

const basisColumns = "model, trained_from, trained_to, origins, mase, skill, coverage"

func moment(v any) time.Time { t, _ := v.(time.Time); return t }

func (d *DB) results(id int64) ([]forecast.Result, error) {
	rows, err := d.read("SELECT id, kind, object, measure, unit, source, text, step_us, start_at, model, level, trained_from, trained_to, "+
		"origins, mase, skill, coverage FROM run_series WHERE run_id = $1 ORDER BY n", id)
	if err != nil {
		return nil, err
	}
	out := make([]forecast.Result, len(rows))
	for i, r := range rows {
		s := forecast.Series{ID: r[0].(string), Kind: r[1].(string), Object: r[2].(string), Measure: r[3].(string), Unit: r[4].(string),
			Source: r[5].(string), Text: r[6].(string), Step: time.Duration(r[7].(int64)) * time.Microsecond, Start: moment(r[8])}
		out[i] = forecast.Result{Series: s, Model: r[9].(string), Level: r[10].(float64), From: moment(r[11]), To: moment(r[12]),
			Backtest: forecast.Backtest{Origins: int(r[13].(int64)), MASE: r[14].(float64), Skill: r[15].(float64), Coverage: r[16].(float64)}}
	}
	if rows, err = d.read("SELECT n, ts, mean, lo, hi FROM run_points WHERE run_id = $1 ORDER BY n, ts", id); err != nil {
		return nil, err
	}
	for _, r := range rows {
		res := &out[r[0].(int64)]
		res.Points = append(res.Points, forecast.Point{At: moment(r[1]), Mean: r[2].(float64), Lo: r[3].(float64), Hi: r[4].(float64)})
	}
	return out, nil
}

// SaveExpectations stores what a run expects of coming minutes; the change log and its profile are measured against it.
func (d *DB) SaveExpectations(_ context.Context, es []forecast.Expectation) error {
	return d.side(func(c *conn) error {
		w, err := newChunk(c, "expectations", []string{"UINTEGER", "TIMESTAMPTZ", "BIGINT", "DOUBLE", "DOUBLE", "DOUBLE"})
		if err != nil {
			return err
		}
		defer w.close()
		for i := range es {
			e := &es[i]
			set(w, 0, e.OID)
			set(w, 1, e.Bucket.Truncate(time.Minute).UnixMicro())
			set(w, 2, e.RunID)
			set(w, 3, e.Expected)
			set(w, 4, e.Lo)
			set(w, 5, e.Hi)
			if err := w.next(); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		return d.noteAside(c, foreseen, es)
	})
}

// Rows streams a whole table, all columns in the order of its shape, as it was at a position; 0 is now.
func (d *DB) Rows(ctx context.Context, oid uint32, asOf change.LSN) (result.Rows, error) {
	reading, done := d.Reading(ctx)
	defer done()
	sql, err := d.Source(reading, Ref{OID: oid, AsOf: AsOf{LSN: asOf}})
	if err != nil {
		return nil, err
	}
	fields := d.fields(oid)
	rows, err := d.Query(ctx, Query{SQL: sql, Fields: fields})
	if err != nil || fields != nil {
		return rows, err
	}
	for i := range rows.Fields() {
		rows.Fields()[i].Name = types.ColumnName(rows.Fields()[i].Name)
	}
	return rows, nil
}

// fields describes a captured table's columns as PostgreSQL would.
func (d *DB) fields(oid uint32) []result.Field {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[oid]
	if t == nil || t.Version == 0 {
		return nil // a partitioned table: its fields come from its rows
	}
	rel := d.shape(t)
	out := make([]result.Field, len(rel.Columns))
	for i := range rel.Columns {
		c := &rel.Columns[i]
		out[i] = result.Field{Name: c.Name, TableOID: oid, AttNum: uint16(c.AttNum), TypeOID: c.TypeOID, TypMod: c.TypMod, TypeSize: fieldType(c).Size}
	}
	return out
}
