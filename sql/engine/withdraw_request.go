package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func withdrawRequest(st ast.WithdrawRequest) handler {
	return decision("WITHDRAW REQUEST", func(ctx context.Context, s *querySession, g Governance) (Request, error) {
		return g.Withdraw(ctx, s.login, st.ID)
	})
}
