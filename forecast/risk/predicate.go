package risk

import (
	"strconv"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// predicate is one part of a CHECK that compares a column with constants, or says that it is not NULL.
type predicate struct {
	column  string
	notNull bool
	op      string // =, >=, <, ...; IN for a list
	values  []string
}

// conjuncts takes apart the expression of a CHECK into what must hold together. Parts that are not understood are left out: they can only
// narrow what the others allow.
func conjuncts(check string) []predicate {
	if check == "" {
		return nil
	}
	tree, err := pg.Parse("SELECT " + check)
	if err != nil {
		return nil
	}
	return conjunctsOf(tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val)
}

func conjunctsOf(n *pg.Node) []predicate {
	switch e := n.GetNode().(type) {
	case *pg.Node_BoolExpr:
		var out []predicate
		if e.BoolExpr.Boolop == pg.BoolExprType_AND_EXPR {
			for _, a := range e.BoolExpr.Args {
				out = append(out, conjunctsOf(a)...)
			}
		}
		return out
	case *pg.Node_NullTest:
		if column := last(bare(e.NullTest.Arg).GetColumnRef().GetFields()); column != "" && e.NullTest.Nulltesttype == pg.NullTestType_IS_NOT_NULL {
			return []predicate{{column: column, notNull: true}}
		}
	case *pg.Node_AExpr:
		column := last(bare(e.AExpr.Lexpr).GetColumnRef().GetFields())
		values, ok := constants(e.AExpr.Rexpr)
		if column == "" || !ok {
			return nil
		}
		op := last(e.AExpr.Name)
		if e.AExpr.Kind == pg.A_Expr_Kind_AEXPR_OP_ANY || e.AExpr.Kind == pg.A_Expr_Kind_AEXPR_IN {
			op = "IN"
		}
		return []predicate{{column: column, op: op, values: values}}
	}
	return nil
}

// bare takes casts off an expression.
func bare(n *pg.Node) *pg.Node {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().Arg
	}
	return n
}

// constants reads a constant, or a list of them.
func constants(n *pg.Node) ([]string, bool) {
	n = bare(n)
	items := n.GetList().GetItems()
	if a := n.GetAArrayExpr(); a != nil {
		items = a.Elements
	}
	if items == nil {
		items = []*pg.Node{n}
	}
	var out []string
	for _, i := range items {
		v, ok := constant(bare(i))
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// constant reads one constant as text.
func constant(n *pg.Node) (string, bool) {
	if e := n.GetAExpr(); e != nil && e.Lexpr == nil && last(e.Name) == "-" {
		v, ok := constant(e.Rexpr)
		return "-" + v, ok
	}
	switch c := n.GetAConst().GetVal().(type) {
	case *pg.A_Const_Ival:
		return strconv.Itoa(int(c.Ival.Ival)), true
	case *pg.A_Const_Fval:
		return c.Fval.Fval, true
	case *pg.A_Const_Sval:
		return c.Sval.Sval, true
	case *pg.A_Const_Boolval:
		return strconv.FormatBool(c.Boolval.Boolval), true
	}
	return "", false
}

// layouts are how constants of dates and times are commonly written.
var layouts = []string{"2006-01-02 15:04:05-07", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// zoneOf is a session's time zone, UTC where its name is not known here.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// sameConstant says whether two texts are certainly the same value: alike, or alike as numbers or times. Times without a zone are in that given.
func sameConstant(a, b string, zone *time.Location) bool {
	if a == b {
		return true
	}
	if x, err := strconv.ParseFloat(a, 64); err == nil {
		y, err := strconv.ParseFloat(b, 64)
		return err == nil && x == y
	}
	x, okA := moment(a, zone)
	y, okB := moment(b, zone)
	return okA && okB && x.Equal(y)
}

// moment reads a constant as a time.
func moment(s string, zone *time.Location) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
