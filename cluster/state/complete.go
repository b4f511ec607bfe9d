package state

// Complete reports that the work of a claimed request is done, with the executor's receipt.
type Complete struct {
	ID      uint64 `json:"id"`
	Fence   uint64 `json:"fence"`
	Agent   string `json:"agent"`
	Receipt string `json:"receipt,omitempty"`
}

func (c *Complete) number() uint16 { return 13 }

// Caller is the agent that must have sent the command.
func (c *Complete) Caller() string { return c.Agent }

// apply makes the effect part of the replicated state. Reporting it again changes nothing.
func (c *Complete) apply(x *step) (uint64, *Refusal) {
	r, refusal := x.claimed(c.ID, c.Fence, c.Agent)
	if refusal != nil {
		return c.ID, refusal
	}
	switch r.Phase {
	case Executed:
		return r.ID, nil
	case Executing, Indeterminate:
	default:
		return c.ID, notPending(r)
	}
	kinds[r.Kind].effect(x, r)
	x.move(r, Executed, "agent "+c.Agent, "EXECUTE", cut(c.Receipt))
	return r.ID, nil
}
