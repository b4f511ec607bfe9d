package state

import (
	"slices"
	"strings"
)

// Index is the log index of the last command applied.
func (s *State) Index() uint64 { return s.d.Index }

// Clock is the replicated time.
func (s *State) Clock() Millis { return s.d.Clock }

// Cluster is the cluster's id; "" before Bootstrap.
func (s *State) Cluster() string { return s.d.Cluster }

// Frozen reports whether governance is frozen, and why.
func (s *State) Frozen() (reason string, frozen bool) { return s.d.FreezeReason, s.d.Frozen }

// Request gives one request.
func (s *State) Request(id uint64) (Request, *Refusal) {
	x := step{d: &s.d}
	r, refusal := x.request(id)
	if refusal != nil {
		return Request{}, refusal
	}
	return r.clone(), nil
}

// Requests gives every request in the order of its number.
func (s *State) Requests() []Request {
	out := make([]Request, 0, len(s.d.Requests))
	for _, r := range s.d.Requests {
		out = append(out, r.clone())
	}
	return out
}

// Work gives the requests an agent has to act on: approved ones to claim, and claimed ones whose end it has not reported.
func (s *State) Work(agent string) []Request {
	var out []Request
	for _, r := range s.d.Requests {
		if r.Target.Agent != agent || kinds[r.Kind].internal {
			continue
		}
		if r.Phase == Executing || r.Phase == Indeterminate || (r.Phase == Approved && !s.d.Frozen) {
			out = append(out, r.clone())
		}
	}
	return out
}

// Missing says which accounts have still to approve, as the view shows it; "" when none has to.
func (s *State) Missing(id uint64) string {
	if id == 0 || id > uint64(len(s.d.Requests)) {
		return ""
	}
	r := s.d.Requests[id-1]
	if r.Phase != Pending {
		return ""
	}
	var missing []string
	for _, a := range s.d.Accounts {
		if !slices.ContainsFunc(r.Standing(), func(p Approval) bool { return p.Account == a.Name }) {
			missing = append(missing, a.Name)
		}
	}
	return strings.Join(missing, ", ")
}

// Accounts gives the two accounts, by name.
func (s *State) Accounts() []Account { return slices.Clone(s.d.Accounts) }

// Members gives every login, by name, with its verifier: the caller must not show that.
func (s *State) Members() []Member {
	out := make([]Member, 0, len(s.d.Members))
	for _, login := range sortedKeys(s.d.Members) {
		out = append(out, *s.d.Members[login])
	}
	return out
}

// Member gives one login.
func (s *State) Member(login string) (Member, bool) {
	if m, ok := s.d.Members[login]; ok {
		return *m, true
	}
	return Member{}, false
}

// Audit gives the entries after a sequence number.
func (s *State) Audit(after uint64) []AuditEntry {
	if after >= uint64(len(s.d.Audit)) {
		return nil
	}
	return slices.Clone(s.d.Audit[after:])
}

// Model gives the replicated model of one source; the zero model when nothing was decided yet.
func (s *State) Model(agent, source string) Model {
	m := s.d.known(Target{Agent: agent, Source: source})
	m.Params = cloneMap(m.Params)
	return m
}

// Models gives every source's model, by key.
func (s *State) Models() []Model {
	out := make([]Model, 0, len(s.d.Models))
	for _, k := range sortedKeys(s.d.Models) {
		m := *s.d.Models[k]
		m.Params = cloneMap(m.Params)
		out = append(out, m)
	}
	return out
}

// Instances gives what governance knows of instances, those that ended included.
func (s *State) Instances() []Instance {
	out := make([]Instance, 0, len(s.d.Instances))
	for _, k := range sortedKeys(s.d.Instances) {
		out = append(out, *s.d.Instances[k])
	}
	return out
}

// Version gives a base version; see ModelKey, ActivationKey and InstanceKey.
func (s *State) Version(key string) uint64 { return s.d.Versions[key] }

// Active reports whether instances of a source may be created.
func (m Model) Active(required bool) bool {
	return m.Activation == active || (m.Activation == "" && !required)
}

// Due reports whether the leader has to write its time: something ends at or before now.
func (s *State) Due(now Millis) bool {
	for _, r := range s.d.Requests {
		if (r.Phase.Open() && now >= r.ExpiresAt) || (r.Phase == Executing && now >= r.Lease) {
			return true
		}
	}
	return false
}
