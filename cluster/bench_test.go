package cluster

import (
	"context"
	"testing"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
)

// benchDecision measures one whole decision: proposal, two linearizable reads, two approvals, claim, execution and report.
func benchDecision(b *testing.B, peers []raftnode.Peer, tls map[string]*raftnode.TLS) {
	var nodes []*Node
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, p := range peers {
		n, err := New(Options{ID: p.ID, Peers: peers, TLS: tls[p.ID], Dir: b.TempDir(), Executor: nothing{}})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = n.Run(ctx) }()
		b.Cleanup(func() { cancel(); <-done; _ = n.Close() })
		nodes = append(nodes, n)
	}
	n := nodes[len(nodes)-1]
	bg := context.Background()
	if _, err := n.Bootstrap(bg, genesis); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		watching, stop := context.WithCancel(ctx)
		events := n.Watch(watching)
		r, err := n.Propose(bg, Principal{Login: "analyst"}, createRequest(time.Now().Format("150405.000000000"), ""))
		if err != nil {
			b.Fatal(err)
		}
		for _, login := range []string{"alice", "bob"} {
			if r, err = n.Show(bg, r.ID); err == nil {
				_, err = n.Approve(bg, Principal{Login: login}, r.ID, r.Hash)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		for e := range events {
			if e.Request.ID == r.ID && e.Request.Phase == state.Executed {
				break
			}
		}
		stop()
	}
}

// nothing is an executor that is done at once.
type nothing struct{}

// Execute is done.
func (nothing) Execute(context.Context, state.Request) (string, error) { return "", nil }

// BenchmarkDecisionOneAgent is a decision in a cluster of one.
func BenchmarkDecisionOneAgent(b *testing.B) {
	benchDecision(b, []raftnode.Peer{{ID: "agent-1"}}, nil)
}

// BenchmarkDecisionThreeAgents is a decision in a cluster of three, asked of the last one.
func BenchmarkDecisionThreeAgents(b *testing.B) {
	peers := freePeers(b, 3)
	benchDecision(b, peers, issue(b, b.TempDir(), peers))
}
