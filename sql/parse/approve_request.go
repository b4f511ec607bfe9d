package parse

import "foreshadow/sql/ast"

func approveRequest(p *reader) ast.Statement {
	s := ast.ApproveRequest{ID: p.id()}
	if p.accept("hash") {
		s.Hash = p.text()
	}
	return s
}
