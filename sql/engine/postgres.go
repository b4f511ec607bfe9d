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
		return s.prepareChecked(ctx, t, q, oids)
	case rewrite.Write:
		if s.mirror.TxStatus() == 'E' {
			return nil, errAborted
		}
		return nil, s.refuseWrite(q)
	case rewrite.Select, rewrite.Wrapped:
	}
	copied, isCopy, err := q.Copy()
	if isCopy && copied.Server {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to COPY to a file or a program of the server").
			WithHint("Anyone can COPY to stdout. psql's \\copy command also works for anyone.")
	}
	if len(q.Relations()) == 0 && !q.Touches() {
		return s.prepareChecked(ctx, t, q, oids)
	}
	rels, shadowed, rerr := s.resolve(ctx, q)
	if rerr != nil {
		return nil, rerr
	}
	if !shadowed {
		if len(plain.AsOf) > 0 {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "FOR SYSTEM_TIME needs a captured table").
				WithHint("Catalog relations are shown as they are now.")
		}
		return s.prepareChecked(ctx, t, q, oids)
	}
	if isCopy {
		if err != nil {
			return nil, err
		}
		return s.prepareCopy(ctx, t, copied, rels)
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
		"DECLARE": "Run the SELECT itself, whose rows are streamed and which the protocol's portals fetch in parts (psql: \\unset FETCH_COUNT; ODBC: UseDeclareFetch=0).",
		"PREPARE": "Use the protocol's prepared statements, as drivers do.",
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "%s of relations of the shadow is not supported", q.Command).WithHint("%s", hints[q.Command])
}
