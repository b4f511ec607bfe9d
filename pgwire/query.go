package pgwire

import (
	"bytes"
	"context"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// query answers a simple query: all its statements, in one implicit transaction unless they say otherwise.
func (c *conn) query(ctx context.Context, body []byte) error {
	text, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) > 0 {
		c.failed(ctx, malformed("Query"))
		return c.finish(ctx)
	}
	c.dropPortal("")
	c.dropStatement("")
	if err := c.statementsOf(ctx, string(text)); err != nil {
		c.failed(ctx, err)
	}
	if c.out.err != nil {
		return &fatal{c.out.err}
	}
	return c.finish(ctx)
}

// statementsOf runs the statements of a query string until one fails.
func (c *conn) statementsOf(ctx context.Context, query string) error {
	if !utf8.ValidString(query) {
		return sqlerr.New("22021", `invalid byte sequence for encoding "UTF8"`)
	}
	texts, err := c.sess.Parse(ctx, query)
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		c.out.send(&pgproto3.EmptyQueryResponse{})
	}
	for _, t := range texts {
		if err := c.simple(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// simple prepares, binds and runs one statement, with all results as text but for those of a binary cursor.
func (c *conn) simple(ctx context.Context, t session.Text) error {
	if c.deallocate(t.SQL) {
		return nil
	}
	prepared, err := c.sess.Prepare(ctx, t, nil)
	if err != nil {
		return err
	}
	s := &statement{session: prepared}
	defer s.release(c)
	s.hold()
	if len(prepared.Params()) > 0 {
		return sqlerr.New("42P02", "there is no parameter $1")
	}
	var formats []int16
	if b, ok := prepared.(session.Binary); ok && b.Binary() {
		formats = []int16{1}
	}
	bound, err := prepared.Bind(ctx, nil, formats)
	if err != nil {
		return err
	}
	p := &portal{session: bound, fields: bound.Fields()}
	defer p.close(c)
	if p.formats, err = encode.Formats(formats, len(p.fields)); err != nil {
		return err
	}
	if err := c.start(ctx, p); err != nil { // which has no row description in PostgreSQL either
		return err
	}
	if p.fields != nil && !bound.Copy() {
		c.out.send(rowDescription(p.fields, p.formats))
	}
	_, err = c.run(ctx, p, 0)
	return err
}

// finish ends the implicit transaction and tells the client that it may go on.
func (c *conn) finish(ctx context.Context) error {
	if err := c.sess.Sync(ctx); err != nil {
		c.sendNotices()
		c.sendError(sqlerr.From(err))
	}
	if c.sess.TxStatus() == 'I' {
		for name := range c.portals {
			c.dropPortal(name)
		}
	}
	c.sendNotices()
	if c.sess.TxStatus() == 'I' {
		c.sendNotifications()
	}
	c.sendStatus()
	return c.ready()
}
