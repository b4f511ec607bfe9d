package rewrite

import (
	"fmt"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// value is a translated expression: DuckDB's text with PostgreSQL's type. A numeric has a fixed precision and scale, or is
// dyn: a STRUCT(v HUGEINT, s INTEGER), because PostgreSQL's division chooses the scale of each result from its operands.
type value struct {
	sql  string
	oid  uint32
	p, s int
	dyn  bool
	// lit is the text of a constant whose type is not decided yet; null is an undecided NULL.
	lit  *string
	null bool
	// opaque values are kept as PostgreSQL's text: selected, counted and tested for NULL, nothing else. enum ones may be compared for equality.
	opaque, enum bool
	kept         bool // as text, although DuckDB has a type for it
	Collation
	konst     bool  // no column in it
	shifted   bool  // arithmetic of integers with a constant
	generated bool  // a column that replication leaves out: refused when it is named
	read      *bool // set when the column is named
	at        int32
}

// refusal carries an error out of the translator; Translate catches it.
type refusal struct{ err *sqlerr.Error }

const hintRefused = "PostgreSQL accepts this; the shadow answers only what it is sure to answer alike."

// refuse ends the translation: the shadow does not answer this.
func (t *translator) refuse(at int32, format string, args ...any) {
	e := sqlerr.New(sqlerr.FeatureNotSupported, format, args...).WithHint(hintRefused)
	panic(refusal{t.place(e, at)})
}

// place points an error at a byte offset of the statement.
func (t *translator) place(e *sqlerr.Error, at int32) *sqlerr.Error {
	if at > 0 && int(at) <= len(t.q.sql) {
		return e.At(utf8.RuneCountInString(t.q.sql[:at]) + 1)
	}
	return e
}

// isInt, isNumber and the like are the families that operators are chosen by.
func isInt(oid uint32) bool    { return oid == types.Int2 || oid == types.Int4 || oid == types.Int8 }
func isFloat(oid uint32) bool  { return oid == types.Float4 || oid == types.Float8 }
func isNumber(oid uint32) bool { return isInt(oid) || isFloat(oid) || oid == types.Numeric }
func isText(oid uint32) bool {
	return oid == types.Text || oid == types.Varchar || oid == types.Name
}
func isMoment(oid uint32) bool {
	return oid == types.Date || oid == types.Timestamp || oid == types.TimestampTZ
}

// undecided says that the context will give the type.
func (v value) undecided() bool { return v.lit != nil || v.null }

// duck is the DuckDB type that holds the value inside a query.
func (v value) duck() string {
	if v.oid == types.Numeric {
		if v.dyn {
			return "STRUCT(v HUGEINT, s INTEGER)"
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", v.p, v.s)
	}
	return types.Of(v.oid, -1).DuckDB
}

func (v value) typeName() string {
	if n := types.Of(v.oid, -1).Name; n != "" {
		return n
	}
	return fmt.Sprintf("type %d", v.oid)
}

// cast prints CAST(x AS t).
func cast(sql, duckType string) string { return "CAST(" + sql + " AS " + duckType + ")" }

// call prints f(args).
func call(f string, args ...string) string { return f + "(" + strings.Join(args, ", ") + ")" }

// of makes a value of a type without modifiers.
func of(oid uint32, sql string) value { return value{oid: oid, sql: sql} }

// fixed makes a numeric of known precision and scale.
func fixed(sql string, p, s int) value {
	return value{oid: types.Numeric, sql: sql, p: min(max(p, s, 1), 38), s: s}
}

// dynamic makes a numeric whose scale varies from row to row.
func dynamic(sql string) value { return value{oid: types.Numeric, sql: sql, dyn: true} }

// fail prints an expression that raises an error for the user, of any type.
func fail(code, message string) string { return "error(" + quoteLiteral("FS"+code+":"+message) + ")" }

// comparable refuses what has no order or equality that DuckDB shares.
func (t *translator) comparable(v value, ordered bool) {
	switch {
	case v.enum && !ordered:
	case v.opaque || v.enum:
		t.refuse(v.at, "values of this type cannot be compared in the shadow")
	case ordered && v.Collated:
		t.refuse(v.at, "text of this collation cannot be ordered in the shadow")
	}
}

// key is what a value is ordered and compared by.
func (v value) key() string {
	switch {
	case v.dyn:
		return dynKey(v.sql)
	case v.oid == types.BPChar:
		return v.trimmed()
	case v.oid == types.Interval: // a month is thirty days and a day is 24 hours, in all of the range
		return let(v.sql, "CAST((date_part('year', x) * 12 + date_part('month', x)) * 30 + date_part('day', x) AS HUGEINT) * 86400000000"+
			" + date_part('hour', x) * 3600000000 + date_part('minute', x) * 60000000 + date_part('microseconds', x)")
	}
	return v.sql
}

// trimmed is a character(n) without its padding, which only a few of its own operators see.
func (v value) trimmed() string { return "rtrim(" + v.sql + ", ' ')" }

// location finds where a node stands, or 0.
func location(n *pg.Node) int32 {
	var at int32
	m := n.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); fd != nil {
		c := m.Get(fd).Message()
		if l := c.Descriptor().Fields().ByName("location"); l != nil {
			at = int32(c.Get(l).Int())
		}
	}
	return at
}
