package parse

import "foreshadow/sql/ast"

func rejectRequest(p *reader) ast.Statement {
	return ast.RejectRequest{ID: p.id(), Reason: p.reason()}
}
