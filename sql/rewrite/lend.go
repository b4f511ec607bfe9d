package rewrite

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Lending is a statement that PostgreSQL itself runs, on the mirror, over rows that the shadow lends it.
type Lending struct {
	Loans     []Loan
	Constants []Constant // those of the Input, and then what the loans' translations added
	stmt      *pg.Node
	places    []*pg.Node // in the order of Loans
}

// Loan is one relation of the statement, or one function of schema foreshadow, with the columns that the statement may read. Query is a SELECT of
// those that are not generated, as PostgreSQL computes these from the others.
type Loan struct {
	Query    *Query
	Filtered *Query    // leaves out rows that the statement does not need; nil where nothing is known of them
	Relation *Relation // nil for a function
	Columns  []Column
}

// Lend takes the relations out of a statement. An error says that it can be run in no way. Where it groups by a table's primary key alone, regroup
// adds the table's other columns, since lent rows have no key.
func (q *Query) Lend(in Input, regroup bool) (*Lending, error) {
	stmt, _ := proto.Clone(q.stmt).(*pg.Node)
	l := &Lending{stmt: stmt, Constants: in.Constants}
	m := l.stmt.ProtoReflect()
	if err := lendable(m); err != nil {
		return nil, err
	}
	ours := map[*pg.RangeVar]*Relation{}
	tables(m, nil, func(rv *pg.RangeVar) {
		rel := in.Then[int(rv.Location)]
		if rel == nil {
			rel = in.Relations[RelationName{Schema: rv.Schemaname, Name: rv.Relname}.Key()]
		}
		if rel != nil {
			ours[rv] = rel
		}
	})
	read := readColumns(m)
	filters := filters(m)
	var failed error
	visit(m, func(c protoreflect.Message) bool {
		n, ok := c.Interface().(*pg.Node)
		if !ok || failed != nil {
			return failed == nil
		}
		if rv := n.GetRangeVar(); rv != nil && ours[rv] != nil {
			failed = l.relation(q, in, n, ours[rv], read, filters[rv])
			return false
		}
		if f := n.GetRangeFunction(); f != nil {
			failed = l.function(q, in, n)
		}
		return failed == nil
	})
	if failed != nil {
		return nil, failed
	}
	if regroup {
		l.regroup()
	}
	return l, nil
}

// systemColumns are those of every table of PostgreSQL's, which replication does not tell.
var systemColumns = set("ctid xmin xmax cmin cmax tableoid")

// storage are the functions that tell how a table's file holds a value.
var storage = set("pg_column_size pg_column_compression pg_column_toast_chunk_id")

// lendable refuses what would mean something else over lent rows.
func lendable(m protoreflect.Message) (err error) {
	visit(m, func(c protoreflect.Message) bool {
		switch n := c.Interface().(type) {
		case *pg.LockingClause:
			err = sqlerr.New(sqlerr.ReadOnlyTransaction, "cannot execute SELECT FOR UPDATE in a read-only transaction")
		case *pg.RangeTableSample:
			err = sqlerr.New(sqlerr.FeatureNotSupported, "TABLESAMPLE of relations of the shadow is not supported").WithHint(hintRefused)
		case *pg.FuncCall:
			if _, name := funcName(n); storage[name] {
				err = sqlerr.New(sqlerr.FeatureNotSupported, "function %s of rows of the shadow is not supported", name).
					WithHint("The shadow does not store values as the primary does; ask the primary itself.")
			}
		case *pg.ColumnRef:
			if name := n.Fields[len(n.Fields)-1].GetString_().GetSval(); systemColumns[name] {
				err = sqlerr.New(sqlerr.FeatureNotSupported, "system column \"%s\" is not captured", name)
			}
		}
		return err == nil
	})
	return err
}

// relation lends a table's rows to the statement.
func (l *Lending) relation(q *Query, in Input, n *pg.Node, rel *Relation, read columnsRead, filters []*pg.Node) error {
	rv := n.GetRangeVar()
	loan := Loan{Relation: rel}
	sel := &pg.SelectStmt{FromClause: []*pg.Node{n}, LimitOption: pg.LimitOption_LIMIT_OPTION_DEFAULT, Op: pg.SetOperation_SETOP_NONE}
	all := read.all || read.last[visibleName(rv)] || len(rv.Alias.GetColnames()) > 0
	for _, c := range rel.Columns {
		all = all || c.Generated && read.last[c.Name]
	}
	for i, c := range rel.Columns {
		if !all && !read.last[c.Name] {
			continue
		}
		loan.Columns = append(loan.Columns, c)
		if c.Generated && rel.Then {
			return sqlerr.New(sqlerr.FeatureNotSupported, "column \"%s\" is generated and its past is not captured", c.Name).WithHint(hintRefused)
		}
		if c.Generated {
			continue
		}
		if i < len(rv.Alias.GetColnames()) {
			c.Name = rv.Alias.Colnames[i].GetString_().GetSval()
		}
		sel.TargetList = append(sel.TargetList, target(column(c.Name)))
	}
	if len(loan.Columns) == 0 { // the rows are only counted
		loan.Columns = []Column{{Name: "?column?", OID: types.Int4, TypMod: -1}}
		sel.TargetList = []*pg.Node{target(pg.MakeAConstIntNode(1, -1))}
	}
	sel, _ = proto.Clone(sel).(*pg.SelectStmt) // n itself is to be replaced
	loan.Query = q.part(sel)
	plan, err := loan.Query.Translate(l.input(in))
	if err != nil {
		return err
	}
	l.Constants = plan.Constants
	for _, f := range filters {
		with, _ := proto.Clone(sel).(*pg.SelectStmt)
		with.WhereClause = f
		if sel.WhereClause != nil {
			with.WhereClause = pg.MakeBoolExprNode(pg.BoolExprType_AND_EXPR, []*pg.Node{sel.WhereClause, f}, -1)
		}
		if plan, err := q.part(with).Translate(l.input(in)); err == nil { // what cannot be translated is left to PostgreSQL alone
			sel, loan.Filtered, l.Constants = with, q.part(with), plan.Constants
		}
	}
	l.Loans, l.places = append(l.Loans, loan), append(l.places, n)
	return nil
}

