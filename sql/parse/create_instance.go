package parse

import "foreshadow/sql/ast"

// createInstance takes its clauses in the order of the grammar.
func createInstance(p *reader) ast.Statement {
	s := ast.CreateInstance{IfNotExists: p.ifClause("not", "exists"), Name: p.name(), Source: p.source("from")}
	switch {
	case p.accept("at", "horizon"):
		s.Horizon = p.typed("interval")
	case p.accept("as", "of"):
		s.AsOf = p.typed("timestamptz", "timestamp", "pg_lsn")
	}
	if p.accept("with") {
		s.Params = p.params()
	}
	return s
}
