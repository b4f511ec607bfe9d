package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// genesis are the accounts and logins of every test cluster.
var genesis = Genesis{
	Accounts: [2]string{"data_owner", "platform_owner"},
	Logins: []Login{
		{Login: "alice", Account: "data_owner"}, {Login: "amy", Account: "data_owner"},
		{Login: "bob", Account: "platform_owner"}, {Login: "analyst"},
	},
}

// fakeExecutor counts executions by request hash and can be told how to end.
type fakeExecutor struct {
	mu    sync.Mutex
	runs  map[string]int
	hold  chan struct{} // nil: no waiting
	err   error
	begun chan state.Request
}

// newExecutor makes an executor that succeeds at once.
func newExecutor() *fakeExecutor {
	return &fakeExecutor{runs: map[string]int{}, begun: make(chan state.Request, 16)}
}

// Execute counts and ends as it was told.
func (e *fakeExecutor) Execute(ctx context.Context, r state.Request) (string, error) {
	e.mu.Lock()
	e.runs[r.Hash]++
	err := e.err
	e.mu.Unlock()
	select {
	case e.begun <- r:
	default: // nobody looks
	}
	if e.hold != nil {
		select {
		case <-e.hold:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "built " + r.Target.Name, err
}

// count gives how often a hash was executed.
func (e *fakeExecutor) count(hash string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[hash]
}

// agents is a cluster of real nodes in this process.
type agents struct {
	t     *testing.T
	peers []raftnode.Peer
	tls   map[string]*raftnode.TLS
	dirs  map[string]string
	nodes map[string]*Node
	exec  map[string]*fakeExecutor
	stop  map[string]func()
	clock atomic.Int64 // added to the real time
}

// freePeers reserves loopback ports.
func freePeers(t testing.TB, n int) []raftnode.Peer {
	t.Helper()
	var peers []raftnode.Peer
	for i := range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		peers = append(peers, raftnode.Peer{ID: fmt.Sprintf("agent-%d", i+1), Addr: fmt.Sprintf("localhost:%d", ln.Addr().(*net.TCPAddr).Port)})
	}
	return peers
}

// issue makes certificates for peers.
func issue(t testing.TB, dir string, peers []raftnode.Peer) map[string]*raftnode.TLS {
	t.Helper()
	ca, err := raftnode.NewCA("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*raftnode.TLS{}
	for _, p := range peers {
		if out[p.ID], err = ca.Issue(filepath.Join(dir, p.ID), p.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// startAgents starts a cluster and sets it up.
func startAgents(t *testing.T, n int) *agents {
	t.Helper()
	c := &agents{
		t: t, nodes: map[string]*Node{}, exec: map[string]*fakeExecutor{}, stop: map[string]func(){}, dirs: map[string]string{},
	}
	if n > 1 {
		c.peers = freePeers(t, n)
		c.tls = issue(t, t.TempDir(), c.peers)
	} else {
		c.peers = []raftnode.Peer{{ID: "agent-1"}}
	}
	for _, p := range c.peers {
		c.dirs[p.ID] = t.TempDir()
		c.exec[p.ID] = newExecutor()
		c.start(p.ID)
	}
	t.Cleanup(func() {
		for _, stop := range c.stop {
			stop()
		}
	})
	if _, err := c.nodes["agent-1"].Bootstrap(wait(t), genesis); err != nil {
		t.Fatal(err)
	}
	return c
}

// start opens one agent on its folder.
func (c *agents) start(id string) {
	c.t.Helper()
	n, err := New(Options{
		ID: id, Peers: c.peers, TLS: c.tls[id], Dir: c.dirs[id], Executor: c.exec[id], Log: testLog(c.t),
		Clock:  func() time.Time { return time.Now().Add(time.Duration(c.clock.Load())) },
		Timing: raftnode.Timing{Heartbeat: 400 * time.Millisecond, Election: 400 * time.Millisecond},
		Fatal:  func(err error) { c.t.Errorf("agent %s: %v", id, err) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.Run(ctx)
	}()
	c.nodes[id] = n
	c.stop[id] = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := n.Close(); err != nil {
			c.t.Errorf("close %s: %v", id, err)
		}
	})
}

// leader waits for a leader that all running agents know.
func (c *agents) leader() string {
	c.t.Helper()
	var id string
	eventually(c.t, func() bool {
		id = ""
		for _, n := range c.nodes {
			l := n.Leader()
			if l == "" || c.nodes[l] == nil || (id != "" && l != id) {
				return false
			}
			id = l
		}
		return true
	})
	return id
}

// testLog shows the log of a test that fails when FORESHADOW_TEST_LOG is set.
func testLog(t *testing.T) *slog.Logger {
	if os.Getenv("FORESHADOW_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// wait is a context for one step of a test.
func wait(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
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

// createRequest is a proposal to create an instance at an agent.
func createRequest(name, agent string) Proposal {
	return Proposal{
		Kind: state.CreateInstance, Target: state.Target{Agent: agent, SystemID: "7", Source: "shop", Name: name},
		Statement: "CREATE PREDICTIVE INSTANCE " + name, Args: map[string]string{"horizon": "90 days"}, Plan: json.RawMessage(`{ "rows": 10 }`),
	}
}

// propose opens a request or ends the test.
func propose(t *testing.T, n *Node, q Proposal) state.Request {
	t.Helper()
	r, err := n.Propose(wait(t), Principal{Login: "analyst"}, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// approve approves what Show gives, or ends the test.
func approve(t *testing.T, n *Node, login string, id uint64) state.Request {
	t.Helper()
	r, err := n.Show(wait(t), id)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = n.Approve(wait(t), Principal{Login: login}, id, r.Hash); err != nil {
		t.Fatal(err)
	}
	return r
}

// phase waits until an agent sees a request in a phase.
func phase(t *testing.T, n *Node, id uint64, want state.Phase) state.Request {
	t.Helper()
	var r state.Request
	eventually(t, func() bool {
		r, _ = n.Request(id)
		if r.Phase.Final() && r.Phase != want {
			t.Fatalf("request %d is %s (%s), want %s", id, r.Phase, r.Message, want)
		}
		return r.Phase == want
	})
	return r
}

// wantCode checks an error's SQLSTATE.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if sqlerr.Code(err) != code {
		t.Fatalf("error %v, want SQLSTATE %s", err, code)
	}
}

// A cluster of one: the whole walk from proposal to execution, with the refusals on the way, and the same after a restart.
func TestOneAgent(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 1)
	n := c.nodes["agent-1"]
	r := propose(t, n, createRequest("next_quarter", ""))
	if r.Phase != state.Pending || n.Missing(r.ID) != "data_owner, platform_owner" || r.Plan != `{"rows":10}` {
		t.Fatalf("after the proposal: %+v", r)
	}
	approve(t, n, "alice", r.ID)
	_, err := n.Approve(wait(t), Principal{Login: "alice"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.InsufficientPrivilege)
	_, err = n.Approve(wait(t), Principal{Login: "amy"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.InsufficientPrivilege)
	_, err = n.Approve(wait(t), Principal{Login: "analyst"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.InsufficientPrivilege)
	_, err = n.Approve(wait(t), Principal{Login: "bob"}, r.ID, "00"+r.Hash[2:])
	wantCode(t, err, sqlerr.ObjectNotInState)
	approve(t, n, "bob", r.ID)
	done := phase(t, n, r.ID, state.Executed)
	if got := c.exec["agent-1"].count(r.Hash); got != 1 || done.Message != "built next_quarter" || done.Fence == 0 {
		t.Fatalf("executed %d times, %+v", got, done)
	}
	before := n.Audit(0)
	c.stop["agent-1"]()
	c.start("agent-1")
	n = c.nodes["agent-1"]
	if created, err := n.Bootstrap(wait(t), genesis); created || err != nil {
		t.Fatalf("second bootstrap: %v %v", created, err)
	}
	report, err := n.VerifyAudit(wait(t))
	if err != nil || !report.OK || report.Entries != uint64(len(before)) || report.Head != before[len(before)-1].Hash {
		t.Fatalf("after the restart: %+v %v", report, err)
	}
	if got := c.exec["agent-1"].count(r.Hash); got != 1 {
		t.Fatalf("executed %d times after the restart", got)
	}
}

// An executor's error fails the request; an undecided one is asked again.
func TestFailureAndUndecided(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 1)
	n, exec := c.nodes["agent-1"], c.exec["agent-1"]
	exec.err = errors.New("the disk is too small")
	r := propose(t, n, createRequest("big", ""))
	approve(t, n, "alice", r.ID)
	approve(t, n, "bob", r.ID)
	if got := phase(t, n, r.ID, state.Failed); got.Message != "the disk is too small" {
		t.Fatalf("message %q", got.Message)
	}
	exec.mu.Lock()
	exec.err = fmt.Errorf("ask the server: %w", ErrUndecided)
	exec.mu.Unlock()
	r = propose(t, n, createRequest("odd", ""))
	approve(t, n, "alice", r.ID)
	approve(t, n, "bob", r.ID)
	eventually(t, func() bool { return exec.count(r.Hash) >= 1 })
	exec.mu.Lock()
	exec.err = nil
	exec.mu.Unlock()
	phase(t, n, r.ID, state.Executed)
}
