package parse

import (
	"strings"
	"unicode/utf8"

	"foreshadow/sql/ast"
)

// explainRisk takes everything up to AT HORIZON at the end as the change. It is not checked here.
func explainRisk(p *reader) ast.Statement {
	if p.peek().kind == end {
		p.fail()
		return ast.ExplainRisk{}
	}
	var s ast.ExplainRisk
	tokens := p.tokens
	last := len(tokens) - 1 // the end
	for i := max(last-4, 1); i < last; i++ {
		tail := &reader{sql: p.sql, tokens: tokens[i:]}
		if !tail.accept("at", "horizon") {
			continue
		}
		s.Horizon = tail.typed("interval")
		if tail.err == nil && tail.peek().kind != end {
			tail.fail()
		}
		p.err, last = tail.err, i
		break
	}
	first := tokens[0]
	s.DDL = strings.TrimRight(p.sql[first.at:tokens[last].at], "; \t\r\n")
	s.Offset = utf8.RuneCountInString(p.sql[:first.at])
	if first.kind == text && last == 1 {
		s.DDL, s.Offset = first.value, -1
	}
	p.tokens = tokens[len(tokens)-1:]
	return s
}
