package engine

import (
	"context"

	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// declareStatement is DECLARE CURSOR for a query over the shadow.
type declareStatement struct {
	session.Statement // the query
	s                 *querySession
	text              session.Text
	declared          rewrite.Declared
	head              string // up to the query
}

// prepareDeclare prepares the query that a cursor is declared for.
func (s *querySession) prepareDeclare(ctx context.Context, t session.Text, q *rewrite.Query, d rewrite.Declared, oids []uint32) (session.Statement, error) {
	start := q.Inner()
	query := inner(t, start)
	st, err := s.preparePostgres(ctx, query, oids, nil)
	if err != nil {
		return nil, parse.Shift(err, query.Offset-t.Offset)
	}
	return &declareStatement{Statement: st, s: s, text: t, declared: d, head: t.SQL[:start]}, nil
}

// Fields is nil: the rows are FETCH's.
func (d *declareStatement) Fields() []result.Field { return nil }

// Bind binds the query.
func (d *declareStatement) Bind(ctx context.Context, params []session.Param, _ []int16) (session.Portal, error) {
	p, err := d.Statement.Bind(ctx, params, nil)
	if err != nil {
		return nil, err
	}
	return &declarePortal{Portal: p, d: d}, nil
}

// declarePortal holds the bound query until the cursor has it.
type declarePortal struct {
	session.Portal
	d    *declareStatement
	open bool
}

func (p *declarePortal) Fields() []result.Field { return nil }
func (p *declarePortal) Copy() bool             { return false }

// Rows opens the cursor: its stand-in on the mirror, which checks the name and the transaction, and the query on the shadow, which sees the
// rows of now.
func (p *declarePortal) Rows(ctx context.Context) (result.Rows, error) {
	d, s := p.d, p.d.s
	text := s.names.standIn(d.head+" SELECT WHERE false", d.text.SQL)
	if err := s.runOnMirror(ctx, text); err != nil {
		return nil, s.fail(ctx, err)
	}
	onMirror(p.Portal, func(ctx context.Context, l *lent, values [][]byte, formats, _ []int16) error {
		return d.overLent(ctx, l, values, formats)
	})
	rows, err := p.Portal.Rows(ctx)
	if err != nil {
		return nil, err
	}
	if lives(rows) {
		return &memory{tag: "DECLARE CURSOR"}, rows.Close()
	}
	result.Rest(rows)
	p.open = true
	s.names.hold(&cursor{name: d.declared.Cursor, text: text, fields: p.Portal.Fields(), rows: rows, portal: p.Portal,
		scroll: d.declared.Scroll, binary: d.declared.Binary, atStart: true})
	return &memory{tag: "DECLARE CURSOR"}, nil
}

// overLent declares the cursor on the mirror, over the rows that it was lent: PostgreSQL then does all that cursors do. The stand-in has been there
// only for its checks.
func (d *declareStatement) overLent(ctx context.Context, l *lent, values [][]byte, formats []int16) error {
	s := d.s
	s.mirror.Drop(d.declared.Cursor)
	name, _, _, err := s.mirror.Prepare(ctx, s.names.standIn(d.head+" "+l.text, d.text.SQL), l.oids)
	if err != nil {
		return err
	}
	defer s.mirror.Deallocate(name)
	rows, err := s.mirror.Execute(ctx, name, values, formats, nil)
	if err != nil {
		return err
	}
	return rows.Close()
}

// Close leaves the query to the cursor, if there is one by now.
func (p *declarePortal) Close() error {
	if p.open {
		return nil
	}
	return p.Portal.Close()
}

// cursorNow gives a cursor over the shadow if the mirror still has its stand-in.
func (s *querySession) cursorNow(ctx context.Context, name string) (*cursor, error) {
	c := s.names.cursors[name]
	if c == nil {
		return nil, nil
	}
	found, err := s.mirror.Query(ctx, cursorAlive, name, c.text)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return c, nil
	}
	c.close()
	delete(s.names.cursors, name)
	return nil, nil
}

// sweepCursors ends the cursors whose stand-ins have ended. It asks only when that may be so.
func (s *querySession) sweepCursors(ctx context.Context) error {
	tx := s.mirror.TxStatus()
	if len(s.names.cursors) == 0 || tx == 'E' || tx == 'T' && !s.names.ending {
		return nil
	}
	s.names.ending = false
	found, err := s.mirror.Query(ctx, cursorsAlive)
	if err != nil {
		return err
	}
	alive := map[string]string{}
	for _, row := range found {
		alive[text(row[0])] = text(row[1])
	}
	for name, c := range s.names.cursors {
		if alive[name] != c.text {
			c.close()
			delete(s.names.cursors, name)
		}
	}
	return s.mirror.Sync(ctx)
}

// errPortal is PostgreSQL's for a cursor whose query has failed, or that is being read already.
func errPortal(name string) error {
	return sqlerr.New(sqlerr.ObjectNotInState, "portal \"%s\" cannot be run", name)
}
