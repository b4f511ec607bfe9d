package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"foreshadow/forecast/risk"
	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// riskFields are what EXPLAIN RISK answers: one finding a row.
var riskFields = []result.Field{column("item", types.Text, -1), column("finding", types.Text, -1)}

// explainRisk words an assessment for people; foreshadow.assess_ddl has the same as figures.
func explainRisk(st ast.ExplainRisk) handler {
	placed := func(err error) error {
		if st.Offset < 0 { // in a string constant
			return unplaced(err)
		}
		return parse.Shift(err, st.Offset)
	}
	return handler{fields: riskFields,
		check: func() error {
			_, err := risk.Parse(st.DDL)
			return placed(err)
		},
		run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
			var horizon time.Duration
			if st.Horizon != "" {
				var err error
				if horizon, err = s.horizon(ctx, st.Horizon); err != nil {
					return outcome{}, err
				}
			}
			found, stats, err := s.assess(ctx, st.DDL, horizon)
			if err != nil {
				return outcome{}, placed(err)
			}
			out := outcome{tag: "EXPLAIN"}
			for i := range found {
				out.rows = append(out.rows, riskRows(i+1, len(found), &found[i], stats)...)
			}
			return out, nil
		}}
}

// assess asks the mirror for what the script names, under the login's role, and the predictor for the rest. stats says whether the login may see
// texts of statements.
func (s *querySession) assess(ctx context.Context, ddl string, horizon time.Duration) (found []risk.Assessment, stats bool, err error) {
	if s.source.Predictor == nil {
		return nil, false, sqlerr.New(sqlerr.ObjectNotInState, "this agent runs without forecasts")
	}
	script, err := risk.Parse(ddl)
	if err != nil {
		return nil, false, err
	}
	relations, typeNames, functions := script.Names()
	rows, err := s.mirror.Query(ctx, risk.CatalogSQL, arrayOf(relations), arrayOf(typeNames), arrayOf(functions))
	if err != nil {
		return nil, false, err
	}
	if len(rows) != 1 {
		return nil, false, sqlerr.New(sqlerr.Internal, "the mirror gave no catalog")
	}
	catalog, err := risk.ReadCatalog(text(rows[0][0]))
	if err != nil {
		return nil, false, err
	}
	if err := catalog.Restrict(); err != nil {
		return nil, false, err
	}
	rt, err := s.rightsOf(ctx)
	if err != nil {
		return nil, false, err
	}
	found, err = s.source.Predictor.Assess(ctx, script, catalog, horizon)
	return found, rt.stats, err
}

// riskRows words one statement.
func riskRows(n, of int, a *risk.Assessment, stats bool) [][]any {
	var out [][]any
	say := func(item, format string, args ...any) {
		finding := fmt.Sprintf(format, args...)
		out = append(out, []any{item, finding})
	}
	if of > 1 {
		say(fmt.Sprintf("statement %d", n), "%s", strings.Join(strings.Fields(a.Text), " "))
	}
	say("verdict", "%s: %s", a.Verdict, a.Because)
	if !a.ChangesOn.IsZero() {
		early := ""
		if !a.EarlyOn.IsZero() && a.EarlyOn.Before(a.ChangesOn) {
			early = " (if it grows fast, from " + a.EarlyOn.Format(time.DateOnly) + ")"
		}
		say("changes", "%s from %s on%s", a.Becomes, a.ChangesOn.Format(time.DateOnly), early)
	}
	for _, f := range a.Findings {
		say("lock", "%s on %s, blocks %s", f.Lock, f.Relation.Name, f.Lock.Blocks())
		if f.Work() != "metadata" {
			say("work", "%s of %.0f rows, %s", f.Work(), f.Rows.P50, risk.Bytes(f.Bytes.P50))
		}
		if !f.Lock.BlocksWrites() {
			continue
		}
		say("held", "%s, most likely between %s and %s", risk.Seconds(f.Hold.P50), risk.Seconds(f.Hold.P10), risk.Seconds(f.Hold.P90))
		if f.Wait > 0 {
			say("wait", "%s expected, for transactions that hold %s", risk.Seconds(f.Wait), f.Relation.Name)
		}
		if !math.IsNaN(f.Conflicting) {
			say("load", "%.3g statements/s would wait, %.0f at the end", f.Conflicting, f.Queued)
			if f.QueuedBest < 0.9*f.Queued {
				say("best hour", "%s: %.3g statements/s, %.0f at the end", f.BestHour.UTC().Format("Mon 2006-01-02 15:04 MST"), f.AtBest, f.QueuedBest)
			}
		}
	}
	if a.Disk > 0 {
		say("disk", "%s more, %s of write-ahead log, replicas %s behind", risk.Bytes(a.Disk), risk.Bytes(a.WAL), risk.Seconds(a.ReplicaLag))
	}
	for _, b := range a.Breaks {
		say("clients", "%s", broken(b))
	}
	for i, q := range a.Broken {
		if stats && i < 5 {
			say("used by", "%s", strings.Join(strings.Fields(q), " "))
		}
	}
	if slices.ContainsFunc(a.Findings, func(f risk.Finding) bool { return f.Work() != "metadata" }) {
		basis := "shipped rates of a small machine; foreshadow calibrate measures this one"
		if !a.Rates.Measured.IsZero() {
			basis = "rates measured on this host on " + a.Rates.Measured.Format(time.DateOnly)
		}
		say("durations", "%s", basis)
	}
	for _, note := range a.Notes {
		say("note", "%s", note)
	}
	for _, sql := range a.Safer {
		say("safer", "%s", sql)
	}
	return out
}

