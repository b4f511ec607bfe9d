package parse

import (
	"strconv"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// reader reads one statement of ours from left to right. The first error stays; every later step is then a no-op,
// so that a statement's rule reads like its grammar.
type reader struct {
	sql    string
	tokens []token
	err    *sqlerr.Error
}

func (p *reader) peek() token { return p.tokens[0] }

func (p *reader) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *reader) fail() {
	if p.err == nil {
		p.err = unexpected(p.sql, p.peek())
	}
}

// accept takes the keywords when all of them come next.
func (p *reader) accept(keywords ...string) bool {
	if !p.next(keywords...) {
		return false
	}
	p.tokens = p.tokens[len(keywords):]
	return true
}

// next says whether the keywords come next.
func (p *reader) next(keywords ...string) bool {
	if p.err != nil || len(p.tokens) < len(keywords) {
		return false
	}
	for i, k := range keywords {
		if t := p.tokens[i]; t.kind != word && t.kind != symbol || t.value != k {
			return false
		}
	}
	return true
}

// expect takes the keywords one by one; the error stands at the first that is missing.
func (p *reader) expect(keywords ...string) {
	for _, k := range keywords {
		if !p.accept(k) {
			p.fail()
			return
		}
	}
}

// name takes an identifier, folded to lower case unless it was quoted.
func (p *reader) name() string {
	if t := p.peek(); p.err == nil && (t.kind == word || t.kind == quotedWord) {
		p.take()
		return t.value
	}
	p.fail()
	return ""
}

// text takes a string constant.
func (p *reader) text() string {
	if t := p.peek(); p.err == nil && t.kind == text {
		p.take()
		return t.value
	}
	p.fail()
	return ""
}

// typed takes a string constant that may have its type's name in front, as in interval '1 day'.
func (p *reader) typed(typeNames ...string) string {
	for _, n := range typeNames {
		if p.accept(n) {
			break
		}
	}
	return p.text()
}

// id takes a request's number.
func (p *reader) id() int64 {
	t := p.peek()
	n, err := strconv.ParseInt(t.value, 10, 64)
	if p.err != nil || t.kind != number || err != nil {
		p.fail()
		return 0
	}
	p.take()
	return n
}

// ifClause takes IF EXISTS or IF NOT EXISTS.
func (p *reader) ifClause(words ...string) bool { return p.accept(append([]string{"if"}, words...)...) }

// params takes (name = value, ...). A name given twice is an error.
func (p *reader) params() ast.Params {
	var out ast.Params
	p.expect("(")
	for p.err == nil {
		at := p.peek()
		n := p.name()
		p.expect("=")
		v := p.value()
		for _, seen := range out {
			if seen.Name == n && p.err == nil {
				p.err = sqlerr.New(sqlerr.SyntaxError, "parameter \"%s\" specified more than once", n).At(position(p.sql, at.at))
			}
		}
		out = append(out, ast.Param{Name: n, Value: v})
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return out
}

// value takes a string, a number, a word such as on, or interval '...'.
func (p *reader) value() string {
	p.accept("interval")
	sign := ""
	if p.accept("-") {
		sign = "-"
	} else {
		p.accept("+")
	}
	t := p.peek()
	if p.err != nil || t.kind == end || t.kind == symbol {
		p.fail()
		return ""
	}
	if sign != "" && t.kind != number {
		p.fail()
		return ""
	}
	p.take()
	return sign + t.value
}

// source takes an optional FROM SOURCE s or FOR SOURCE s.
func (p *reader) source(preposition string) string {
	if !p.accept(preposition, "source") {
		return ""
	}
	return p.name()
}

// reason takes an optional REASON '...'.
func (p *reader) reason() string {
	if !p.accept("reason") {
		return ""
	}
	return p.text()
}

// keywords are the words of a row's lead, such as "create predictive instance".
func keywords(lead string) []string { return strings.Fields(lead) }
