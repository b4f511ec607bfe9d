package pgwire

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/sqlerr"
)

// execute runs a portal, or goes on with one that was suspended. It never sends a RowDescription.
func (c *conn) execute(ctx context.Context, body []byte) error {
	var m pgproto3.Execute
	if err := m.Decode(body); err != nil {
		return malformed("Execute")
	}
	p, err := c.findPortal(m.Portal)
	if err != nil {
		if p, err = c.findCursor(ctx, m.Portal, err); err != nil {
			return err
		}
	}
	limit := max(int64(int32(m.MaxRows)), 0)
	run := c.run
	switch {
	case p.session == nil && p.name == "":
		c.out.send(&pgproto3.EmptyQueryResponse{})
		return nil
	case p.aborted:
		return sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	case p.done:
		return c.rerun(p, m.Portal)
	case p.name != "":
		run = c.fetch
	}
	suspended, err := run(ctx, p, limit)
	if err != nil {
		return err
	}
	if suspended {
		c.sendNotices()
		c.out.send(&pgproto3.PortalSuspended{})
	}
	return nil
}
