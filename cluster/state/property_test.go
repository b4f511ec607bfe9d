package state

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is a state machine under random commands, a twin that is restored from snapshots now and then, and what an observer who only
// sees requests before and after each command remembers.
type world struct {
	s, twin *State
	index   uint64
	now     Millis
	before  map[uint64]Request
	claims  map[uint64]uint64 // request to its fence
	reached map[Phase]int     // how often requests came into each phase
}

// logins of the world: two people in each account, one who has two logins in one account, a reader and a stranger.
var worldLogins = []string{"alice", "amy", "alice2", "bob", "ben", "reader", "mallory"}

// newWorld sets a cluster up.
func newWorld(t *rapid.T, reached map[Phase]int) *world {
	w := &world{s: New(), twin: New(), now: 1_000_000, before: map[uint64]Request{}, claims: map[uint64]uint64{}, reached: reached}
	w.do(t, &Bootstrap{Cluster: "c", Accounts: [2]string{"data", "platform"}, Members: []Member{
		{Login: "alice", Account: "data", Person: "alice"}, {Login: "amy", Account: "data", Person: "amy"},
		{Login: "alice2", Account: "data", Person: "alice"}, {Login: "bob", Account: "platform", Person: "bob"},
		{Login: "ben", Account: "platform", Person: "ben"}, {Login: "reader", Person: "reader"},
	}}, "")
	return w
}

// do applies a command to both machines and lets the observer look.
func (w *world) do(t *rapid.T, c Command, op string) {
	w.index += uint64(rapid.IntRange(1, 3).Draw(t, "gap")) // Raft's own entries take numbers too
	entry, err := Encode(Envelope{Op: op, Stamp: w.now, Command: c})
	if err != nil {
		t.Fatal(err)
	}
	audited := len(w.s.Audit(0))
	versions := cloneMap(w.s.d.Versions)
	res, err := w.s.Apply(w.index, entry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.twin.Apply(w.index, entry); err != nil {
		t.Fatal(err)
	}
	w.observe(t, c, res, audited)
	w.versions(t, c, res, versions)
}

// observe checks the invariants over what changed.
func (w *world) observe(t *rapid.T, c Command, res Result, audited int) {
	entries := map[uint64]uint64{}
	for _, e := range w.s.Audit(uint64(audited)) {
		entries[e.Request]++
	}
	var changed []uint64
	for _, r := range w.s.Requests() {
		old, known := w.before[r.ID]
		lease := old
		lease.Lease = r.Lease
		if known && reflect.DeepEqual(lease, r) {
			if entries[r.ID] > 0 {
				if _, ended := c.(*EndInstance); !ended {
					t.Fatalf("%T: an audit entry for request %d, which did not change", c, r.ID)
				}
			}
			continue
		}
		changed = append(changed, r.ID)
		w.checkChange(t, old, r, entries[r.ID])
		checkRevoked(t, c, old, r)
	}
	if !slices.Equal(changed, res.Changed) {
		t.Fatalf("%T reports changes of %v, the observer saw %v", c, res.Changed, changed)
	}
	if _, err := VerifyChain(w.s.Audit(0)); err != nil {
		t.Fatal(err)
	}
}

// checkChange checks one request's change.
func (w *world) checkChange(t *rapid.T, old, r Request, entries uint64) {
	if old.Phase.Final() {
		t.Fatalf("request %d was final as %s and became %s", r.ID, old.Phase, r.Phase)
	}
	if r.Changes != old.Changes+entries || entries == 0 {
		t.Fatalf("request %d: %d changes before, %d now, %d audit entries", r.ID, old.Changes, r.Changes, entries)
	}
	if r.Hash != HashOf(&r, "c") || (old.Hash != "" && old.Hash != r.Hash) {
		t.Fatalf("request %d: the hash moved", r.ID)
	}
	if r.Fence != 0 {
		if fence, claimed := w.claims[r.ID]; claimed && fence != r.Fence {
			t.Fatalf("request %d was claimed twice, at %d and %d", r.ID, fence, r.Fence)
		}
		w.claims[r.ID] = r.Fence
	}
	switch r.Phase {
	case Executing, Indeterminate, Executed, Failed:
		checkQuorum(t, r)
	case Approved:
		if len(r.Standing()) != 2 {
			t.Fatalf("request %d is approved by %v", r.ID, r.Standing())
		}
	default:
		if r.Fence != 0 {
			t.Fatalf("request %d was claimed and became %s", r.ID, r.Phase)
		}
	}
	w.before[r.ID] = r
	w.reached[r.Phase]++
}

// checkRevoked demands that an approval is only ever added by its giver, and only ever revoked by its giver.
func checkRevoked(t *rapid.T, c Command, old, r Request) {
	for i, a := range r.Approvals {
		if i >= len(old.Approvals) {
			if ap, ok := c.(*Approve); !ok || ap.By != a.Login || ap.ID != r.ID {
				t.Fatalf("%+v added the approval %+v", c, a)
			}
			continue
		}
		was := old.Approvals[i]
		if a.Revoked && !was.Revoked {
			if rv, ok := c.(*Revoke); !ok || rv.By != a.Login || rv.ID != r.ID {
				t.Fatalf("%+v revoked the approval %+v", c, a)
			}
			was.Revoked = true
		}
		if was != a {
			t.Fatalf("%+v changed the approval %+v to %+v", c, was, a)
		}
	}
}

// checkQuorum demands what the whole system promises: two accounts, two people, one hash, before the claim.
func checkQuorum(t *rapid.T, r Request) {
	a := r.Standing()
	if len(a) != 2 || a[0].Account == a[1].Account || a[0].Person == a[1].Person || a[0].Hash != r.Hash || a[1].Hash != r.Hash {
		t.Fatalf("request %d is %s with approvals %+v", r.ID, r.Phase, a)
	}
	if r.Fence == 0 || a[0].Index > r.Fence || a[1].Index > r.Fence {
		t.Fatalf("request %d: approved at %d and %d, claimed at %d", r.ID, a[0].Index, a[1].Index, r.Fence)
	}
	if (a[0].Index == r.Fence || a[1].Index == r.Fence) && !r.Kind.Internal() {
		t.Fatalf("request %d was claimed by its own approval", r.ID)
	}
}

// versions checks that nothing changes the world without an executed request, except what one person may do to stop.
func (w *world) versions(t *rapid.T, c Command, res Result, before map[string]uint64) {
	if reflect.DeepEqual(before, w.s.d.Versions) {
		for _, id := range res.Changed {
			if r := w.before[id]; r.Phase == Executed && r.Kind != ResolveRequest {
				t.Fatalf("request %d was executed and changed nothing", id)
			}
		}
		return
	}
	switch c.(type) {
	case *Bootstrap, *Freeze, *Deactivate, *EndInstance:
		return
	default:
	}
	for _, id := range res.Changed {
		if w.before[id].Phase == Executed {
			return
		}
	}
	t.Fatalf("%T changed the versions %v to %v", c, before, w.s.d.Versions)
}

// next makes the command that brings some request a step on, so that random sequences also get far; nil if there is none.
func (w *world) next(t *rapid.T) Command {
	var open []Request
	for _, r := range w.s.Requests() {
		if !r.Phase.Final() {
			open = append(open, r)
		}
	}
	if len(open) == 0 {
		return nil
	}
	r := rapid.SampledFrom(open).Draw(t, "next of")
	switch r.Phase {
	case Pending:
		return &Approve{By: rapid.SampledFrom(worldLogins[:5]).Draw(t, "approver"), ID: r.ID, Hash: r.Hash}
	case Approved:
		return &Claim{ID: r.ID, Agent: r.Target.Agent}
	}
	if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
		return &Fail{ID: r.ID, Agent: r.Target.Agent, Fence: r.Fence}
	}
	return &Complete{ID: r.ID, Agent: r.Target.Agent, Fence: r.Fence}
}

