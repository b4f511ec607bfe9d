package parse

import "foreshadow/sql/ast"

func alterAccount(p *reader) ast.Statement {
	s := ast.AlterAccount{Account: p.name(), Add: p.accept("add")}
	if !s.Add {
		p.expect("drop")
	}
	p.expect("member")
	s.Member = p.name()
	return s
}
