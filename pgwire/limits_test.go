package pgwire_test

import (
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire"
	"foreshadow/pgwire/wiretest"
)

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
