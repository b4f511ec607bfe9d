package state

import (
	"slices"
)

// The limits of the state machine. They are part of its behaviour: changing one is a new command, never a setting of one node.
const (
	maxOpen        = 50                 // open requests in all
	maxPerProposer = 10                 // open requests of one login
	maxText        = 1 << 20            // bytes of a statement, plan or all arguments
	maxReason      = 4 << 10            // bytes of a reason or receipt; longer ones are cut
	minTTL         = 1000               // milliseconds
	defaultTTL     = 24 * 3600 * 1000   // milliseconds
	maxTTL         = 30 * 24 * 3600_000 // milliseconds
	maxJump        = 24 * 3600 * 1000   // how far one stamp may move the clock, in milliseconds
	leaseTTL       = 60 * 1000          // a claim's agent counts as lost after this silence, in milliseconds
	opsKept        = 24 * 3600 * 1000   // how long operation ids are remembered, in milliseconds
)

// LeaseTTL and MaxJump are what the leader and the executing agent have to know of the limits, in milliseconds.
const (
	LeaseTTL Millis = leaseTTL
	MaxJump  Millis = maxJump
)

// Account is one of the two accounts. Epoch rises with every change of its members and makes open requests stale.
type Account struct {
	Name  string `json:"name"`
	Epoch uint64 `json:"epoch"`
}

// Member is one login. Account is empty for reading logins; Person is the human behind it; Role is the PostgreSQL role it reads with.
type Member struct {
	Login    string `json:"login"`
	Account  string `json:"account,omitempty"`
	Person   string `json:"person"`
	Role     string `json:"role,omitempty"`
	Verifier string `json:"verifier,omitempty"` // SCRAM verifier: a secret, never shown in a view
}

// Model is the replicated part of one source's predictive model.
type Model struct {
	Agent       string            `json:"agent"`
	Source      string            `json:"source"`
	Initialized bool              `json:"initialized"`
	Activation  string            `json:"activation,omitempty"` // "" (never decided), "active", "inactive"
	Params      map[string]string `json:"params,omitempty"`
	Request     uint64            `json:"request,omitempty"` // the request that set the parameters
}

// Instance is what governance knows of a predictive instance: that it was approved into being, and by which request.
type Instance struct {
	Agent      string `json:"agent"`
	Name       string `json:"name"`
	Source     string `json:"source,omitempty"`
	Exists     bool   `json:"exists"`
	Generation uint64 `json:"generation"`
	Request    uint64 `json:"request,omitempty"`
}

// op remembers the outcome of an operation id, so that a repeated command is answered, not done again.
type op struct {
	At      Millis  `json:"at"`
	Outcome Outcome `json:"outcome"`
}

// data is the whole replicated state, and its JSON the snapshot: maps have string keys, which encoding/json writes in order.
type data struct {
	Format            int                  `json:"format"`
	Index             uint64               `json:"index"` // log index of the last command applied
	Clock             Millis               `json:"clock"`
	Cluster           string               `json:"cluster,omitempty"`
	RequireActivation bool                 `json:"require_activation,omitempty"`
	Frozen            bool                 `json:"frozen,omitempty"`
	FreezeReason      string               `json:"freeze_reason,omitempty"`
	Accounts          []Account            `json:"accounts,omitempty"` // two, sorted by name
	Members           map[string]*Member   `json:"members"`
	Requests          []*Request           `json:"requests,omitempty"` // request n stands at n-1
	Models            map[string]*Model    `json:"models"`
	Instances         map[string]*Instance `json:"instances"`
	Versions          map[string]uint64    `json:"versions"` // what requests may be based on; see kinds.go for the keys
	Audit             []AuditEntry         `json:"audit,omitempty"`
	Ops               map[string]op        `json:"ops"`
}

// State is the state machine. It is not safe for concurrent use; the caller holds a lock.
type State struct{ d data }

// New makes the empty state, before Bootstrap.
func New() *State {
	return &State{d: data{
		Format: 1, Members: map[string]*Member{}, Models: map[string]*Model{}, Instances: map[string]*Instance{},
		Versions: map[string]uint64{}, Ops: map[string]op{},
	}}
}

// Outcome is what a command led to: the request it is about, or why nothing was changed.
type Outcome struct {
	Request uint64   `json:"request,omitempty"`
	Refusal *Refusal `json:"refusal,omitempty"`
}

// Result is an Outcome with what the node that applied it wants to know.
type Result struct {
	Outcome
	Duplicate bool     // the operation id was known: the outcome is that of the first time
	Changed   []uint64 // requests that changed, in the order of their numbers
}

// step is one command being applied.
type step struct {
	d       *data
	index   uint64
	changed map[uint64]bool
}

