package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// Principal is who asks: a login that pgwire has authenticated. Account and person are looked up in the replicated state, never taken
// from the session. The zero Login is the operator of this agent (its own settings and commands), which may decide nothing.
type Principal struct{ Login string }

// Proposal is a request to be. The engine makes the plan first; BaseVersions are what the plan was computed from (see Version): if
// they have changed, the proposal is refused.
type Proposal struct {
	Kind         state.Kind
	Target       state.Target // Agent "" is this agent
	Statement    string       // as the user wrote it
	Args         map[string]string
	Plan         json.RawMessage // shown to the approvers and covered by the hash
	BaseVersions map[string]uint64
	TTL          time.Duration // 0 is one day; the request expires undecided after it
}

// Propose opens a request. Nothing else happens until one member of each account has approved its hash.
func (n *Node) Propose(ctx context.Context, p Principal, q Proposal) (state.Request, error) {
	if !q.Kind.Known() {
		return state.Request{}, sqlerr.New(sqlerr.FeatureNotSupported, "%s is not a governed statement", q.Kind)
	}
	if q.Target.Agent == "" && !q.Kind.Internal() {
		q.Target.Agent = n.opts.ID
	}
	if a := q.Target.Agent; a != "" && !slices.ContainsFunc(n.opts.Peers, func(p raftnode.Peer) bool { return p.ID == a }) {
		return state.Request{}, sqlerr.New(sqlerr.UndefinedObject, "agent %q is not in the cluster", a)
	}
	var plan bytes.Buffer
	if len(q.Plan) > 0 {
		if err := json.Compact(&plan, q.Plan); err != nil {
			return state.Request{}, sqlerr.New(sqlerr.Internal, "the plan is not JSON: %s", err)
		}
	}
	out, err := n.submit(ctx, &state.Propose{
		By: p.Login, Kind: q.Kind, Target: q.Target, Statement: q.Statement, Args: q.Args, Plan: plan.String(), Base: q.BaseVersions,
		TTL: state.Millis(q.TTL.Milliseconds()), Nonce: randomID(),
	})
	if err != nil {
		return state.Request{}, err
	}
	return n.Request(out.Request)
}

// decide submits a decision about a request and gives the request as it stands then.
func (n *Node) decide(ctx context.Context, id uint64, c state.Command) (state.Request, error) {
	if _, err := n.submit(ctx, c); err != nil {
		return state.Request{}, err
	}
	return n.Request(id)
}

// Approve gives the approval of the caller's account, on the hash the caller was shown. The second one, of the other account and
// another person, lets the target agent begin.
func (n *Node) Approve(ctx context.Context, p Principal, id uint64, hash string) (state.Request, error) {
	if hash == "" {
		return state.Request{}, sqlerr.New(sqlerr.ObjectNotInState, "an approval needs the hash of the request").
			WithHint("Read the request first: SHOW REQUEST %d.", id)
	}
	return n.decide(ctx, id, &state.Approve{By: p.Login, ID: id, Hash: hash})
}

// Reject ends a request; one member of either account is enough.
func (n *Node) Reject(ctx context.Context, p Principal, id uint64, reason string) (state.Request, error) {
	return n.decide(ctx, id, &state.Reject{By: p.Login, ID: id, Reason: reason})
}

// Revoke takes the caller's own approval back, until the work has begun.
func (n *Node) Revoke(ctx context.Context, p Principal, id uint64) (state.Request, error) {
	return n.decide(ctx, id, &state.Revoke{By: p.Login, ID: id})
}

// Withdraw ends the caller's own request, until the work has begun. Work that was claimed runs to its end; to undo it is a request of
// its own.
func (n *Node) Withdraw(ctx context.Context, p Principal, id uint64) (state.Request, error) {
	return n.decide(ctx, id, &state.Withdraw{By: p.Login, ID: id})
}

// Freeze stops every proposal, approval and claim on every agent; one member of either account is enough. Without a majority of the
// agents nothing can be claimed anyway.
func (n *Node) Freeze(ctx context.Context, p Principal, reason string) error {
	_, err := n.submit(ctx, &state.Freeze{By: p.Login, Reason: reason})
	return err
}

// Unfreeze opens the request that lifts the freeze when both accounts approve it.
func (n *Node) Unfreeze(ctx context.Context, p Principal, statement string) (state.Request, error) {
	return n.Propose(ctx, p, Proposal{Kind: state.Unfreeze, Statement: statement})
}

// Deactivate forbids new predictive instances of a source at once; one member of either account is enough. An empty agent is this one.
func (n *Node) Deactivate(ctx context.Context, p Principal, agent, source string) error {
	if agent == "" {
		agent = n.opts.ID
	}
	_, err := n.submit(ctx, &state.Deactivate{By: p.Login, Agent: agent, Source: source})
	return err
}

// EndInstance records that an instance of this agent is gone without a request: its lifetime was over, or its data was lost.
func (n *Node) EndInstance(ctx context.Context, name, reason string) error {
	_, err := n.submit(ctx, &state.EndInstance{Agent: n.opts.ID, Name: name, Reason: reason})
	return err
}

// Login is a login for Bootstrap: an approving one with an account, or a reading one without. Person defaults to the login, Role is
// the PostgreSQL role whose privileges it reads with (default: the login), Verifier may come later by SetVerifier.
type Login struct{ Login, Account, Person, Role, Verifier string }

// Genesis is what a new cluster begins with: two accounts and at least one member of each, who must be different people.
type Genesis struct {
	Accounts          [2]string
	Logins            []Login
	RequireActivation bool // CREATE PREDICTIVE INSTANCE is refused until ACTIVATE was executed for its source
}

// Bootstrap sets the cluster up, once in its life. It reports whether this call did: any agent may call it at every start.
func (n *Node) Bootstrap(ctx context.Context, g Genesis) (bool, error) {
	c := &state.Bootstrap{Cluster: randomID(), Accounts: g.Accounts, RequireActivation: g.RequireActivation}
	for _, l := range g.Logins {
		c.Members = append(c.Members, state.Member{
			Login: l.Login, Account: l.Account, Person: orElse(l.Person, l.Login), Role: orElse(l.Role, l.Login), Verifier: l.Verifier,
		})
	}
	if err := n.barrier(ctx); err != nil {
		return false, err
	}
	var cluster string
	n.fsm.read(func(s *state.State) { cluster = s.Cluster() })
	if cluster != "" {
		return false, nil
	}
	_, err := n.submit(ctx, c)
	if err != nil && sqlerr.Code(err) == sqlerr.DuplicateObject && n.ClusterID() != "" {
		return false, nil // another agent was first
	}
	return err == nil, err
}

// orElse is a text or its default.
func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// SetVerifier changes a login's password verifier (PostgreSQL's text form). A login may change its own; the operator that of a reading
// login, and the first one of a member.
func (n *Node) SetVerifier(ctx context.Context, p Principal, login, verifier string) error {
	_, err := n.submit(ctx, &state.SetVerifier{By: p.Login, Login: login, Verifier: verifier})
	return err
}

// SetReader adds or changes a reading login; an empty verifier keeps the one it has. The operator's settings call it at every start.
func (n *Node) SetReader(ctx context.Context, l Login) error {
	_, err := n.submit(ctx, &state.SetReader{
		Login: l.Login, Person: orElse(l.Person, l.Login), Role: orElse(l.Role, l.Login), Verifier: l.Verifier,
	})
	return err
}

// DropReader removes a reading login.
func (n *Node) DropReader(ctx context.Context, login string) error {
	_, err := n.submit(ctx, &state.SetReader{Login: login, Person: login, Drop: true})
	return err
}
