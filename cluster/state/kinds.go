package state

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is a governed statement.
type Kind string

// The governed kinds.
const (
	InitializeModel   Kind = "INITIALIZE PREDICTIVE MODEL"
	AlterModel        Kind = "ALTER PREDICTIVE MODEL"
	ActivateInstances Kind = "ACTIVATE PREDICTIVE INSTANCES"
	CreateInstance    Kind = "CREATE PREDICTIVE INSTANCE"
	AlterInstance     Kind = "ALTER PREDICTIVE INSTANCE"
	DropInstance      Kind = "DROP PREDICTIVE INSTANCE"
	Unfreeze          Kind = "UNFREEZE"
	AddMember         Kind = "ALTER ACCOUNT ADD MEMBER"
	DropMember        Kind = "ALTER ACCOUNT DROP MEMBER"
	ResolveRequest    Kind = "RESOLVE REQUEST"
)

// Names of arguments that the state machine itself reads.
const (
	ArgAccount = "account" // AddMember, DropMember
	ArgLogin   = "login"   // AddMember, DropMember
	ArgPerson  = "person"  // AddMember; the login unless given
	ArgRole    = "role"    // AddMember; keeps the one a reading login has
	ArgRequest = "request" // ResolveRequest
	ArgOutcome = "outcome" // ResolveRequest: executed or failed
)

// The activation of a source, once somebody decided about it.
const (
	active   = "active"
	inactive = "inactive"
)

// kindRule says what one kind of request stands on, when it may be proposed, approved and claimed, and what it leaves behind.
type kindRule struct {
	internal bool // its effect lies in the replicated state; no agent claims it
	object   func(Target) string
	base     func(*Request) []string
	check    func(*data, *Request) *Refusal
	effect   func(*step, *Request) string // returns the receipt of an internal kind
}

// kinds is the table of governed kinds: a new one is one row.
var kinds map[Kind]kindRule

func init() { // not a literal: the effects refer back to the table
	kinds = map[Kind]kindRule{
		InitializeModel:   {object: modelKey, base: onModel, check: checkInitialize, effect: setParams},
		AlterModel:        {object: modelKey, base: onModel, check: checkAlterModel, effect: setParams},
		ActivateInstances: {object: activationKey, base: onActivation, check: checkActivate, effect: activate},
		CreateInstance:    {object: instanceKey, base: onCreate, check: checkCreate, effect: createInstance},
		AlterInstance:     {object: instanceKey, base: onInstance, check: checkInstance, effect: alterInstance},
		DropInstance:      {object: instanceKey, base: onInstance, check: checkInstance, effect: dropInstance},
		Unfreeze:          {internal: true, object: noObject, base: onFreeze, check: checkUnfreeze, effect: unfreeze},
		AddMember:         {internal: true, object: noObject, base: onNothing, check: checkAddMember, effect: addMember},
		DropMember:        {internal: true, object: noObject, base: onNothing, check: checkDropMember, effect: dropMember},
		ResolveRequest:    {internal: true, object: noObject, base: onNothing, check: checkResolve, effect: resolve},
	}
}

// Known reports whether this version of the state machine has the kind. A caller asks before it proposes: in the log an unknown kind
// stops the node, as an unknown command does.
func (k Kind) Known() bool {
	_, ok := kinds[k]
	return ok
}

// Internal reports whether the replicated state executes the kind itself, so that the request needs no agent.
func (k Kind) Internal() bool { return kinds[k].internal }

// The keys of base versions. The part before the first slash says what it is.
func modelKey(t Target) string      { return "model/" + t.Agent + "/" + t.Source }
func activationKey(t Target) string { return "activation/" + t.Agent + "/" + t.Source }
func instanceKey(t Target) string   { return "instance/" + t.Agent + "/" + t.Name }
func accountKey(name string) string { return "account/" + name }
func noObject(Target) string        { return "" }

// freezeKey is raised by every FREEZE and UNFREEZE.
const freezeKey = "freeze"

// ModelKey, ActivationKey and InstanceKey name base versions for those who compute plans.
func ModelKey(agent, source string) string { return modelKey(Target{Agent: agent, Source: source}) }

// ActivationKey names the version of a source's activation.
func ActivationKey(agent, source string) string {
	return activationKey(Target{Agent: agent, Source: source})
}

// InstanceKey names the generation of an instance.
func InstanceKey(agent, name string) string { return instanceKey(Target{Agent: agent, Name: name}) }

