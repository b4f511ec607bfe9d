package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func dropInstance(st ast.DropInstance) handler {
	return governed("DROP PREDICTIVE INSTANCE", st, func(ctx context.Context, s *querySession, _ *Intent) (bool, error) {
		return missing(ctx, s, st.Name, st.IfExists)
	})
}
