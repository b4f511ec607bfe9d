package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"foreshadow/cluster"
	"foreshadow/cluster/state"
	"foreshadow/pgwire/auth"
	"foreshadow/sql/engine"
	"foreshadow/sql/sqlerr"
)

// governance lets the SQL engine propose and decide on the cluster's requests.
type governance struct {
	node     *cluster.Node
	systemID func() string
}

func principal(l engine.Login) cluster.Principal { return cluster.Principal{Login: l.Name} }

// Propose enters a request for this agent.
func (g governance) Propose(ctx context.Context, l engine.Login, p engine.Proposal) (engine.Request, error) {
	r, err := g.node.Propose(ctx, principal(l), cluster.Proposal{
		Kind: state.Kind(p.Kind), Target: state.Target{SystemID: g.systemID(), Source: p.Source, Name: p.Name},
		Statement: p.Statement, Args: p.Args, Plan: p.Plan, BaseVersions: p.BaseVersions, TTL: p.TTL,
	})
	return g.words(r, err)
}

// Show reads a request as every agent has it.
func (g governance) Show(ctx context.Context, id int64) (engine.Request, error) {
	return g.words(g.node.Show(ctx, uint64(id)))
}

func (g governance) Approve(ctx context.Context, l engine.Login, id int64, hash string) (engine.Request, error) {
	return g.words(g.node.Approve(ctx, principal(l), uint64(id), hash))
}

func (g governance) Reject(ctx context.Context, l engine.Login, id int64, reason string) (engine.Request, error) {
	return g.words(g.node.Reject(ctx, principal(l), uint64(id), reason))
}

func (g governance) RevokeApproval(ctx context.Context, l engine.Login, id int64) (engine.Request, error) {
	return g.words(g.node.Revoke(ctx, principal(l), uint64(id)))
}

func (g governance) Withdraw(ctx context.Context, l engine.Login, id int64) (engine.Request, error) {
	return g.words(g.node.Withdraw(ctx, principal(l), uint64(id)))
}

func (g governance) Freeze(ctx context.Context, l engine.Login, reason string) error {
	return g.node.Freeze(ctx, principal(l), reason)
}

func (g governance) Deactivate(ctx context.Context, l engine.Login, source string) error {
	return g.node.Deactivate(ctx, principal(l), "", source)
}

// VerifyAudit computes the chain again and compares it with the other agents'.
func (g governance) VerifyAudit(ctx context.Context) (engine.AuditReport, error) {
	r, err := g.node.VerifyAudit(ctx)
	if err != nil {
		return engine.AuditReport{}, err
	}
	message := r.Problem
	if message == "" {
		message = fmt.Sprintf("the chain is whole; %d other agents agree, %d differ, %d did not answer", len(r.Agree), len(r.Differ), len(r.Silent))
	}
	return engine.AuditReport{Entries: int64(r.Entries), OK: r.OK, Head: r.Head, Message: message}, nil
}

// Watch gives the requests that change.
func (g governance) Watch(ctx context.Context) <-chan engine.RequestEvent {
	out := make(chan engine.RequestEvent)
	go func() {
		defer close(out)
		for e := range g.node.Watch(ctx) {
			r := e.Request
			select {
			case out <- engine.RequestEvent{ID: int64(r.ID), State: string(r.Phase), Kind: string(r.Kind), Target: r.Target.String(), Missed: e.Missed}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// words puts a request into the engine's terms.
func (g governance) words(r state.Request, err error) (engine.Request, error) {
	if err != nil {
		return engine.Request{}, err
	}
	return engine.Request{
		ID: int64(r.ID), State: string(r.Phase), Kind: string(r.Kind), Target: r.Target.String(), Statement: r.Statement, Proposer: r.Proposer,
		Hash: r.Hash, Missing: g.node.Missing(r.ID), Message: r.Message, Plan: json.RawMessage(r.Plan),
		ProposedAt: r.ProposedAt.Time(), ExpiresAt: r.ExpiresAt.Time(),
	}, nil
}

// logins are the replicated credentials. hasRole asks the mirror.
type logins struct {
	node    *cluster.Node
	hasRole func(string) bool
}

// approverRole is the mirror's role without any grant, for approvers who are nobody on the primary.
const approverRole = "foreshadow_approver"

func (l logins) Verifier(ctx context.Context, user string) (string, error) {
	return l.node.Verifier(ctx, user)
}

// Login gives the role that decides what the user may read.
func (l logins) Login(_ context.Context, user string) (engine.Login, error) {
	m, ok := l.node.Member(user)
	if !ok {
		return engine.Login{}, sqlerr.New(sqlerr.InvalidAuthorization, "role \"%s\" does not exist", user)
	}
	role := m.Role
	if role == "" {
		role = m.Login
	}
	if m.Account != "" && !l.hasRole(role) {
		role = approverRole
	}
	return engine.Login{Name: m.Login, Role: role, Account: m.Account}, nil
}

// SetVerifier changes a login's own password. psql sends the verifier of an empty one too.
func (l logins) SetVerifier(ctx context.Context, login engine.Login, verifier string) error {
	if !auth.Valid(verifier) {
		return sqlerr.New(sqlerr.InvalidParameterValue, "the password must come as a SCRAM-SHA-256 verifier").WithHint("psql's \\password sends it so.")
	}
	if auth.Opens(verifier, "") {
		return sqlerr.New(sqlerr.InvalidParameterValue, "empty string is not a valid password")
	}
	return l.node.SetVerifier(ctx, principal(login), login.Name, verifier)
}

// genesis sorts the users into the two accounts and the readers; a new cluster needs both accounts.
func genesis(users []cluster.Login, requireActivation bool) (cluster.Genesis, error) {
	var names []string
	for _, u := range users {
		if u.Account != "" && !slices.Contains(names, u.Account) {
			names = append(names, u.Account)
		}
	}
	if len(names) != 2 {
		return cluster.Genesis{}, errors.New("the users file must have members of exactly two accounts, such as data_owner and platform_owner (foreshadow passwd --account)")
	}
	return cluster.Genesis{Accounts: [2]string{names[0], names[1]}, Logins: users, RequireActivation: requireActivation}, nil
}
