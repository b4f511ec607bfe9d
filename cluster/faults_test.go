package cluster

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// client decides requests on whatever agents run, and remembers what it was told.
type client struct {
	name   string
	login  string // who proposes
	rnd    *rand.Rand
	pick   func(*rand.Rand) *Node
	done   map[uint64]string // acknowledged by both accounts: request to hash
	ended  map[uint64]bool   // an acknowledged rejection
	trials int
}

// do runs one step on some agent with a deadline; an agent that died under it is like one that does not answer.
func (c *client) do(f func(ctx context.Context, n *Node) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return f(ctx, c.pick(c.rnd))
}

// decide proposes one request and has it approved or, now and then, rejected.
func (c *client) decide() {
	var r state.Request
	c.trials++
	err := c.do(func(ctx context.Context, n *Node) (err error) {
		target := fmt.Sprintf("agent-%d", 1+c.rnd.IntN(3))
		r, err = n.Propose(ctx, Principal{Login: c.login}, createRequest(fmt.Sprintf("%s%d", c.name, c.trials), target))
		return err
	})
	if err != nil {
		return
	}
	if c.rnd.IntN(8) == 0 {
		err := c.do(func(ctx context.Context, n *Node) error {
			_, err := n.Reject(ctx, Principal{Login: "bob"}, r.ID, "")
			return err
		})
		c.ended[r.ID] = err == nil
		return
	}
	for _, login := range []string{"alice", "bob"} {
		if !c.approve(login, r) {
			_ = c.do(func(ctx context.Context, n *Node) error {
				_, err := n.Reject(ctx, Principal{Login: "amy"}, r.ID, "given up")
				return err
			})
			return
		}
	}
	c.done[r.ID] = r.Hash
}

// approve tries until the approval is known to count, five times at most.
func (c *client) approve(login string, r state.Request) bool {
	for range 5 {
		err := c.do(func(ctx context.Context, n *Node) error {
			_, err := n.Approve(ctx, Principal{Login: login}, r.ID, r.Hash)
			return err
		})
		switch sqlerr.Code(err) {
		case "", sqlerr.InsufficientPrivilege: // a try before this one counted
			return true
		case sqlerr.ObjectNotInState:
			return false
		}
	}
	return false
}

// Agents crash and come back at random while clients decide on whichever run. No acknowledged decision is lost, every approved request
// is claimed once and executed under one fence, and all agents end with the same bytes.
func TestRandomCrashes(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := startAgents(t, 3)
	var mu sync.RWMutex
	pick := func(r *rand.Rand) *Node {
		for {
			mu.RLock()
			n := c.nodes[fmt.Sprintf("agent-%d", 1+r.IntN(3))]
			mu.RUnlock()
			if n != nil {
				return n
			}
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 7*time.Second)
	defer stop()
	var clients []*client
	var wg sync.WaitGroup
	for i := range 3 {
		cl := &client{
			name: fmt.Sprintf("c%d-", i), login: []string{"analyst", "alice", "bob"}[i], rnd: rand.New(rand.NewPCG(seed, uint64(i))), pick: pick, done: map[uint64]string{}, ended: map[uint64]bool{},
		}
		clients = append(clients, cl)
		wg.Go(func() {
			for ctx.Err() == nil {
				cl.decide()
			}
		})
	}
	chaos := rand.New(rand.NewPCG(seed, 99))
	crashes := 0
	for ctx.Err() == nil {
		id := fmt.Sprintf("agent-%d", 1+chaos.IntN(3))
		mu.Lock()
		c.crash(id)
		mu.Unlock()
		crashes++
		pause(ctx, time.Duration(chaos.IntN(700))*time.Millisecond)
		mu.Lock()
		c.start(id)
		mu.Unlock()
		pause(ctx, time.Duration(300+chaos.IntN(700))*time.Millisecond)
	}
	wg.Wait()
	checkDecisions(t, c, clients)
	t.Logf("%d crashes, %d requests", crashes, len(c.nodes["agent-1"].Requests()))
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// checkDecisions waits until the agents agree that nothing is left to do, and compares what they hold with what the clients were told.
func checkDecisions(t *testing.T, c *agents, clients []*client) {
	t.Helper()
	n := c.nodes["agent-1"]
	for _, cl := range clients {
		for id := range cl.done {
			phase(t, n, id, state.Executed)
		}
		for id, rejected := range cl.ended {
			if r, _ := n.Request(id); rejected && r.Phase != state.Rejected {
				t.Errorf("request %d was rejected and is %s", id, r.Phase)
			}
		}
	}
	claims := map[uint64]int{}
	for _, e := range n.Audit(0) {
		if e.Action == "CLAIM" {
			claims[e.Request]++
		}
	}
	for _, r := range n.Requests() {
		if want := map[bool]int{true: 1}[r.Fence != 0]; claims[r.ID] != want {
			t.Errorf("request %d (%s) was claimed %d times", r.ID, r.Phase, claims[r.ID])
		}
		for id, e := range c.exec {
			if runs := e.count(r.Hash); runs > 0 && (r.Phase == state.Rejected || r.Fence == 0 || r.Target.Agent != id) {
				t.Errorf("request %d (%s, fence %d, of %s) was executed by %s", r.ID, r.Phase, r.Fence, r.Target.Agent, id)
			}
		}
	}
	eventually(t, func() bool {
		var first []byte
		for _, n := range c.nodes {
			b, err := n.fsm.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b
			}
			if !bytes.Equal(first, b) {
				return false
			}
		}
		return true
	})
}
