package parse

import (
	"strings"
	"unicode/utf8"

	"foreshadow/sql/sqlerr"
)

// kind tells the tokens of our statements apart.
type kind uint8

const (
	end kind = iota
	word
	quotedWord
	text
	number
	symbol
)

// token is one lexical unit; value is what it means, raw what was written, at its byte offset.
type token struct {
	kind  kind
	value string
	raw   string
	at    int
}

// lex cuts a statement into tokens by PostgreSQL's lexical rules. It never fails: what it cannot read becomes a symbol,
// which no statement expects.
func lex(sql string) []token {
	var out []token
	for at := 0; ; {
		at = skipSpace(sql, at)
		if at >= len(sql) {
			return append(out, token{kind: end, at: len(sql)})
		}
		t := next(sql, at)
		t.at, t.raw = at, sql[at:at+len(t.raw)]
		at += len(t.raw)
		out = append(out, t)
	}
}

// skipSpace passes over white space and comments; block comments nest.
func skipSpace(sql string, at int) int {
	for at < len(sql) {
		rest := sql[at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			at++
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				return len(sql)
			}
			at += n
		case strings.HasPrefix(rest, "/*"):
			at += blockComment(rest)
		default:
			return at
		}
	}
	return at
}

func blockComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

func next(sql string, at int) token {
	rest := sql[at:]
	c := rest[0]
	switch {
	case c == '\'':
		return quoted(rest, 0, false)
	case (c == 'e' || c == 'E') && strings.HasPrefix(rest[1:], "'"):
		return quoted(rest, 1, true)
	case c == '"':
		return quotedIdentifier(rest)
	case c == '$':
		return dollarQuoted(rest)
	case c >= '0' && c <= '9':
		n := run(rest, func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
		return token{kind: number, value: rest[:n], raw: rest[:n]}
	case identStart(c):
		n := run(rest, func(c byte) bool { return identStart(c) || c >= '0' && c <= '9' || c == '$' })
		return token{kind: word, value: strings.ToLower(rest[:n]), raw: rest[:n]}
	}
	_, n := utf8.DecodeRuneInString(rest)
	return token{kind: symbol, value: rest[:n], raw: rest[:n]}
}

func identStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func run(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

// quoted reads '...' with doubled quotes, and in E'...' also backslash escapes.
func quoted(s string, prefix int, escapes bool) token {
	var b strings.Builder
	for i := prefix + 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescape(s[i]))
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return token{kind: text, value: b.String(), raw: s[:i+1]}
		}
	}
	return token{kind: symbol, value: "'", raw: s}
}

func unescape(c byte) byte {
	if i := strings.IndexByte("ntrbf", c); i >= 0 {
		return "\n\t\r\b\f"[i]
	}
	return c
}

func quotedIdentifier(s string) token {
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return token{kind: quotedWord, value: strings.ReplaceAll(s[1:i], `""`, `"`), raw: s[:i+1]}
	}
	return token{kind: symbol, value: `"`, raw: s}
}

// dollarQuoted reads $tag$...$tag$; a parameter such as $1 is a symbol.
func dollarQuoted(s string) token {
	n := run(s[1:], func(c byte) bool { return identStart(c) || c >= '0' && c <= '9' })
	tag := s[:min(n+2, len(s))]
	if len(tag) < 2 || tag[len(tag)-1] != '$' || n > 0 && s[1] <= '9' {
		return token{kind: symbol, value: s[:n+1], raw: s[:n+1]}
	}
	body, _, ok := strings.Cut(s[len(tag):], tag)
	if !ok {
		return token{kind: symbol, value: "$", raw: s}
	}
	return token{kind: text, value: body, raw: s[:len(body)+2*len(tag)]}
}

// position turns a byte offset into PostgreSQL's count of characters from 1.
func position(sql string, at int) int { return utf8.RuneCountInString(sql[:min(at, len(sql))]) + 1 }

// unexpected is the syntax error at a token, worded as PostgreSQL's.
func unexpected(sql string, t token) *sqlerr.Error {
	if t.kind == end {
		return sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input").At(position(sql, t.at))
	}
	return sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", t.raw).At(position(sql, t.at))
}
