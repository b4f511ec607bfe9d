package parse

import "foreshadow/sql/ast"

func withdrawRequest(p *reader) ast.Statement { return ast.WithdrawRequest{ID: p.id()} }
