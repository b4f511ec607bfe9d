package state

import "fmt"

// The SQLSTATEs of refusals; package sqlerr has the same, but this package stands on the standard library alone.
const (
	codeNotSetUp     = "57P03" // cannot_connect_now
	codeNotInState   = "55000" // object_not_in_prerequisite_state
	codePrivilege    = "42501" // insufficient_privilege
	codeUndefined    = "42704" // undefined_object
	codeDuplicate    = "42710" // duplicate_object
	codeInvalid      = "22023" // invalid_parameter_value
	codeLimit        = "53400" // configuration_limit_exceeded
	codeProgramLimit = "54000" // program_limit_exceeded
	codeInvalidName  = "42602" // invalid_name
)

// Refusal is the typed answer to a command that changed nothing: a SQLSTATE, a message and what the user can do.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error gives the message with its code.
func (r *Refusal) Error() string { return r.Message + " (SQLSTATE " + r.Code + ")" }

// refuse makes a refusal without a hint.
func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// hint adds what the user can do.
func (r *Refusal) hint(format string, args ...any) *Refusal {
	r.Hint = fmt.Sprintf(format, args...)
	return r
}

// Halt is the error that stops a node: an entry it cannot understand, or state it cannot trust. Going on would make replicas differ.
type Halt struct {
	Index  uint64
	Reason string
}

// Error says where and why the node has to stop.
func (h *Halt) Error() string { return fmt.Sprintf("stop at log index %d: %s", h.Index, h.Reason) }