// describeBase names a base version for people.
func describeBase(key string) string {
	what, rest, _ := strings.Cut(key, "/")
	switch what {
	case "model":
		return "the predictive model of " + rest
	case "activation":
		return "the activation of " + rest
	case "instance":
		return "predictive instance " + rest
	case "account":
		return "the membership of account " + rest
	case freezeKey:
		return "the freeze"
	}
	return key
}

// What the kinds stand on.
func onModel(r *Request) []string      { return []string{modelKey(r.Target)} }
func onActivation(r *Request) []string { return []string{activationKey(r.Target)} }
func onInstance(r *Request) []string   { return []string{instanceKey(r.Target)} }
func onFreeze(*Request) []string       { return []string{freezeKey} }
func onNothing(*Request) []string      { return nil }
func onCreate(r *Request) []string {
	return []string{instanceKey(r.Target), modelKey(r.Target), activationKey(r.Target)}
}

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

// checkAddMember wants an account that exists, a login without one, and a person who does not stand in the other.
func checkAddMember(d *data, r *Request) *Refusal {
	account, login := r.Args[ArgAccount], r.Args[ArgLogin]
	if refusal := d.checkAccount(account); refusal != nil {
		return refusal
	}
	person := d.personOf(r)
	if refusal := checkLogin(login, person); refusal != nil {
		return refusal
	}
	if m, ok := d.Members[login]; ok && m.Account != "" {
		return refuse(codeDuplicate, "login %q is a member of account %s already", login, m.Account)
	}
	return checkPerson(d.Members, person, account)
}

// personOf is the person an AddMember request is about: as given, or as the reading login says, or the login itself.
func (d *data) personOf(r *Request) string {
	if p := r.Args[ArgPerson]; p != "" {
		return p
	}
	if m, ok := d.Members[r.Args[ArgLogin]]; ok {
		return m.Person
	}
	return r.Args[ArgLogin]
}

// checkAccount refuses accounts that are not one of the two.
func (d *data) checkAccount(name string) *Refusal {
	if slices.ContainsFunc(d.Accounts, func(a Account) bool { return a.Name == name }) {
		return nil
	}
	return refuse(codeUndefined, "account %q does not exist", name).hint("The accounts are %s and %s.", d.Accounts[0].Name, d.Accounts[1].Name)
}

// addMember gives a login an account. A new login has no password until the operator sets its first one.
func addMember(x *step, r *Request) string {
	login := r.Args[ArgLogin]
	m := Member{Login: login, Role: r.Args[ArgRole]}
	if old, ok := x.d.Members[login]; ok {
		m.Verifier = old.Verifier
		if m.Role == "" {
			m.Role = old.Role
		}
	}
	if m.Role == "" {
		m.Role = login
	}
	m.Account, m.Person = r.Args[ArgAccount], x.d.personOf(r)
	x.d.Members[login] = &m
	x.newEpoch(m.Account)
	return "login " + login + " is a member of account " + m.Account
}

// checkDropMember wants a member of that account who is not the last one.
func checkDropMember(d *data, r *Request) *Refusal {
	account, login := r.Args[ArgAccount], r.Args[ArgLogin]
	if refusal := d.checkAccount(account); refusal != nil {
		return refusal
	}
	if m, ok := d.Members[login]; !ok || m.Account != account {
		return refuse(codeUndefined, "login %q is not a member of account %s", login, account)
	}
	if d.membersOf(account) == 1 {
		return refuse(codeNotInState, "login %q is the last member of account %s", login, account).hint("Add another member first.")
	}
	return nil
}

// membersOf counts an account's members.
func (d *data) membersOf(account string) int {
	n := 0
	for _, m := range d.Members {
		if m.Account == account {
			n++
		}
	}
	return n
}

// dropMember takes the account away; the login can still read.
func dropMember(x *step, r *Request) string {
	m := x.d.Members[r.Args[ArgLogin]]
	account := m.Account
	m.Account = ""
	x.newEpoch(account)
	return "login " + m.Login + " is no longer a member of account " + account
}

// newEpoch raises an account's epoch: approvals that were waiting do not survive a change of the members.
func (x *step) newEpoch(account string) {
	x.bump(accountKey(account))
	for i := range x.d.Accounts {
		if a := &x.d.Accounts[i]; a.Name == account {
			a.Epoch = x.d.Versions[accountKey(account)]
		}
	}
}

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
