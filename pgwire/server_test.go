package pgwire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/agent/postgres"
	"foreshadow/pgwire"
	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
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
		t.Fatal(err)
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

// TestClientGone cancels a statement whose client was killed: nobody says a word then, unlike a driver that cancels when it gives up.
func TestClientGone(t *testing.T) {
	t.Parallel()
	s, engine := serve(t, nil)
	bin, err := postgres.FindBinDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"sslmode=require", "sslmode=disable"} {
		client := exec.Command(filepath.Join(bin, "psql"), "-X", dsn(s, mode), "-c", "wait")
		if err := client.Start(); err != nil {
			t.Fatal(err)
		}
		waiting(t, engine, 1)
		if err := client.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = client.Wait()
		waiting(t, engine, 0)
	}
}

// waiting polls until so many sessions wait.
func waiting(t *testing.T, engine *wiretest.Engine, want int64) {
	t.Helper()
	for deadline := time.After(20 * time.Second); engine.Waiting.Load() != want; {
		select {
		case <-deadline:
			t.Fatalf("%d statements wait, want %d", engine.Waiting.Load(), want)
		case <-time.After(5 * time.Millisecond):
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
