package state

// checkCreate wants a free name and a source whose instances nobody deactivated.
func checkCreate(d *data, r *Request) *Refusal {
	if r.Target.Name == "" {
		return refuse(codeInvalidName, "a predictive instance needs a name")
	}
	if in, ok := d.Instances[instanceKey(r.Target)]; ok && in.Exists {
		return refuse(codeDuplicate, "predictive instance %q already exists", r.Target.Name)
	}
	a := d.known(r.Target).Activation
	if a == inactive || (a == "" && d.RequireActivation) {
		return refuse(codeNotInState, "predictive instances of source %q are not active", r.Target.Source).
			hint("ACTIVATE PREDICTIVE INSTANCES asks both accounts for it.")
	}
	return nil
}

// checkInstance wants an instance that is there.
func checkInstance(d *data, r *Request) *Refusal {
	if in, ok := d.Instances[instanceKey(r.Target)]; !ok || !in.Exists {
		return refuse(codeUndefined, "predictive instance %q does not exist", r.Target.Name)
	}
	return nil
}

// createInstance makes the instance known; its generation goes on from an earlier one of the same name.
func createInstance(x *step, r *Request) string {
	key := instanceKey(r.Target)
	x.bump(key)
	x.d.Instances[key] = &Instance{
		Agent: r.Target.Agent, Name: r.Target.Name, Source: r.Target.Source, Exists: true, Generation: x.d.Versions[key], Request: r.ID,
	}
	return ""
}

// alterInstance raises the generation.
func alterInstance(x *step, r *Request) string {
	key := instanceKey(r.Target)
	x.bump(key)
	if in, ok := x.d.Instances[key]; ok {
		in.Generation = x.d.Versions[key]
	}
	return ""
}

// dropInstance forgets the instance and keeps its generation.
func dropInstance(x *step, r *Request) string {
	if in, ok := x.d.Instances[instanceKey(r.Target)]; ok {
		x.endInstance(in)
	}
	return ""
}

// endInstance marks an instance as gone.
func (x *step) endInstance(in *Instance) {
	key := InstanceKey(in.Agent, in.Name)
	x.bump(key)
	in.Exists = false
	in.Generation = x.d.Versions[key]
}
