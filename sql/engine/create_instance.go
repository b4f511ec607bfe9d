package engine

import (
	"context"
	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// createInstance evaluates its moment on the mirror, which reads intervals and timestamps as PostgreSQL does.
func createInstance(st ast.CreateInstance) handler {
	return governed("CREATE PREDICTIVE INSTANCE", st, func(ctx context.Context, s *querySession, in *Intent) (bool, error) {
		in.source(st.Source)
		known, err := s.instanceExists(ctx, st.Name)
		if err != nil {
			return false, err
		}
		if _, isSource := s.e.sources[st.Name]; isSource || known {
			e := sqlerr.New(sqlerr.DuplicateObject, "predictive instance \"%s\" already exists", st.Name)
			if isSource {
				e = sqlerr.New(sqlerr.DuplicateObject, "\"%s\" is the name of a source", st.Name)
			}
			if !st.IfNotExists || isSource {
				return false, e
			}
			s.notice(sqlerr.Notice("%s, skipping", e.Message))
			return true, nil
		}
		if st.Horizon != "" {
			if in.Horizon, err = s.horizon(ctx, st.Horizon); err != nil {
				return false, err
			}
		}
		if st.AsOf != "" {
			in.AsOf, err = s.moment(ctx, st.AsOf)
		}
		return false, err
	})
}

// instanceExists is false on an agent without instances.
func (s *querySession) instanceExists(ctx context.Context, name string) (bool, error) {
	if s.e.o.Instances == nil {
		return false, nil
	}
	return s.e.o.Instances.Exists(ctx, name)
}
