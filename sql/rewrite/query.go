// Package rewrite turns PostgreSQL's SELECT into DuckDB's. It knows the type of every expression and prints new text node
// by node, so what it does not know is refused: the same answer or none. The engine calls it with what the mirror said of
// relations, parameters and constants. It runs nothing and must not guess.
package rewrite

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"foreshadow/sql/ast"
	"foreshadow/sql/sqlerr"
)

// Kind says where a statement may go.
type Kind uint8

// The kinds. Mirror statements run on the mirror whatever they name; Select and Wrapped do so unless they touch the shadow.
// Wrapped statements hold a query: EXPLAIN, DECLARE, PREPARE, COPY TO. Write is everything that would change something.
const (
	Mirror Kind = iota
	Select
	Wrapped
	Write
)

// RelationName names a table as the statement does.
type RelationName struct {
	Schema, Name string
	Location     int // byte offset; that of its view, as -offset-2, for one that a view reads
}

// FunctionName names a function as the statement does; pg_catalog is no schema.
type FunctionName struct{ Schema, Name string }

// Key is the quoted name, for to_regclass.
func (r RelationName) Key() string {
	if r.Schema == "" {
		return quoteIdent(r.Name)
	}
	return quoteIdent(r.Schema) + "." + quoteIdent(r.Name)
}

func quoteIdent(s string) string   { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Query is one parsed statement.
type Query struct {
	Kind Kind
	// Command is the tag PostgreSQL would answer, such as INSERT or CREATE TABLE.
	Command string
	sql     string
	periods map[int]ast.Period
	stmt    *pg.Node
	names   []RelationName
	calls   []string // schema-qualified functions of schema foreshadow
	funcs   []FunctionName
}

// Parse reads one statement. periods holds what it says of system time by the byte offset of the table.
func Parse(sql string, periods map[int]ast.Period) (*Query, error) {
	tree, err := pg.Parse(sql)
	if err != nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "%s", err.Error())
	}
	if len(tree.Stmts) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	q := &Query{sql: sql, periods: periods, stmt: tree.Stmts[0].Stmt}
	unqualify(q.stmt.ProtoReflect())
	q.classify()
	if q.Kind == Select {
		prune(q.stmt)
	}
	q.collect()
	return q, nil
}

// prune takes out the WITH queries that nothing names: PostgreSQL analyses them and never runs them, so that they cannot fail either.
func prune(stmt *pg.Node) {
	for again := true; again; {
		again = false
		visit(stmt.ProtoReflect(), func(m protoreflect.Message) bool {
			n, ok := m.Interface().(*pg.SelectStmt)
			if !ok || n.WithClause == nil {
				return true
			}
			kept := slices.DeleteFunc(slices.Clone(n.WithClause.Ctes), func(c *pg.Node) bool {
				name := c.GetCommonTableExpr().GetCtename()
				return named(m, name) == named(c.ProtoReflect(), name)
			})
			if len(kept) < len(n.WithClause.Ctes) {
				again = true
			}
			if n.WithClause.Ctes = kept; len(kept) == 0 {
				n.WithClause = nil
			}
			return true
		})
	}
}

// named counts the tables of a name below a message.
func named(m protoreflect.Message, name string) (count int) {
	visit(m, func(c protoreflect.Message) bool {
		if r, ok := c.Interface().(*pg.RangeVar); ok && r.Schemaname == "" && r.Relname == name {
			count++
		}
		return true
	})
	return count
}

// Relations are the tables that the statement names, without its own CTEs.
func (q *Query) Relations() []RelationName { return q.names }

// Functions are the functions that the statement calls by name, operators and casts not among them.
func (q *Query) Functions() []FunctionName { return q.funcs }

// Touches says whether a function of schema foreshadow is called.
func (q *Query) Touches() bool { return len(q.calls) > 0 }