// visibleName is what a statement calls a table.
func visibleName(rv *pg.RangeVar) string {
	if rv.Alias != nil {
		return rv.Alias.Aliasname
	}
	return rv.Relname
}

// regroup adds what depends on a primary key to the lists that group by it.
func (l *Lending) regroup() {
	loans := map[*pg.Node]Loan{}
	for i, n := range l.places {
		loans[n] = l.Loans[i]
	}
	visit(l.stmt.ProtoReflect(), func(c protoreflect.Message) bool {
		sel, ok := c.Interface().(*pg.SelectStmt)
		if !ok || len(sel.GroupClause) == 0 {
			return true
		}
		for _, item := range sel.FromClause {
			visit(item.ProtoReflect(), func(c protoreflect.Message) bool {
				if n, ok := c.Interface().(*pg.Node); ok && n.GetRangeVar() != nil {
					loan := loans[n]
					if name := visibleName(n.GetRangeVar()); loan.Relation != nil && groupsBy(sel, name, loan.Relation.Key) {
						for _, c := range loan.Columns {
							sel.GroupClause = append(sel.GroupClause, column(name, c.Name))
						}
					}
				}
				_, inner := c.Interface().(*pg.SelectStmt)
				return !inner
			})
		}
		return true
	})
}

// groupsBy says that a SELECT groups by all columns of a table's key.
func groupsBy(sel *pg.SelectStmt, table string, key []string) bool {
	for _, k := range key {
		if !slices.ContainsFunc(sel.GroupClause, func(g *pg.Node) bool {
			if at := g.GetAConst().GetIval().GetIval(); at > 0 && int(at) <= len(sel.TargetList) {
				g = sel.TargetList[at-1].GetResTarget().GetVal()
			}
			f := g.GetColumnRef().GetFields()
			if len(f) == 2 && f[0].GetString_().GetSval() != table {
				return false
			}
			return len(f) > 0 && len(f) <= 2 && f[len(f)-1].GetString_().GetSval() == k
		}) {
			return false
		}
	}
	return len(key) > 0
}

// function lends what a function of schema foreshadow returns; any other is PostgreSQL's.
func (l *Lending) function(q *Query, in Input, n *pg.Node) error {
	f := n.GetRangeFunction()
	if len(f.Functions) != 1 {
		return nil
	}
	call := f.Functions[0].GetList().GetItems()[0].GetFuncCall()
	if call == nil {
		return nil
	}
	schema, name := funcName(call)
	if schema != "foreshadow" {
		return nil
	}
	if f.Alias == nil {
		f.Alias = &pg.Alias{Aliasname: name}
	}
	columns := predictive[name].columns
	if len(columns) == 1 && len(f.Alias.Colnames) == 0 {
		columns = []Column{{Name: f.Alias.Aliasname, OID: columns[0].OID}}
	}
	copied, _ := proto.Clone(n).(*pg.Node)
	loan := Loan{Query: q.part(&pg.SelectStmt{FromClause: []*pg.Node{copied}, LimitOption: pg.LimitOption_LIMIT_OPTION_DEFAULT, Op: pg.SetOperation_SETOP_NONE,
		TargetList: []*pg.Node{target(&pg.Node{Node: &pg.Node_ColumnRef{ColumnRef: &pg.ColumnRef{Fields: []*pg.Node{{Node: &pg.Node_AStar{AStar: &pg.A_Star{}}}}}}})}})}
	for _, c := range columns {
		c.TypMod = -1
		loan.Columns = append(loan.Columns, c)
	}
	plan, err := loan.Query.Translate(l.input(in))
	if err != nil {
		return err
	}
	l.Constants = plan.Constants
	l.Loans, l.places = append(l.Loans, loan), append(l.places, n)
	return nil
}

