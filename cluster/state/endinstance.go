package state

// EndInstance records that an instance is gone without a request of its own: its approved lifetime was over, or its data was lost.
// The agent that holds it reports it.
type EndInstance struct {
	Agent  string `json:"agent"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func (c *EndInstance) number() uint16 { return 16 }

// Caller is the agent that must have sent the command.
func (c *EndInstance) Caller() string { return c.Agent }

// apply raises the instance's version: open requests about it become stale. Reporting it again changes nothing.
func (c *EndInstance) apply(x *step) (uint64, *Refusal) {
	t := Target{Agent: c.Agent, Name: c.Name}
	in, ok := x.d.Instances[instanceKey(t)]
	if !ok {
		return 0, refuse(codeUndefined, "predictive instance %q does not exist", c.Name)
	}
	if in.Exists {
		x.endInstance(in)
		x.audit("agent "+c.Agent, "END INSTANCE", in.Request, t.String()+": "+cut(c.Reason))
	}
	return in.Request, nil
}
