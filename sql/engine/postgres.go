package engine

import (
	"context"
	"maps"
	"slices"

	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// preparePostgres routes a statement of PostgreSQL's grammar: to the mirror, unless it touches the shadow or would change something.
// given holds the moments that are known already, as they are when a statement is run and its parameters are there.
func (s *querySession) preparePostgres(ctx context.Context, t session.Text, oids []uint32, given map[ast.Period]span) (session.Statement, error) {
	if given == nil {
		if st, err := s.reuse(ctx, t, oids); st != nil || err != nil {
			return st, err
		}
	}
	plain, q, err := s.readPostgres(t.SQL)
	if err != nil {
		return nil, err
	}
	switch q.Kind {
	case rewrite.Mirror:
		if err := s.checkNotify(q); err != nil {
			return nil, err
		}
		if st, err := s.prepareNamed(ctx, t, q, oids); st != nil || err != nil {
			return st, err
		}
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
	if err := placed(plain, q, isCopy && copied.Relation != nil); err != nil {
		return nil, err
	}
	if len(q.Relations()) == 0 && !q.Touches() {
		return s.prepareChecked(ctx, t, q, oids)
	}
	now, rerr := s.surroundings(ctx)
	if rerr != nil {
		return nil, rerr
	}
	rels, shadowed, rerr := s.resolve(ctx, q, now.key)
	if rerr != nil {
		return nil, rerr
	}
	tr, rerr := s.then(ctx, q, plain, rels, shadowed, now, given)
	if rerr != nil {
		return nil, rerr
	}
	if !shadowed && len(tr.relations) == 0 {
		t.SQL = plain.SQL
		return s.prepareChecked(ctx, t, q, oids)
	}
	if isCopy {
		if err != nil {
			return nil, err
		}
		return s.prepareCopy(ctx, t, copied, rels, tr)
	}
	if q.Kind == rewrite.Wrapped {
		return s.prepareWrapped(ctx, t, q, oids)
	}
	if len(t.SQL) > s.e.o.MaxSQL {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is longer than %d bytes", s.e.o.MaxSQL)
	}
	st, err := s.prepareShadow(ctx, t, plain, q, rels, tr, oids)
	if err != nil {
		return nil, err
	}
	if given == nil && now.asOf == nil && len(plain.Periods) == 0 && !momentary.MatchString(t.SQL) {
		st.key, st.asked = now.key, oids
	}
	return st, nil
}

// readPostgres parses a statement, and refuses a query that the mirror would read otherwise.
func (s *querySession) readPostgres(sql string) (plain parse.Plain, q *rewrite.Query, err error) {
	if plain, err = parse.TakeSystemTime(sql); err != nil {
		return plain, nil, err
	}
	if err = parse.Check(sql); err != nil {
		return plain, nil, err
	}
	if q, err = rewrite.Parse(plain.SQL, plain.Periods); err != nil {
		return plain, nil, err
	}
	if (q.Kind == rewrite.Select || q.Kind == rewrite.Wrapped) && s.mirror.Status()["standard_conforming_strings"] == "off" && parse.Backslashed(sql) {
		return plain, nil, sqlerr.New(sqlerr.FeatureNotSupported, "a backslash in a string is not supported while standard_conforming_strings is off").
			WithHint("SET standard_conforming_strings = on, or write E'...'.")
	}
	return plain, q, nil
}

// placed refuses a moment behind anything but a table's name.
func placed(plain parse.Plain, q *rewrite.Query, copiesTable bool) error {
	for at := range plain.Periods {
		if copiesTable || !slices.ContainsFunc(q.Relations(), func(n rewrite.RelationName) bool { return n.Location == at }) {
			return sqlerr.New(sqlerr.FeatureNotSupported, "FOR SYSTEM_TIME needs a captured table").
				WithHint("Write it behind the name of a table in FROM: not of a WITH query, a subquery or a function, nor of a table in COPY.")
		}
	}
	return nil
}

// then finds what the statement's tables were at their moments. A statement of the catalog alone has none.
func (s *querySession) then(ctx context.Context, q *rewrite.Query, plain parse.Plain, rels map[string]*named, shadowed bool, now surroundings, given map[ast.Period]span) (*travel, error) {
	unknown := slices.ContainsFunc(q.Relations(), func(n rewrite.RelationName) bool { return rels[n.Key()].Relation == nil })
	if !shadowed && !unknown && len(plain.Periods) == 0 {
		return &travel{}, nil
	}
	for _, n := range q.Relations() {
		if _, said := q.Period(n.Location); said && rels[n.Key()].own() {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "FOR SYSTEM_TIME needs a captured table").
				WithHint("Catalog relations, and those of schema foreshadow, are shown as they are now.")
		}
	}
	at, err := s.asOf(ctx, now.asOf)
	if err != nil {
		return nil, err
	}
	spans := given
	if spans == nil {
		if spans, err = s.spansNow(ctx, periodsOf(plain)); err != nil {
			return nil, err
		}
	}
	spans[ast.Period{}] = span{To: at}
	return s.travels(ctx, q, rels, now.path, spans)
}

// periodsOf lists the different periods in a fixed order.
func periodsOf(plain parse.Plain) []ast.Period {
	var out []ast.Period
	for _, at := range slices.Sorted(maps.Keys(plain.Periods)) {
		if p := plain.Periods[at]; !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// refuseWrite is PostgreSQL's error of a read-only transaction, with the way out.
func (s *querySession) refuseWrite(q *rewrite.Query) error {
	return sqlerr.New(sqlerr.ReadOnlyTransaction, "cannot execute %s in a read-only transaction", q.Command).
		WithHint("Foreshadow shows the history of the primary and changes nothing in it; write to the primary itself.")
}

// prepareWrapped makes ready a statement that holds a query over the shadow.
func (s *querySession) prepareWrapped(ctx context.Context, t session.Text, q *rewrite.Query, oids []uint32) (session.Statement, error) {
	if d, ok := q.Declared(); ok {
		return s.prepareDeclare(ctx, t, q, d, oids)
	}
	p, ok, err := q.Prepared()
	switch {
	case err != nil:
		return nil, err
	case ok:
		return &prepareStatement{s: s, text: t, q: q, p: p}, nil
	}
	return s.prepareExplain(ctx, t, q, oids)
}
