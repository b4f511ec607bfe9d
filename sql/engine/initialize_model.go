package engine

import (
	"context"
	"foreshadow/sql/ast"
)

func initializeModel(st ast.InitializeModel) handler {
	return governed("INITIALIZE PREDICTIVE MODEL", st, func(_ context.Context, _ *querySession, in *Intent) (bool, error) {
		in.source(st.Source)
		return false, nil
	})
}
