package rewrite

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// Direction says how FETCH and MOVE count.
type Direction uint8

// The directions: so many rows onward, so many back, to a row by its number, to a row by its distance.
const (
	Forward Direction = iota
	Backward
	Absolute
	Relative
)

// All is the count of FETCH ALL.
const All = int64(1<<63 - 1)

// Fetch is a FETCH or a MOVE.
type Fetch struct {
	Cursor    string
	Move      bool
	Direction Direction
	Count     int64
}

// Fetch reads a FETCH or MOVE; ok is false for any other statement.
func (q *Query) Fetch() (f Fetch, ok bool) {
	n := q.stmt.GetFetchStmt()
	if n == nil {
		return f, false
	}
	f = Fetch{Cursor: n.Portalname, Move: n.Ismove, Count: n.HowMany}
	switch n.Direction {
	case pg.FetchDirection_FETCH_BACKWARD:
		f.Direction = Backward
	case pg.FetchDirection_FETCH_ABSOLUTE:
		f.Direction = Absolute
	case pg.FetchDirection_FETCH_RELATIVE:
		f.Direction = Relative
	}
	return f, true
}

// Declared is a DECLARE CURSOR.
type Declared struct {
	Cursor         string
	Binary, Scroll bool
}

// The bits of a cursor's options, as PostgreSQL's parser sets them.
const (
	optionBinary = 1
	optionScroll = 2
)

// Declared reads a DECLARE CURSOR; ok is false for any other statement.
func (q *Query) Declared() (d Declared, ok bool) {
	n := q.stmt.GetDeclareCursorStmt()
	if n == nil {
		return d, false
	}
	return Declared{Cursor: n.Portalname, Binary: n.Options&optionBinary != 0, Scroll: n.Options&optionScroll != 0}, true
}

// Closed is the cursor that a CLOSE names, "" for all; ok is false for any other statement.
func (q *Query) Closed() (cursor string, ok bool) {
	n := q.stmt.GetClosePortalStmt()
	return n.GetPortalname(), n != nil
}

// EndsNames says whether the statement may end cursors: those of its transaction or of a savepoint, or all.
func (q *Query) EndsNames() bool {
	return q.stmt.GetTransactionStmt() != nil || q.stmt.GetDiscardStmt() != nil || q.stmt.GetClosePortalStmt() != nil
}

// Notified is the channel of a NOTIFY; ok is false for any other statement.
func (q *Query) Notified() (channel string, ok bool) {
	n := q.stmt.GetNotifyStmt()
	return n.GetConditionname(), n != nil
}

// Listens says whether the statement may change the channels that are listened to.
func (q *Query) Listens() bool {
	return q.stmt.GetListenStmt() != nil || q.stmt.GetUnlistenStmt() != nil || q.stmt.GetDiscardStmt() != nil
}

// Prepared is a PREPARE: its name and the types that it gives to parameters.
type Prepared struct {
	Name  string
	Types []string
}

// Prepared reads a PREPARE; ok is false for any other statement.
func (q *Query) Prepared() (p Prepared, ok bool, err error) {
	n := q.stmt.GetPrepareStmt()
	if n == nil {
		return p, false, nil
	}
	p.Name = n.Name
	for _, t := range n.Argtypes {
		text, err := deparse(&pg.Node{Node: &pg.Node_TypeCast{TypeCast: &pg.TypeCast{Arg: &pg.Node{Node: &pg.Node_AConst{AConst: &pg.A_Const{Isnull: true}}}, TypeName: t.GetTypeName()}}})
		if err != nil {
			return p, true, err
		}
		p.Types = append(p.Types, text)
	}
	return p, true, nil
}

// Executed is the name that an EXECUTE, or an EXPLAIN of one, gives; ok is false for any other statement.
func (q *Query) Executed() (name string, explained, ok bool) {
	if n := q.stmt.GetExecuteStmt(); n != nil {
		return n.Name, false, true
	}
	if n := q.stmt.GetExplainStmt().GetQuery().GetExecuteStmt(); n != nil {
		return n.Name, true, true
	}
	return "", false, false
}

// ExplainOptions are the options of an EXPLAIN by name; ok is false for any other statement.
func (q *Query) ExplainOptions() (options map[string]string, ok bool) {
	n := q.stmt.GetExplainStmt()
	if n == nil {
		return nil, false
	}
	options = map[string]string{}
	for _, o := range n.Options {
		e := o.GetDefElem()
		options[e.Defname] = optionText(e.Arg)
	}
	return options, true
}

// Inner is where the query that a DECLARE, a PREPARE or an EXPLAIN holds begins in the text.
func (q *Query) Inner() int {
	scan, err := pg.Scan(q.sql)
	if err != nil {
		return 0
	}
	var tokens []*pg.ScanToken
	for _, t := range scan.Tokens {
		if t.Token != pg.Token_SQL_COMMENT && t.Token != pg.Token_C_COMMENT {
			tokens = append(tokens, t)
		}
	}
	if q.stmt.GetExplainStmt() != nil {
		return explained(tokens)
	}
	before := pg.Token_FOR // reserved words, which no name before them can be
	if q.stmt.GetPrepareStmt() != nil {
		before = pg.Token_AS
	}
	for _, t := range tokens {
		if t.Token == before {
			return int(t.End)
		}
	}
	return 0
}

// explained finds the end of EXPLAIN's options: words, or a list in parentheses, which a query may begin with too.
func explained(tokens []*pg.ScanToken) int {
	i := 1
	for i < len(tokens) && (tokens[i].Token == pg.Token_ANALYZE || tokens[i].Token == pg.Token_ANALYSE || tokens[i].Token == pg.Token_VERBOSE) {
		i++
	}
	const open, closed = pg.Token_ASCII_40, pg.Token_ASCII_41
	if i == 1 && len(tokens) > 2 && tokens[1].Token == open && !begins(tokens[2].Token) {
		for i < len(tokens) && tokens[i].Token != closed {
			i++
		}
		i++
	}
	return int(tokens[min(i, len(tokens))-1].End)
}

// begins says whether a query may begin with a token.
func begins(t pg.Token) bool {
	switch t {
	case pg.Token_SELECT, pg.Token_WITH, pg.Token_VALUES, pg.Token_TABLE, pg.Token_ASCII_40:
		return true
	}
	return false
}
