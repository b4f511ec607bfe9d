package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// prepareNamed routes the statements that work on a cursor or a prepared statement by its name: those of the shadow are here. It returns nil for
// any other statement.
func (s *querySession) prepareNamed(ctx context.Context, t session.Text, q *rewrite.Query, oids []uint32) (session.Statement, error) {
	s.names.ending = s.names.ending || q.EndsNames()
	if f, ok := q.Fetch(); ok {
		return s.prepareFetch(ctx, t, q, f, oids)
	}
	if name, explained, ok := q.Executed(); ok {
		return s.prepareExecute(ctx, t, q, name, explained, oids)
	}
	return nil, nil
}

// fetchStatement is a FETCH or MOVE. Which cursor its name stands for is known only when it is bound, as in PostgreSQL.
type fetchStatement struct {
	session.Statement // on the mirror; nil while the cursor is one of the shadow
	s                 *querySession
	text              session.Text
	q                 *rewrite.Query
	fetch             rewrite.Fetch
	binary            bool
	fields            []result.Field
}

func (s *querySession) prepareFetch(ctx context.Context, t session.Text, q *rewrite.Query, f rewrite.Fetch, oids []uint32) (session.Statement, error) {
	st := &fetchStatement{s: s, text: t, q: q, fetch: f}
	c, err := s.cursorNow(ctx, f.Cursor)
	if err != nil {
		return nil, err
	}
	if c != nil {
		st.binary = c.binary
		if !f.Move {
			st.fields = c.fields
		}
		return st, nil
	}
	if st.Statement, err = s.prepareChecked(ctx, t, q, oids); err != nil {
		return nil, err
	}
	st.fields = st.Statement.Fields()
	if st.fields != nil {
		found, err := s.mirror.Query(ctx, cursorBinary, f.Cursor)
		if err != nil {
			return nil, err
		}
		st.binary = len(found) > 0 && yes(found[0][0])
	}
	return st, nil
}

// Params are none: FETCH takes no expressions.
func (f *fetchStatement) Params() []uint32       { return nil }
func (f *fetchStatement) Fields() []result.Field { return f.fields }

// Binary says that a simple query gets the rows in binary.
func (f *fetchStatement) Binary() bool { return f.binary }

// Close forgets what was prepared on the mirror.
func (f *fetchStatement) Close() error {
	if f.Statement == nil {
		return nil
	}
	return f.Statement.Close()
}

