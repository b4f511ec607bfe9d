package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/ast"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Column is one column of a relation as the mirror describes it. Enum marks an enum type,
// Generated one that replication leaves out, Kept one that the shadow keeps as PostgreSQL's text because it holds a value that DuckDB's type cannot.
type Column struct {
	Name                  string
	OID                   uint32
	TypMod                int32
	Enum, Generated, Kept bool
	Collation
}

// Collation is what the shadow must know of text's: Collated, that it is not ordered by bytes; Cased, that its upper and lower case are not Unicode's.
type Collation struct{ Collated, Cased bool }

// Relation is what a name of the statement stands for.
type Relation struct {
	OID     uint32
	Schema  string
	Name    string
	Columns []Column
	Key     []string          // names of the primary key's columns
	Hidden  map[string]string // columns that this login may not see: name -> the SQL condition under which they are NULL
	Parent  bool              // it is partitioned
	Default Collation         // the database's
	Then    bool              // the columns are those of the moment that the relation is read at, not today's
}

// Input is what the mirror said. Values are the constants' texts in the order of Constants followed by those of
// Plan.Constants; nil while a statement is only prepared, when the plan is good for its checks alone.
type Input struct {
	Relations map[string]*Relation
	Then      map[int]*Relation // those of a moment in the past, by the location of their names
	Fields    []result.Field    // as announced; nil takes our own idea of the types
	Constants []Constant
	Values    []*string
	ISODates  bool                   // the session's DateStyle is ISO, so that dates cast to text look alike
	Plain     bool                   // all settings that change the text of values are those with which the primary wrote it
	Alike     func(zone string) bool // DuckDB counts in a time zone as PostgreSQL does, "" being the session's; nil before it runs
	Lent      bool                   // the rows go to PostgreSQL, which reads the text of columns that are kept as text
}

// Use is one relation that the plan reads: from the shadow or from memory.
type Use struct {
	CTE      string
	Relation *Relation  // nil for a function
	Period   ast.Period // zero for the session's
	Columns  []string
	Read     []bool // which of the relation's columns the statement names
	Function string // of schema foreshadow
	Args     []*string
}

// Plan is the translated statement. SQL lacks only the definitions of Uses.
type Plan struct {
	body      string
	Uses      []Use
	Constants []Constant // those of Input, and then what the translation added
}

// maxSQL bounds the text for DuckDB, which may be much longer than PostgreSQL's.
const maxSQL = 4 << 20

// maxRelations bounds what DuckDB's planner is asked to join.
const maxRelations = 200

// Translate prints the statement for DuckDB or refuses it.
func (q *Query) Translate(in Input) (plan *Plan, err error) {
	t := &translator{q: q, in: in, constants: append([]Constant{}, in.Constants...), known: map[string]int{}}
	for i, c := range in.Constants {
		t.known[c.SQL] = i
	}
	defer func() {
		if r := recover(); r != nil {
			plan, err = nil, sqlerr.New(sqlerr.Internal, "the statement could not be translated: %v", r)
			if refused, ok := r.(refusal); ok {
				err = refused.err
			}
		}
	}()
	for _, r := range in.Relations {
		t.collation.Collated, t.collation.Cased = t.collation.Collated || r.Default.Collated, t.collation.Cased || r.Default.Cased
	}
	if len(q.names) > maxRelations {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement names too many relations")
	}
	sel := q.stmt.GetSelectStmt()
	rel := t.selectStmt(sel, nil)
	body := t.outermost(rel)
	if len(body) > maxSQL {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is too complex for the shadow")
	}
	return &Plan{body: body, Uses: t.uses, Constants: t.constants}, nil
}

// SQL joins the body with the definitions of its relations, in the order of Uses. A definition must yield the columns by name.
func (p *Plan) SQL(definitions []string) string {
	var b strings.Builder
	for i, u := range p.Uses {
		b.WriteString(map[bool]string{true: "WITH ", false: ",\n"}[i == 0])
		fmt.Fprintf(&b, "%s AS (SELECT %s FROM (%s) AS s)", u.CTE, strings.Join(u.Columns, ", "), definitions[i])
	}
	if len(p.Uses) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(p.body)
	return b.String()
}

// translator holds one translation's state.
type translator struct {
	q         *Query
	in        Input
	constants []Constant
	known     map[string]int
	uses      []Use
	serial    int
	collation Collation                     // the database's
	touched   struct{ collated, cased int } // how many columns with a collation of their own have been named
	setops    int
	depth     int
}

// name makes an alias that nothing else has.
func (t *translator) name(prefix string) string {
	t.serial++
	return fmt.Sprintf("%s%d", prefix, t.serial)
}

