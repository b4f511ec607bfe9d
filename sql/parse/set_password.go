package parse

import "foreshadow/sql/ast"

// setPassword reads only the form that changes a password; any other ALTER ROLE is PostgreSQL's.
func setPassword(p *reader) ast.Statement {
	if t := p.peek(); t.kind != word && t.kind != quotedWord {
		return nil
	}
	s := ast.SetPassword{Login: p.name()}
	p.accept("with")
	p.accept("encrypted")
	if !p.accept("password") {
		return nil
	}
	s.Verifier = p.text()
	return s
}
