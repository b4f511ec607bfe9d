package parse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
)

// Plain is a statement of PostgreSQL's grammar after FOR SYSTEM_TIME AS OF was blanked out. Its length is unchanged, so positions hold.
type Plain struct {
	SQL  string
	AsOf map[int]string // byte offset of the table's name -> the expression's text
}

// TakeSystemTime replaces every FOR SYSTEM_TIME AS OF <expr> behind a table's name by blanks.
func TakeSystemTime(sql string) (Plain, error) {
	p := Plain{SQL: sql}
	if !strings.Contains(strings.ToLower(sql), "system_time") {
		return p, nil
	}
	scan, err := pg.Scan(sql)
	if err != nil {
		return p, syntaxError(sql, err)
	}
	c := &clause{sql: sql, out: []byte(sql), asOf: map[int]string{}}
	for _, t := range scan.Tokens {
		if t.Token != pg.Token_SQL_COMMENT && t.Token != pg.Token_C_COMMENT {
			c.tokens = append(c.tokens, t)
		}
	}
	for i := 1; i+1 < len(c.tokens); i++ {
		if c.is(i, "for") && c.is(i+1, "system_time") {
			if err := c.take(i); err != nil {
				return p, err
			}
		}
	}
	return Plain{SQL: string(c.out), AsOf: c.asOf}, nil
}

// clause walks the tokens of a statement that names SYSTEM_TIME.
type clause struct {
	sql    string
	out    []byte
	tokens []*pg.ScanToken
	asOf   map[int]string
}

func (c *clause) raw(i int) string {
	if i < 0 || i >= len(c.tokens) {
		return ""
	}
	return c.sql[c.tokens[i].Start:c.tokens[i].End]
}

func (c *clause) is(i int, w string) bool { return strings.EqualFold(c.raw(i), w) }

// take reads the clause at token i and blanks it.
func (c *clause) take(i int) error {
	if !c.is(i+2, "as") || !c.is(i+3, "of") {
		return c.unexpected(i + 2)
	}
	last, err := c.expression(i + 4)
	if err != nil {
		return err
	}
	name := i - 1
	for c.is(name-1, ".") {
		name -= 2
	}
	from, to := c.tokens[i].Start, c.tokens[last].End
	c.asOf[int(c.tokens[max(name, 0)].Start)] = c.sql[c.tokens[i+4].Start:to]
	for b := from; b < to; b++ {
		if c.out[b] != '\n' {
			c.out[b] = ' '
		}
	}
	return nil
}

// expression finds the last token of: operand { (+ | -) operand }, where an operand is a constant, a parameter,
// a call or a parenthesis, with a type's name before it or casts behind it.
func (c *clause) expression(i int) (int, error) {
	last, err := c.operand(i)
	for err == nil && (c.is(last+1, "+") || c.is(last+1, "-")) {
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
	case t == pg.Token_SCONST, t == pg.Token_PARAM:
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
