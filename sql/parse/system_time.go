package parse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// Plain is a statement of PostgreSQL's grammar after what it says of system time was blanked out. Its length is unchanged, so positions hold.
type Plain struct {
	SQL     string
	Periods map[int]ast.Period // by the byte offset of the table's name
}

// TakeSystemTime replaces what stands behind a table's name by blanks: FOR SYSTEM_TIME {AS OF x | BETWEEN x AND y | FROM x TO y},
// AS OF x, or VERSIONS BETWEEN x AND y.
func TakeSystemTime(sql string) (Plain, error) {
	p := Plain{SQL: sql}
	if low := strings.ToLower(sql); !strings.Contains(low, "system_time") && !strings.Contains(low, "versions") && !strings.Contains(low, "of") {
		return p, nil
	}
	scan, err := pg.Scan(sql)
	if err != nil {
		return p, syntaxError(err)
	}
	c := &clause{sql: sql, out: []byte(sql), periods: map[int]ast.Period{}}
	for _, t := range scan.Tokens {
		if t.Token != pg.Token_SQL_COMMENT && t.Token != pg.Token_C_COMMENT {
			c.tokens = append(c.tokens, t)
		}
	}
	for i := 1; i+1 < len(c.tokens); i++ {
		var err error
		switch {
		case c.is(i, "for") && c.is(i+1, "system_time"):
			err = c.take(i, i+2)
		case c.is(i, "versions") && c.is(i+1, "between") && c.fromItem(i):
			err = c.take(i, i+1)
		case c.is(i, "as") && c.is(i+1, "of") && c.starts(i+2) && c.fromItem(i):
			err = c.take(i, i)
		}
		if err != nil {
			return p, err
		}
	}
	return Plain{SQL: string(c.out), Periods: c.periods}, nil
}

// clause walks the tokens of a statement that may speak of system time.
type clause struct {
	sql     string
	out     []byte
	tokens  []*pg.ScanToken
	periods map[int]ast.Period
}

func (c *clause) raw(i int) string {
	if i < 0 || i >= len(c.tokens) {
		return ""
	}
	return c.sql[c.tokens[i].Start:c.tokens[i].End]
}

func (c *clause) is(i int, w string) bool { return strings.EqualFold(c.raw(i), w) }

// name finds the first token of the table's name that ends before token i.
func (c *clause) name(i int) int {
	name := i - 1
	for c.is(name-1, ".") {
		name -= 2
	}
	return max(name, 0)
}

// fromItem says that a table's name in FROM ends before token i: elsewhere VERSIONS and OF may be names.
func (c *clause) fromItem(i int) bool {
	before := c.name(i) - 1
	return c.is(before, "from") || c.is(before, "join") || c.is(before, "only") || c.is(before, ",") || c.is(before, "(")
}

// starts says that token i begins a moment. OF may be an alias too, but PostgreSQL lets none of these follow it.
func (c *clause) starts(i int) bool {
	if i >= len(c.tokens) {
		return false
	}
	switch c.tokens[i].Token {
	case pg.Token_SCONST, pg.Token_PARAM, pg.Token_TIMESTAMP, pg.Token_CURRENT_TIMESTAMP, pg.Token_CURRENT_DATE:
		return true
	case pg.Token_IDENT:
		return c.is(i+1, "(") || c.is(i, "lsn") || i+1 < len(c.tokens) && c.tokens[i+1].Token == pg.Token_SCONST
	}
	return false
}

// take reads the clause that begins at token i, whose kind stands at token at, and blanks it.
func (c *clause) take(i, at int) error {
	var p ast.Period
	var last int
	var err error
	switch {
	case c.is(at, "as") && c.is(at+1, "of"):
		p.To, last, err = c.moment(at+2, "")
	case c.is(at, "between"):
		p.Kind = ast.Between
		last, err = c.interval(&p, at+1, "and")
	case c.is(at, "from"):
		p.Kind = ast.FromTo
		last, err = c.interval(&p, at+1, "to")
	default:
		return c.unexpected(at)
	}
	if err != nil {
		return err
	}
	c.periods[int(c.tokens[c.name(i)].Start)] = p
	for b := c.tokens[i].Start; b < c.tokens[last].End; b++ {
		if c.out[b] != '\n' {
			c.out[b] = ' '
		}
	}
	return nil
}

// interval reads two moments with a word between them, and gives the last token.
func (c *clause) interval(p *ast.Period, i int, word string) (last int, err error) {
	if p.From, last, err = c.moment(i, "minvalue"); err != nil {
		return last, err
	}
	if !c.is(last+1, word) {
		return last, c.unexpected(last + 1)
	}
	p.To, last, err = c.moment(last+2, "maxvalue")
	return last, err
}

// moment reads one moment: its text, and its last token. TIMESTAMP, TIMESTAMP WITH TIME ZONE and LSN may stand in front and say nothing new;
// a literal is then read with its own time zone, if it has one. The text of the unbounded word is empty.
func (c *clause) moment(i int, unbounded string) (text string, last int, err error) {
	switch {
	case c.is(i, "timestamp") && c.is(i+1, "with") && c.is(i+2, "time") && c.is(i+3, "zone"):
		i += 4
	case c.is(i, "timestamp") || c.is(i, "lsn"):
		i++
	}
	if unbounded != "" && c.is(i, unbounded) {
		return "", i, nil
	}
	if last, err = c.expression(i); err != nil {
		return "", last, err
	}
	return c.sql[c.tokens[i].Start:c.tokens[last].End], last, nil
}

// expression finds the last token of: operand { (+ | - | *) operand }, where an operand is a constant, a parameter,
// a call or a parenthesis, with a type's name before it or casts behind it.
func (c *clause) expression(i int) (int, error) {
	last, err := c.operand(i)
	for err == nil && (c.is(last+1, "+") || c.is(last+1, "-") || c.is(last+1, "*")) {
		last, err = c.operand(last + 2)
	}
	return last, err
}

func (c *clause) operand(i int) (int, error) {
	if i >= len(c.tokens) {
		return i, c.unexpected(i)
	}
	var last int
	switch t := c.tokens[i].Token; {
	case t == pg.Token_SCONST, t == pg.Token_PARAM, t == pg.Token_ICONST, t == pg.Token_FCONST:
		last = i
	case t == pg.Token_ASCII_40:
		last = c.closing(i)
	case i+1 < len(c.tokens) && c.tokens[i+1].Token == pg.Token_SCONST: // timestamptz '...'
		last = i + 1
	case c.is(i+1, "("):
		last = c.closing(i + 1)
	case c.is(i, "current_timestamp"), c.is(i, "current_date"):
		last = i
	default:
		return i, c.unexpected(i)
	}
	if last < 0 {
		return i, c.unexpected(len(c.tokens))
	}
	for c.is(last+1, "::") && last+2 < len(c.tokens) {
		last += 2
	}
	return last, nil
}

// closing finds the parenthesis that closes the one at i, or -1.
func (c *clause) closing(i int) int {
	for depth := 0; i < len(c.tokens); i++ {
		switch c.tokens[i].Token {
		case pg.Token_ASCII_40:
			depth++
		case pg.Token_ASCII_41:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (c *clause) unexpected(i int) error {
	if i >= len(c.tokens) {
		return sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input").At(position(c.sql, len(c.sql)))
	}
	return sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", c.raw(i)).At(position(c.sql, int(c.tokens[i].Start)))
}
