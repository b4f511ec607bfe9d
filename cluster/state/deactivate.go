package state

// Deactivate forbids new predictive instances of one source at once. Either account may; ACTIVATE needs both again.
type Deactivate struct {
	By     string `json:"by"`
	Agent  string `json:"agent"`
	Source string `json:"source"`
}

func (c *Deactivate) number() uint16 { return 10 }

// apply makes every open request that builds on the activation stale.
func (c *Deactivate) apply(x *step) (uint64, *Refusal) {
	m, refusal := x.decider(c.By, "deactivate predictive instances")
	if refusal != nil {
		return 0, refusal
	}
	t := Target{Agent: c.Agent, Source: c.Source}
	x.model(t).Activation = inactive
	x.bump(activationKey(t))
	x.audit(c.By, "DEACTIVATE", 0, t.String()+" by account "+m.Account)
	return 0, nil
}
