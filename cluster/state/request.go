package state

import (
	"slices"
	"strings"
	"time"
)

// Millis is a moment in milliseconds since 1970, UTC: an integer, so that every replica has the same bytes.
type Millis int64

// Time gives the moment as a time.Time in UTC; zero stays the zero time.
func (m Millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// Duration reads the number as a length of time.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// At turns a time into Millis.
func At(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Phase is where a request stands.
type Phase string

// The phases. The last six are final, except that Indeterminate may still be resolved under the same fence or by a dual decision.
const (
	Pending       Phase = "PENDING"
	Approved      Phase = "APPROVED"
	Executing     Phase = "EXECUTING"
	Indeterminate Phase = "INDETERMINATE"
	Executed      Phase = "EXECUTED"
	Failed        Phase = "FAILED"
	Rejected      Phase = "REJECTED"
	Withdrawn     Phase = "WITHDRAWN"
	Expired       Phase = "EXPIRED"
	Stale         Phase = "STALE"
)

// Final reports whether nothing can change any more.
func (p Phase) Final() bool {
	switch p {
	case Executed, Failed, Rejected, Withdrawn, Expired, Stale:
		return true
	}
	return false
}

// Open reports whether the request still waits for a decision or for its claim.
func (p Phase) Open() bool { return p == Pending || p == Approved }

// Target names what a request acts on. Agent is the only agent that may claim it; SystemID is the primary's system identifier.
type Target struct {
	Agent    string `json:"agent,omitempty"`
	SystemID string `json:"system_id,omitempty"`
	Source   string `json:"source,omitempty"`
	Name     string `json:"name,omitempty"` // of a predictive instance
}

// String names the target for people: the instance or the source, at its agent.
func (t Target) String() string {
	what := t.Source
	if t.Name != "" {
		what = t.Name
	}
	switch {
	case t.Agent == "":
		return what
	case what == "":
		return t.Agent
	}
	return what + "@" + t.Agent
}

// Approval is one approval, kept also when it was revoked. Index is the log index it was given at.
type Approval struct {
	Account string `json:"account"`
	Login   string `json:"login"`
	Person  string `json:"person"`
	Hash    string `json:"hash"`
	At      Millis `json:"at"`
	Index   uint64 `json:"index"`
	Revoked bool   `json:"revoked,omitempty"`
}

// Request is one governed request. What the hash covers never changes after it was proposed.
type Request struct {
	ID         uint64            `json:"id"`
	Kind       Kind              `json:"kind"`
	Target     Target            `json:"target"`
	Statement  string            `json:"statement"`
	Args       map[string]string `json:"args,omitempty"`
	Plan       string            `json:"plan"` // JSON text, exactly as it was hashed
	Base       map[string]uint64 `json:"base,omitempty"`
	Proposer   string            `json:"proposer"`
	ProposedAt Millis            `json:"proposed_at"`
	ExpiresAt  Millis            `json:"expires_at"`
	Nonce      string            `json:"nonce"`
	Hash       string            `json:"hash"` // lower-case hex

	Phase     Phase      `json:"phase"`
	Approvals []Approval `json:"approvals,omitempty"`
	Fence     uint64     `json:"fence,omitempty"` // log index of the claim
	Lease     Millis     `json:"lease,omitempty"` // when the claim's agent counts as lost
	Changes   uint64     `json:"changes"`         // one for each transition, and so for each audit entry
	ChangedAt Millis     `json:"changed_at"`
	Message   string     `json:"message,omitempty"` // the receipt, or why it ended
}

// Standing lists the approvals that count: those not revoked.
func (r *Request) Standing() []Approval {
	var out []Approval
	for _, a := range r.Approvals {
		if !a.Revoked {
			out = append(out, a)
		}
	}
	return out
}

// clone copies a request so that a reader never shares memory with the state machine.
func (r *Request) clone() Request {
	c := *r
	c.Approvals = slices.Clone(r.Approvals)
	c.Args = cloneMap(r.Args)
	c.Base = cloneMap(r.Base)
	return c
}

// cloneMap copies a map and keeps nil as nil, so that snapshots stay byte-identical.
func cloneMap[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	c := make(map[string]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// sortedKeys gives a map's keys in byte order: the only order in which the state machine walks a map.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
