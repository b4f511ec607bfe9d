package state

// Freeze stops every proposal, approval and claim at once, until both accounts approve UNFREEZE. Either account may, and again
// while frozen: that makes an UNFREEZE that is already waiting stale.
type Freeze struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

func (c *Freeze) number() uint16 { return 9 }

// apply freezes; work that was claimed before goes on.
func (c *Freeze) apply(x *step) (uint64, *Refusal) {
	m, refusal := x.decider(c.By, "freeze governance")
	if refusal != nil {
		return 0, refusal
	}
	reason := "by " + c.By + " of " + m.Account
	if c.Reason != "" {
		reason += ": " + cut(c.Reason)
	}
	x.d.Frozen = true
	x.d.FreezeReason = reason
	x.bump(freezeKey)
	x.audit(c.By, "FREEZE", 0, reason)
	return 0, nil
}
