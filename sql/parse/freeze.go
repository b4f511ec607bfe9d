package parse

import "foreshadow/sql/ast"

func freeze(p *reader) ast.Statement { return ast.Freeze{Reason: p.reason()} }
