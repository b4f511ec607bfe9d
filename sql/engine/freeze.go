package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func freeze(st ast.Freeze) handler {
	return handler{outsideBlock: true, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		g, err := s.governance()
		if err != nil {
			return outcome{}, err
		}
		return outcome{tag: "FREEZE"}, g.Freeze(ctx, s.login, st.Reason)
	}}
}