// Period is what the statement says of system time behind the relation at a location; ok is false where it says nothing. A relation that a
// view reads has the view's.
func (q *Query) Period(location int) (p ast.Period, ok bool) {
	if location <= -2 {
		location = -location - 2
	}
	p, ok = q.periods[location]
	return p, ok
}

// SetTo is the value that SET gives to a setting; ok is false for any other statement, and for a SET without a value.
func (q *Query) SetTo(name string) (value string, ok bool) {
	n := q.stmt.GetVariableSetStmt()
	if n == nil || n.Kind != pg.VariableSetKind_VAR_SET_VALUE || !strings.EqualFold(n.Name, name) || len(n.Args) != 1 {
		return "", false
	}
	s := n.Args[0].GetAConst().GetSval()
	return s.GetSval(), s != nil
}

// Viewed says that a relation stands in a view's definition.
func (r RelationName) Viewed() bool { return r.Location < 0 }

// accessShare is the lock mode that every SELECT takes: it keeps a table from being dropped, which the shadow's never are.
const accessShare = 1

// classify is an allow-list: a statement that is not named here is a write.
func (q *Query) classify() {
	q.Command, q.Kind = command(q.sql), Write
	switch n := q.stmt.Node.(type) {
	case *pg.Node_SelectStmt:
		q.Kind = Select
	case *pg.Node_TransactionStmt, *pg.Node_VariableShowStmt, *pg.Node_DiscardStmt, *pg.Node_VariableSetStmt,
		*pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_NotifyStmt, *pg.Node_FetchStmt, *pg.Node_ClosePortalStmt,
		*pg.Node_ExecuteStmt, *pg.Node_DeallocateStmt, *pg.Node_ConstraintsSetStmt:
		q.Kind = Mirror
	case *pg.Node_LockStmt:
		if n.LockStmt.Mode == accessShare {
			q.Kind = Mirror
		}
	case *pg.Node_DeclareCursorStmt:
		q.wrapped(n.DeclareCursorStmt.Query)
	case *pg.Node_PrepareStmt:
		q.wrapped(n.PrepareStmt.Query)
	case *pg.Node_ExplainStmt:
		q.wrapped(n.ExplainStmt.Query)
	case *pg.Node_CopyStmt:
		if !n.CopyStmt.IsFrom {
			q.Kind, q.Command = Wrapped, "COPY"
		}
	}
	if q.Kind != Select && q.Kind != Wrapped {
		return
	}
	dml, into := changes(q.stmt.ProtoReflect())
	if into && q.Kind == Select {
		q.Command = "SELECT INTO"
	}
	if dml || into {
		q.Kind = Write
	}
}

// wrapped accepts a statement that holds a SELECT; EXPLAIN of an EXECUTE is the mirror's.
func (q *Query) wrapped(inner *pg.Node) {
	q.Command, _, _ = strings.Cut(q.Command, " ")
	switch inner.GetNode().(type) {
	case *pg.Node_SelectStmt:
		q.Kind = Wrapped
	case *pg.Node_ExecuteStmt:
		q.Kind = Mirror
	}
}

// command gives the leading words of a statement, as PostgreSQL's tags have them.
func command(sql string) string {
	scan, err := pg.Scan(sql)
	if err != nil {
		return ""
	}
	var words []string
	for _, t := range scan.Tokens {
		if t.Token == pg.Token_SQL_COMMENT || t.Token == pg.Token_C_COMMENT {
			continue
		}
		w := strings.ToUpper(sql[t.Start:t.End])
		if w == "OR" || w == "REPLACE" || w == "TEMP" || w == "TEMPORARY" || w == "LOCAL" || w == "UNLOGGED" || w == "UNIQUE" {
			continue
		}
		words = append(words, w)
		if len(words) == 3 {
			break
		}
	}
	if len(words) == 0 {
		return ""
	}
	switch words[0] {
	case "TRUNCATE", "LOCK":
		return words[0] + " TABLE"
	case "REFRESH", "IMPORT":
		return strings.Join(words, " ")
	case "CREATE", "ALTER", "DROP", "SECURITY":
		return strings.Join(words[:min(2, len(words))], " ")
	}
	return words[0]
}

