package engine

import (
	"context"
	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// activateInstances is governed only when it activates: one person can stop, two can start.
func activateInstances(st ast.ActivateInstances) handler {
	if st.Active {
		return governed("ACTIVATE PREDICTIVE INSTANCES", st, func(_ context.Context, _ *querySession, in *Intent) (bool, error) {
			in.source(st.Source)
			return false, nil
		})
	}
	return handler{outsideBlock: true, run: func(ctx context.Context, s *querySession, _ string) (outcome, error) {
		g, err := s.governance()
		if err != nil {
			return outcome{}, err
		}
		in := Intent{Source: s.source.Name}
		in.source(st.Source)
		if _, ok := s.e.sources[in.Source]; !ok {
			return outcome{}, sqlerr.New(sqlerr.UndefinedObject, "source \"%s\" does not exist", in.Source)
		}
		return outcome{tag: "DEACTIVATE PREDICTIVE INSTANCES"}, g.Deactivate(ctx, s.login, in.Source)
	}}
}