// draw makes a random command, mostly about requests that exist.
func (w *world) draw(t *rapid.T) Command {
	if rapid.Bool().Draw(t, "sensible") {
		if c := w.next(t); c != nil {
			return c
		}
	}
	by := rapid.SampledFrom(worldLogins).Draw(t, "by")
	agent := rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "agent")
	id := uint64(rapid.IntRange(0, len(w.before)+1).Draw(t, "id"))
	if n := len(w.before); n > 3 && rapid.Bool().Draw(t, "recent") {
		id = uint64(rapid.IntRange(n-2, n).Draw(t, "recent id"))
	}
	r := w.before[id]
	fence, hash := r.Fence, r.Hash
	if rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
		fence, hash = fence+1, "wrong"
	}
	switch rapid.SampledFrom([]string{
		"propose", "propose", "propose", "approve", "approve", "stop", "later", "claim", "complete", "end", "other",
	}).Draw(t, "command") {
	case "propose":
		return w.drawProposal(t, by, agent)
	case "approve":
		return &Approve{By: by, ID: id, Hash: hash}
	case "stop":
		return rapid.SampledFrom([]Command{
			&Reject{By: by, ID: id}, &Revoke{By: by, ID: id}, &Withdraw{By: r.Proposer, ID: id}, &Withdraw{By: by, ID: id},
		}).Draw(t, "stop")
	case "claim":
		return &Claim{ID: id, Agent: agent}
	case "complete":
		return &Complete{ID: id, Agent: agent, Fence: fence}
	case "end":
		return rapid.SampledFrom([]Command{
			&Fail{ID: id, Agent: agent, Fence: fence, Reason: "r"}, &Renew{ID: id, Agent: agent, Fence: fence},
			&EndInstance{Agent: agent, Name: "n1", Reason: "ttl"},
		}).Draw(t, "end")
	case "other":
		return rapid.SampledFrom([]Command{
			&Freeze{By: by}, &Deactivate{By: by, Agent: agent, Source: "s"}, &SetReader{Login: "reader", Person: "reader", Role: "r"},
			&SetVerifier{By: by, Login: by, Verifier: "SCRAM-SHA-256$1:a$b:c"}, &Bootstrap{Cluster: "other"},
		}).Draw(t, "other")
	}
	w.now += Millis(rapid.SampledFrom([]int{-5000, 10, 900, 900, 30_000, 61_000, 61_000, 200_000_000}).Draw(t, "later"))
	return &Tick{}
}

