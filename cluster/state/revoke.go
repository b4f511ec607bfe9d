package state

// Revoke takes back the caller's own approval while the request is not claimed.
type Revoke struct {
	By string `json:"by"`
	ID uint64 `json:"id"`
}

func (c *Revoke) number() uint16 { return 7 }

// apply marks the approval as revoked and keeps it for the record.
func (c *Revoke) apply(x *step) (uint64, *Refusal) {
	m, refusal := x.decider(c.By, "revoke approvals")
	if refusal != nil {
		return c.ID, refusal
	}
	r, refusal := x.request(c.ID)
	if refusal != nil {
		return c.ID, refusal
	}
	if !r.Phase.Open() {
		return c.ID, notPending(r).hint("An approval can be revoked only until the work has begun.")
	}
	for i := range r.Approvals {
		if a := &r.Approvals[i]; !a.Revoked && a.Login == m.Login {
			a.Revoked = true
			x.move(r, Pending, c.By, "REVOKE", "account "+m.Account)
			return r.ID, nil
		}
	}
	return c.ID, refuse(codeNotInState, "%q has not approved request %d", c.By, r.ID)
}
