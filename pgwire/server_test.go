package pgwire_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/agent/postgres"
	"foreshadow/pgwire"
	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
	"foreshadow/sql/session"
)

// dsn is for clients with a library of their own.
func dsn(s *pgwire.Server, more string) string {
	host, port, _ := net.SplitHostPort(s.Addr().String())
	return "host=" + host + " port=" + port + " user=alice password='" + password + "' dbname=shop " + more
}

// psql runs the real one.
func psql(t *testing.T, conninfo string, args ...string) (string, error) {
	t.Helper()
	bin, err := postgres.FindBinDir()
	if err != nil {
		t.Skip("no PostgreSQL here: ", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "psql"), append([]string{"-X", "-At", conninfo}, args...)...)
	cmd.Env = append(os.Environ(), "PGCONNECT_TIMEOUT=20")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestPsql connects with the real psql in each way that it has.
func TestPsql(t *testing.T) {
	t.Parallel()
	s, engine := serve(t, nil)
	for _, c := range []struct {
		options string
		bound   bool
	}{
		{"sslmode=require", true},
		{"sslmode=require channel_binding=require", true},
		{"sslmode=require channel_binding=disable", false},
		{"sslmode=disable", false},
	} {
		out, err := psql(t, dsn(s, c.options), "-c", "rows 3", "-c", "copy 1")
		if err != nil || out != "1\n2\n3\nline 1\n" {
			t.Errorf("%s: %v: %s", c.options, err, out)
		}
		if engine.LastStartup().ChannelBound != c.bound {
			t.Errorf("%s: channel bound is %v", c.options, !c.bound)
		}
	}
	if p := engine.LastStartup().Params["application_name"]; p != "psql" {
		t.Errorf("application_name is %q", p)
	}
}

// TestPsqlIsRefused shows the words that a user sees.
func TestPsqlIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, func(o *pgwire.Options) { o.AllowPlain = false })
	for _, c := range []struct{ conninfo, want string }{
		{strings.Replace(dsn(s, "sslmode=require"), password, "wrong", 1), `password authentication failed for user "alice"`},
		{strings.Replace(dsn(s, "sslmode=require"), "alice", "mallory", 1), `password authentication failed for user "mallory"`},
		{strings.Replace(dsn(s, "sslmode=require"), "shop", "missing", 1), `database "missing" does not exist`},
		{dsn(s, "sslmode=disable"), "connections without TLS are not allowed"},
	} {
		out, err := psql(t, c.conninfo, "-c", "rows 1")
		if err == nil || !strings.Contains(out, c.want) {
			t.Errorf("got %v, %s; want %s", err, out, c.want)
		}
	}
}

// TestPsqlShowsPositions has psql point at the error.
func TestPsqlShowsPositions(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, nil)
	out, _ := psql(t, dsn(s, "sslmode=require"), "-c", "rows 1; bad")
	if !strings.Contains(out, "LINE 1: rows 1; bad\n                ^") {
		t.Errorf("psql shows:\n%s", out)
	}
}

// pgxConn connects with pgx.
func pgxConn(t testing.TB, conninfo string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(conninfo)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	c, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// TestPgx uses the extended protocol of a real driver, with its own decoding of binary results.
func TestPgx(t *testing.T) {
	t.Parallel()
	s, engine := serve(t, nil)
	for _, options := range []string{"sslmode=require channel_binding=require", "sslmode=disable"} {
		c := pgxConn(t, dsn(s, options))
		for range 7 {
			rows, err := c.Query(context.Background(), "rows 5")
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectRows(rows, pgx.RowTo[int32])
			if err != nil || len(got) != 5 || got[4] != 5 {
				t.Fatalf("%s: %v %v", options, got, err)
			}
		}
		var number, word string
		if err := c.QueryRow(context.Background(), "param 23 25", 42, "hello").Scan(&number, &word); err != nil || number != "42" || word != "hello" {
			t.Errorf("parameters came back as %q, %q: %v", number, word, err)
		}
		_, err := c.Exec(context.Background(), "error 22012 3 division by zero")
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != "22012" || pe.Position != 3 || pe.Hint != "the hint" {
			t.Errorf("got %#v", err)
		}
	}
	if !engine.Startups[0].ChannelBound || engine.Startups[1].ChannelBound {
		t.Error("the channel is bound in the wrong connection")
	}
}

// TestDirectTLS starts with the handshake; without the protocol's name it is refused.
func TestDirectTLS(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, nil)
	for _, names := range [][]string{{"postgresql"}, nil} {
		tc := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true, NextProtos: names})
		_, err := wiretest.NewClient(tc).Start(wiretest.Login{Params: map[string]string{"user": "alice"}, Password: password})
		if (err == nil) != (names != nil) {
			t.Errorf("with ALPN %v: %v", names, err)
		}
	}
}