// Apply runs one encoded command at its log index. The error is a *Halt: the node must stop and apply nothing more.
func (s *State) Apply(index uint64, entry []byte) (Result, error) {
	env, err := Decode(entry)
	if err != nil {
		return Result{}, &Halt{Index: index, Reason: err.Error()}
	}
	if index <= s.d.Index {
		return Result{}, &Halt{Index: index, Reason: "the entry was applied before"}
	}
	s.d.Index = index
	x := &step{d: &s.d, index: index, changed: map[uint64]bool{}}
	x.advance(env.Stamp)
	var res Result
	if known, ok := s.d.Ops[env.Op]; ok && env.Op != "" {
		res = Result{Outcome: known.Outcome, Duplicate: true}
	} else {
		res.Outcome = x.run(env.Command)
		if env.Op != "" {
			s.d.Ops[env.Op] = op{At: s.d.Clock, Outcome: res.Outcome}
		}
	}
	x.sweepStale()
	for id := range x.changed {
		res.Changed = append(res.Changed, id)
	}
	slices.Sort(res.Changed)
	return res, nil
}

// run applies one command that was not applied before.
func (x *step) run(c Command) Outcome {
	if x.d.Cluster == "" {
		switch c.(type) {
		case *Bootstrap, *Tick:
		default:
			return Outcome{Refusal: refuse(codeNotSetUp, "the cluster has not been set up yet").hint("Give the two accounts and their logins in the settings and start the agent.")}
		}
	}
	id, refusal := c.apply(x)
	return Outcome{Request: id, Refusal: refusal}
}

// advance moves the clock to the leader's stamp: never back, and never further than maxJump at once. Then it ends what is over.
func (x *step) advance(stamp Millis) {
	d := x.d
	switch {
	case d.Clock == 0:
		d.Clock = stamp
	case stamp > d.Clock+maxJump:
		d.Clock += maxJump
	case stamp > d.Clock:
		d.Clock = stamp
	}
	for _, r := range d.Requests {
		switch {
		case r.Phase.Open() && d.Clock >= r.ExpiresAt:
			x.move(r, Expired, "cluster", "EXPIRE", "it was not begun in time")
		case r.Phase == Executing && d.Clock >= r.Lease:
			x.move(r, Indeterminate, "cluster", "LOSE EXECUTOR", "agent "+r.Target.Agent+" was not heard of any more")
		}
	}
	for id, o := range d.Ops { // deletion does not depend on the order
		if o.At+opsKept < d.Clock {
			delete(d.Ops, id)
		}
	}
}

// sweepStale ends open requests whose base has changed. It runs after every command, so a stale request is never approved or claimed.
func (x *step) sweepStale() {
	for _, r := range x.d.Requests {
		if !r.Phase.Open() {
			continue
		}
		if key := x.d.changedBase(r); key != "" {
			x.move(r, Stale, "cluster", "STALE", describeBase(key)+" has changed since it was proposed")
		}
	}
}

// changedBase names the first base version that is no longer current, or "".
func (d *data) changedBase(r *Request) string {
	for _, key := range sortedKeys(r.Base) {
		if d.Versions[key] != r.Base[key] {
			return key
		}
	}
	return ""
}

// move is the only way a request changes its phase: with its audit entry.
func (x *step) move(r *Request, to Phase, actor, action, detail string) {
	r.Phase = to
	if to != Executing {
		r.Lease = 0
	}
	if to != Pending && to != Approved && to != Executing {
		r.Message = detail
	}
	x.touch(r, actor, action, detail)
}

// touch records a change of a request that may leave its phase as it is, with its audit entry.
func (x *step) touch(r *Request, actor, action, detail string) {
	r.Changes++
	r.ChangedAt = x.d.Clock
	x.changed[r.ID] = true
	x.audit(actor, action, r.ID, detail)
}

// bump raises a base version; open requests that stand on it become stale at the end of the step.
func (x *step) bump(key string) { x.d.Versions[key]++ }

// request finds a request by its number.
func (x *step) request(id uint64) (*Request, *Refusal) {
	if id == 0 || id > uint64(len(x.d.Requests)) {
		return nil, refuse(codeUndefined, "request %d does not exist", id).hint("SELECT * FROM foreshadow.requests lists them.")
	}
	return x.d.Requests[id-1], nil
}

// member finds a login.
func (x *step) member(login string) (*Member, *Refusal) {
	m, ok := x.d.Members[login]
	if !ok {
		return nil, refuse(codePrivilege, "login %q is not enrolled", login)
	}
	return m, nil
}

// decider finds a login that belongs to one of the two accounts.
func (x *step) decider(login, what string) (*Member, *Refusal) {
	m, refusal := x.member(login)
	if refusal != nil {
		return nil, refusal
	}
	if m.Account == "" {
		return nil, refuse(codePrivilege, "login %q may not %s", login, what).
			hint("Only members of the accounts %s and %s may.", x.d.Accounts[0].Name, x.d.Accounts[1].Name)
	}
	return m, nil
}

// cut bounds a text that others wrote.
func cut(s string) string {
	if len(s) <= maxReason {
		return s
	}
	end := maxReason
	for end > 0 && s[end]&0xC0 == 0x80 { // not inside a character
		end--
	}
	return s[:end]
}
