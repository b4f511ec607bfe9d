package state

import "strings"

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

// ModelKey names the version of a source's model, for those who compute plans.
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
