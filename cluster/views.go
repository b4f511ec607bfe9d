package cluster

import (
	"context"
	"sync"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
)

// The views read this agent's copy, which may lag behind by what is on its way. Show does not.

// Show gives a request as it stands on the leader at the time of the call, with the accounts whose approval is missing. Approvers must
// be shown a request by it, and approve the hash it gave.
func (n *Node) Show(ctx context.Context, id uint64) (state.Request, error) {
	if err := n.barrier(ctx); err != nil {
		return state.Request{}, err
	}
	return n.Request(id)
}

// Request gives a request as this agent knows it.
func (n *Node) Request(id uint64) (state.Request, error) {
	var r state.Request
	var refusal *state.Refusal
	n.fsm.read(func(s *state.State) { r, refusal = s.Request(id) })
	return r, refused(refusal)
}

// Requests gives every request, by number.
func (n *Node) Requests() []state.Request {
	var out []state.Request
	n.fsm.read(func(s *state.State) { out = s.Requests() })
	return out
}

// Missing names the accounts that have still to approve a request, "" if none.
func (n *Node) Missing(id uint64) string {
	var out string
	n.fsm.read(func(s *state.State) { out = s.Missing(id) })
	return out
}

// Approval is a row of foreshadow.approvals.
type Approval struct {
	RequestID uint64
	state.Approval
}

// Approvals gives every approval, revoked ones included.
func (n *Node) Approvals() []Approval {
	var out []Approval
	for _, r := range n.Requests() {
		for _, a := range r.Approvals {
			out = append(out, Approval{RequestID: r.ID, Approval: a})
		}
	}
	return out
}

// AccountView is a row of foreshadow.accounts.
type AccountView struct {
	Name    string
	Epoch   uint64
	Members int
}

// Accounts gives the two accounts; none before Bootstrap.
func (n *Node) Accounts() []AccountView {
	var out []AccountView
	n.fsm.read(func(s *state.State) {
		members := s.Members()
		for _, a := range s.Accounts() {
			v := AccountView{Name: a.Name, Epoch: a.Epoch}
			for _, m := range members {
				if m.Account == a.Name {
					v.Members++
				}
			}
			out = append(out, v)
		}
	})
	return out
}

// Members gives every login without its verifier; reading logins have no account.
func (n *Node) Members() []state.Member {
	var out []state.Member
	n.fsm.read(func(s *state.State) { out = s.Members() })
	for i := range out {
		out[i].Verifier = ""
	}
	return out
}

// Member gives one login without its verifier, and whether it is enrolled.
func (n *Node) Member(login string) (state.Member, bool) {
	var m state.Member
	var ok bool
	n.fsm.read(func(s *state.State) { m, ok = s.Member(login) })
	m.Verifier = ""
	return m, ok
}

// Verifier gives a login's SCRAM verifier, "" when there is no such login or it has none. It needs no leader, except to say of a login that it is unknown
// while the agent has not read yet what was committed before its start.
func (n *Node) Verifier(ctx context.Context, login string) (string, error) {
	_, known := n.Member(login)
	if !known && !n.current.Load() {
		if err := n.barrier(ctx); err != nil {
			return "", err
		}
		n.current.Store(true)
	}
	var m state.Member
	n.fsm.read(func(s *state.State) { m, _ = s.Member(login) })
	return m.Verifier, nil
}

// Audit gives the audit entries after a sequence number.
func (n *Node) Audit(after uint64) []state.AuditEntry {
	var out []state.AuditEntry
	n.fsm.read(func(s *state.State) { out = s.Audit(after) })
	return out
}

// Model gives the replicated model of a source; an empty agent is this one.
func (n *Node) Model(agent, source string) state.Model {
	var m state.Model
	n.fsm.read(func(s *state.State) { m = s.Model(orElse(agent, n.opts.ID), source) })
	return m
}

// Instances gives what was approved into being, on every agent; those that ended included.
func (n *Node) Instances() []state.Instance {
	var out []state.Instance
	n.fsm.read(func(s *state.State) { out = s.Instances() })
	return out
}

// Version gives the current value of a base version; the keys come from state.ModelKey, ActivationKey and InstanceKey.
func (n *Node) Version(key string) uint64 {
	var v uint64
	n.fsm.read(func(s *state.State) { v = s.Version(key) })
	return v
}

// Frozen reports whether governance is frozen, and why.
func (n *Node) Frozen() (reason string, frozen bool) {
	n.fsm.read(func(s *state.State) { reason, frozen = s.Frozen() })
	return reason, frozen
}

// ClusterID is the cluster's random id; "" before Bootstrap.
func (n *Node) ClusterID() string {
	var id string
	n.fsm.read(func(s *state.State) { id = s.Cluster() })
	return id
}

// ID is this agent's id.
func (n *Node) ID() string { return n.opts.ID }

// Leader is the id of the agent that leads as far as this one knows, or "". Health may show it; liveness must not depend on it.
func (n *Node) Leader() string { return n.raft.Leader() }

// Watch gives the requests that change from now on, until ctx ends; then the channel is closed. After a start it also gives changes
// that are replayed from the log.
func (n *Node) Watch(ctx context.Context) <-chan Event { return n.fsm.watch(ctx) }

// ClusterMember is a row of foreshadow.cluster_members. Reached is false when the agent did not say how far it has applied.
type ClusterMember struct {
	raftnode.Member
	AppliedIndex uint64
	Reached      bool
}

// ClusterMembers gives the agents and asks each how far it has applied, for half a second at most.
func (n *Node) ClusterMembers(ctx context.Context) ([]ClusterMember, error) {
	members, err := n.raft.Members()
	if err != nil {
		return nil, err
	}
	out := make([]ClusterMember, len(members))
	answers := n.askAll(ctx, question{Ask: askIndex})
	for i, m := range members {
		a, ok := answers[m.ID]
		out[i] = ClusterMember{Member: m, AppliedIndex: a.Index, Reached: ok}
	}
	return out, nil
}

// askAll asks every agent at once, this one included, and gives the answers that came within half a second.
func (n *Node) askAll(ctx context.Context, q question) map[string]answer {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[string]answer{n.opts.ID: n.lead(ctx, n.opts.ID, q)}
	for _, p := range n.opts.Peers {
		if p.ID == n.opts.ID {
			continue
		}
		wg.Go(func() {
			if a, err := n.ask(ctx, p.ID, q); err == nil && a.Problem == "" {
				mu.Lock()
				defer mu.Unlock()
				out[p.ID] = a
			}
		})
	}
	wg.Wait()
	return out
}
