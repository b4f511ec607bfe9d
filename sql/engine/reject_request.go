package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func rejectRequest(st ast.RejectRequest) handler {
	return decision("REJECT REQUEST", func(ctx context.Context, s *querySession, g Governance) (Request, error) {
		return g.Reject(ctx, s.login, st.ID, st.Reason)
	})
}
