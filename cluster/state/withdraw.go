package state

// Withdraw ends a request by its proposer, until it is claimed. After the claim the work is under way and can only be undone by a
// request of its own, for example DROP PREDICTIVE INSTANCE.
type Withdraw struct {
	By string `json:"by"`
	ID uint64 `json:"id"`
}

func (c *Withdraw) number() uint16 { return 8 }

// apply ends the request for good.
func (c *Withdraw) apply(x *step) (uint64, *Refusal) {
	if _, refusal := x.member(c.By); refusal != nil {
		return c.ID, refusal
	}
	r, refusal := x.request(c.ID)
	if refusal != nil {
		return c.ID, refusal
	}
	if r.Proposer != c.By {
		return c.ID, refuse(codePrivilege, "only %q, who proposed request %d, may withdraw it", r.Proposer, r.ID).
			hint("A member of either account may use REJECT REQUEST %d.", r.ID)
	}
	if !r.Phase.Open() {
		return c.ID, notPending(r)
	}
	x.move(r, Withdrawn, c.By, "WITHDRAW", "by its proposer")
	return r.ID, nil
}
