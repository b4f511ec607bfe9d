package pgwire

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
	"foreshadow/sql/session"
)

// feed gives bytes to a connection as a client would that then leaves, and throws away what comes back.
func feed(t *testing.T, data []byte, use func(context.Context, *conn) error) {
	engine := &wiretest.Engine{}
	s, err := Options{Handler: engine, MaxMessage: 1 << 20}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	server := &Server{
		o: s, unix: true, auth: auth.NewServer([]byte("s"), 1), throttle: auth.NewThrottle(), conns: map[*conn]struct{}{}, keys: map[uint32]*conn{},
	}
	c := newConn(server, near)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	var client sync.WaitGroup
	client.Go(func() {
		_, _ = far.Write(data)
		_ = far.Close()
	})
	client.Go(func() { _, _ = io.Copy(io.Discard, far) })
	err = use(ctx, c)
	c.farewell(err)
	c.close()
	client.Wait()
	if n := engine.Live.Load(); n != 0 {
		t.Errorf("%d sessions, statements and portals were not closed", n)
	}
}

// FuzzStartup looks for first bytes of a connection that do harm.
func FuzzStartup(f *testing.F) {
	for _, seed := range []string{
		"00000008 04d2162f", "00000008 04d21630 00000008 04d2162f", "00000010 04d2162e 00000001 00000002", "00000017 00030000 7573657200616c69636500 00",
		"00000017 00030009 7573657200616c69636500 00 70 00000020 534352414d2d5348412d32353600 0000000e 6e2c2c6e3d2c723d6162636465 66", "16030100", "00000003", "7fffffff",
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(seed, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		feed(t, data, func(ctx context.Context, c *conn) error { return c.establish(ctx) })
	})
}

// FuzzMessages looks for messages after the startup that do harm. What the golden files send are the seeds.
func FuzzMessages(f *testing.F) {
	for _, seed := range sentIn(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "panic") {
			t.Skip("asked for")
		}
		feed(t, data, func(ctx context.Context, c *conn) error {
			sess, err := c.server.o.Handler.Connect(ctx, session.Startup{User: "alice"})
			if err != nil {
				return err
			}
			c.sess = sess
			return c.loop(ctx)
		})
	})
}

// sentIn collects the messages of each send command of the golden files.
func sentIn(f *testing.F) [][]byte {
	files, err := filepath.Glob("testdata/*.wire")
	if err != nil {
		f.Fatal(err)
	}
	var all [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\nsend") {
			input, _, _ := strings.Cut(part, "\n----")
			_, lines, _ := strings.Cut(input, "\n")
			var data []byte
			for line := range strings.SplitSeq(lines, "\n") {
				if m, err := wiretest.Encode(line); err == nil {
					data = append(data, m...)
				}
			}
			all = append(all, data)
		}
	}
	return all
}
