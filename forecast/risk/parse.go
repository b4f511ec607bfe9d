package risk

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"
	"google.golang.org/protobuf/reflect/protoreflect"

	"foreshadow/sql/sqlerr"
)

// Script is one or more statements of a migration, read but not yet held against a catalog.
type Script struct{ statements []statement }

// statement is one statement with its place in the script; offset counts characters.
type statement struct {
	text   string
	offset int
	node   *pg.Node
	newer  newer
}

// Parse reads a script. Errors are the user's: syntax errors with their position, and scripts that change nothing.
func Parse(sql string) (*Script, error) {
	pieces, err := pg.SplitWithScanner(sql, true)
	if err != nil {
		return nil, syntaxError(sql, 0, err)
	}
	s := &Script{}
	from, changes := 0, false
	for _, text := range pieces {
		if text == "" {
			continue
		}
		at := from + strings.Index(sql[from:], text)
		from = at + len(text)
		st := statement{text: text, offset: utf8.RuneCountInString(sql[:at])}
		if st.node, st.newer, err = read(text); err != nil {
			return nil, syntaxError(text, st.offset, err)
		}
		if st.node == nil { // a comment
			continue
		}
		changes = changes || !companion(st.node)
		s.statements = append(s.statements, st)
	}
	if !changes {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "there is no schema change to assess").
			WithHint("Give ALTER, CREATE, DROP and the like; UPDATE, DELETE and INSERT of a migration may stand among them.")
	}
	return s, nil
}

// read parses one statement, in the grammar of PostgreSQL 17 or else with what 18 added.
func read(text string) (*pg.Node, newer, error) {
	tree, err := pg.Parse(text)
	var n newer
	if err != nil {
		plain, found, ok := older(text)
		if !ok {
			return nil, n, err
		}
		again, errAgain := pg.Parse(plain)
		if errAgain != nil {
			return nil, n, err
		}
		tree, n = again, found
	}
	if len(tree.Stmts) == 0 {
		return nil, n, nil
	}
	return tree.Stmts[0].Stmt, n, nil
}

// companion says whether a statement is one that goes with changes without being one.
func companion(n *pg.Node) bool {
	switch n.Node.(type) {
	case *pg.Node_TransactionStmt, *pg.Node_VariableSetStmt, *pg.Node_VariableShowStmt, *pg.Node_SelectStmt, *pg.Node_DoStmt, *pg.Node_ExplainStmt:
		return true
	}
	return false
}

// syntaxError words an error of PostgreSQL's parser.
func syntaxError(text string, offset int, err error) error {
	e := sqlerr.New(sqlerr.SyntaxError, "%s", err.Error())
	var pe *parser.Error
	if errors.As(err, &pe) {
		e = sqlerr.New(sqlerr.SyntaxError, "%s", pe.Message)
		if at := pe.Cursorpos - 1; at >= 0 && at <= len(text) {
			return e.At(offset + utf8.RuneCountInString(text[:at]) + 1)
		}
	}
	return e
}

// at puts an error at a place of the statement, which the parser gives in bytes.
func (s *statement) at(e *sqlerr.Error, location int32) *sqlerr.Error {
	if s.newer.any() || location < 0 || int(location) > len(s.text) {
		return e
	}
	return e.At(s.offset + utf8.RuneCountInString(s.text[:location]) + 1)
}

// Names are what the script calls relations, types and functions, as CatalogSQL wants them.
func (s *Script) Names() (relations, types, functions []string) {
	for i := range s.statements {
		walk(s.statements[i].node.ProtoReflect(), func(m any) {
			switch m := m.(type) {
			case *pg.RangeVar:
				relations = append(relations, key(m))
			case *pg.TypeName:
				types = append(types, typeKey(m))
			case *pg.FuncCall:
				functions = append(functions, last(m.Funcname))
			case *pg.DropStmt:
				for _, o := range m.Objects {
					relations = append(relations, dropped(m.RemoveType, o)...)
				}
			case *pg.CommentStmt:
				relations = append(relations, dropped(m.Objtype, m.Object)...)
			case *pg.AlterDomainStmt:
				types = append(types, quoted(m.TypeName))
			case *pg.Constraint:
				if m.Indexname != "" {
					relations = append(relations, quote(m.Indexname))
				}
			}
		})
	}
	for _, l := range []*[]string{&relations, &types, &functions} {
		slices.Sort(*l)
		*l = slices.DeleteFunc(slices.Compact(*l), func(n string) bool { return n == "" })
	}
	return relations, types, functions
}

// dropped names the relations that an object of DROP or COMMENT stands for: its own name, or the one of the table that it is on.
func dropped(kind pg.ObjectType, object *pg.Node) []string {
	items := object.GetList().GetItems()
	switch kind {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_INDEX, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW, pg.ObjectType_OBJECT_SEQUENCE,
		pg.ObjectType_OBJECT_FOREIGN_TABLE:
		return []string{quoted(items)}
	case pg.ObjectType_OBJECT_TRIGGER, pg.ObjectType_OBJECT_POLICY, pg.ObjectType_OBJECT_RULE, pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_TABCONSTRAINT:
		if len(items) > 1 {
			return []string{quoted(items[:len(items)-1])}
		}
	}
	return nil
}

// walk calls f for every message of a tree.
func walk(m protoreflect.Message, f func(any)) {
	f(m.Interface())
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case d.Kind() != protoreflect.MessageKind:
		case d.IsList():
			for i := range v.List().Len() {
				walk(v.List().Get(i).Message(), f)
			}
		default:
			walk(v.Message(), f)
		}
		return true
	})
}

// quote writes a name so that it is read as it is.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// key is a relation's name as to_regclass reads it.
func key(r *pg.RangeVar) string {
	if r.Schemaname != "" {
		return quote(r.Schemaname) + "." + quote(r.Relname)
	}
	return quote(r.Relname)
}

// parts are the words of a list of names.
func parts(list []*pg.Node) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.GetString_().GetSval())
	}
	return out
}

// quoted joins a list of names.
func quoted(list []*pg.Node) string {
	names := parts(list)
	for i := range names {
		names[i] = quote(names[i])
	}
	return strings.Join(names, ".")
}

// last is the last of a list of names.
func last(list []*pg.Node) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].GetString_().GetSval()
}

// typeKey is a type's name as to_regtype reads it.
func typeKey(t *pg.TypeName) string {
	k := quoted(t.Names)
	if len(t.ArrayBounds) > 0 {
		k += "[]"
	}
	return k
}