// Bind finds the cursor.
func (f *fetchStatement) Bind(ctx context.Context, params []session.Param, formats []int16) (session.Portal, error) {
	s := f.s
	if s.mirror.TxStatus() == 'E' {
		return nil, errAborted
	}
	c, err := s.begunNow(ctx, f.fetch.Cursor)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if c != nil {
		return &fetchPortal{s: s, c: c, fetch: f.fetch, binary: f.binary || slices.Contains(formats, 1)}, nil
	}
	if f.Statement == nil {
		if f.Statement, err = s.prepareChecked(ctx, f.text, f.q, nil); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	return f.Statement.Bind(ctx, params, formats)
}

// fetchPortal is a FETCH from a cursor of the shadow.
type fetchPortal struct {
	s      *querySession
	c      *cursor
	fetch  rewrite.Fetch
	binary bool
}

func (p *fetchPortal) Copy() bool   { return false }
func (p *fetchPortal) Close() error { return nil }

// Fields are the cursor's.
func (p *fetchPortal) Fields() []result.Field {
	if p.fetch.Move {
		return nil
	}
	return p.c.fields
}

// Rows moves the cursor up to the rows that are wanted.
func (p *fetchPortal) Rows(ctx context.Context) (result.Rows, error) {
	s, c := p.s, p.c
	switch {
	case s.mirror.TxStatus() == 'E':
		return nil, errAborted
	case c.closed:
		return nil, s.fail(ctx, sqlerr.New(sqlerr.InvalidCursorName, "cursor \"%s\" does not exist", c.name))
	case c.failed || c.busy != nil && !c.left:
		return nil, s.fail(ctx, errPortal(c.name))
	}
	rows, err := p.start(ctx)
	if err != nil {
		return nil, c.fail(ctx, s, err)
	}
	return rows, nil
}

// start does a MOVE, or a FETCH but for its rows.
func (p *fetchPortal) start(ctx context.Context) (result.Rows, error) {
	c := p.c
	if err := c.settle(ctx); err != nil {
		return nil, err
	}
	if p.fetch.Move {
		n, err := c.moved(ctx, p.fetch)
		result.Rest(c.rows)
		return &memory{tag: "MOVE " + strconv.FormatInt(n, 10)}, err
	}
	sc, err := c.seek(ctx, p.fetch)
	if err != nil {
		return nil, err
	}
	c.busy = sc
	return &fetchRows{s: p.s, scan: sc, binary: p.binary}, nil
}

// fail ends a cursor's use, as any error does in PostgreSQL, and makes the transaction see the error.
func (c *cursor) fail(ctx context.Context, s *querySession, err error) error {
	c.failed, c.busy = true, nil
	result.Rest(c.rows)
	return s.fail(ctx, err)
}

// settle moves over what a FETCH that was given up has not read.
func (c *cursor) settle(ctx context.Context) error {
	if c.busy == nil {
		return nil
	}
	if err := c.busy.skip(ctx); err != nil {
		return err
	}
	c.busy.finish()
	c.busy, c.left = nil, false
	return nil
}

// moved does a MOVE and counts as PostgreSQL does.
func (c *cursor) moved(ctx context.Context, f rewrite.Fetch) (int64, error) {
	onRow := !c.atStart && !c.atEnd
	switch {
	case f.Count == 0 && f.Direction != rewrite.Absolute:
		if onRow {
			return 1, nil
		}
		return 0, nil
	case f.Direction == rewrite.Backward && f.Count == rewrite.All:
		n := c.position
		if n > 0 && !c.atEnd {
			n--
		}
		return n, c.rewind()
	}
	sc, err := c.seek(ctx, f)
	if err != nil {
		return 0, err
	}
	if err := sc.skip(ctx); err != nil {
		return 0, err
	}
	sc.finish()
	return sc.done, nil
}

// fetchRows are the rows of one FETCH. The cursor moves over all of them, whether they are read or not.
type fetchRows struct {
	s      *querySession
	scan   *scan
	binary bool
	ended  bool
}

func (r *fetchRows) Fields() []result.Field { return r.scan.c.fields }

// Tag counts the rows.
func (r *fetchRows) Tag() string { return "FETCH " + strconv.FormatInt(r.scan.done, 10) }

// Rest is the query's.
func (r *fetchRows) Rest() { result.Rest(r.scan.c.rows) }

// Next gives the next rows.
func (r *fetchRows) Next(ctx context.Context) (*result.Batch, error) {
	c := r.scan.c
	switch {
	case r.ended:
		return nil, io.EOF
	case c.closed:
		return nil, r.s.fail(ctx, sqlerr.New(sqlerr.InvalidCursorName, "cursor \"%s\" does not exist", c.name))
	}
	b, err := r.scan.batch(ctx)
	if errors.Is(err, io.EOF) {
		r.end()
		return nil, io.EOF
	}
	if err == nil && r.binary && slices.ContainsFunc(b.Columns, func(c result.Column) bool { return c.Kind == result.Encoded }) {
		err = sqlerr.New(sqlerr.FeatureNotSupported, "the rows of cursor \"%s\" come as text only", c.name)
	}
	if err != nil {
		r.ended = true
		return nil, c.fail(ctx, r.s, err)
	}
	return b, nil
}

// end leaves the cursor where its rows end.
func (r *fetchRows) end() {
	r.ended = true
	r.scan.finish()
	r.scan.c.busy = nil
	result.Rest(r.scan.c.rows)
}

// Close leaves what was not read to the next FETCH, which skips it: the client may be gone for good.
func (r *fetchRows) Close() error {
	if !r.ended {
		r.ended, r.scan.c.left = true, true
		result.Rest(r.scan.c.rows)
	}
	return nil
}
