package ast

// ExplainRisk is EXPLAIN RISK ddl [AT HORIZON interval]: what a schema change would do to the running database. The change is a statement, or a
// script of several as a string constant. Offset is where it starts in the statement, in characters.
type ExplainRisk struct {
	DDL     string
	Offset  int
	Horizon string // kept as text; empty is now
}

func (ExplainRisk) statement() {}