// broken words what clients lose.
func broken(b risk.Break) string {
	if b.Column == "" {
		return b.Relation.Name + " is " + b.How
	}
	return b.Relation.Name + "." + b.Column + " is " + b.How
}

// assessTable is foreshadow.assess_ddl: a row for each statement and relation.
func (s *querySession) assessTable(ctx context.Context, ddl string, horizon time.Duration) (result.Table, error) {
	t := result.Table{Name: "assess_ddl"}
	for _, c := range []string{"statement INTEGER", "command VARCHAR", "relation VARCHAR", "lock VARCHAR", "blocks VARCHAR", "work VARCHAR", "rows DOUBLE", "bytes DOUBLE",
		"hold_p10 DOUBLE", "hold_p50 DOUBLE", "hold_p90 DOUBLE", "wait DOUBLE", "conflicting DOUBLE", "queued DOUBLE", "disk_bytes DOUBLE", "wal_bytes DOUBLE",
		"replica_lag DOUBLE", "breaks VARCHAR", "verdict VARCHAR", "because VARCHAR", "changes_on TIMESTAMPTZ", "changes_early TIMESTAMPTZ", "becomes VARCHAR",
		"best_hour TIMESTAMPTZ", "safer VARCHAR"} {
		name, kind, _ := strings.Cut(c, " ")
		t.Columns = append(t.Columns, result.TableColumn{Name: name, Type: kind})
	}
	found, _, err := s.assess(ctx, ddl, horizon)
	if err != nil {
		return t, unplaced(err)
	}
	for i := range found {
		a := &found[i]
		var breaks []string
		for _, b := range a.Breaks {
			breaks = append(breaks, broken(b))
		}
		tail := []any{a.Disk, a.WAL, a.ReplicaLag, orNull(strings.Join(breaks, "; ")), string(a.Verdict), a.Because, orNever(a.ChangesOn), orNever(a.EarlyOn),
			orNull(string(a.Becomes))}
		safer := orNull(strings.Join(a.Safer, "\n"))
		if len(a.Findings) == 0 {
			t.Rows = append(t.Rows, append(append([]any{int32(i + 1), a.Command, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}, tail...), nil, safer))
		}
		for _, f := range a.Findings {
			row := []any{int32(i + 1), a.Command, f.Relation.Name, f.Lock.String(), f.Lock.Blocks(), f.Work(), f.Rows.P50, f.Bytes.P50,
				f.Hold.P10, f.Hold.P50, f.Hold.P90, f.Wait, orUnknown(f.Conflicting), f.Queued}
			t.Rows = append(t.Rows, append(append(row, tail...), orNever(f.BestHour), safer))
		}
	}
	return t, nil
}

// orNever is NULL for a time that does not come.
func orNever(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// orUnknown is NULL for a figure that is not known.
func orUnknown(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}
