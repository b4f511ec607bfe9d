package state

import (
	"encoding/json"
	"unicode/utf8"
)

// Propose opens a request. Any enrolled login may; proposing is not approving.
type Propose struct {
	By        string            `json:"by"`
	Kind      Kind              `json:"kind"`
	Target    Target            `json:"target"`
	Statement string            `json:"statement"`
	Args      map[string]string `json:"args,omitempty"`
	Plan      string            `json:"plan"` // JSON text
	Base      map[string]uint64 `json:"base,omitempty"`
	TTL       Millis            `json:"ttl,omitempty"` // 0: one day
	Nonce     string            `json:"nonce"`         // 128 random bits in hex, from the node that proposes
}

func (c *Propose) number() uint16 { return 4 }

// apply checks the limits and the kind's own rule, pins the base versions and the hash, and opens the request.
func (c *Propose) apply(x *step) (uint64, *Refusal) {
	if _, refusal := x.member(c.By); refusal != nil {
		return 0, refusal
	}
	rule := kinds[c.Kind]
	if x.d.Frozen && c.Kind != Unfreeze {
		return 0, x.frozen()
	}
	if refusal := c.checkForm(rule); refusal != nil {
		return 0, refusal
	}
	if refusal := x.checkLimits(c.By); refusal != nil {
		return 0, refusal
	}
	r := c.request(x)
	if refusal := rule.check(x.d, r); refusal != nil {
		return 0, refusal
	}
	if refusal := x.pinBase(r, rule, c.Base); refusal != nil {
		return 0, refusal
	}
	r.Hash = HashOf(r, x.d.Cluster)
	x.d.Requests = append(x.d.Requests, r)
	x.touch(r, c.By, "PROPOSE", r.describe()+" hash "+r.Hash)
	return r.ID, nil
}

// describe names what a request is about in one line for the audit log.
func (r *Request) describe() string {
	s := string(r.Kind)
	if t := r.Target.String(); t != "" {
		s += " " + t
	}
	if kinds[r.Kind].internal {
		for _, k := range sortedKeys(r.Args) {
			s += " " + k + "=" + cut(r.Args[k])
		}
	}
	return s
}

// request builds the request without its base and hash.
func (c *Propose) request(x *step) *Request {
	ttl := c.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	return &Request{
		ID: uint64(len(x.d.Requests)) + 1, Kind: c.Kind, Target: c.Target, Statement: c.Statement, Args: cloneMap(c.Args), Plan: c.Plan,
		Proposer: c.By, ProposedAt: x.d.Clock, ExpiresAt: x.d.Clock + ttl, Nonce: c.Nonce, Phase: Pending,
	}
}

// checkForm refuses what could not be hashed, shown or claimed.
func (c *Propose) checkForm(rule kindRule) *Refusal {
	size := len(c.Statement) + len(c.Plan)
	valid := utf8.ValidString(c.Statement) && utf8.ValidString(c.Plan)
	for k, v := range c.Args {
		size += len(k) + len(v)
		valid = valid && utf8.ValidString(k) && utf8.ValidString(v)
	}
	switch {
	case size > maxText:
		return refuse(codeProgramLimit, "the request has %d bytes, more than %d", size, maxText)
	case !valid:
		return refuse(codeInvalid, "the request is not valid UTF-8")
	case c.Plan != "" && !json.Valid([]byte(c.Plan)):
		return refuse(codeInvalid, "the plan is not JSON")
	case len(c.Nonce) < 32:
		return refuse(codeInvalid, "the request has no nonce")
	case c.TTL != 0 && (c.TTL < minTTL || c.TTL > maxTTL):
		return refuse(codeInvalid, "a request must expire after 1 second to 30 days")
	case !rule.internal && c.Target.Agent == "":
		return refuse(codeInvalid, "the request names no agent")
	}
	return nil
}

// checkLimits keeps a flood of requests from tiring the approvers.
func (x *step) checkLimits(login string) *Refusal {
	open, own := 0, 0
	for _, r := range x.d.Requests {
		if r.Phase.Open() {
			open++
			if r.Proposer == login {
				own++
			}
		}
	}
	switch {
	case own >= maxPerProposer:
		return refuse(codeLimit, "login %q has %d open requests, the most allowed", login, own).hint("Withdraw one with WITHDRAW REQUEST.")
	case open >= maxOpen:
		return refuse(codeLimit, "there are %d open requests, the most allowed", open).hint("Decide or withdraw some of them first.")
	}
	return nil
}

// pinBase writes the versions the request stands on: what its kind needs, the epochs of both accounts, and what the plan was based on.
func (x *step) pinBase(r *Request, rule kindRule, given map[string]uint64) *Refusal {
	r.Base = map[string]uint64{}
	for _, key := range rule.base(r) {
		r.Base[key] = x.d.Versions[key]
	}
	for _, a := range x.d.Accounts {
		r.Base[accountKey(a.Name)] = x.d.Versions[accountKey(a.Name)]
	}
	for _, key := range sortedKeys(given) {
		if given[key] != x.d.Versions[key] {
			return refuse(codeNotInState, "%s has changed since the plan was made", describeBase(key)).hint("Propose it again.")
		}
		r.Base[key] = given[key]
	}
	return nil
}

// frozen is the refusal while governance is frozen.
func (x *step) frozen() *Refusal {
	return refuse(codeNotInState, "governance is frozen: %s", x.d.FreezeReason).hint("UNFREEZE lifts it when both accounts approve.")
}