// changes finds a statement that writes anywhere below, as in WITH x AS (DELETE ...), and INTO, which may stand in an arm of a UNION.
func changes(m protoreflect.Message) (dml, into bool) {
	visit(m, func(c protoreflect.Message) bool {
		switch c.Interface().(type) {
		case *pg.InsertStmt, *pg.UpdateStmt, *pg.DeleteStmt, *pg.MergeStmt:
			dml = true
		case *pg.IntoClause:
			into = true
		}
		return !dml && !into
	})
	return dml, into
}

// visit calls f for a message and, while it answers true, for all messages below.
func visit(m protoreflect.Message, f func(protoreflect.Message) bool) {
	if !f(m) {
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsList() && fd.Message() != nil:
			for i := 0; i < v.List().Len(); i++ {
				visit(v.List().Get(i).Message(), f)
			}
		case fd.Message() != nil && !fd.IsMap():
			visit(v.Message(), f)
		}
		return true
	})
}

// collect lists the relations and our functions that the statement names.
func (q *Query) collect() {
	q.names, q.calls, q.funcs = nil, nil, nil
	m := q.stmt.ProtoReflect()
	tables(m, nil, func(rv *pg.RangeVar) {
		q.names = append(q.names, RelationName{Schema: rv.Schemaname, Name: rv.Relname, Location: int(rv.Location)})
	})
	visit(m, func(c protoreflect.Message) bool {
		if n, ok := c.Interface().(*pg.FuncCall); ok {
			s, f := funcName(n)
			q.funcs = append(q.funcs, FunctionName{Schema: s, Name: f})
			if s == "foreshadow" {
				q.calls = append(q.calls, f)
			}
		}
		return true
	})
}

// tables finds the names of tables, which are not those of visible CTEs; a SELECT adds its own.
func tables(m protoreflect.Message, ctes []string, f func(*pg.RangeVar)) {
	visit(m, func(c protoreflect.Message) bool {
		switch n := c.Interface().(type) {
		case *pg.SelectStmt:
			if n.WithClause != nil {
				tablesWith(n, ctes, f)
				return false
			}
		case *pg.RangeVar:
			if n.Schemaname != "" || !contains(ctes, n.Relname) {
				f(n)
			}
			return false
		}
		return true
	})
}

