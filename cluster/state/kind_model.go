package state

// known finds a source's model without making one.
func (d *data) known(t Target) Model {
	if m, ok := d.Models[modelKey(t)]; ok {
		return *m
	}
	return Model{Agent: t.Agent, Source: t.Source}
}

// model finds or makes a source's model.
func (x *step) model(t Target) *Model {
	m, ok := x.d.Models[modelKey(t)]
	if !ok {
		m = &Model{Agent: t.Agent, Source: t.Source}
		x.d.Models[modelKey(t)] = m
	}
	return m
}

// checkInitialize wants a model that is not there yet.
func checkInitialize(d *data, r *Request) *Refusal {
	if d.known(r.Target).Initialized {
		return refuse(codeDuplicate, "the predictive model of source %q is initialized already", r.Target.Source).
			hint("Change it with ALTER PREDICTIVE MODEL SET (...).")
	}
	return nil
}

// checkAlterModel wants a model that is there.
func checkAlterModel(d *data, r *Request) *Refusal {
	if !d.known(r.Target).Initialized {
		return refuse(codeNotInState, "the predictive model of source %q is not initialized", r.Target.Source).
			hint("Begin with INITIALIZE PREDICTIVE MODEL.")
	}
	return nil
}

// setParams merges the arguments into the model's parameters; INITIALIZE does it on an empty model.
func setParams(x *step, r *Request) string {
	m := x.model(r.Target)
	m.Initialized = true
	m.Request = r.ID
	if m.Params == nil && len(r.Args) > 0 {
		m.Params = map[string]string{}
	}
	for k, v := range r.Args {
		m.Params[k] = v
	}
	x.bump(modelKey(r.Target))
	return ""
}

// checkActivate wants a source that is not active.
func checkActivate(d *data, r *Request) *Refusal {
	if d.known(r.Target).Activation == active {
		return refuse(codeNotInState, "predictive instances of source %q are active already", r.Target.Source)
	}
	return nil
}

// activate allows predictive instances of a source.
func activate(x *step, r *Request) string {
	x.model(r.Target).Activation = active
	x.bump(activationKey(r.Target))
	return ""
}
