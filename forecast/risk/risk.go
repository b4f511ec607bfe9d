// Package risk tells what a schema change does to a running database before it is run: which locks it takes on which relations, whether
// it scans, builds indexes or rewrites, by the server's version, and how long that holds clients up at a size and a load to come.
// The SQL engine parses and classifies with it, agent/predict adds the forecasts. It is pure: the catalog's facts and all forecasts are
// arguments; it runs nothing and asks no server.
package risk

import (
	"cmp"
	"slices"
)

// Lock is a mode of PostgreSQL's table locks, in the order of the manual ("Explicit Locking"): a later one conflicts with more.
type Lock int

// The modes.
const (
	NoLock Lock = iota
	AccessShare
	RowShare
	RowExclusive
	ShareUpdateExclusive
	Share
	ShareRowExclusive
	Exclusive
	AccessExclusive
)

var lockNames = [...]string{"none", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}

// String is the mode as LOCK TABLE spells it.
func (l Lock) String() string { return lockNames[l] }

// BlocksReads says whether a SELECT waits for the lock.
func (l Lock) BlocksReads() bool { return l == AccessExclusive }

// BlocksWrites says whether INSERT, UPDATE and DELETE wait for the lock.
func (l Lock) BlocksWrites() bool { return l >= Share }

// Blocks says in words whom the lock holds up.
func (l Lock) Blocks() string {
	switch {
	case l.BlocksReads():
		return "reads and writes"
	case l.BlocksWrites():
		return "writes"
	case l == ShareUpdateExclusive:
		return "other schema changes"
	case l == RowExclusive:
		return "changes of the same rows"
	}
	return "nobody"
}

// Effect is what one statement does to one relation.
type Effect struct {
	Relation *Relation
	Lock     Lock
	Rewrite  bool // every row and every index is written anew
	Copy     bool // its own file is copied as it is
	Fresh    bool // files are replaced by empty ones
	Scan     bool // every row is read under the lock
	Check    bool // the scan looks every row up in another table
	Changes  bool // every row is changed by itself
	Builds   int  // indexes that are built from all rows, besides those of a rewrite
	Repeats  int  // passes over the table: 2 for what is done concurrently, otherwise 1
}

// Work says in words what is done to the relation's rows.
func (e Effect) Work() string {
	switch {
	case e.Rewrite:
		return "rewrite"
	case e.Copy:
		return "copy"
	case e.Fresh:
		return "new files"
	case e.Changes:
		return "every row"
	case e.Builds > 0:
		return "index build"
	case e.Scan:
		return "scan"
	}
	return "metadata"
}

// merge adds what another subcommand of the same statement does: one pass over the rows serves them all.
func (e *Effect) merge(o Effect) {
	e.Lock = max(e.Lock, o.Lock)
	e.Rewrite, e.Copy, e.Fresh = e.Rewrite || o.Rewrite, e.Copy || o.Copy, e.Fresh || o.Fresh
	e.Scan, e.Check = e.Scan || o.Scan, e.Check || o.Check
	e.Changes = e.Changes || o.Changes
	e.Builds += o.Builds
	e.Repeats = max(e.Repeats, o.Repeats)
}

// Break is what a statement takes from clients that use it: a relation, or one column of it. Certain is false where only some uses fail.
type Break struct {
	Relation *Relation
	Column   string // empty for the whole relation
	How      string // dropped, renamed, ...
	Certain  bool
}

// Step is one statement of a script, classified.
type Step struct {
	Text    string
	Command string // such as ALTER TABLE
	Effects []Effect
	Breaks  []Break
	Fails   string   // why the server will refuse it, or empty
	Safer   []string // statements that reach the same with less harm; empty when there is nothing better
	Notes   []string // what else to know
	Group   int      // statements of one transaction share it: locks are held to the group's end
	Waits   bool     // it waits for every older snapshot of the database, as CONCURRENTLY does
}

// effect finds or adds the relation's effect.
func (s *Step) effect(e Effect) {
	for i := range s.Effects {
		if s.Effects[i].Relation == e.Relation {
			s.Effects[i].merge(e)
			return
		}
	}
	s.Effects = append(s.Effects, e)
}

// order puts the heaviest effect first.
func (s *Step) order() {
	slices.SortStableFunc(s.Effects, func(a, b Effect) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.Relation.Name, b.Relation.Name))
	})
}

func (e Effect) weight() int {
	w := int(e.Lock)
	switch e.Work() {
	case "rewrite", "copy":
		w += 300
	case "index build":
		w += 200
	case "scan":
		w += 100
	}
	if e.Relation.Kind == "i" || e.Relation.Kind == "I" {
		w -= 1000
	}
	return w
}