// TestCancel interrupts a statement by a request on another connection, over TLS and without.
func TestCancel(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, nil)
	for _, mode := range []string{"sslmode=require", "sslmode=disable"} {
		c := pgxConn(t, dsn(s, mode)).PgConn()
		result := make(chan error, 1)
		go func() { result <- c.Exec(context.Background(), "wait").Close() }()
		deadline := time.Now().Add(10 * time.Second)
		for {
			if err := c.CancelRequest(context.Background()); err != nil {
				t.Fatal(err)
			}
			var pe *pgconn.PgError
			select {
			case err := <-result:
				if !errors.As(err, &pe) || pe.Code != "57014" {
					t.Errorf("%s: got %v", mode, err)
				}
			case <-time.After(10 * time.Millisecond):
				if time.Now().After(deadline) {
					t.Fatal("the statement is not cancelled")
				}
				continue
			}
			break
		}
	}
}

// TestManyConnections has a hundred at once, and refuses those beyond the limit with a clear word.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	const n = 100
	s, _ := serve(t, func(o *pgwire.Options) { o.MaxConnections = n })
	var all sync.WaitGroup
	clients := make([]*wiretest.Client, n)
	for i := range n {
		nc := dial(t, s)
		all.Go(func() {
			c := wiretest.NewClient(nc)
			if _, err := c.Start(wiretest.Login{Params: map[string]string{"user": "alice"}, Password: password}); err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			clients[i] = c
			if got := ask(t, c, "rows 100"); got[len(got)-2] != "CommandComplete SELECT 100" {
				t.Errorf("connection %d: %v", i, got)
			}
		})
	}
	all.Wait()
	got, err := wiretest.NewClient(dial(t, s)).Start(wiretest.Login{Params: map[string]string{"user": "alice"}, Password: password})
	if !errors.Is(err, io.EOF) || len(got) != 1 || !strings.Contains(got[0], "53300") {
		t.Errorf("one too many: %v %v", got, err)
	}
	_ = clients[0].Conn.Close()
	waitFor(t, "a place to become free", func() bool { return s.Connections() < n })
	connect(t, s)
}

// ask runs a simple query.
func ask(t testing.TB, c *wiretest.Client, query string) []string {
	t.Helper()
	c.Frontend.Send(&pgproto3.Query{String: query})
	if err := c.Frontend.Flush(); err != nil {
		t.Error(err)
		return nil
	}
	got, err := c.Read(func(m pgproto3.BackendMessage) (bool, error) {
		_, ready := m.(*pgproto3.ReadyForQuery)
		return ready, nil
	})
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return got
}

// waitFor polls with a deadline.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		runtime.Gosched()
		<-time.After(time.Millisecond)
	}
}

