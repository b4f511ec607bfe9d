package pgwire_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/wiretest"
	"foreshadow/sql/session"
)

// proxySession is on an instance.
type proxySession struct {
	session.Session
	proxy     *session.Proxy
	cancelled chan struct{}
}

func (p *proxySession) Proxy() *session.Proxy { return p.proxy }
func (p *proxySession) Cancel()               { close(p.cancelled) }
func (p *proxySession) Close() error          { return p.proxy.Conn.Close() }

// TestProxy joins the client with another server after the startup.
func TestProxy(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	sess := &proxySession{proxy: &session.Proxy{Conn: near, Start: []byte("S\x00\x00\x00\x08a\x00b\x00Z\x00\x00\x00\x05I")}, cancelled: make(chan struct{})}
	s, engine := serve(t, nil)
	engine.Open = func(context.Context, session.Startup) (session.Session, error) { return sess, nil }
	c := wiretest.NewClient(dial(t, s))
	got, err := c.Start(wiretest.Login{Params: map[string]string{"user": "alice"}, Password: password})
	if err != nil || strings.Join(got[len(got)-3:], ", ") != "BackendKeyData (key of 4 bytes), ParameterStatus a=b, ReadyForQuery I" {
		t.Fatalf("got %v %v", got, err)
	}
	server := make(chan string, 1)
	go func() {
		buf := make([]byte, 64)
		n, _ := far.Read(buf)
		server <- string(buf[:n])
		_, _ = far.Write([]byte("I\x00\x00\x00\x04Z\x00\x00\x00\x05I"))
		_ = far.Close()
	}()
	if got := ask(t, c, "anything"); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if q := <-server; !strings.Contains(q, "anything") {
		t.Errorf("the server got %q", q)
	}
	if _, err := c.Read(func(pgproto3.BackendMessage) (bool, error) { return false, nil }); !errors.Is(err, io.EOF) {
		t.Errorf("after the server's end: %v", err)
	}
}

// TestProxyCancel maps the client's key to the session.
func TestProxyCancel(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	sess := &proxySession{proxy: &session.Proxy{Conn: near, Start: []byte("Z\x00\x00\x00\x05I")}, cancelled: make(chan struct{})}
	s, engine := serve(t, nil)
	engine.Open = func(context.Context, session.Startup) (session.Session, error) { return sess, nil }
	c := wiretest.NewClient(dial(t, s))
	if _, err := c.Start(wiretest.Login{Minor: 2, Params: map[string]string{"user": "alice"}, Password: password}); err != nil {
		t.Fatal(err)
	}
	request, err := (&pgproto3.CancelRequest{ProcessID: c.Key.ProcessID, SecretKey: c.Key.SecretKey}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(request, uint32(len(request)))
	nc := dial(t, s)
	if _, err := nc.Write(request); err != nil {
		t.Fatal(err)
	}
	select {
	case <-sess.cancelled:
	case <-time.After(10 * time.Second):
		t.Error("the session is not cancelled")
	}
}
