package engine

import (
	"context"
	"io"
	"strings"

	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
)

var _ session.Cursors = (*querySession)(nil)

// Cursor describes what a FETCH gives.
func (s *querySession) Cursor(ctx context.Context, name string) ([]result.Field, error) {
	st, err := s.Prepare(ctx, session.Text{SQL: "FETCH " + quoteIdent(name)}, nil)
	if err != nil {
		return nil, err
	}
	return st.Fields(), st.Close()
}

// Open gives a portal its name: on the mirror itself if it runs there, and otherwise on a stand-in there, as a cursor has one.
func (s *querySession) Open(ctx context.Context, name string, p session.Portal) error {
	if m, ok := p.(*mirrorPortal); ok {
		return m.open(ctx, name)
	}
	text := s.names.standIn("SELECT WHERE false", textOf(p))
	standIn, _, _, err := s.mirror.Prepare(ctx, text, nil)
	if err != nil {
		return unplaced(err)
	}
	defer s.mirror.Deallocate(standIn)
	if err := s.mirror.Open(ctx, name, standIn, nil, nil, nil); err != nil {
		return unplaced(err)
	}
	onMirror(p, func(ctx context.Context, l *lent, values [][]byte, formats, resultFormats []int16) error {
		s.mirror.Drop(name)
		return s.mirror.Open(ctx, name, l.name, values, formats, resultFormats)
	})
	s.names.hold(&cursor{name: name, text: text, fields: p.Fields(), portal: p, atStart: true})
	return nil
}

// textOf is what the client wrote, which pg_cursors shows.
func textOf(p session.Portal) string {
	switch p := p.(type) {
	case *shadowPortal:
		return p.st.text.SQL
	case *ownPortal:
		return p.st.text
	}
	return ""
}

// Fetch goes on with a portal or a cursor.
func (s *querySession) Fetch(ctx context.Context, name string, limit int64) (result.Rows, error) {
	if s.mirror.TxStatus() == 'E' {
		return nil, errAborted
	}
	c, err := s.begunNow(ctx, name)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if c == nil {
		return s.mirror.Fetch(ctx, name, limit)
	}
	f := rewrite.Fetch{Cursor: name, Count: limit}
	if limit == 0 {
		f.Count = rewrite.All
	}
	rows, err := (&fetchPortal{s: s, c: c, fetch: f}).Rows(ctx)
	if err != nil {
		return nil, err
	}
	return &executedRows{Rows: rows, c: c}, nil
}

// executedRows are what one Execute gives of a portal.
type executedRows struct {
	result.Rows
	c *cursor
}

// Tag is the statement's own, with the number of rows that this Execute gave.
func (r *executedRows) Tag() string {
	_, count, _ := strings.Cut(r.Rows.Tag(), " ")
	if word, _, counts := strings.Cut(r.c.rows.Tag(), " "); counts {
		return word + " " + count
	}
	return r.c.rows.Tag()
}

// Drop ends a portal or a cursor.
func (s *querySession) Drop(name string) {
	s.names.drop(name)
	s.mirror.Drop(name)
}

// begunNow gives a cursor over the shadow that is there still, and has begun. It is nil for what is on the mirror, also from now on.
func (s *querySession) begunNow(ctx context.Context, name string) (*cursor, error) {
	c, err := s.cursorNow(ctx, name)
	if c == nil || c.rows != nil || c.failed || err != nil {
		return c, err
	}
	rows, err := c.portal.Rows(ctx)
	if err != nil {
		c.failed = true
		return nil, err
	}
	if lives(rows) {
		delete(s.names.cursors, name)
		return nil, rows.Close()
	}
	c.rows = rows
	return c, nil
}

// placer makes a statement over lent rows a cursor or a portal of the mirror, instead of running it there.
type placer func(ctx context.Context, l *lent, values [][]byte, formats, resultFormats []int16) error

// onMirror says where a query goes if it turns out to need lent rows.
func onMirror(p session.Portal, to placer) {
	switch p := p.(type) {
	case *shadowPortal:
		p.place = to
	case *executePortal:
		p.place = to
	}
}

// lives says that a query has become a cursor or a portal of the mirror.
func lives(rows result.Rows) bool {
	s, ok := rows.(*shadowRows)
	if !ok {
		return false
	}
	_, ok = s.Rows.(*placedRows)
	return ok
}

// placedRows stand for those that the mirror has.
type placedRows struct{}

func (*placedRows) Fields() []result.Field                      { return nil }
func (*placedRows) Next(context.Context) (*result.Batch, error) { return nil, io.EOF }
func (*placedRows) Tag() string                                 { return "" }
func (*placedRows) Close() error                                { return nil }
