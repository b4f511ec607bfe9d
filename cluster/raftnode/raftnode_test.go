package raftnode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"
)

// TestMain makes sure that closed nodes leave no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listFSM keeps its entries as lines.
type listFSM struct {
	mu    sync.Mutex
	lines []string
	index uint64
}

// Apply appends an entry; "poison" is one it cannot understand.
func (f *listFSM) Apply(index uint64, entry []byte) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if string(entry) == "poison" {
		return nil, errors.New("poisoned")
	}
	f.lines = append(f.lines, string(entry))
	f.index = index
	return len(f.lines), nil
}

// Snapshot gives the index and the lines.
func (f *listFSM) Snapshot() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Appendf(nil, "%d\n%s", f.index, strings.Join(f.lines, "\n")), nil
}

// Restore reads them back.
func (f *listFSM) Restore(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := strings.Split(string(b), "\n")
	_, err := fmt.Sscan(parts[0], &f.index)
	f.lines = parts[1:]
	return err
}

// Index is the last entry's index.
func (f *listFSM) Index() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.index
}

// text joins the lines.
func (f *listFSM) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.lines, " ")
}

// eventually polls a condition, a minute at most.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition did not come true within a minute")
		}
	}
}

// group is three nodes in this process.
type group struct {
	t     *testing.T
	ca    *CA
	peers []Peer
	tls   map[string]*TLS
	dirs  map[string]string
	nodes map[string]*Node
	fsms  map[string]*listFSM
	fatal func(error)
}