// column refers to a column, or to a table's.
func column(name ...string) *pg.Node {
	ref := &pg.ColumnRef{}
	for _, n := range name {
		ref.Fields = append(ref.Fields, pg.MakeStrNode(n))
	}
	return &pg.Node{Node: &pg.Node_ColumnRef{ColumnRef: ref}}
}

func target(n *pg.Node) *pg.Node {
	return &pg.Node{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Val: n}}}
}

// input lets a part of the statement know the constants that the parts before it brought.
func (l *Lending) input(in Input) Input {
	in.Constants, in.Fields, in.Values, in.Lent = l.Constants, nil, nil, true
	return in
}

// part is a SELECT made of parts of the statement, at the same moments.
func (q *Query) part(sel *pg.SelectStmt) *Query {
	part := &Query{Kind: Select, sql: q.sql, periods: q.periods, stmt: &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: sel}}}
	part.collect()
	return part
}

// columnsRead are the names that column references end with, those of whole rows among them.
type columnsRead struct {
	all  bool
	last map[string]bool
}

// readColumns finds every name that may be a column's, whatever table it belongs to.
func readColumns(m protoreflect.Message) columnsRead {
	r := columnsRead{last: map[string]bool{}}
	visit(m, func(c protoreflect.Message) bool {
		switch n := c.Interface().(type) {
		case *pg.ColumnRef:
			last := n.Fields[len(n.Fields)-1]
			switch {
			case last.GetAStar() == nil:
				r.last[last.GetString_().GetSval()] = true
			case len(n.Fields) == 1:
				r.all = true
			default:
				r.last[n.Fields[len(n.Fields)-2].GetString_().GetSval()] = true
			}
		case *pg.JoinExpr:
			r.all = r.all || n.IsNatural || n.Alias != nil
			for _, u := range n.UsingClause {
				r.last[u.GetString_().GetSval()] = true
			}
		}
		return !r.all
	})
	return r
}

// filters are the conditions of WHERE that may be applied to a table before it is joined: they hold no query, and no outer join can bring back what
// they leave out. Which of them are of one table alone shows when they are translated.
func filters(m protoreflect.Message) map[*pg.RangeVar][]*pg.Node {
	out := map[*pg.RangeVar][]*pg.Node{}
	visit(m, func(c protoreflect.Message) bool {
		n, ok := c.Interface().(*pg.SelectStmt)
		if !ok || n.WhereClause == nil {
			return true
		}
		conditions := slices.DeleteFunc(conjuncts(n.WhereClause), asks)
		for _, item := range n.FromClause {
			inner(item, func(rv *pg.RangeVar) { out[rv] = conditions })
		}
		return true
	})
	return out
}

func conjuncts(n *pg.Node) []*pg.Node {
	b := n.GetBoolExpr()
	if b == nil || b.Boolop != pg.BoolExprType_AND_EXPR {
		return []*pg.Node{n}
	}
	var out []*pg.Node
	for _, a := range b.Args {
		out = append(out, conjuncts(a)...)
	}
	return out
}

// asks says that an expression holds a query.
func asks(n *pg.Node) (found bool) {
	visit(n.ProtoReflect(), func(c protoreflect.Message) bool {
		_, link := c.Interface().(*pg.SubLink)
		found = found || link
		return !found
	})
	return found
}

// inner finds the tables of an item of FROM whose rows an outer join does not supplement. Columns that a join merges belong to no table alone.
func inner(n *pg.Node, f func(*pg.RangeVar)) {
	if rv := n.GetRangeVar(); rv != nil {
		f(rv)
	}
	j := n.GetJoinExpr()
	if j == nil || j.IsNatural || len(j.UsingClause) > 0 || j.Alias != nil {
		return
	}
	if j.Jointype == pg.JoinType_JOIN_INNER || j.Jointype == pg.JoinType_JOIN_LEFT {
		inner(j.Larg, f)
	}
	if j.Jointype == pg.JoinType_JOIN_INNER || j.Jointype == pg.JoinType_JOIN_RIGHT {
		inner(j.Rarg, f)
	}
}

// SQL prints the statement with queries in the places of the loans. The Lending is used up by it.
func (l *Lending) SQL(bodies []string) (string, error) {
	for i, n := range l.places {
		tree, err := pg.Parse(bodies[i])
		if err != nil || len(tree.Stmts) != 1 {
			return "", sqlerr.New(sqlerr.Internal, "the rows of a relation could not be put into the statement")
		}
		var alias *pg.Alias
		lateral := false
		if rv := n.GetRangeVar(); rv != nil {
			if alias = rv.Alias; alias == nil {
				alias = &pg.Alias{Aliasname: rv.Relname}
			}
		} else {
			alias, lateral = n.GetRangeFunction().Alias, n.GetRangeFunction().Lateral
		}
		n.Node = &pg.Node_RangeSubselect{RangeSubselect: &pg.RangeSubselect{Subquery: tree.Stmts[0].Stmt, Alias: alias, Lateral: lateral}}
	}
	return printed(l.stmt)
}
