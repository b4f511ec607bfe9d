package parse

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"

	"foreshadow/sql/ast"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// Split cuts a query string at its semicolons, leaves empty statements out and checks the syntax of every one:
// an error anywhere refuses the whole string, with its position in the string.
func Split(sql string) ([]session.Text, error) {
	if strings.IndexByte(sql, 0) >= 0 || !utf8.ValidString(sql) {
		return nil, sqlerr.New("22021", "invalid byte sequence for encoding \"UTF8\"")
	}
	scan, err := pg.Scan(sql)
	if err != nil {
		return nil, syntaxError(err)
	}
	var out []session.Text
	from, depth, used := 0, 0, false
	cut := func(to int) error {
		if used {
			t := session.Text{SQL: sql[from:to], Offset: utf8.RuneCountInString(sql[:from])}
			if err := Check(t.SQL); err != nil {
				return Shift(err, t.Offset)
			}
			out = append(out, t)
		}
		from, used = to+1, false
		return nil
	}
	for _, t := range scan.Tokens {
		switch t.Token {
		case pg.Token_SQL_COMMENT, pg.Token_C_COMMENT:
			continue
		case pg.Token_ASCII_40:
			depth++
		case pg.Token_ASCII_41:
			depth--
		case pg.Token_ASCII_59:
			if depth <= 0 {
				if err := cut(int(t.Start)); err != nil {
					return nil, err
				}
				depth = 0
				continue
			}
		}
		used = true
	}
	if err := cut(len(sql)); err != nil {
		return nil, err
	}
	return out, nil
}

// Check finds the syntax errors of one statement.
func Check(sql string) error {
	st, err := Statement(sql)
	if err != nil {
		return err
	}
	if _, ok := st.(ast.Postgres); !ok {
		return nil
	}
	plain, err := TakeSystemTime(sql)
	if err != nil {
		return err
	}
	if _, err = pg.Parse(plain.SQL); err != nil {
		return syntaxError(err)
	}
	return nil
}

// Backslashed says that a string without a prefix holds a backslash, which standard_conforming_strings gives one of two meanings.
func Backslashed(sql string) bool {
	scan, err := pg.Scan(sql)
	return err != nil || slices.ContainsFunc(scan.Tokens, func(t *pg.ScanToken) bool {
		raw := sql[t.Start:t.End]
		return t.Token == pg.Token_SCONST && raw[0] == '\'' && strings.Contains(raw, `\`)
	})
}

// Shift moves an error's position by the characters that stand before its statement.
func Shift(err error, offset int) error {
	var e *sqlerr.Error
	if errors.As(err, &e) && e.Position > 0 {
		return e.At(e.Position + offset)
	}
	return err
}

// syntaxError words an error of PostgreSQL's parser; its position counts characters from 1.
func syntaxError(err error) error {
	e := sqlerr.New(sqlerr.SyntaxError, "%s", err.Error())
	var pe *parser.Error
	if errors.As(err, &pe) {
		e = sqlerr.New(sqlerr.SyntaxError, "%s", pe.Message)
		if strings.HasPrefix(pe.Message, "frame ") {
			e.Code = sqlerr.WindowingError
		}
		if strings.HasPrefix(pe.Message, "invalid byte sequence ") {
			e.Code = sqlerr.InvalidEncoding
		}
		if pe.Cursorpos > 0 {
			return e.At(pe.Cursorpos)
		}
	}
	return e
}
