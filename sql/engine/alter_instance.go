package engine

import (
	"context"
	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

func alterInstance(st ast.AlterInstance) handler {
	return governed("ALTER PREDICTIVE INSTANCE", st, func(ctx context.Context, s *querySession, _ *Intent) (bool, error) {
		return missing(ctx, s, st.Name, st.IfExists)
	})
}

// missing ends ALTER and DROP for an instance that does not exist: with a notice under IF EXISTS, with an error otherwise.
func missing(ctx context.Context, s *querySession, name string, ifExists bool) (skip bool, err error) {
	known, err := s.instanceExists(ctx, name)
	if err != nil || known {
		return false, err
	}
	e := sqlerr.New(sqlerr.UndefinedObject, "predictive instance \"%s\" does not exist", name)
	if !ifExists {
		return false, e
	}
	s.notice(sqlerr.Notice("%s, skipping", e.Message))
	return true, nil
}
