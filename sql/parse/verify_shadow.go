package parse

import "foreshadow/sql/ast"

func verifyShadow(p *reader) ast.Statement {
	var s ast.VerifyShadow
	if !p.accept("table") {
		return s
	}
	for {
		name := []string{p.name()}
		if p.accept(".") {
			name = append(name, p.name())
		}
		if s.Tables = append(s.Tables, name); !p.accept(",") {
			return s
		}
	}
}
