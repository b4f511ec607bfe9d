package pgwire

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// portal is a bound statement and how far its rows have been sent. A limited Execute leaves it in the middle of a batch.
type portal struct {
	session   session.Portal // nil for an empty query
	statement *statement     // nil in a simple query, where the caller holds it
	fields    []result.Field
	formats   []int16
	name      string // if the session knows it too and reads the rows by it: FETCH may have read some between two Executes

	rows      result.Rows
	encoder   *encode.Encoder
	batch     *result.Batch
	next      int
	suspended bool
	done      bool
	aborted   bool
}

// copies says that the statement is COPY TO STDOUT.
func (p *portal) copies() bool { return p.session != nil && p.session.Copy() }

// close releases the rows and the statement; it may be called more than once.
func (p *portal) close(c *conn) {
	p.stop(c)
	if p.session != nil {
		if err := p.session.Close(); err != nil {
			c.log.Debug("closing a portal", "error", err)
		}
		p.session = nil
	}
	if p.statement != nil {
		p.statement.release(c)
		p.statement = nil
	}
}

// stop ends the rows.
func (p *portal) stop(c *conn) {
	if p.rows == nil {
		return
	}
	if err := p.rows.Close(); err != nil {
		c.log.Debug("closing rows", "error", err)
	}
	p.rows, p.batch = nil, nil
}

// dropPortal forgets a name; it need not exist.
func (c *conn) dropPortal(name string) {
	if p, ok := c.portals[name]; ok {
		delete(c.portals, name)
		p.close(c)
	}
}

// abortPortals ends what was running when its transaction failed.
func (c *conn) abortPortals() {
	for _, p := range c.portals {
		if p.rows != nil && p.name == "" {
			p.stop(c)
			p.aborted = true
		}
	}
}

// start starts a portal that has not been.
func (c *conn) start(ctx context.Context, p *portal) (err error) {
	if p.rows != nil {
		return nil
	}
	if p.rows, err = p.session.Rows(ctx); err != nil {
		return err
	}
	return c.encode(p)
}

// encode makes ready what writes the rows.
func (c *conn) encode(p *portal) (err error) {
	p.encoder, err = encode.New(p.fields, p.formats, c.settings)
	return err
}

// run starts a portal or goes on with it. It sends at most limit rows, or all for 0, and then says how it ended.
func (c *conn) run(ctx context.Context, p *portal, limit int64) (suspended bool, err error) {
	if err := c.start(ctx, p); err != nil {
		return false, err
	}
	if p.copies() {
		return false, c.copyOut(ctx, p)
	}
	sent, err := c.sendRows(ctx, p, limit)
	if err != nil {
		return false, err
	}
	if limit > 0 && sent == limit {
		p.suspended = true
		result.Rest(p.rows)
		return true, nil
	}
	c.complete(p, sent)
	return false, nil
}

// fetch goes on with a portal or a cursor that the session knows by its name.
func (c *conn) fetch(ctx context.Context, p *portal, limit int64) (suspended bool, err error) {
	if p.rows, err = c.sess.(session.Cursors).Fetch(ctx, p.name, limit); err != nil {
		return false, err
	}
	defer p.stop(c)
	if err := c.encode(p); err != nil {
		return false, err
	}
	return c.run(ctx, p, limit)
}

// sendRows sends rows until the limit or the end.
func (c *conn) sendRows(ctx context.Context, p *portal, limit int64) (sent int64, err error) {
	c.out.room()
	for limit == 0 || sent < limit {
		if p.batch == nil || p.next >= p.batch.Len {
			if l, ok := p.rows.(result.Live); ok && l.Live() {
				if err := c.out.write(); err != nil {
					return sent, &fatal{err}
				}
			}
			if err := p.more(ctx); err != nil {
				if errors.Is(err, io.EOF) {
					return sent, nil
				}
				return sent, err
			}
			continue
		}
		end := p.batch.Len
		if limit > 0 {
			end = int(min(int64(end), int64(p.next)+limit-sent))
		}
		for ; p.next < end; p.next++ {
			if c.out.buf, err = p.encoder.AppendRow(c.out.buf, p.batch, p.next); err != nil {
				return sent, err
			}
			sent++
			if len(c.out.buf) >= flushSize {
				if err := c.out.spill(); err != nil {
					return sent, &fatal{err}
				}
			}
		}
	}
	return sent, nil
}

// more gets the next batch.
func (p *portal) more(ctx context.Context) error {
	b, err := p.rows.Next(ctx)
	if err != nil {
		p.batch = nil
		return err
	}
	p.batch, p.next = b, 0
	return p.encoder.Batch(b)
}

// complete sends the notices and the tag of a statement that has come to its end.
func (c *conn) complete(p *portal, sent int64) {
	tag := p.rows.Tag()
	if _, ok := strings.CutPrefix(tag, "SELECT "); ok && p.suspended {
		tag = "SELECT " + strconv.FormatInt(sent, 10) // PostgreSQL counts the rows of this Execute only
	}
	p.done = p.name == ""
	p.stop(c)
	c.sendNotices()
	c.out.send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
	if tag == "DISCARD ALL" || tag == "DEALLOCATE ALL" {
		for name := range c.statements {
			c.dropStatement(name)
		}
	}
}

// rerun answers an Execute of a portal that has come to its end before, as PostgreSQL does.
func (c *conn) rerun(p *portal, name string) error {
	if p.fields == nil || p.session.Copy() {
		return sqlerr.New(sqlerr.ObjectNotInState, "portal \"%s\" cannot be run", name)
	}
	c.out.send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 0")})
	return nil
}
