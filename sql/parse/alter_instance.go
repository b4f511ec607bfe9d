package parse

import "foreshadow/sql/ast"

func alterInstance(p *reader) ast.Statement {
	s := ast.AlterInstance{IfExists: p.ifClause("exists"), Name: p.name()}
	p.expect("set")
	s.Params = p.params()
	return s
}
