// Package session holds what a connection and the SQL engine say to each other. pgwire calls these interfaces,
// sql/engine implements them; neither imports the other.
package session

import (
	"context"
	"net"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
)

// Startup is what is known of a client once it has proved who it is.
type Startup struct {
	User, Database string
	Params         map[string]string // the startup message's other parameters
	Remote         string            // address, for the audit
	TLS            bool
	ChannelBound   bool // SCRAM-SHA-256-PLUS was used
}

// Text is one statement of a query string. Offset counts the characters before it: who raises an error adds it, so that
// positions point into what the client sent. The connection passes positions on as they are.
type Text struct {
	SQL    string
	Offset int
}

// Session is one authenticated connection's view of the engine. Only Cancel may be called while another method runs.
type Session interface {
	// Status is the set of parameters to report; asked at start and after each Sync.
	Status() map[string]string
	// Parse splits a simple query string into its statements. A syntax error anywhere refuses the whole string, as in PostgreSQL.
	Parse(ctx context.Context, sql string) ([]Text, error)
	// Prepare analyses one statement. OIDs of 0, and those missing, are inferred.
	Prepare(ctx context.Context, t Text, paramOIDs []uint32) (Statement, error)
	// Sync ends the implicit transaction: at the end of a simple query and at each Sync message, also after an error.
	Sync(ctx context.Context) error
	// TxStatus is I, T or E as in ReadyForQuery.
	TxStatus() byte
	// Notices are taken away by the call.
	Notices() []*sqlerr.Error
	// Proxy is non-nil for a session on a predictive instance: what Start holds is sent to the client, then both streams are joined byte for byte.
	Proxy() *Proxy
	// Cancel interrupts what runs now; it is called from another goroutine.
	Cancel()
	Close() error
}

// Failer may be implemented by a Session. Fail puts an open transaction block into its failed state after an error that the protocol side
// found by itself, such as an unknown statement name; without a block it does nothing. It is called after every error.
type Failer interface {
	Fail(ctx context.Context) error
}

// Cursors may be implemented by a Session with cursors of SQL, which share their names with portals: each may be read by FETCH and by Execute.
type Cursors interface {
	// Cursor gives the columns of one, or nil where there is none.
	Cursor(ctx context.Context, name string) ([]result.Field, error)
	// Open gives a name to a portal that returns rows; from then on only Fetch reads it.
	Open(ctx context.Context, name string, p Portal) error
	// Fetch goes on with what a name stands for. It gives at most limit rows, or all for 0.
	Fetch(ctx context.Context, name string, limit int64) (result.Rows, error)
	// Drop ends what a name stands for, which may be nothing.
	Drop(name string)
}

// Notification is what a channel that the client listens to has brought.
type Notification struct {
	PID              uint32 // of the backend that sent it; 0 for the agent itself
	Channel, Payload string
}

// Notifier may be implemented by a Session whose client can LISTEN. Notifications takes them away; it is called when no transaction is open.
// OnNotify is called once, before anything runs: the function may be called from any goroutine, when there is something to take.
type Notifier interface {
	Notifications() []Notification
	OnNotify(func())
}

// Proxy is a connection that is past its own startup. Start holds its ParameterStatus and ReadyForQuery messages, without BackendKeyData.
// Cancel interrupts what runs behind it; it is called from another goroutine.
type Proxy struct {
	Conn   net.Conn
	Start  []byte
	Cancel func()
}

// Statement is a prepared statement.
type Statement interface {
	Params() []uint32
	// Fields is nil when the statement returns no rows, which is also so for COPY.
	Fields() []result.Field
	Bind(ctx context.Context, params []Param, resultFormats []int16) (Portal, error)
	Close() error
}

// Binary may be implemented by a Statement whose rows a simple query gets in binary, as those of FETCH from a cursor that was declared BINARY.
type Binary interface{ Binary() bool }

// Param is one bound value in the format the client chose; a nil Value is NULL.
type Param struct {
	Format int16
	Value  []byte
}

// Portal is a bound statement. Rows starts it and is called once; a statement without result rows returns Rows that end at once with their tag.
type Portal interface {
	Fields() []result.Field
	Rows(ctx context.Context) (result.Rows, error)
	// Copy says that the rows are CopyData payloads: batches of one Encoded column, already in COPY's format. Fields has one entry for each
	// copied column then; a first one of type bytea announces COPY's binary format.
	Copy() bool
	Close() error
}
