// Package change holds the words of change capture: positions, relations, rows and changes.
// capture produces them, ingest carries them, shadow stores them. It decides nothing and imports nothing.
package change

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// LSN is a position in the primary's write-ahead log.
type LSN uint64

// String gives PostgreSQL's form, such as 16/B374D848.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// ParseLSN reads PostgreSQL's form.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("invalid input syntax for type pg_lsn: %q", s)
	}
	return LSN(h<<32 | l), nil
}

// Identity says which columns of an old row the primary sends.
type Identity byte

// The replica identities, as in pg_class.relreplident.
const (
	IdentityDefault Identity = 'd'
	IdentityNothing Identity = 'n'
	IdentityFull    Identity = 'f'
	IdentityIndex   Identity = 'i'
)

// Column is one column of a relation. Key columns identify a row in the change stream; under IdentityFull the whole row does, and they are those of
// the primary key, as far as the catalog told it in time: nothing may rest on them then.
type Column struct {
	Name     string
	TypeOID  uint32
	TypMod   int32
	TypeName string // format_type's text, for types that only the primary knows
	Key      bool
	AttNum   int16   // the column's number in the catalog, which survives a rename; 0 when not known
	Missing  *string // what rows older than the column hold, as ADD COLUMN ... DEFAULT left it; nil is NULL
	Rewrite  bool    // older rows may hold values that neither the stream nor the catalog tells
}

// Relation is one version of a table's shape. Version counts up from 1 each time the shape of the same OID changes.
type Relation struct {
	OID      uint32
	Schema   string
	Name     string
	Identity Identity
	Columns  []Column
	Version  int32
	Trace    *Trace  // nil where the catalog could not be asked in time
	Later    []int16 // where the columns' numbers are not known: those that the catalog showed some time later
}

// Trace is what the catalog tells of changes to a table's rows that are not in the stream.
type Trace struct {
	File    uint32           // where the rows are: somewhere else after every rewrite
	Width   int16            // how many columns the table ever had
	Changed map[int16]uint32 // for each column's number, the transaction that last changed its description
}

// Value is one column's value in PostgreSQL's text form, or in its binary form where the state says so.
type Value struct {
	Text  []byte
	State State
}

// State tells a value from a NULL and from what the stream did not say.
type State uint8

// The states. Unchanged is a large value that the primary did not send again; NotSent is a column outside the old key. Binary is only in a copy.
const (
	Null State = iota
	Set
	Unchanged
	NotSent
	Binary
)

// Op is the kind of a change.
type Op uint8

// The operations. Message is a logical message, DDL one that tells of a change of the schema; their prefix and content stand in After.
const (
	Insert Op = iota + 1
	Update
	Delete
	Truncate
	Message
	DDL
)

// Statement is a change of the schema as the event trigger told it. Text is all that the client sent with it; Objects are the qualified names of what
// was made or altered, Path the session's search_path.
type Statement struct {
	At      time.Time
	XID     uint32
	Tag     string
	Text    string
	Objects []string
	Path    string
}

// DDLPrefix is the prefix of the messages that deploy/sql/event_trigger.sql sends.
const DDLPrefix = "foreshadow.ddl"

// String gives the name that the change log shows.
func (o Op) String() string {
	return [...]string{"", "insert", "update", "delete", "truncate", "message", "ddl"}[o]
}

// Change is one row's change, or a message, which has no relation. Before is nil when the stream sent no old row.
type Change struct {
	Op       Op
	Relation *Relation
	Before   []Value
	After    []Value
	Seq      int64 // place within the transaction, from 0
}

// Extent is a stretch of a table's file on the primary, in pages. To is not in it; 0 stands for the end, wherever that is.
type Extent struct{ File, From, To uint32 }

// Tx is a committed transaction, or a part of one: Last is set on the part that carries the commit. A message that belongs to no transaction
// comes as one of its own, at its own position, with neither XID nor CommitTime.
type Tx struct {
	XID        uint32
	CommitLSN  LSN // the commit record's position; orders transactions
	EndLSN     LSN // the position to confirm once the transaction is durable
	CommitTime time.Time
	Changes    []Change
	Last       bool
}
