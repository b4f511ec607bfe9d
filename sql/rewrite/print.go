package rewrite

import (
	"errors"
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"foreshadow/sql/sqlerr"
)

// What is printed here for the mirror is read again and compared with the tree it came from, as pg_query's printer loses parentheses.

// parserVersion is what pg_query stamps on its trees and wants to see again.
var parserVersion = func() int32 {
	tree, err := pg.Parse("")
	if err != nil {
		return 0
	}
	return tree.Version
}()

// printed is a statement's text, which means what the tree does. The tree loses its positions.
func printed(stmt *pg.Node) (string, error) {
	refused := sqlerr.New(sqlerr.FeatureNotSupported, "this statement is not supported by the shadow").WithHint(hintRefused)
	text, err := faithful(stmt)
	if err != nil {
		return "", refused.WithDetail("%s", err.Error())
	}
	return text, nil
}

// deparse prints an expression of PostgreSQL's.
func deparse(n *pg.Node) (string, error) {
	copied, _ := proto.Clone(n).(*pg.Node)
	text, err := faithful(selecting(copied))
	if err != nil {
		return "", fmt.Errorf("print constant: %w", err)
	}
	return strings.TrimPrefix(text, "SELECT "), nil
}

// selecting is a SELECT of one expression.
func selecting(n *pg.Node) *pg.Node {
	return &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: &pg.SelectStmt{TargetList: []*pg.Node{target(n)},
		LimitOption: pg.LimitOption_LIMIT_OPTION_DEFAULT, Op: pg.SetOperation_SETOP_NONE}}}
}

// faithful prints a statement, reads the text again and compares.
func faithful(stmt *pg.Node) (string, error) {
	unlocated(stmt.ProtoReflect())
	copied, _ := proto.Clone(stmt).(*pg.Node)
	text, err := spelled(copied)
	if err != nil {
		return "", err
	}
	tree, err := pg.Parse(text)
	if err != nil {
		return "", fmt.Errorf("read again: %w", err)
	}
	if len(tree.Stmts) != 1 {
		return "", errors.New("it would be several statements")
	}
	again := tree.Stmts[0].Stmt
	unlocated(again.ProtoReflect())
	if !proto.Equal(again, stmt) {
		return "", errors.New("it would mean something else")
	}
	return text, nil
}

// spelled prints a statement, which it changes. The operands of IS NULL, IS TRUE and their like, which pg_query does not put into parentheses where they
// need them, are printed by themselves, and have names until then.
func spelled(stmt *pg.Node) (string, error) {
	var operands []*pg.Node
	named := func(n *pg.Node) *pg.Node {
		if n.GetAExpr() == nil && n.GetBoolExpr() == nil {
			return n
		}
		operands = append(operands, n)
		return column(fmt.Sprintf("operand %d", len(operands)))
	}
	visit(stmt.ProtoReflect(), func(c protoreflect.Message) bool {
		switch test := c.Interface().(type) {
		case *pg.NullTest:
			test.Arg = named(test.Arg)
		case *pg.BooleanTest:
			test.Arg = named(test.Arg)
		}
		return true
	})
	text, err := pg.Deparse(&pg.ParseResult{Version: parserVersion, Stmts: []*pg.RawStmt{{Stmt: stmt}}})
	for i := 0; i < len(operands) && err == nil; i++ {
		var operand string
		operand, err = spelled(selecting(operands[i]))
		text = strings.ReplaceAll(text, fmt.Sprintf("\"operand %d\"", i+1), "("+strings.TrimPrefix(operand, "SELECT ")+")")
	}
	return text, err
}

// unlocated takes the positions out of a tree.
func unlocated(m protoreflect.Message) {
	visit(m, func(c protoreflect.Message) bool {
		for _, name := range []protoreflect.Name{"location", "stmt_location", "stmt_len"} {
			if fd := c.Descriptor().Fields().ByName(name); fd != nil && fd.Kind() == protoreflect.Int32Kind {
				c.Clear(fd)
			}
		}
		return true
	})
}
