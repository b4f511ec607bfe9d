package pgwire

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// open gets a session for a client that has proved who it is and tells the client that it may begin.
func (c *conn) open(ctx context.Context) error {
	sess, err := c.server.o.Handler.Connect(ctx, c.startup)
	if err != nil {
		e := sqlerr.From(err)
		if e.Code == sqlerr.Internal {
			c.log.Error("cannot open a session", "error", e.Message)
		}
		return e
	}
	c.mu.Lock()
	c.sess = sess
	c.mu.Unlock()
	c.server.register(c)
	c.log.Debug("client connected", "tls", c.startup.TLS, "channel_bound", c.startup.ChannelBound)
	if p := sess.Proxy(); p != nil {
		c.sendKey()
		c.setBusy(true) // only the other server knows when it is idle
		return c.proxy(ctx, p)
	}
	if n, ok := sess.(session.Notifier); ok {
		n.OnNotify(c.notified)
	}
	c.sendStatus()
	c.sendKey()
	return c.ready()
}

// sendKey tells the client how to cancel what it runs.
func (c *conn) sendKey() { c.out.send(&pgproto3.BackendKeyData{ProcessID: c.id, SecretKey: c.key}) }

// ready ends a round: everything is sent, and it is the client's turn.
func (c *conn) ready() error {
	c.setBusy(false)
	tx := c.sess.TxStatus()
	c.out.send(&pgproto3.ReadyForQuery{TxStatus: tx})
	if err := c.out.flush(); err != nil {
		return err
	}
	c.setIdle(tx == 'I')
	return nil
}
