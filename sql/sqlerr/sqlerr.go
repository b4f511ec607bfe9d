// Package sqlerr makes the errors that users see: SQLSTATE, message, detail, hint and position, as PostgreSQL's do.
// Every package that talks to a user builds its errors here; pgwire alone turns them into protocol messages.
// It must not hold passwords, connection strings or statement parameters in a text.
package sqlerr

import (
	"context"
	"errors"
	"fmt"
)

// The SQLSTATEs that Foreshadow raises itself; errors of the mirror keep the code PostgreSQL gave them.
const (
	FeatureNotSupported    = "0A000"
	ActiveTransaction      = "25001"
	ReadOnlyTransaction    = "25006"
	InFailedTransaction    = "25P02"
	InvalidStatementName   = "26000"
	InvalidAuthorization   = "28000"
	InvalidPassword        = "28P01"
	InvalidCatalogName     = "3D000"
	InvalidCursorName      = "34000"
	SyntaxError            = "42601"
	WindowingError         = "42P20"
	InsufficientPrivilege  = "42501"
	UndefinedTable         = "42P01"
	UndefinedColumn        = "42703"
	DuplicateColumn        = "42701"
	InvalidColumnReference = "42P10"
	UndefinedObject        = "42704"
	UndefinedFunction      = "42883"
	GroupingError          = "42803"
	DatatypeMismatch       = "42804"
	DuplicateObject        = "42710"
	WrongObjectType        = "42809"
	InvalidName            = "42602"
	InvalidParameterValue  = "22023"
	InvalidText            = "22P02"
	InvalidEncoding        = "22021"
	DivisionByZero         = "22012"
	NumericOutOfRange      = "22003"
	InvalidDatetime        = "22007"
	DiskFull               = "53100"
	OutOfMemory            = "53200"
	TooManyConnections     = "53300"
	ConfigurationLimit     = "53400"
	ObjectNotInState       = "55000"
	ObjectInUse            = "55006"
	QueryCanceled          = "57014"
	AdminShutdown          = "57P01"
	CannotConnectNow       = "57P03"
	ProtocolViolation      = "08P01"
	ConnectionFailure      = "08006"
	TransactionUnknown     = "08007"
	SnapshotTooOld         = "72000"
	Internal               = "XX000"
	ProgramLimitExceeded   = "54000"
	CannotCoerce           = "42846"
	DuplicateTable         = "42P07"
	InvalidTransactionTerm = "2D000"
)

// Error is one error, warning or notice as the protocol knows it. Position counts characters of the statement from 1; 0 means none.
type Error struct {
	Severity   string // ERROR unless set; FATAL, WARNING, NOTICE, INFO
	Code       string
	Message    string
	Detail     string
	Hint       string
	Position   int
	Where      string
	Schema     string
	Table      string
	Column     string
	DataType   string
	Constraint string
}

// New makes an error with a SQLSTATE and a message in PostgreSQL's style: lower case, no full stop.
func New(code, format string, args ...any) *Error {
	return &Error{Severity: "ERROR", Code: code, Message: fmt.Sprintf(format, args...)}
}

// Notice makes a notice, which does not end the statement.
func Notice(format string, args ...any) *Error {
	return &Error{Severity: "NOTICE", Code: "00000", Message: fmt.Sprintf(format, args...)}
}

// Error gives the message with its code.
func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

// WithHint returns a copy that tells the user what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithDetail returns a copy with a detail line.
func (e *Error) WithDetail(format string, args ...any) *Error {
	c := *e
	c.Detail = fmt.Sprintf(format, args...)
	return &c
}

// At returns a copy that points at a character of the statement, counted from 1.
func (e *Error) At(position int) *Error {
	c := *e
	c.Position = position
	return &c
}

// From turns any error into one for the user. Cancellation becomes 57014; what is not an *Error is internal, and its text is kept.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return New(QueryCanceled, "canceling statement due to statement timeout")
	case errors.Is(err, context.Canceled):
		return New(QueryCanceled, "canceling statement due to user request")
	}
	return New(Internal, "%s", err.Error())
}

// Code is the SQLSTATE of an error, or XX000.
func Code(err error) string {
	if e := From(err); e != nil {
		return e.Code
	}
	return ""
}
