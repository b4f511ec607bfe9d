package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func revokeApproval(st ast.RevokeApproval) handler {
	return decision("REVOKE APPROVAL", func(ctx context.Context, s *querySession, g Governance) (Request, error) {
		return g.RevokeApproval(ctx, s.login, st.ID)
	})
}
