package state

// Approve gives one account's approval to a request, on the hash the approver was shown.
type Approve struct {
	By   string `json:"by"`
	ID   uint64 `json:"id"`
	Hash string `json:"hash"`
}

func (c *Approve) number() uint16 { return 5 }

// apply counts persons and accounts, never logins: a second approval by the same person or the same account is refused.
func (c *Approve) apply(x *step) (uint64, *Refusal) {
	m, refusal := x.decider(c.By, "approve requests")
	if refusal != nil {
		return c.ID, refusal
	}
	r, refusal := x.request(c.ID)
	if refusal != nil {
		return c.ID, refusal
	}
	if refusal := x.mayApprove(r, m); refusal != nil {
		return c.ID, refusal
	}
	if c.Hash != r.Hash {
		return c.ID, refuse(codeNotInState, "the hash given is not the hash of request %d", r.ID).
			hint("Read it again with SHOW REQUEST %d and approve that hash.", r.ID)
	}
	r.Approvals = append(r.Approvals, Approval{Account: m.Account, Login: m.Login, Person: m.Person, Hash: r.Hash, At: x.d.Clock, Index: x.index})
	detail := "account " + m.Account + " person " + m.Person + " hash " + r.Hash
	if x.d.quorum(r) != nil {
		x.touch(r, c.By, "APPROVE", detail)
		return r.ID, nil
	}
	x.move(r, Approved, c.By, "APPROVE", detail)
	if kinds[r.Kind].internal {
		x.executeHere(r)
	}
	return r.ID, nil
}

// mayApprove refuses requests that are not waiting for this member's approval.
func (x *step) mayApprove(r *Request, m *Member) *Refusal {
	if r.Phase != Pending {
		return notPending(r)
	}
	for _, a := range r.Standing() {
		if a.Login == m.Login || a.Person == m.Person {
			return refuse(codePrivilege, "%q has approved request %d already", a.Login, r.ID).
				hint("The second approval must come from another person, of account %s.", x.d.other(m.Account))
		}
		if a.Account == m.Account {
			return refuse(codePrivilege, "account %s has approved request %d already, by %q", m.Account, r.ID, a.Login).
				hint("The second approval must come from account %s.", x.d.other(m.Account))
		}
	}
	if x.d.Frozen && r.Kind != Unfreeze {
		return x.frozen()
	}
	return kinds[r.Kind].check(x.d, r)
}

// notPending says why a decision comes too late.
func notPending(r *Request) *Refusal {
	f := refuse(codeNotInState, "request %d is %s", r.ID, r.Phase)
	if r.Phase.Final() {
		return f.hint("A request that has ended cannot be changed; propose it again.")
	}
	return f
}

// other names the account that is not this one.
func (d *data) other(account string) string {
	if d.Accounts[0].Name == account {
		return d.Accounts[1].Name
	}
	return d.Accounts[0].Name
}

// quorum checks that a request has what it takes: standing approvals by both accounts, by two people, on its very hash, each by a
// login that is still a member of that account. It is asked when an approval is given and again inside the claim.
func (d *data) quorum(r *Request) *Refusal {
	standing := r.Standing()
	if len(standing) != 2 {
		return refuse(codeNotInState, "request %d has %d of 2 approvals", r.ID, len(standing))
	}
	a, b := standing[0], standing[1]
	if a.Account == b.Account || a.Person == b.Person || a.Hash != r.Hash || b.Hash != r.Hash {
		return refuse(codeNotInState, "the approvals of request %d do not come from two accounts and two people on one hash", r.ID)
	}
	for _, ap := range standing {
		m, ok := d.Members[ap.Login]
		if !ok || m.Account != ap.Account || m.Person != ap.Person {
			return refuse(codeNotInState, "%q is no longer a member of account %s", ap.Login, ap.Account)
		}
	}
	if HashOf(r, d.Cluster) != r.Hash {
		return refuse(codeNotInState, "request %d does not match its hash", r.ID)
	}
	return nil
}

// executeHere runs a request whose effect lies in the replicated state itself. Claim and completion are this very log entry.
func (x *step) executeHere(r *Request) {
	r.Fence = x.index
	x.move(r, Executing, "cluster", "CLAIM", "by the replicated state itself")
	if refusal := kinds[r.Kind].check(x.d, r); refusal != nil {
		x.move(r, Failed, "cluster", "FAIL", refusal.Message)
		return
	}
	x.move(r, Executed, "cluster", "EXECUTE", kinds[r.Kind].effect(x, r))
}
