package parse

import "foreshadow/sql/ast"

func activateInstances(p *reader) ast.Statement {
	return ast.ActivateInstances{Active: true, Source: p.source("for")}
}

func deactivateInstances(p *reader) ast.Statement {
	return ast.ActivateInstances{Source: p.source("for")}
}
