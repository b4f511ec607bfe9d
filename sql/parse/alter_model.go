package parse

import "foreshadow/sql/ast"

func alterModel(p *reader) ast.Statement {
	p.expect("set")
	return ast.AlterModel{Params: p.params()}
}
