package state

import "strconv"

// checkResolve wants an indeterminate request and a clear outcome.
func checkResolve(d *data, r *Request) *Refusal {
	id, err := strconv.ParseUint(r.Args[ArgRequest], 10, 64)
	if err != nil || id == 0 || id > uint64(len(d.Requests)) {
		return refuse(codeUndefined, "request %s does not exist", strconv.Quote(r.Args[ArgRequest]))
	}
	if o := r.Args[ArgOutcome]; o != "executed" && o != "failed" {
		return refuse(codeInvalid, "a request is resolved as executed or failed, not %q", o)
	}
	if p := d.Requests[id-1].Phase; p != Indeterminate {
		return refuse(codeNotInState, "request %d is %s, not INDETERMINATE", id, p)
	}
	return nil
}

// resolve ends an indeterminate request by the decision of both accounts.
func resolve(x *step, r *Request) string {
	id, _ := strconv.ParseUint(r.Args[ArgRequest], 10, 64) // checked just before
	o := x.d.Requests[id-1]
	detail := "resolved by request " + strconv.FormatUint(r.ID, 10)
	if r.Args[ArgOutcome] == "failed" {
		x.move(o, Failed, "cluster", "FAIL", detail)
		return "request " + r.Args[ArgRequest] + " is FAILED"
	}
	kinds[o.Kind].effect(x, o)
	x.move(o, Executed, "cluster", "EXECUTE", detail)
	return "request " + r.Args[ArgRequest] + " is EXECUTED"
}