// drawProposal makes a random proposal on few objects, so that they meet.
func (w *world) drawProposal(t *rapid.T, by, agent string) Command {
	kind := rapid.SampledFrom([]Kind{
		InitializeModel, AlterModel, ActivateInstances, CreateInstance, CreateInstance, AlterInstance, DropInstance, Unfreeze, AddMember, DropMember, ResolveRequest,
	}).Draw(t, "kind")
	p := &Propose{By: by, Kind: kind, Nonce: fmt.Sprintf("%032d", w.index), TTL: Millis(rapid.SampledFrom([]int{0, 0, 1000, 60_000}).Draw(t, "ttl"))}
	if !kind.Internal() {
		p.Target = Target{Agent: agent, Source: "s", Name: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "name")}
	}
	switch kind {
	case AddMember, DropMember:
		p.Args = map[string]string{
			ArgAccount: rapid.SampledFrom([]string{"data", "platform"}).Draw(t, "account"),
			ArgLogin:   rapid.SampledFrom(append([]string{"new"}, worldLogins...)).Draw(t, "login"),
			ArgPerson:  rapid.SampledFrom([]string{"", "alice", "bob", "zoe"}).Draw(t, "person"),
		}
	case ResolveRequest:
		p.Args = map[string]string{
			ArgRequest: fmt.Sprint(rapid.IntRange(1, len(w.before)+1).Draw(t, "resolved")),
			ArgOutcome: rapid.SampledFrom([]string{"executed", "failed"}).Draw(t, "outcome"),
		}
	}
	return p
}

// checkPeople demands that no person stands in both accounts and that neither is empty.
func (w *world) checkPeople(t *rapid.T) {
	account := map[string]string{}
	filled := map[string]bool{}
	for _, m := range w.s.Members() {
		if m.Account == "" {
			continue
		}
		if a, ok := account[m.Person]; ok && a != m.Account {
			t.Fatalf("%s is in both accounts", m.Person)
		}
		account[m.Person] = m.Account
		filled[m.Account] = true
	}
	if len(filled) != 2 {
		t.Fatalf("an account is empty: %v", filled)
	}
}

// checkTwin demands the same bytes on both machines and, now and then, restores one of them.
func (w *world) checkTwin(t *rapid.T) {
	a, err := w.s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.twin.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Fatalf("the twin differs:\n%s\n%s", a, b)
	}
	if w.twin, err = Restore(b); err != nil {
		t.Fatal(err)
	}
	if c, err := w.twin.Snapshot(); err != nil || !bytes.Equal(b, c) {
		t.Fatalf("the snapshot of a restored state differs: %v\n%s\n%s", err, b, c)
	}
}

// TestInvariants applies random commands and checks after each one what must always hold. It also makes sure that the commands reach
// every phase: a property over states that never occur would prove nothing.
func TestInvariants(t *testing.T) {
	t.Parallel()
	reached := map[Phase]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, reached)
		for range rapid.IntRange(50, 250).Draw(t, "commands") {
			op := ""
			if rapid.IntRange(0, 3).Draw(t, "with id") == 0 {
				op = fmt.Sprintf("op%d", rapid.IntRange(0, 40).Draw(t, "op"))
			}
			w.do(t, w.draw(t), op)
			w.checkPeople(t)
			if rapid.IntRange(0, 19).Draw(t, "restore") == 0 {
				w.checkTwin(t)
			}
		}
		w.checkTwin(t)
	})
	for _, p := range []Phase{Pending, Approved, Executing, Indeterminate, Executed, Failed, Rejected, Withdrawn, Expired, Stale} {
		if reached[p] == 0 && !t.Failed() {
			t.Errorf("no request ever became %s: %v", p, reached)
		}
	}
	t.Logf("phases reached: %v", reached)
}
