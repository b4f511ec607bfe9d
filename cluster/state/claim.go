package state

// Claim is the point at which an approved request begins: the target agent takes it, once, and its log index is the fence that every
// effect carries. Everything is checked here, inside the log, never by reading first.
type Claim struct {
	ID    uint64 `json:"id"`
	Agent string `json:"agent"`
}

func (c *Claim) number() uint16 { return 11 }

// Caller is the agent that must have sent the command.
func (c *Claim) Caller() string { return c.Agent }

// apply lets one claim through, ever.
func (c *Claim) apply(x *step) (uint64, *Refusal) {
	r, refusal := x.request(c.ID)
	if refusal != nil {
		return c.ID, refusal
	}
	switch {
	case r.Phase != Approved:
		return c.ID, notPending(r)
	case r.Target.Agent != c.Agent || c.Agent == "":
		return c.ID, refuse(codePrivilege, "request %d belongs to agent %q", r.ID, r.Target.Agent)
	case x.d.Frozen:
		return c.ID, x.frozen()
	}
	if refusal := x.d.quorum(r); refusal != nil {
		return c.ID, refusal
	}
	if refusal := kinds[r.Kind].check(x.d, r); refusal != nil {
		return c.ID, refusal
	}
	object := kinds[r.Kind].object(r.Target)
	for _, o := range x.d.Requests {
		if (o.Phase == Executing || o.Phase == Indeterminate) && kinds[o.Kind].object(o.Target) == object {
			return c.ID, refuse(codeNotInState, "request %d is still at work on %s", o.ID, r.Target)
		}
	}
	r.Fence = x.index
	r.Lease = x.d.Clock + leaseTTL
	x.move(r, Executing, "agent "+c.Agent, "CLAIM", "hash "+r.Hash)
	return r.ID, nil
}
