package engine

import (
	"context"

	"foreshadow/sql/parse"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// preparePostgres routes a statement of PostgreSQL's grammar: to the mirror, unless it touches the shadow or would change something.
func (s *querySession) preparePostgres(ctx context.Context, t session.Text, oids []uint32) (session.Statement, error) {
	plain, err := parse.TakeSystemTime(t.SQL)
	if err != nil {
		return nil, err
	}
	if err := parse.Check(t.SQL); err != nil {
		return nil, err
	}
	q, err := rewrite.Parse(plain.SQL, plain.AsOf)
	if err != nil {
		return nil, err
	}
	switch q.Kind {
	case rewrite.Mirror:
		return s.prepareMirror(ctx, t, oids)
	case rewrite.Write:
		if s.mirror.TxStatus() == 'E' {
			return nil, errAborted
		}
		return nil, s.refuseWrite(q)
	case rewrite.Select, rewrite.Wrapped:
	}
	if len(q.Relations()) == 0 && !q.Touches() {
		return s.prepareMirror(ctx, t, oids)
	}
	rels, shadowed, err := s.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	if !shadowed {
		if len(plain.AsOf) > 0 {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "FOR SYSTEM_TIME needs a captured table").
				WithHint("Catalog relations are shown as they are now.")
		}
		return s.prepareMirror(ctx, t, oids)
	}
	if q.Kind == rewrite.Wrapped {
		return nil, refuseWrapped(q)
	}
	if len(t.SQL) > s.e.o.MaxSQL {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is longer than %d bytes", s.e.o.MaxSQL)
	}
	return s.prepareShadow(ctx, t, plain, q, rels, oids)
}

// refuseWrite is PostgreSQL's error of a read-only transaction, with the way out.
func (s *querySession) refuseWrite(q *rewrite.Query) error {
	return sqlerr.New(sqlerr.ReadOnlyTransaction, "cannot execute %s in a read-only transaction", q.Command).
		WithHint("Foreshadow shows the history of the primary and changes nothing in it; write to the primary itself.")
}

// refuseWrapped tells what to do instead.
func refuseWrapped(q *rewrite.Query) error {
	hints := map[string]string{
		"EXPLAIN": "The shadow is a column store: its plans are not PostgreSQL's. EXPLAIN in a predictive instance instead.",
		"DECLARE": "Run the SELECT itself; its rows are streamed, and the protocol's portals fetch them in parts.",
		"PREPARE": "Use the protocol's prepared statements, as drivers do.",
		"COPY":    "Run the SELECT itself; in psql use \\copy or \\g with \\pset format csv.",
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "%s of relations of the shadow is not supported", q.Command).WithHint("%s", hints[q.Command])
}