// TestSlowReader asks for 200 MB and reads nothing for a while: the server must wait, not collect.
func TestSlowReader(t *testing.T) {
	s, _ := serve(t, nil)
	before := heap()
	c := connect(t, s)
	c.Frontend.Send(&pgproto3.Query{String: "wide 200000 1000"})
	if err := c.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	peak, total := uint64(0), 0
	buf := make([]byte, 1<<16)
	for total < 200_000_000 {
		n, err := c.Conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if total/20_000_000 != (total+n)/20_000_000 {
			peak = max(peak, heap())
		}
		total += n
	}
	if grown := int64(peak) - int64(before); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestHugeLength claims sizes that never arrive: nothing is allocated for a claim.
func TestHugeLength(t *testing.T) {
	s, _ := serve(t, nil)
	before := heap()
	for range 20 {
		c := connect(t, s)
		head := binary.BigEndian.AppendUint32([]byte{'Q'}, 16<<20) // allowed, but only the head is sent
		if _, err := c.Conn.Write(head); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	for _, length := range []uint32{1 << 30, 0xffffffff, 3, 0, 17 << 20} {
		c := connect(t, s)
		if _, err := c.Conn.Write(binary.BigEndian.AppendUint32([]byte{'Q'}, length)); err != nil {
			t.Fatal(err)
		}
		got, err := c.Read(func(pgproto3.BackendMessage) (bool, error) { return false, nil })
		if !errors.Is(err, io.EOF) || len(got) != 1 || !strings.HasPrefix(got[0], "ErrorResponse FATAL 08P01") {
			t.Errorf("length %d: %v %v", length, got, err)
		}
	}
}

// TestStartupDeadline ends connections that say nothing, and those that stop half-way.
func TestStartupDeadline(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, func(o *pgwire.Options) { o.StartupTimeout = 100 * time.Millisecond })
	for _, sent := range []string{"", "\x00\x00\x00\x20\x00\x03", "\x00\x00\x00\x08\x04\xd2\x16\x2f"} {
		nc := dial(t, s)
		_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(nc, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, nc); err != nil {
			t.Errorf("after %q: %v", sent, err)
		}
	}
}

// TestStop ends idle connections with a word, lets a running statement end in its time, and cancels one that does not.
func TestStop(t *testing.T) {
	t.Parallel()
	engine := &wiretest.Engine{Verifiers: map[string]string{"alice": auth.VerifierWith(password, []byte("0123456789abcdef"), 64)}}
	stopped := make(chan error, 1)
	s, err := pgwire.New(pgwire.Options{Addr: "127.0.0.1:0", AllowPlain: true, Handler: engine, Log: testLog(t), DrainTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { stopped <- s.Run(ctx) }()
	idle, busy := connect(t, s), connect(t, s)
	busy.Frontend.Send(&pgproto3.Query{String: "notice started; wait"})
	if err := busy.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	cancel()
	all := func(pgproto3.BackendMessage) (bool, error) { return false, nil }
	got, err := idle.Read(all)
	if !errors.Is(err, io.EOF) || len(got) != 1 || !strings.Contains(got[0], "FATAL 57P01") {
		t.Errorf("the idle connection got %v %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	got, err = busy.Read(all)
	if text := strings.Join(got, "\n"); !errors.Is(err, io.EOF) || !strings.Contains(text, "57P01") {
		t.Errorf("the busy connection got %v %v", got, err)
	}
	if n := engine.Live.Load(); n != 0 {
		t.Errorf("%d sessions, statements and portals were not closed", n)
	}
}

// TestPanic ends one connection, not the server.
func TestPanic(t *testing.T) {
	t.Parallel()
	s, engine := serve(t, func(o *pgwire.Options) { o.Log = nil })
	c := connect(t, s)
	c.Frontend.Send(&pgproto3.Query{String: "panic"})
	if err := c.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Read(func(pgproto3.BackendMessage) (bool, error) { return false, nil })
	if !errors.Is(err, io.EOF) || !strings.Contains(strings.Join(got, ""), "FATAL XX000") {
		t.Errorf("got %v %v", got, err)
	}
	ask(t, connect(t, s), "rows 1")
	waitFor(t, "the session to be closed", func() bool { return engine.Live.Load() == 1 })
}

// TestUnixSocket needs no TLS, and takes over a socket that nobody serves.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, engine := serve(t, func(o *pgwire.Options) { o.Addr, o.TLS, o.AllowPlain = dir, nil, false })
	out, err := psql(t, "host="+dir+" port=5432 user=alice dbname=shop password='"+password+"'", "-c", "rows 2")
	if err != nil || out != "1\n2\n" {
		t.Errorf("%v: %s", err, out)
	}
	if remote := engine.LastStartup().Remote; remote != "local" {
		t.Errorf("remote is %q", remote)
	}
	if _, err := pgwire.New(pgwire.Options{Addr: dir, Handler: engine}); err == nil {
		t.Error("a socket in use was taken over")
	}
	_ = s
}

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