// newGroup makes addresses, certificates and folders.
func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{
		t: t, tls: map[string]*TLS{}, dirs: map[string]string{}, nodes: map[string]*Node{}, fsms: map[string]*listFSM{},
		fatal: func(err error) { t.Errorf("fatal: %v", err) },
	}
	ca, err := NewCA("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	g.ca = ca
	dir := t.TempDir()
	for _, id := range []string{"a", "b", "c"} {
		g.peers = append(g.peers, Peer{ID: id, Addr: freeAddr(t)})
		g.dirs[id] = filepath.Join(dir, id)
		if g.tls[id], err = ca.Issue(filepath.Join(dir, "tls-"+id), id, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, n := range g.nodes {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return g
}

// freeAddr is a loopback address nobody listens on, under a name.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return fmt.Sprintf("localhost:%d", ln.Addr().(*net.TCPAddr).Port)
}

// start opens nodes.
func (g *group) start(ids ...string) {
	g.t.Helper()
	for _, id := range ids {
		f := &listFSM{}
		n, err := New(Options{
			ID: id, Peers: g.peers, Dir: g.dirs[id], TLS: g.tls[id], FSM: f, SnapshotEvery: 8, Fatal: g.fatal,
			Timing: Timing{Heartbeat: 300 * time.Millisecond}, Handler: func(_ context.Context, from string, b []byte) []byte {
				return []byte(id + " heard " + string(b) + " from " + from)
			},
		})
		if err != nil {
			g.t.Fatal(err)
		}
		g.nodes[id], g.fsms[id] = n, f
	}
}

// apply commits an entry on whoever leads.
func (g *group) apply(entry string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	eventually(g.t, func() bool {
		for _, n := range g.nodes {
			if n.Leading() {
				_, _, err := n.Apply(ctx, []byte(entry))
				return err == nil
			}
		}
		return false
	})
}

// Entries reach every node; one that was away gets a snapshot; all of them may come back on other addresses without Raft noticing.
func TestGroup(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.start("a", "b", "c")
	g.apply("e0")
	var away string
	for id, n := range g.nodes {
		if !n.Leading() {
			away = id
		}
	}
	if err := g.nodes[away].Close(); err != nil {
		t.Fatal(err)
	}
	delete(g.nodes, away)
	for i := range 60 {
		g.apply(fmt.Sprintf("e%d", i+1))
	}
	for _, n := range g.nodes {
		if err := n.Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	g.start(away)
	want := g.fsms[away]
	eventually(t, func() bool { return strings.HasSuffix(want.text(), "e60") })
	if got := len(strings.Fields(want.text())); got != 61 {
		t.Fatalf("%d entries", got)
	}
	for id, n := range g.nodes {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		delete(g.nodes, id)
	}
	for i := range g.peers {
		g.peers[i].Addr = freeAddr(t)
	}
	g.start("a", "b", "c")
	g.apply("moved")
	for _, f := range g.fsms {
		eventually(t, func() bool { return strings.HasSuffix(f.text(), "e60 moved") })
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := g.nodes["a"].Call(ctx, "b", []byte("hello"))
	if err != nil || string(answer) != "b heard hello from a" {
		t.Fatalf("%q %v", answer, err)
	}
	checkStrangers(t, g)
}

// checkStrangers tries to reach a node without being an agent of the cluster, and as the wrong one.
func checkStrangers(t *testing.T, g *group) {
	t.Helper()
	other, err := NewCA("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	forged, err := other.Issue(t.TempDir(), "a", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	forged.CAFile = g.tls["a"].CAFile // it trusts the real agents; they must not trust it
	swapped := *g.tls["c"]
	for what, n := range map[string]*network{
		"another CA's certificate":  {peers: map[string]string{"b": g.peers[1].Addr}, tls: forged},
		"the address of another":    {peers: map[string]string{"b": g.peers[2].Addr}, tls: &swapped},
		"an agent that is not peer": {peers: map[string]string{"b": g.peers[1].Addr}, tls: stranger(t, g)},
	} {
		n.conns = map[net.Conn]struct{}{}
		n.ctx, n.cancel = context.WithCancel(context.Background())
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if b, err := n.call(ctx, "b", []byte("hello")); err == nil {
			t.Errorf("%s was answered: %q", what, b)
		}
		cancel()
		n.stop()
	}
	c, err := tls.Dial("tcp", g.peers[1].Addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}) //nolint:gosec // it must be refused
	if err == nil {
		t.Error("TLS 1.2 was accepted")
		_ = c.Close()
	}
}

// stranger is a certificate that the cluster's own CA signed, for an id that is no peer.
func stranger(t *testing.T, g *group) *TLS {
	t.Helper()
	out, err := g.ca.Issue(t.TempDir(), "z", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A certificate of another agent, an expired one and a folder of another agent are refused at the start, with the reason.
func TestRefusedAtStart(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	ca, err := NewCA("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	old, err := ca.Issue(t.TempDir(), "a", time.Now().AddDate(-2, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(g.dirs["b"], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.dirs["b"], "agent-id"), []byte("c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "raft.db"), []byte(strings.Repeat("not a database ", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"is not the agent expected": {ID: "a", Peers: g.peers, TLS: g.tls["b"], Dir: t.TempDir()},
		"expired":                   {ID: "a", Peers: g.peers, TLS: old, Dir: t.TempDir()},
		"belongs to agent":          {ID: "b", Peers: g.peers, TLS: g.tls["b"], Dir: g.dirs["b"]},
		"over TLS only":             {ID: "a", Peers: g.peers, Dir: t.TempDir()},
		"not among the peers":       {ID: "x", Peers: g.peers, TLS: g.tls["a"], Dir: t.TempDir()},
		"has no address":            {ID: "a", Peers: []Peer{{ID: "a"}, {ID: "b"}}, Dir: t.TempDir()},
		"open the raft log":         {ID: "a", Dir: damaged},
		"is given twice or is not":  {ID: "a b", Dir: t.TempDir()},
	} {
		o.FSM = &listFSM{}
		n, err := New(o)
		if err == nil {
			_ = n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// An entry that the FSM does not understand ends the process; should it go on, nothing more is applied and no snapshot is written.
func TestPoisonedEntry(t *testing.T) {
	t.Parallel()
	var fatal atomic.Value
	f := &listFSM{}
	n, err := New(Options{ID: "a", Dir: t.TempDir(), FSM: f, Fatal: func(err error) { fatal.Store(err.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	eventually(t, func() bool { _, _, err := n.Apply(ctx, []byte("good")); return err == nil })
	if _, _, err := n.Apply(ctx, []byte("poison")); !errors.Is(err, ErrUnknown) {
		t.Errorf("poison: %v", err)
	}
	if _, _, err := n.Apply(ctx, []byte("after")); err == nil {
		t.Error("an entry after the poison was applied")
	}
	if fatal.Load() != "poisoned" || f.text() != "good" {
		t.Errorf("fatal %v, applied %q", fatal.Load(), f.text())
	}
	if err := n.Snapshot(); err == nil {
		t.Error("a snapshot was written after the poison")
	}
}

// slowStore is a log store whose disk hangs until it is let go.
type slowStore struct {
	logStore
	let chan struct{}
	err error
}

// StoreLogs hangs.
func (s *slowStore) StoreLogs(logs []*raft.Log) error {
	<-s.let
	if s.err != nil {
		return s.err
	}
	return s.logStore.StoreLogs(logs)
}

// A write that hangs ends the process at its deadline, while it still hangs, and no later write begins; one that fails ends it at once.
func TestDiskHangs(t *testing.T) {
	t.Parallel()
	fatal := make(chan error, 2)
	s := &slowStore{logStore: nopStore{}, let: make(chan struct{})}
	g := &guardedStore{inner: s, deadline: 20 * time.Millisecond, fatal: func(err error) { fatal <- err }}
	done := make(chan error, 1)
	go func() { done <- g.StoreLog(&raft.Log{Index: 1}) }()
	if err := <-fatal; !strings.Contains(err.Error(), "did not answer") {
		t.Fatal(err)
	}
	if err := g.SetUint64([]byte("CurrentTerm"), 7); !errors.Is(err, errDead) {
		t.Fatalf("a write after the deadline: %v", err)
	}
	close(s.let)
	if err := <-done; !errors.Is(err, errDead) {
		t.Fatalf("the late write reports %v", err)
	}
	s.err = errors.New("no space left on device")
	g = &guardedStore{inner: s, deadline: time.Minute, fatal: func(err error) { fatal <- err }}
	if err := g.StoreLog(&raft.Log{Index: 1}); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if err := <-fatal; !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
}

// nopStore is a store that forgets.
type nopStore struct{ logStore }

// StoreLogs forgets.
func (nopStore) StoreLogs([]*raft.Log) error { return nil }

// SetUint64 forgets.
func (nopStore) SetUint64([]byte, uint64) error { return nil }
