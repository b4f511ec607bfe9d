package pgwire

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"foreshadow/sql/session"
)

// proxy joins the client with a server that is past its own startup, byte for byte, until either side ends.
func (c *conn) proxy(ctx context.Context, p *session.Proxy) error {
	c.out.room()
	c.out.buf = append(c.out.buf, p.Start...)
	if err := c.out.flush(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Conn.Close() })
	defer stop()
	_ = c.nc.SetWriteDeadline(time.Time{})
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(c.nc, p.Conn)
		_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // the server has gone: stop waiting for the client
	})
	both.Go(func() {
		_, _ = io.Copy(p.Conn, c.in.r)
		endWrites(p.Conn)
	})
	both.Wait()
	return errDone
}

// endWrites tells the server that the client has gone, and closes the connection if that cannot be said.
func endWrites(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		return
	}
	_ = nc.Close()
}
