package parse

import "foreshadow/sql/ast"

func verifyAudit(*reader) ast.Statement { return ast.VerifyAudit{} }