// tablesWith gives each CTE the names before it, or all of them when recursive, and the body all.
func tablesWith(n *pg.SelectStmt, ctes []string, f func(*pg.RangeVar)) {
	all := append([]string{}, ctes...)
	for _, c := range n.WithClause.Ctes {
		all = append(all, c.GetCommonTableExpr().GetCtename())
	}
	seen := append([]string{}, ctes...)
	for _, c := range n.WithClause.Ctes {
		e := c.GetCommonTableExpr()
		visible := seen
		if n.WithClause.Recursive {
			visible = all
		}
		tables(e.Ctequery.ProtoReflect(), visible, f)
		seen = append(seen, e.Ctename)
	}
	with := n.WithClause
	n.WithClause = nil
	tables(n.ProtoReflect(), all, f)
	n.WithClause = with
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// funcName splits a call's name; pg_catalog counts as no schema.
func funcName(n *pg.FuncCall) (schema, name string) {
	parts := make([]string, len(n.Funcname))
	for i, p := range n.Funcname {
		parts[i] = p.GetString_().GetSval()
	}
	if len(parts) == 0 {
		return "", ""
	}
	name = parts[len(parts)-1]
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	if schema == "pg_catalog" {
		schema = ""
	}
	return schema, name
}

// ExpandView puts a view's definition in the place of its name. Relations then names what the view reads.
func (q *Query) ExpandView(key, definition string) error {
	tree, err := pg.Parse(strings.TrimSuffix(strings.TrimSpace(definition), ";"))
	if err != nil || len(tree.Stmts) != 1 {
		return sqlerr.New(sqlerr.FeatureNotSupported, "view %s cannot be read", key)
	}
	q.replace(func(rv *pg.RangeVar) *pg.Node {
		if (RelationName{Schema: rv.Schemaname, Name: rv.Relname}).Key() != key {
			return nil
		}
		body, _ := proto.Clone(tree.Stmts[0].Stmt).(*pg.Node)
		at := rv.Location
		if at >= 0 {
			at = -at - 2
		}
		relocate(body.ProtoReflect(), at)
		return body
	})
	q.collect()
	return nil
}

// replace puts queries in the places of tables' names, under their aliases.
func (q *Query) replace(by func(*pg.RangeVar) *pg.Node) {
	visit(q.stmt.ProtoReflect(), func(m protoreflect.Message) bool {
		n, ok := m.Interface().(*pg.Node)
		if !ok || n.GetRangeVar() == nil {
			return true
		}
		rv := n.GetRangeVar()
		body := by(rv)
		if body == nil {
			return true
		}
		alias := rv.Alias
		if alias == nil {
			alias = &pg.Alias{Aliasname: rv.Relname}
		}
		n.Node = &pg.Node_RangeSubselect{RangeSubselect: &pg.RangeSubselect{Subquery: body, Alias: alias}}
		return false
	})
}

// relocate gives all tables that a view reads the view's place, and keeps its other positions from being taken for the statement's.
func relocate(m protoreflect.Message, at int32) {
	visit(m, func(c protoreflect.Message) bool {
		if fd := c.Descriptor().Fields().ByName("location"); fd != nil && fd.Kind() == protoreflect.Int32Kind {
			c.Set(fd, protoreflect.ValueOfInt32(-1))
		}
		if rv, ok := c.Interface().(*pg.RangeVar); ok {
			rv.Location = at
		}
		return true
	})
}

// Replaced prints a statement with queries in the places of the tables at some byte offsets.
func Replaced(sql string, bodies map[int]string) (string, error) {
	q, err := Parse(sql, nil)
	if err != nil {
		return "", err
	}
	var failed error
	q.replace(func(rv *pg.RangeVar) *pg.Node {
		body, ok := bodies[int(rv.Location)]
		if !ok {
			return nil
		}
		tree, err := pg.Parse(body)
		if err != nil || len(tree.Stmts) != 1 {
			failed = sqlerr.New(sqlerr.Internal, "the columns of table \"%s\" at that moment could not be described", rv.Relname)
			return nil
		}
		return tree.Stmts[0].Stmt
	})
	if failed != nil {
		return "", failed
	}
	text, err := printed(q.stmt)
	if err != nil {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "this statement cannot be asked of tables that had other columns then")
	}
	return text, nil
}

// ConstantText prints an expression anew if the mirror may compute it ahead: it reads no table and has no effect.
func ConstantText(expr string) (string, error) {
	tree, err := pg.Parse("SELECT " + expr)
	if err != nil || len(tree.Stmts) != 1 {
		return "", sqlerr.New(sqlerr.SyntaxError, "syntax error in \"%s\"", expr)
	}
	sel := tree.Stmts[0].Stmt.GetSelectStmt()
	if sel == nil || len(sel.TargetList) != 1 || sel.FromClause != nil || sel.WhereClause != nil || sel.WithClause != nil || sel.IntoClause != nil || sel.SortClause != nil {
		return "", sqlerr.New(sqlerr.SyntaxError, "syntax error in \"%s\"", expr)
	}
	val := sel.TargetList[0].GetResTarget().GetVal()
	if !constant(val) {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "a moment must be a constant expression, which \"%s\" is not", expr)
	}
	return deparse(val)
}
