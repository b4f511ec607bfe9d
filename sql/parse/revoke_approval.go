package parse

import "foreshadow/sql/ast"

func revokeApproval(p *reader) ast.Statement { return ast.RevokeApproval{ID: p.id()} }
