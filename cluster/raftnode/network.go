package raftnode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Handler answers what another agent asked by Call. From is the id its certificate proves.
type Handler func(ctx context.Context, from string, request []byte) []byte

// The first byte of a connection says what it carries.
const (
	streamRaft = 'R'
	streamCall = 'F'
)

// Limits of the network: the time to say who one is, connections that have not yet, and the size of one message.
const (
	handshakeTimeout = 10 * time.Second
	maxHandshakes    = 64
	maxMessage       = 8 << 20
	callTimeout      = 60 * time.Second
)

// network listens for the other agents and dials them. It is the library's stream layer: Raft's server addresses are agents' ids.
type network struct {
	id      string
	peers   map[string]string // id to address, as text
	tls     *TLS
	handler Handler
	log     *slog.Logger

	ln     net.Listener // nil in a group of one
	raft   chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
}

// idAddr is an agent's id in the place of a network address.
type idAddr string

// Network names the kind of address.
func (idAddr) Network() string { return "agent" }

// String gives the id.
func (a idAddr) String() string { return string(a) }

// listen opens the port, unless the node is alone.
func listen(o Options) (*network, error) {
	n := &network{
		id: o.ID, peers: map[string]string{}, tls: o.TLS, handler: o.Handler, log: o.Log,
		raft: make(chan net.Conn), conns: map[net.Conn]struct{}{},
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for _, p := range o.Peers {
		n.peers[p.ID] = p.Addr
	}
	if len(o.Peers) == 1 {
		return n, nil
	}
	if err := o.TLS.check(o.ID); err != nil {
		return nil, err
	}
	addr := o.Listen
	if addr == "" {
		addr = n.peers[o.ID]
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for other agents: %w", err)
	}
	n.ln = ln
	n.wg.Go(n.serve)
	return n, nil
}

// serve accepts until the listener is closed; each connection says who it is in its own goroutine.
func (n *network) serve() {
	slots := make(chan struct{}, maxHandshakes)
	for {
		c, err := n.ln.Accept()
		if errors.Is(err, net.ErrClosed) || n.ctx.Err() != nil {
			return
		}
		if err != nil {
			n.log.Warn("accepting a connection of another agent was retried", "error", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-n.ctx.Done():
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-n.ctx.Done():
			_ = c.Close()
			return
		}
		n.wg.Go(func() { n.greet(c, func() { <-slots }) })
	}
}

// greet does the handshake, reads the first byte, and hands the connection on.
func (n *network) greet(raw net.Conn, release func()) {
	c, from, kind, err := n.handshake(raw)
	release()
	if err != nil {
		_ = raw.Close()
		n.log.Info("a connection was refused", "remote", raw.RemoteAddr().String(), "error", err)
		return
	}
	switch kind {
	case streamRaft:
		select {
		case n.raft <- c:
		case <-n.ctx.Done():
			_ = c.Close()
		}
	case streamCall:
		n.answer(c, from)
		_ = c.Close()
	default:
		_ = c.Close()
	}
}

// handshake proves who the other side is.
func (n *network) handshake(raw net.Conn) (net.Conn, string, byte, error) {
	c := n.track(raw)
	conf, err := n.tls.server(n.peers)
	if err != nil {
		return c, "", 0, err
	}
	_ = c.SetDeadline(time.Now().Add(handshakeTimeout))
	t := tls.Server(c, conf)
	if err := t.HandshakeContext(n.ctx); err != nil {
		_ = c.Close()
		return c, "", 0, err
	}
	var first [1]byte
	if _, err := io.ReadFull(t, first[:]); err != nil {
		_ = c.Close()
		return c, "", 0, err
	}
	_ = c.SetDeadline(time.Time{})
	from := ""
	for _, u := range t.ConnectionState().PeerCertificates[0].URIs {
		if id := n.tls.peerOf(u.String(), n.peers); id != "" {
			from = id
		}
	}
	return t, from, first[0], nil
}

// answer serves one call.
func (n *network) answer(c net.Conn, from string) {
	_ = c.SetDeadline(time.Now().Add(callTimeout))
	request, err := readMessage(c)
	if err != nil || n.handler == nil {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, callTimeout)
	defer cancel()
	if err := writeMessage(c, n.handler(ctx, from, request)); err != nil {
		n.log.Info("an agent did not wait for its answer", "agent", from, "error", err)
	}
}

// dial opens a stream of one kind to another agent. Its name is resolved now, every time.
func (n *network) dial(ctx context.Context, id string, kind byte) (net.Conn, error) {
	addr, ok := n.peers[id]
	if !ok || addr == "" || n.tls == nil {
		return nil, fmt.Errorf("dial agent %q: no address is known", id)
	}
	conf, err := n.tls.client(id)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial agent %q: %w", id, err)
	}
	c := n.track(raw)
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("dial agent %q: %w", id, err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = t.SetDeadline(deadline)
	}
	if _, err := t.Write([]byte{kind}); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("dial agent %q: %w", id, err)
	}
	_ = t.SetDeadline(time.Time{})
	return t, nil
}

// Dial opens a Raft stream; part of the library's stream layer.
func (n *network) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(n.ctx, timeout)
	defer cancel()
	return n.dial(ctx, string(address), streamRaft)
}

// Accept gives the library its next Raft stream.
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.raft:
		return c, nil
	case <-n.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Addr is the agent's id.
func (n *network) Addr() net.Addr { return idAddr(n.id) }

// Close stops listening and ends every connection; part of the library's stream layer.
func (n *network) Close() error {
	n.cancel()
	var err error
	if n.ln != nil {
		err = n.ln.Close()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
	clear(n.conns)
	return err
}

// stop closes and waits for the network's goroutines.
func (n *network) stop() {
	_ = n.Close() // a listener closed twice
	n.wg.Wait()
}

// tracked is a connection that the network ends when it is closed.
type tracked struct {
	net.Conn
	n *network
}

// Close ends the connection and forgets it.
func (t *tracked) Close() error {
	t.n.mu.Lock()
	delete(t.n.conns, t.Conn)
	t.n.mu.Unlock()
	return t.Conn.Close()
}

// track registers a connection; after Close it is ended at once.
func (n *network) track(c net.Conn) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		_ = c.Close()
		return c
	}
	n.conns[c] = struct{}{}
	return &tracked{Conn: c, n: n}
}
