package state

// Fail reports that the work of a claimed request came to nothing and that nothing of it is left.
type Fail struct {
	ID     uint64 `json:"id"`
	Fence  uint64 `json:"fence"`
	Agent  string `json:"agent"`
	Reason string `json:"reason"`
}

func (c *Fail) number() uint16 { return 14 }

// Caller is the agent that must have sent the command.
func (c *Fail) Caller() string { return c.Agent }

// apply ends the request; the versions stay as they were. Reporting it again changes nothing.
func (c *Fail) apply(x *step) (uint64, *Refusal) {
	r, refusal := x.claimed(c.ID, c.Fence, c.Agent)
	if refusal != nil {
		return c.ID, refusal
	}
	switch r.Phase {
	case Failed:
		return r.ID, nil
	case Executing, Indeterminate:
	default:
		return c.ID, notPending(r)
	}
	x.move(r, Failed, "agent "+c.Agent, "FAIL", cut(c.Reason))
	return r.ID, nil
}
