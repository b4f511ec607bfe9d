// Package cluster is the governance layer of the agents: requests that two accounts approve, replicated with Raft, audited, and
// carried out once, by the agent they are for. The SQL engine proposes and approves through a Node; the orchestrator and the models
// carry out through an Executor; pgwire asks it for password verifiers. What the rules are stands in package state, how entries are
// replicated in package raftnode. It must not decide anything itself: every rule is checked inside the replicated log.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
)

// Executor carries out approved requests for this agent. Execute is called only after a committed claim, whose fence stands in the
// request, and again under the same fence after a restart: it must be idempotent by request hash. A nil error means done, and the
// receipt is kept; an error means that nothing of it is left, and the request fails; an error that is ErrUndecided means that it
// cannot tell yet, and it is called again. When ctx ends because the agent stops, whatever it returns is ignored.
type Executor interface {
	Execute(ctx context.Context, r state.Request) (receipt string, err error)
}

// Options says who the agent is, where its peers are, and who does the work.
type Options struct {
	ID       string          // the agent's id, for ever
	Listen   string          // address to listen on; "" is the agent's own in Peers
	Peers    []raftnode.Peer // every agent, this one included; empty for a cluster of one, which needs neither port nor certificates
	TLS      *raftnode.TLS   // required with peers
	Dir      string          // the replicated log and its snapshots
	Executor Executor        // nil: this agent carries nothing out
	Log      *slog.Logger
	Clock    func() time.Time // nil is time.Now; only the leader's matters
	Timing   raftnode.Timing
	Wait     time.Duration // how long a write waits for a leader when its context has no deadline; 0 is 10 s
	Fatal    func(error)   // ends the process; nil logs and exits
}

// Node is one agent's part of the cluster.
type Node struct {
	opts    Options
	fsm     *replica
	raft    *raftnode.Node
	opened  chan struct{} // closed when raft is set: peers may ask before New has returned
	wake    chan struct{}
	work    sync.WaitGroup
	current atomic.Bool // all that was committed before the start is applied
	mu      sync.Mutex
	busy    map[uint64]bool      // requests this agent is working on
	calmed  map[uint64]time.Time // when work on a request ended without a final answer of the log
}

// New opens the agent's part of the cluster and takes part from then on; Run does the agent's own work.
func New(o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if len(o.Peers) == 0 {
		o.Peers = []raftnode.Peer{{ID: o.ID}}
	}
	n := &Node{
		opts: o, opened: make(chan struct{}), wake: make(chan struct{}, 1), busy: map[uint64]bool{}, calmed: map[uint64]time.Time{},
	}
	n.fsm = newReplica(n.nudge)
	r, err := raftnode.New(raftnode.Options{
		ID: o.ID, Listen: o.Listen, Peers: o.Peers, Dir: o.Dir, TLS: o.TLS, FSM: n.fsm, Handler: n.answer,
		Log: o.Log, Timing: o.Timing, Fatal: o.Fatal,
	})
	if err != nil {
		return nil, fmt.Errorf("open the cluster: %w", err)
	}
	n.raft = r
	close(n.opened)
	return n, nil
}

// Run expires what is over while this agent leads, and carries out what is for this agent, until ctx ends. Then it waits for the
// executor to return.
func (n *Node) Run(ctx context.Context) error {
	n.work.Go(func() { n.keepTime(ctx) })
	n.reconcile(ctx)
	n.work.Wait()
	return nil
}

// Close hands leadership over and leaves. Call it after Run has returned.
func (n *Node) Close() error {
	if err := n.raft.Close(); err != nil {
		return fmt.Errorf("close the cluster: %w", err)
	}
	return nil
}

// nudge wakes the reconcile loop.
func (n *Node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// keepTime writes the leader's time into the log when something is due by it.
func (n *Node) keepTime(ctx context.Context) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		due := false
		n.fsm.read(func(s *state.State) { due = s.Due(state.At(n.opts.Clock())) })
		if due && n.raft.Leading() {
			if _, _, err := n.commit(ctx, state.Envelope{Command: &state.Tick{}}); err != nil && ctx.Err() == nil {
				n.opts.Log.Debug("the time could not be written", "error", err)
			}
		}
	}
}

// randomID is 128 random bits in hex: a nonce, an operation id or a cluster id.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
