package engine

import (
	"context"
	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// approveRequest approves a hash: the one that is named, or the one that this session was shown.
func approveRequest(st ast.ApproveRequest) handler {
	return decision("APPROVE REQUEST", func(ctx context.Context, s *querySession, g Governance) (Request, error) {
		hash := st.Hash
		if hash == "" {
			hash = s.shown[st.ID]
		}
		if hash == "" {
			return Request{}, sqlerr.New(sqlerr.ObjectNotInState, "request %d has not been shown in this session", st.ID).
				WithHint("Read it with SHOW REQUEST %d first, or name what you approve: APPROVE REQUEST %d HASH '...'.", st.ID, st.ID)
		}
		return g.Approve(ctx, s.login, st.ID, hash)
	})
}