// outermost casts each column to the type that carries what PostgreSQL announced.
func (t *translator) outermost(rel *table) string {
	if t.in.Fields == nil {
		for _, c := range t.decided(rel).cols {
			t.in.Fields = append(t.in.Fields, result.Field{Name: c.name, TypeOID: c.oid, TypMod: -1})
		}
	}
	if len(rel.cols) != len(t.in.Fields) {
		t.refuse(0, "this statement is not supported by the shadow")
	}
	items := make([]string, len(rel.cols))
	for i, c := range rel.cols {
		items[i] = t.announced(c.value, t.in.Fields[i]) + fmt.Sprintf(" AS c%d", i+1)
	}
	if len(items) == 0 {
		t.refuse(0, "a statement without columns is not supported by the shadow")
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + rel.sql + ") AS " + rel.alias
}

// announced checks our idea of a type against PostgreSQL's and casts.
func (t *translator) announced(v value, f result.Field) string {
	ty := types.Of(f.TypeOID, f.TypMod)
	same := v.oid == f.TypeOID || isText(v.oid) && isText(f.TypeOID) || v.undecided() && isText(f.TypeOID)
	if !same {
		t.refuse(0, "column \"%s\" has a type that the shadow cannot compute", f.Name)
	}
	if v.kept {
		return v.sql
	}
	if v.opaque && !t.in.Plain && !t.in.Lent && styled(v) {
		t.refuse(0, "column \"%s\" is kept as text, which another DateStyle, TimeZone or format of output would change", f.Name)
	}
	if v.dyn && ty.Kind != result.Decimal {
		return dynText(v.sql)
	}
	if v.dyn {
		_, s, _ := types.Precision(f.TypMod)
		v = t.round(v, s, false)
	}
	if v.oid == types.Numeric && ty.Kind != result.Decimal && !v.opaque {
		return t.text(v)
	}
	if isMoment(v.oid) && !v.opaque { // PostgreSQL's calendar begins later than DuckDB's
		what := map[bool]string{true: "date", false: "timestamp"}[v.oid == types.Date]
		return fmt.Sprintf("CASE WHEN %[1]s < '4714-11-24 (BC)' AND isfinite(%[1]s) THEN %[2]s ELSE %[3]s END", v.sql, cast(fail("22008", what+" out of range"), ty.DuckDB), cast(v.sql, ty.DuckDB))
	}
	return cast(v.sql, ty.DuckDB)
}

// zoned refuses what hangs on a time zone, "" being the session's, in which DuckDB does not count as PostgreSQL does.
func (t *translator) zoned(zone string, at int32) {
	if t.in.Alike != nil && !t.in.Alike(zone) {
		t.refuse(at, "this time zone has other rules in the shadow")
	}
}

// FirstUserOID is the first that PostgreSQL gives to what users make.
const FirstUserOID = 16384

// styledTypes are PostgreSQL's own whose text holds moments, intervals, floats or bytes: arrays and ranges of these, and the geometric types.
var styledTypes = set(`600 601 602 603 604 628 718 629 719 1017 1018 1019 1020 1027 1001 1021 1022 1115 1182 1185 1187 3908 3909 3910 3911 3912 3913
 4533 4534 4535 6152 6153 6155`)

// styled says that settings of the session may change the text of a value. Of users' types only enums are known not to be.
func styled(v value) bool {
	return v.oid >= FirstUserOID && !v.enum || styledTypes[strconv.FormatUint(uint64(v.oid), 10)]
}

// computed gives a constant expression's value. It was listed by Constants.
func (t *translator) computed(n *pg.Node) (oid uint32, text *string) {
	sql, err := deparse(n)
	if err != nil {
		t.refuse(location(n), "this expression is not supported by the shadow")
	}
	i, ok := t.known[sql]
	if !ok {
		t.refuse(location(n), "this expression is not supported by the shadow")
	}
	return t.constants[i].OID, t.valueOf(i)
}

// coerced asks the mirror to read a literal as a type, once for each text and type.
func (t *translator) coerced(lit string, oid uint32, at int32) *string {
	sql := "CAST(" + quotePostgres(lit) + " AS " + pgName(oid) + ")"
	i, ok := t.known[sql]
	if !ok {
		i = len(t.constants)
		t.known[sql] = i
		t.constants = append(t.constants, Constant{SQL: sql, OID: oid, TypMod: -1})
	}
	return t.valueOf(i)
}

func (t *translator) valueOf(i int) *string {
	if i < len(t.in.Values) {
		return t.in.Values[i]
	}
	return nil
}

// preparing says that no values are known yet.
func (t *translator) preparing() bool { return t.in.Values == nil }

// quotePostgres quotes for the mirror whatever standard_conforming_strings says there.
func quotePostgres(s string) string {
	if strings.Contains(s, `\`) {
		return "E'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
	}
	return quoteLiteral(s)
}

// pgName is a type's name for a cast on the mirror.
func pgName(oid uint32) string {
	switch oid {
	case types.Name:
		return "pg_catalog.name"
	case types.Unknown:
		return "pg_catalog.text"
	}
	return types.Of(oid, -1).Name
}
