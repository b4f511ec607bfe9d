package cluster

import (
	"context"
	"testing"
	"time"

	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// others gives the running agents that do not lead.
func (c *agents) others(leader string) []string {
	var out []string
	for _, p := range c.peers {
		if p.ID != leader && c.nodes[p.ID] != nil {
			out = append(out, p.ID)
		}
	}
	return out
}

// crash stops an agent without handing leadership over.
func (c *agents) crash(id string) {
	c.t.Helper()
	c.nodes[id].raft.Abandon()
	c.stop[id]()
	delete(c.nodes, id)
}

// The leader dies between the two approvals: the first is not lost, the second is given on a survivor, and the target executes once.
// Then the dead agent comes back from its disk and agrees with the others.
func TestLeaderDiesBetweenApprovals(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	old := c.leader()
	rest := c.others(old)
	r := propose(t, c.nodes[rest[0]], createRequest("next_quarter", rest[0])) // a follower forwards
	approve(t, c.nodes[rest[1]], "alice", r.ID)
	c.crash(old)
	got, err := c.nodes[rest[0]].Show(wait(t), r.ID)
	if err != nil || len(got.Standing()) != 1 {
		t.Fatalf("after the crash: %+v %v", got, err)
	}
	_, err = c.nodes[rest[1]].Approve(wait(t), Principal{Login: "alice"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.InsufficientPrivilege)
	approve(t, c.nodes[rest[1]], "bob", r.ID)
	phase(t, c.nodes[rest[0]], r.ID, state.Executed)
	c.start(old)
	phase(t, c.nodes[old], r.ID, state.Executed)
	for id, e := range c.exec {
		if want := map[bool]int{true: 1}[id == rest[0]]; e.count(r.Hash) != want {
			t.Errorf("agent %s executed it %d times, want %d", id, e.count(r.Hash), want)
		}
	}
	eventually(t, func() bool {
		report, err := c.nodes[old].VerifyAudit(wait(t))
		return err == nil && report.OK && len(report.Agree) == 2
	})
}

// Without a majority nothing can be decided, and the error says so within the caller's deadline; reading still works.
func TestNoMajority(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	leader := c.leader()
	rest := c.others(leader)
	r := propose(t, c.nodes[leader], createRequest("next_quarter", rest[0]))
	phase(t, c.nodes[rest[0]], r.ID, state.Pending)
	c.crash(leader)
	c.crash(rest[1])
	last := c.nodes[rest[0]]
	eventually(t, func() bool { return last.Leader() == "" })
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	_, err := last.Approve(ctx, Principal{Login: "alice"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.CannotConnectNow)
	if got, err := last.Request(r.ID); err != nil || got.Phase != state.Pending {
		t.Fatalf("local read: %+v %v", got, err)
	}
	if v, err := last.Verifier(ctx, "alice"); err != nil || v != "" {
		t.Fatalf("verifier %q %v", v, err)
	}
	c.start(leader)
	approve(t, last, "alice", r.ID)
	approve(t, last, "bob", r.ID)
	phase(t, last, r.ID, state.Executed)
}

// A request expires by the leader's clock on every agent although nobody writes; a later approval is refused.
func TestExpiry(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	leader := c.leader()
	follower := c.nodes[c.others(leader)[0]]
	q := createRequest("next_quarter", "")
	q.TTL = time.Hour
	r := propose(t, follower, q)
	approve(t, follower, "alice", r.ID)
	c.clock.Store(int64(61 * time.Minute))
	for _, n := range c.nodes {
		phase(t, n, r.ID, state.Expired)
	}
	_, err := follower.Approve(wait(t), Principal{Login: "bob"}, r.ID, r.Hash)
	wantCode(t, err, sqlerr.ObjectNotInState)
	// A clock that stood still for months is brought up in steps before the next request gets its times.
	c.clock.Store(int64(100 * 24 * time.Hour))
	r = propose(t, follower, createRequest("later", ""))
	if off := time.Until(r.ProposedAt.Time()) - 100*24*time.Hour; off.Abs() > time.Minute {
		t.Fatalf("proposed at %s", r.ProposedAt.Time())
	}
}

// The target agent stops while it works: nobody else takes over, the claim stays, and its next life goes on under the same fence.
func TestTargetRestartsMidWay(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	target := c.others(c.leader())[0]
	exec := c.exec[target]
	exec.hold = make(chan struct{})
	r := propose(t, c.nodes[target], createRequest("next_quarter", target))
	approve(t, c.nodes[target], "alice", r.ID)
	approve(t, c.nodes[target], "bob", r.ID)
	first := <-exec.begun
	if first.Phase != state.Executing || first.Fence == 0 {
		t.Fatalf("executed without a claim: %+v", first)
	}
	c.crash(target)
	other := c.nodes[c.others(target)[0]]
	c.clock.Store(int64(2 * time.Minute)) // longer than the lease
	phase(t, other, r.ID, state.Indeterminate)
	close(exec.hold)
	c.start(target)
	second := <-exec.begun
	done := phase(t, other, r.ID, state.Executed)
	if second.Fence != first.Fence || done.Fence != first.Fence || second.Hash != first.Hash {
		t.Fatalf("fences %d, %d, %d", first.Fence, second.Fence, done.Fence)
	}
}

// Freeze stops at once what two had approved for later; unfreezing needs both; the members view hides verifiers.
func TestFreezeAndViews(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 1)
	n := c.nodes["agent-1"]
	alice, bob := Principal{Login: "alice"}, Principal{Login: "bob"}
	events := n.Watch(t.Context())
	if err := n.Freeze(wait(t), bob, "incident"); err != nil {
		t.Fatal(err)
	}
	_, err := n.Propose(wait(t), alice, createRequest("x", ""))
	wantCode(t, err, sqlerr.ObjectNotInState)
	u, err := n.Unfreeze(wait(t), alice, "UNFREEZE")
	if err != nil {
		t.Fatal(err)
	}
	approve(t, n, "amy", u.ID)
	if u = approve(t, n, "bob", u.ID); u.Phase != state.Executed {
		t.Fatalf("unfreeze is %s: %s", u.Phase, u.Message)
	}
	if _, frozen := n.Frozen(); frozen {
		t.Fatal("still frozen")
	}
	if e := <-events; e.Request.ID != u.ID || e.Request.Phase != state.Pending {
		t.Fatalf("first event %+v", e)
	}
	verifier := "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"
	wantCode(t, n.SetVerifier(wait(t), bob, "alice", verifier), sqlerr.InsufficientPrivilege)
	for _, p := range []Principal{{}, alice} { // the operator's first one, then her own change
		if err := n.SetVerifier(wait(t), p, "alice", verifier); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, n.SetVerifier(wait(t), Principal{}, "alice", verifier), sqlerr.InsufficientPrivilege)
	if v, _ := n.Verifier(wait(t), "alice"); v != verifier {
		t.Fatalf("verifier %q", v)
	}
	for _, m := range n.Members() {
		if m.Verifier != "" {
			t.Fatalf("the view shows %s's verifier", m.Login)
		}
	}
	members, err := n.ClusterMembers(wait(t))
	if err != nil || len(members) != 1 || !members[0].Self || !members[0].Leader || members[0].AppliedIndex == 0 {
		t.Fatalf("cluster members %+v %v", members, err)
	}
}

// An agent speaks for itself only, an unknown kind never reaches the log, and a request for an agent that is not there is refused.
func TestImpostors(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	leader := c.leader()
	rest := c.others(leader)
	r := propose(t, c.nodes[leader], createRequest("next_quarter", rest[0]))
	_, err := c.nodes[rest[1]].submit(wait(t), &state.Claim{ID: r.ID, Agent: rest[0]})
	wantCode(t, err, sqlerr.Internal)
	_, err = c.nodes[leader].Propose(wait(t), Principal{Login: "alice"}, Proposal{Kind: "GRANT EVERYTHING"})
	wantCode(t, err, sqlerr.FeatureNotSupported)
	_, err = c.nodes[leader].Propose(wait(t), Principal{Login: "alice"}, createRequest("x", "agent-9"))
	wantCode(t, err, sqlerr.UndefinedObject)
	_, err = c.nodes[leader].Approve(wait(t), Principal{Login: "alice"}, r.ID, "")
	wantCode(t, err, sqlerr.ObjectNotInState)
	a := c.nodes[rest[0]].answer(wait(t), rest[1], []byte(`{"ask":"shutdown"}`))
	if string(a) != `{"outcome":{},"problem":"bad","text":"unknown question shutdown"}` {
		t.Fatalf("answer %s", a)
	}
}

// An agent whose history was rewritten, with a chain that holds in itself, is found by VERIFY AUDIT on another one.
func TestRewrittenHistory(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	leader := c.leader()
	liar := c.others(leader)[0]
	propose(t, c.nodes[liar], createRequest("next_quarter", ""))
	index := c.nodes[liar].fsm.Index()
	entry, err := state.Encode(state.Envelope{Stamp: 1, Command: &state.Bootstrap{
		Cluster: "another past", Accounts: genesis.Accounts,
		Members: []state.Member{{Login: "m", Account: "data_owner", Person: "m"}, {Login: "o", Account: "platform_owner", Person: "o"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	other := state.New()
	if _, err := other.Apply(index, entry); err != nil {
		t.Fatal(err)
	}
	c.nodes[liar].fsm.mu.Lock()
	c.nodes[liar].fsm.s = other
	c.nodes[liar].fsm.mu.Unlock()
	eventually(t, func() bool {
		report, err := c.nodes[leader].VerifyAudit(wait(t))
		return err == nil && !report.OK && len(report.Differ) == 1 && report.Differ[0] == liar && len(report.Agree) == 1
	})
}

// A login is not unknown while an agent that has just started still reads the log; without a leader it cannot be told.
func TestLoginsAfterRestart(t *testing.T) {
	t.Parallel()
	c := startAgents(t, 3)
	leader := c.leader()
	verifier := "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"
	if err := c.nodes[leader].SetVerifier(wait(t), Principal{}, "alice", verifier); err != nil {
		t.Fatal(err)
	}
	rest := c.others(leader)
	for _, id := range []string{leader, rest[0], rest[1]} {
		c.crash(id)
	}
	c.start(leader)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	_, err := c.nodes[leader].Verifier(ctx, "nobody")
	wantCode(t, err, sqlerr.CannotConnectNow)
	c.start(rest[0])
	if v, err := c.nodes[rest[0]].Verifier(wait(t), "alice"); err != nil || v != verifier {
		t.Errorf("verifier %q %v", v, err)
	}
	if v, err := c.nodes[rest[0]].Verifier(wait(t), "nobody"); err != nil || v != "" {
		t.Errorf("verifier of nobody %q %v", v, err)
	}
}
