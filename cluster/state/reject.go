package state

// Reject ends a request that was not claimed yet. One member of either account is enough: one person can stop.
type Reject struct {
	By     string `json:"by"`
	ID     uint64 `json:"id"`
	Reason string `json:"reason,omitempty"`
}

func (c *Reject) number() uint16 { return 6 }

// apply ends the request for good.
func (c *Reject) apply(x *step) (uint64, *Refusal) {
	m, refusal := x.decider(c.By, "reject requests")
	if refusal != nil {
		return c.ID, refusal
	}
	r, refusal := x.request(c.ID)
	if refusal != nil {
		return c.ID, refusal
	}
	if !r.Phase.Open() {
		return c.ID, notPending(r)
	}
	detail := "by account " + m.Account
	if c.Reason != "" {
		detail += ": " + cut(c.Reason)
	}
	x.move(r, Rejected, c.By, "REJECT", detail)
	return r.ID, nil
}
