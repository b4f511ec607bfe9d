package state

// checkUnfreeze wants frozen governance.
func checkUnfreeze(d *data, _ *Request) *Refusal {
	if !d.Frozen {
		return refuse(codeNotInState, "governance is not frozen")
	}
	return nil
}

// unfreeze lifts the freeze.
func unfreeze(x *step, _ *Request) string {
	x.d.Frozen = false
	x.d.FreezeReason = ""
	x.bump(freezeKey)
	return "governance is no longer frozen"
}
