package engine

import (
	"context"
	"errors"
	"io"
	"strings"

	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// queryPlan is the one column of EXPLAIN.
var queryPlan = []result.Field{column("QUERY PLAN", types.Text, -1)}

// harmless are the options of EXPLAIN that change nothing here; all others need an executor or a planner of PostgreSQL's.
var harmless = map[string]bool{"verbose": true, "costs": true, "summary": true, "settings": true}

// explainStatement tells how the shadow would run a query.
type explainStatement struct{ *shadowStatement }

// prepareExplain prepares the query that EXPLAIN holds. Nothing of it is ever run.
func (s *querySession) prepareExplain(ctx context.Context, t session.Text, q *rewrite.Query, oids []uint32) (session.Statement, error) {
	options, ok := q.ExplainOptions()
	if !ok {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s of relations of the shadow is not supported", q.Command)
	}
	if err := explainable(options); err != nil {
		return nil, err
	}
	query := inner(t, q.Inner())
	st, err := s.preparePostgres(ctx, query, oids, nil)
	if err != nil {
		return nil, parse.Shift(err, query.Offset-t.Offset)
	}
	shadow, ok := st.(*shadowStatement)
	if !ok {
		_ = st.Close() // the refusal counts
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "EXPLAIN of this statement is not supported").WithHint("%s", explainHint)
	}
	return &explainStatement{shadow}, nil
}

// explainHint is the way to PostgreSQL's own plans.
const explainHint = "The shadow is a column store: its plans are not PostgreSQL's. EXPLAIN in a predictive instance instead."

// explainable refuses options that have no meaning here.
func explainable(options map[string]string) error {
	for name, value := range options {
		off := value == "false" || value == "off" || value == "0"
		if harmless[name] || off || name == "format" && value == "text" {
			continue
		}
		return sqlerr.New(sqlerr.FeatureNotSupported, "EXPLAIN option \"%s\" of relations of the shadow is not supported", strings.ToUpper(name)).WithHint("%s", explainHint)
	}
	return nil
}

// Fields is QUERY PLAN.
func (e *explainStatement) Fields() []result.Field { return queryPlan }

// Bind binds the query.
func (e *explainStatement) Bind(ctx context.Context, params []session.Param, _ []int16) (session.Portal, error) {
	p, err := e.shadowStatement.Bind(ctx, params, nil)
	if err != nil {
		return nil, err
	}
	return &explainPortal{p.(*shadowPortal)}, nil
}

// explainPortal is an EXPLAIN that has not begun.
type explainPortal struct{ *shadowPortal }

// Fields is QUERY PLAN.
func (p *explainPortal) Fields() []result.Field { return queryPlan }

// Rows asks DuckDB for its plans.
func (p *explainPortal) Rows(ctx context.Context) (result.Rows, error) {
	return p.run(ctx, p.explained)
}

func (p *explainPortal) explained(ctx context.Context, k *known) (result.Rows, error) {
	st := p.st
	refusal := st.refusal
	if k.failed != nil {
		refusal = k.failed
		if err := st.lendBare(ctx, refusal); err != nil {
			return nil, err
		}
	}
	if refusal == nil {
		plan, err := st.q.Translate(st.filled(ctx, k))
		if err == nil {
			q, err := st.query(ctx, plan, nil, k)
			if err != nil {
				return nil, err
			}
			return p.plans(ctx, "DuckDB runs this statement over the shadow:", q)
		}
		refusal = err
		if err := p.turnToLent(ctx, k, refusal); err != nil {
			return nil, err
		}
	}
	queries, err := st.loanQueries(ctx, k, false)
	if err != nil {
		return nil, err
	}
	return p.plans(ctx, "PostgreSQL runs this statement in the mirror, over rows that the shadow lends it ("+sqlerr.From(refusal).Message+"):", queries...)
}

// plans are DuckDB's for some queries, none of which is run.
func (p *explainPortal) plans(ctx context.Context, head string, queries ...Query) (result.Rows, error) {
	out := outcome{tag: "EXPLAIN", rows: [][]any{{head}}}
	for _, q := range queries {
		q.SQL, q.Fields = "EXPLAIN "+q.SQL, nil
		rows, err := p.st.s.source.Shadow.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		out.rows, err = duckLines(ctx, rows, out.rows)
		_ = rows.Close() // all of them have been read
		if err != nil {
			return nil, err
		}
	}
	return newMemory(queryPlan, out), nil
}

// duckLines adds the lines of DuckDB's plans.
func duckLines(ctx context.Context, rows result.Rows, lines [][]any) ([][]any, error) {
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		for _, plan := range b.Columns[len(b.Columns)-1].Bytes { // the key and the text of each plan
			for line := range strings.Lines(string(plan)) {
				lines = append(lines, []any{strings.TrimRight(line, " \n")})
			}
		}
	}
}
