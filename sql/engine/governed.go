package engine

import (
	"context"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// requestFields is the one row that every governed statement answers.
var requestFields = []result.Field{
	column("request_id", types.Int8, 8), column("state", types.Text, -1), column("hash", types.Text, -1),
	column("plan", types.JSONB, -1), column("missing", types.Text, -1),
}

// requestRow words a request. An empty plan is NULL.
func requestRow(r Request) []any {
	return []any{r.ID, r.State, r.Hash, orNull(string(r.Plan)), r.Missing}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// governance refuses when the agent runs without it.
func (s *querySession) governance() (Governance, error) {
	if s.e.o.Governance == nil {
		return nil, sqlerr.New(sqlerr.ObjectNotInState, "this agent runs without governance")
	}
	return s.e.o.Governance, nil
}

// governed is the handler of a statement that is planned and proposed; evaluate turns its clauses into values and may
// end the statement early with a notice, as IF EXISTS does.
func governed(tag string, st ast.Statement, evaluate func(ctx context.Context, s *querySession, in *Intent) (skip bool, err error)) handler {
	return handler{fields: requestFields, outsideBlock: true, run: func(ctx context.Context, s *querySession, text string) (outcome, error) {
		in := Intent{Statement: st, Text: strings.Trim(text, "; \t\r\n"), Source: s.source.Name}
		if evaluate != nil {
			skip, err := evaluate(ctx, s, &in)
			if err != nil || skip {
				return outcome{tag: tag}, err
			}
		}
		r, err := s.propose(ctx, in)
		if err != nil {
			return outcome{}, err
		}
		return outcome{tag: tag, rows: [][]any{requestRow(r)}}, nil
	}}
}

// propose plans a statement and enters it as a request. The session has then been shown what it holds.
func (s *querySession) propose(ctx context.Context, in Intent) (Request, error) {
	g, err := s.governance()
	if err != nil {
		return Request{}, err
	}
	if _, ok := s.e.sources[in.Source]; !ok {
		return Request{}, sqlerr.New(sqlerr.UndefinedObject, "source \"%s\" does not exist", in.Source)
	}
	if s.e.o.Planner == nil {
		return Request{}, sqlerr.New(sqlerr.ObjectNotInState, "this agent cannot plan governed statements")
	}
	p, err := s.e.o.Planner.Plan(ctx, s.login, in)
	if err != nil {
		return Request{}, err
	}
	r, err := g.Propose(ctx, s.login, p)
	if err != nil {
		return Request{}, err
	}
	s.shown[r.ID] = r.Hash
	return r, nil
}

// decision is the handler of a statement that decides upon a request and answers its new state.
func decision(tag string, decide func(ctx context.Context, s *querySession, g Governance) (Request, error)) handler {
	return handler{fields: requestFields, outsideBlock: true, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		g, err := s.governance()
		if err != nil {
			return outcome{}, err
		}
		r, err := decide(ctx, s, g)
		if err != nil {
			return outcome{}, err
		}
		return outcome{tag: tag, rows: [][]any{requestRow(r)}}, nil
	}}
}

// source sets the intent's source when the statement names one.
func (in *Intent) source(name string) {
	if name != "" {
		in.Source = name
	}
}
