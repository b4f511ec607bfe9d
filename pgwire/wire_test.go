package pgwire_test

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/goleak"

	"foreshadow/pgwire"
	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
)

// password is everybody's in these tests.
const password = "correct horse"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate makes a pair for the loopback address.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	cert, key, err := auth.SelfSigned([]string{"localhost", "127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// testLog shows the server's log in a failed test.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// serve runs a server with a scripted engine until the test ends.
func serve(t testing.TB, change func(*pgwire.Options)) (*pgwire.Server, *wiretest.Engine) {
	t.Helper()
	verifier := auth.VerifierWith(password, []byte("0123456789abcdef"), 64)
	engine := &wiretest.Engine{Verifiers: map[string]string{"alice": verifier}}
	o := pgwire.Options{
		Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}, AllowPlain: true, Handler: engine,
		Log: testLog(t), Secret: []byte("secret"), Iterations: 64, DrainTimeout: 2 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	s, err := pgwire.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if n := engine.Live.Load(); n != 0 {
			t.Errorf("%d sessions, statements and portals were not closed", n)
		}
	})
	return s, engine
}

// dial opens a connection that is closed when the test ends.
func dial(t testing.TB, s *pgwire.Server) net.Conn {
	t.Helper()
	nc, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// connect logs alice in over plain text.
func connect(t testing.TB, s *pgwire.Server) *wiretest.Client {
	t.Helper()
	c := wiretest.NewClient(dial(t, s))
	if _, err := c.Start(wiretest.Login{Params: map[string]string{"user": "alice", "database": "shop"}, Password: password}); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWire runs the golden files: what a client sends, and what it gets.
func TestWire(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.wire")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, engine := serve(t, nil)
			w := &wire{server: s, engine: engine}
			datadriven.RunTest(t, file, w.run)
		})
	}
}

// wire is the state of one golden file.
type wire struct {
	server *pgwire.Server
	engine *wiretest.Engine
	client *wiretest.Client
}

// run does one command of a golden file.
//
//	connect [user=] [database=] [password=] [minor=] [tls] [options as key=value]
//	send [until=MESSAGE]     lines of messages; reads until all rounds are over
//	raw                      bytes on a new connection; reads until the end
func (w *wire) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "connect":
		return w.connect(t, d)
	case "send":
		return w.send(t, d)
	case "raw":
		return w.raw(t, d)
	}
	d.Fatalf(t, "no command is called %s", d.Cmd)
	return ""
}

func (w *wire) connect(t *testing.T, d *datadriven.TestData) string {
	nc := dial(t, w.server)
	w.client = wiretest.NewClient(nc)
	login := wiretest.Login{Params: map[string]string{"user": "alice", "database": "shop"}, Password: password}
	for _, a := range d.CmdArgs {
		value := ""
		if len(a.Vals) > 0 {
			value = a.Vals[0]
		}
		switch a.Key {
		case "tls":
			c, err := wiretest.AskTLS(nc)
			if err != nil {
				d.Fatalf(t, "TLS: %v", err)
			}
			w.client = c
		case "password":
			login.Password = value
		case "minor":
			a.Scan(t, 0, &login.Minor)
		default:
			login.Params[a.Key] = value
			if value == "" {
				delete(login.Params, a.Key)
			}
		}
	}
	messages, err := w.client.Start(login)
	return text(messages, err)
}

func (w *wire) send(t *testing.T, d *datadriven.TestData) string {
	until := ""
	d.MaybeScanArgs(t, "until", &until)
	messages, err := w.client.Send(d.Input, until)
	return text(messages, err)
}

func (w *wire) raw(t *testing.T, d *datadriven.TestData) string {
	nc := dial(t, w.server)
	c := wiretest.NewClient(nc)
	bytes, err := hex.DecodeString(strings.Join(strings.Fields(d.Input), ""))
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	if _, err := nc.Write(bytes); err != nil {
		d.Fatalf(t, "%v", err)
	}
	if d.HasArg("byte") { // the answer to an encryption request is one byte
		one := make([]byte, 1)
		if _, err := io.ReadFull(nc, one); err != nil {
			return text(nil, io.EOF)
		}
		return string(one) + "\n"
	}
	messages, err := c.Read(func(pgproto3.BackendMessage) (bool, error) { return false, nil })
	return text(messages, err)
}

// text is what a golden file shows.
func text(messages []string, err error) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(m + "\n")
	}
	switch {
	case errors.Is(err, io.EOF):
		b.WriteString("(end of the connection)\n")
	case err != nil:
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return b.String()
}
