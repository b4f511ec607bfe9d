package state

// Renew says that the agent that claimed a request is still at work. Without it the request becomes INDETERMINATE when the lease is over.
type Renew struct {
	ID    uint64 `json:"id"`
	Fence uint64 `json:"fence"`
	Agent string `json:"agent"`
}

func (c *Renew) number() uint16 { return 12 }

// Caller is the agent that must have sent the command.
func (c *Renew) Caller() string { return c.Agent }

// apply moves the lease; it is not a transition and has no audit entry.
func (c *Renew) apply(x *step) (uint64, *Refusal) {
	r, refusal := x.claimed(c.ID, c.Fence, c.Agent)
	if refusal != nil {
		return c.ID, refusal
	}
	if r.Phase == Executing {
		r.Lease = x.d.Clock + leaseTTL
	}
	return r.ID, nil
}

// claimed finds a request that this agent holds under this fence.
func (x *step) claimed(id, fence uint64, agent string) (*Request, *Refusal) {
	r, refusal := x.request(id)
	if refusal != nil {
		return nil, refusal
	}
	if r.Fence == 0 || r.Fence != fence || r.Target.Agent != agent {
		return nil, refuse(codePrivilege, "agent %q does not hold request %d under fence %d", agent, id, fence)
	}
	return r, nil
}
