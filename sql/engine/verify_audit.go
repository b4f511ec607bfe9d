package engine

import (
	"context"
	"foreshadow/sql/result"
	"foreshadow/sql/types"
)

// auditFields is the answer of VERIFY AUDIT.
var auditFields = []result.Field{
	column("entries", types.Int8, 8), column("ok", types.Bool, 1), column("head", types.Text, -1), column("message", types.Text, -1),
}

func verifyAudit() handler {
	return handler{fields: auditFields, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		g, err := s.governance()
		if err != nil {
			return outcome{}, err
		}
		r, err := g.VerifyAudit(ctx)
		if err != nil {
			return outcome{}, err
		}
		return outcome{tag: "VERIFY AUDIT", rows: [][]any{{r.Entries, r.OK, r.Head, orNull(r.Message)}}}, nil
	}}
}
