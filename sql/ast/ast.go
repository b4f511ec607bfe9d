// Package ast holds the statements that a session can run, one file each. parse produces them, engine executes them.
// The set is closed: a switch over Statement must name every case.
package ast

// Statement is one parsed statement.
type Statement interface{ statement() }

// Postgres is a statement of PostgreSQL's own grammar, kept as its text.
type Postgres struct {
	Text string // without the closing semicolon
	// Offset is where Text starts in the query string, in characters, so that positions in errors point into what the client sent.
	Offset int
}

func (Postgres) statement() {}

// Empty is a query string with nothing in it.
type Empty struct{}

func (Empty) statement() {}

// Params are the name = value pairs of a WITH or SET clause, in the order written. Values are kept as text.
type Params []Param

// Param is one name = value pair.
type Param struct{ Name, Value string }
