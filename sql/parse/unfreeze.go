package parse

import "foreshadow/sql/ast"

func unfreeze(p *reader) ast.Statement { return ast.Unfreeze{Reason: p.reason()} }
