package parse

import "foreshadow/sql/ast"

// showRequest leaves SHOW request, a setting of that name, to PostgreSQL.
func showRequest(p *reader) ast.Statement {
	if p.peek().kind == end {
		return nil
	}
	return ast.ShowRequest{ID: p.id(), Plan: p.accept("plan")}
}
