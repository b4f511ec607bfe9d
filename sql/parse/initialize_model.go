package parse

import "foreshadow/sql/ast"

func initializeModel(p *reader) ast.Statement {
	s := ast.InitializeModel{Source: p.source("for")}
	if p.accept("with") {
		s.Params = p.params()
	}
	return s
}
