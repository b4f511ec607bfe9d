package engine

import (
	"context"
	"io"
	"slices"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// verdictFields is one table's comparison.
var verdictFields = []result.Field{
	column("relation", types.Text, -1), column("state", types.Text, -1), column("lsn", types.LSN, 8), column("rows", types.Int8, 8),
	column("chunks", types.Int8, 8), column("differing_rows", types.Int8, 8), column("detail", types.Text, -1),
}

// verifyShadow compares the tables that the login may read, since the rows that differ are named by their keys.
func verifyShadow(st ast.VerifyShadow) handler {
	return handler{fields: verdictFields, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		v := s.source.Verifier
		if v == nil {
			return outcome{}, sqlerr.New(sqlerr.ObjectNotInState, "this agent cannot verify the shadow")
		}
		tables, err := s.verifiable(ctx, st.Tables)
		if err != nil {
			return outcome{}, err
		}
		ctx, cancel := context.WithCancel(ctx)
		r := &verdicts{s: s, cancel: cancel, next: make(chan Verdict)}
		go func() {
			defer close(r.next)
			r.err = v.Verify(ctx, tables, func(one Verdict) error {
				select {
				case r.next <- one:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		}()
		return outcome{stream: r}, nil
	}}
}

// verifiable turns names into OIDs and checks that the login may read them; without names it is all that it may read, nil for everything.
func (s *querySession) verifiable(ctx context.Context, tables [][]string) ([]uint32, error) {
	rt, err := s.rightsOf(ctx)
	if err != nil || len(tables) == 0 {
		return rt.readable, err
	}
	keys := make([]string, len(tables))
	for i, parts := range tables {
		quoted := make([]string, len(parts))
		for k, p := range parts {
			quoted[k] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
		}
		keys[i] = strings.Join(quoted, ".")
	}
	rels := map[string]*named{}
	if err := s.lookUp(ctx, keys, rels); err != nil {
		return nil, err
	}
	var oids []uint32
	for i, key := range keys {
		name := strings.Join(tables[i], ".")
		switch r := rels[key]; {
		case r == nil:
			return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", name)
		case r.system || r.Schema == "foreshadow" || r.kind != "r" && r.kind != "p":
			return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a captured table", name)
		case rt.readable != nil && !slices.Contains(rt.readable, r.OID):
			return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for table %s", r.Name)
		default:
			oids = append(oids, r.OID)
		}
	}
	return oids, nil
}

// verdicts are the rows of a comparison under way, each as its table ends. err is set before next is closed.
type verdicts struct {
	s      *querySession
	cancel context.CancelFunc
	next   chan Verdict
	err    error
	hint   string
}

func (r *verdicts) Fields() []result.Field { return verdictFields }
func (r *verdicts) Tag() string            { return "VERIFY SHADOW" }

// Live has each row sent when it comes.
func (r *verdicts) Live() bool { return true }

// Next waits for the next table.
func (r *verdicts) Next(ctx context.Context) (*result.Batch, error) {
	v, ok := <-r.next
	switch {
	case ok:
	case r.err != nil:
		return nil, r.s.fail(context.WithoutCancel(ctx), r.err)
	default:
		if r.hint != "" {
			r.s.notice(sqlerr.Notice("the shadow differs from the primary; nothing was changed").WithHint("%s", r.hint))
			r.hint = ""
		}
		return nil, io.EOF
	}
	if v.Hint != "" {
		r.hint = v.Hint
	}
	row := []any{v.Relation, v.State, nil, nil, nil, nil, orNull(v.Detail)}
	if v.LSN > 0 {
		row = []any{v.Relation, v.State, int64(v.LSN), v.Rows, v.Chunks, v.Differing, orNull(v.Detail)}
	}
	return newMemory(verdictFields, outcome{rows: [][]any{row}}).batch, nil
}

// Close ends the comparison.
func (r *verdicts) Close() error {
	r.cancel()
	for range r.next {
	}
	return nil
}
