package pgwire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/encode"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// conn is one client. Everything but wake, cancel and abandon runs on its own goroutine.
type conn struct {
	server *Server
	nc     net.Conn // TLS once that is negotiated
	raw    net.Conn
	in     *reader
	out    *writer
	log    *slog.Logger

	id      uint32
	key     []byte
	counted bool
	source  string // of the client, as the throttle counts it
	binding auth.Binding
	startup session.Startup

	mu     sync.Mutex // guards what other goroutines use
	sess   session.Session
	closed bool
	busy   bool // with something that a cancel request may mean
	idle   bool // nothing is read, run or written, and no transaction is open

	statements map[string]*statement
	portals    map[string]*portal
	reported   map[string]string
	skipping   bool // after an error, until Sync

	set    *encode.Settings
	setFor [3]string
}

// fatal is an error after which the connection ends; the client is told unless there is nothing to tell.
type fatal struct{ err error }

func (f *fatal) Error() string { return f.err.Error() }
func (f *fatal) Unwrap() error { return f.err }

// errDone ends a connection without a word.
var errDone = errors.New("connection is done")

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{
		server: s, nc: nc, raw: nc, in: newReader(nc), out: &writer{nc: nc, timeout: s.o.WriteTimeout},
		log: s.o.Log, statements: map[string]*statement{}, portals: map[string]*portal{}, reported: map[string]string{},
	}
}

// serve is the life of a connection.
func (c *conn) serve(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("a connection panicked", "panic", r, "stack", string(debug.Stack()))
			c.farewell(sqlerr.New(sqlerr.Internal, "internal error"))
		}
		c.close()
	}()
	err := c.establish(ctx)
	if err == nil {
		err = c.loop(ctx)
	}
	c.farewell(err)
}

// farewell tells the client why the connection ends, where there is something to tell and somebody to hear it.
func (c *conn) farewell(err error) {
	if err == nil || errors.Is(err, errDone) || c.out.err != nil {
		return
	}
	var e *sqlerr.Error
	switch {
	case c.server.draining.Load() && !errors.As(err, &e):
		e = sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")
	case errors.As(err, &e):
	case errors.Is(err, errTooLong), errors.Is(err, errLength):
		e = sqlerr.New(sqlerr.ProtocolViolation, "%s", err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.sess == nil {
			e = sqlerr.New(sqlerr.QueryCanceled, "canceling authentication due to timeout")
		}
	}
	if e == nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
			c.log.Debug("connection lost", "error", err)
		}
		return
	}
	last := *e
	last.Severity = "FATAL"
	c.sendError(&last)
	c.out.timeout = time.Second
	if c.out.flush() == nil {
		c.linger()
	}
}

// linger reads for a moment what the client still sends: closing with unread input would make the system drop the last message.
func (c *conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	_, _ = io.CopyN(io.Discard, c.raw, 1<<20)
}

// loop reads and answers messages.
func (c *conn) loop(ctx context.Context) error {
	done, watched := make(chan struct{}), make(chan struct{})
	go func() { defer close(watched); c.watch(done) }()
	defer func() { close(done); <-watched }()
	for {
		kind, body, err := c.in.next(c.server.o.MaxMessage)
		c.setIdle(false)
		if err != nil {
			return err
		}
		c.setBusy(true)
		if err := c.handle(ctx, kind, body); err != nil {
			return err
		}
		if c.out.err != nil {
			return c.out.err
		}
	}
}

// handle answers one message. What a handler returns is an error for the client, unless it is fatal.
func (c *conn) handle(ctx context.Context, kind byte, body []byte) error {
	if c.skipping && kind != 'S' && kind != 'X' {
		return nil
	}
	var err error
	switch kind {
	case 'Q':
		err = c.query(ctx, body)
	case 'P':
		err = c.parse(ctx, body)
	case 'B':
		err = c.bind(ctx, body)
	case 'D':
		err = c.describe(ctx, body)
	case 'E':
		err = c.execute(ctx, body)
	case 'C':
		err = c.closeObject(body)
	case 'H':
		return c.out.flush()
	case 'S':
		return c.sync(ctx)
	case 'X':
		return errDone
	case 'F':
		return c.functionCall(ctx)
	case 'd', 'c', 'f': // the rest of a COPY that failed, as PostgreSQL ignores it
		return nil
	default:
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid frontend message type %d", kind)
	}
	var end *fatal
	switch {
	case err == nil:
		return c.out.spill()
	case errors.As(err, &end), errors.Is(err, errDone):
		return err
	}
	c.skipping = kind != 'Q'
	c.failed(ctx, err)
	return c.out.spill()
}

// wake ends a wait for the next message when the server drains.
func (c *conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.raw.SetReadDeadline(time.Unix(1, 0))
}

// readBefore sets the time by which the client must have sent what is read next; zero means any time. A draining server has no more of it.
func (c *conn) readBefore(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.raw.SetReadDeadline(t)
	if c.server.draining.Load() {
		_ = c.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// setBusy marks the time from a message to the next ReadyForQuery.
func (c *conn) setBusy(busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = busy
}

// cancel interrupts what the session does now. One that comes when nothing runs must not hit the next statement.
func (c *conn) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sess != nil && c.busy && !c.closed {
		c.sess.Cancel()
	}
}

// abandon makes every read and write of the connection fail soon, but leaves time for a last message.
func (c *conn) abandon() {
	_ = c.raw.SetDeadline(time.Now().Add(time.Second))
}

// close releases what the connection holds.
func (c *conn) close() {
	for name := range c.portals {
		c.dropPortal(name)
	}
	for name := range c.statements {
		c.dropStatement(name)
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if c.sess != nil {
		if err := c.sess.Close(); err != nil {
			c.log.Debug("closing a session", "error", err)
		}
	}
	if c.counted {
		c.server.live.Add(-1)
	}
	_ = c.nc.Close()
}

// malformed is PostgreSQL's answer to a body that does not fit its message type.
func malformed(name string) error {
	return sqlerr.New(sqlerr.ProtocolViolation, "invalid message format").WithDetail("A message of type %s could not be read.", name)
}
