package engine

import (
	"context"
	"encoding/json"
	"time"

	"foreshadow/forecast/risk"
	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// Login is a user of the agent: Role is the role of the primary under which the mirror decides privileges, Account the
// governing account that he is a member of, or "".
type Login struct{ Name, Role, Account string }

// Logins knows who may connect. Both methods answer for any name; an unknown one has no verifier.
type Logins interface {
	Verifier(ctx context.Context, user string) (string, error)
	Login(ctx context.Context, user string) (Login, error)
	// SetVerifier changes a login's own password; verifier is PostgreSQL's text form SCRAM-SHA-256$...
	SetVerifier(ctx context.Context, login Login, verifier string) error
}

// Mirror opens sessions on the private PostgreSQL of one source.
type Mirror interface {
	Session(ctx context.Context, role string, startup map[string]string) (MirrorSession, error)
}

// MirrorSession is one backend. What it runs belongs to the client's implicit or explicit transaction; Sync ends the implicit one.
// Errors are *sqlerr.Error with positions in the text that was prepared.
type MirrorSession interface {
	Prepare(ctx context.Context, sql string, paramOIDs []uint32) (name string, params []uint32, fields []result.Field, err error)
	// Execute runs a prepared statement; the rows are Encoded in the formats asked for; a COPY TO STDOUT says so by a method Copy() bool.
	Execute(ctx context.Context, name string, params [][]byte, paramFormats, resultFormats []int16) (result.Rows, error)
	// Check is Execute of name after the check, under the session's role, that the statement check may be run; nothing of that is run.
	Check(ctx context.Context, check, name string, params [][]byte, paramFormats []int16) (result.Rows, error)
	// Open binds a prepared statement to a portal that has the client's own name, and Fetch gives at most so many of its rows, or of a cursor's,
	// 0 being all; Drop ends it.
	Open(ctx context.Context, portal, name string, params [][]byte, paramFormats, resultFormats []int16) error
	Fetch(ctx context.Context, portal string, limit int64) (result.Rows, error)
	Drop(portal string)
	// Deallocate forgets a prepared statement, also in a failed transaction.
	Deallocate(name string)
	// Query asks a question of the engine's own and reads the whole answer as text.
	Query(ctx context.Context, sql string, args ...string) ([][]*string, error)
	Sync(ctx context.Context) error
	// Fail puts the open transaction, implicit or explicit, into the failed state, as an error of PostgreSQL's would.
	Fail(ctx context.Context) error
	TxStatus() byte
	Status() map[string]string
	Notices() []*sqlerr.Error
	// Notifications are taken away by the call.
	Notifications() []session.Notification
	Cancel()
	Close() error
}

// AsOf is a moment in the past, by time or by position; zero is now. A time may have its position with it.
type AsOf struct {
	Time time.Time
	LSN  uint64
}

// Ref names a relation for the shadow: a source table by its OID alone, or a relation of schema foreshadow by its name alone.
// Readable lists the tables whose changes may be shown by change_log and change_profile; nil means all.
type Ref struct {
	OID      uint32
	Name     string
	AsOf     AsOf
	Then     bool // with the columns of that moment, not today's
	Versions bool // every version that was valid from Since to AsOf, with its validity
	Since    AsOf // zero is the beginning of the history
	Readable []uint32
}

// Named asks for a table by its OID or, when that is 0, by its name in the first of some schemas that has it.
type Named struct {
	OID     uint32
	Schemas []string
	Name    string
}

// Shape is a captured table as it was at a moment. Dropped says that the primary no longer has it, Parent that the columns are those of
// one part of a partitioned table.
type Shape struct {
	OID             uint32
	Schema, Name    string
	Columns         []ShapeColumn
	Dropped, Parent bool
}

// ShapeColumn is a column as the primary's catalog had it; AttNum is 0 where it is not known.
type ShapeColumn struct {
	Name    string
	TypeOID uint32
	TypMod  int32
	AttNum  int16
}

// Query is one statement for the shadow, in DuckDB's dialect. Params are bound as VARCHAR, $1 first.
type Query struct {
	SQL      string
	Params   []*string
	Fields   []result.Field
	Tables   []result.Table
	TimeZone string
}

// Shadow is the temporal shadow of one source.
type Shadow interface {
	// Reading keeps what Source and Diff are asked for under its context from expiring until done is called, when the query has begun.
	Reading(ctx context.Context) (within context.Context, done func())
	// Source gives a SELECT that yields the relation with all its columns under their own names.
	Source(ctx context.Context, ref Ref) (string, error)
	Query(ctx context.Context, q Query) (result.Rows, error)
	// Together runs queries that all see the same moment. Each one's rows must be closed before the next is asked.
	Together(ctx context.Context, do func(query func(Query) (result.Rows, error)) error) error
	// Moment gives a time the position of the last commit at or before it, so that all tables of a statement show the same one.
	Moment(ctx context.Context, at AsOf) (AsOf, error)
	// At tells which captured table a name stood for at a moment; nil when none did.
	At(ctx context.Context, n Named, at AsOf) (*Shape, error)
	// AsText names the columns of a table that are or were kept as PostgreSQL's text, because DuckDB's type cannot hold one of their values.
	AsText(oid uint32) []string
	// Diff gives a SELECT of what differs in a table between two moments, with the columns of foreshadow.diff.
	Diff(ctx context.Context, oid uint32, before, after AsOf) (string, error)
}

// Predictor computes the functions of schema foreshadow. Columns come in the order of the function's RETURNS TABLE.
type Predictor interface {
	PredictedState(ctx context.Context, horizon time.Duration) (result.Table, error)
	Forecast(ctx context.Context, series string, horizon time.Duration, level float64) (result.Table, error)
	LowLoadWindows(ctx context.Context, duration time.Duration, series string) (result.Table, error)
	Chart(ctx context.Context, series string, horizon time.Duration, width, height int) (result.Table, error)
	// Assess holds a script against a catalog and the forecasts for so far ahead; zero is now.
	Assess(ctx context.Context, script *risk.Script, catalog *risk.Catalog, horizon time.Duration) ([]risk.Assessment, error)
}

// Verdict is what the comparison of one table came to. LSN is zero where its rows could not be compared; Detail may hold values of rows that differ,
// Hint says what can be done about them.
type Verdict struct {
	Relation, State         string
	LSN                     uint64
	Rows, Chunks, Differing int64
	Detail, Hint            string
}

// Verifier compares the shadow with the primary.
type Verifier interface {
	// Verify compares some tables, and the partitions of those that have any; nil means all. each is called as every table ends.
	Verify(ctx context.Context, tables []uint32, each func(Verdict) error) error
}

// View computes one relation of schema foreshadow that does not live in the shadow. Columns come in the order of its definition.
type View func(ctx context.Context, login Login) (result.Table, error)

// Intent is a governed statement with its clauses evaluated.
type Intent struct {
	Statement ast.Statement
	Text      string // as written, for the record
	Source    string
	Horizon   time.Duration // CreateInstance AT HORIZON
	AsOf      AsOf          // CreateInstance AS OF
}

// Proposal is what governance decides upon: a kind of act on a named thing of a source. Plan is what will be done, computed
// now; the hash covers it. BaseVersions is what it stands on.
type Proposal struct {
	Kind, Source, Name, Statement string
	Args                          map[string]string
	Plan                          json.RawMessage
	BaseVersions                  map[string]uint64
	TTL                           time.Duration
}

// Planner computes what a governed statement would do. Bad parameters are errors for the user.
type Planner interface {
	Plan(ctx context.Context, login Login, in Intent) (Proposal, error)
}

// Request is a request as governance keeps it. Missing says in words what it still lacks.
type Request struct {
	ID                                                               int64
	State, Kind, Target, Statement, Proposer, Hash, Missing, Message string
	Plan                                                             json.RawMessage
	ProposedAt, ExpiresAt                                            time.Time
}

// AuditReport is the result of computing the audit chain again.
type AuditReport struct {
	Entries int64
	OK      bool
	Head    string // hash of the last entry
	Message string
}

// Governance is the replicated state of requests. Approve is given the hash that the approver was shown.
type Governance interface {
	Propose(ctx context.Context, login Login, p Proposal) (Request, error)
	// Show reads linearizably; an unknown id is an error for the user.
	Show(ctx context.Context, id int64) (Request, error)
	Approve(ctx context.Context, login Login, id int64, hash string) (Request, error)
	Reject(ctx context.Context, login Login, id int64, reason string) (Request, error)
	RevokeApproval(ctx context.Context, login Login, id int64) (Request, error)
	Withdraw(ctx context.Context, login Login, id int64) (Request, error)
	Freeze(ctx context.Context, login Login, reason string) error
	// Deactivate stops predictive instances at once; either account may.
	Deactivate(ctx context.Context, login Login, source string) error
	VerifyAudit(ctx context.Context) (AuditReport, error)
	// Watch gives the requests that change from now on, until ctx ends; then the channel is closed.
	Watch(ctx context.Context) <-chan RequestEvent
}

// RequestEvent is a request after a change. Missed says that changes before it were too many to be given.
type RequestEvent struct {
	ID                  int64
	State, Kind, Target string
	Missed              bool
}

// Instances are the predictive instances: they are reached through the agent by their names as database.
type Instances interface {
	Exists(ctx context.Context, name string) (bool, error)
	// Connect gives a connection past its startup; an instance that is not ready is an error for the user.
	Connect(ctx context.Context, login Login, name string, s session.Startup) (*session.Proxy, error)
}
