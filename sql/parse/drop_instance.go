package parse

import "foreshadow/sql/ast"

func dropInstance(p *reader) ast.Statement {
	return ast.DropInstance{IfExists: p.ifClause("exists"), Name: p.name()}
}
