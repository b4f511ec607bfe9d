package rewrite

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// Constant subexpressions, now() and parameters among them, are evaluated by the mirror, which is PostgreSQL itself. The
// engine has it name their types when a statement is prepared and compute them when it runs, in the session's transaction.

// Constant is an expression for the mirror.
type Constant struct {
	SQL    string
	OID    uint32 // 0 until the mirror has named it
	TypMod int32
}

// foldable are the functions that the mirror may compute ahead: immutable or stable, and of no effect.
var foldable = set(`now transaction_timestamp statement_timestamp timeofday date_trunc date_part extract make_date make_time make_timestamp
 make_timestamptz make_interval to_char to_date to_timestamp to_number age justify_days justify_hours justify_interval timezone date timestamptz
 lower upper initcap length char_length substring substr left right trim btrim ltrim rtrim replace concat concat_ws md5 repeat reverse split_part strpos position
 abs ceil ceiling floor round trunc mod power pow sqrt exp ln log sign greatest least coalesce nullif div
 current_setting current_database current_user current_schema version pg_typeof string_to_array array_length cardinality format quote_literal quote_ident
 regexp_replace translate lpad rpad chr ascii to_hex encode decode interval`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// constant says that an expression holds no column, query, aggregate or function that is not known to be safe.
func constant(n *pg.Node) bool {
	ok := true
	visit(n.ProtoReflect(), func(m protoreflect.Message) bool {
		switch c := m.Interface().(type) {
		case *pg.Node, *pg.A_Const, *pg.ParamRef, *pg.TypeCast, *pg.TypeName, *pg.A_Expr, *pg.BoolExpr, *pg.NullTest, *pg.CaseExpr,
			*pg.CaseWhen, *pg.CoalesceExpr, *pg.MinMaxExpr, *pg.SQLValueFunction, *pg.A_ArrayExpr, *pg.String, *pg.List,
			*pg.Integer, *pg.Float, *pg.Boolean, *pg.BitString, *pg.BooleanTest, *pg.NamedArgExpr, *pg.CollateClause:
		case *pg.FuncCall:
			schema, name := funcName(c)
			ok = ok && schema == "" && foldable[name] && c.Over == nil && !c.AggStar && !c.AggDistinct && c.AggFilter == nil && len(c.AggOrder) == 0
		default:
			ok = false
		}
		return ok
	})
	return ok
}

// folds says that an expression is constant and not a plain literal, whose type the context gives.
func folds(n *pg.Node) bool {
	switch n.Node.(type) {
	case *pg.Node_AConst, *pg.Node_List, *pg.Node_RowExpr, *pg.Node_String_, *pg.Node_NamedArgExpr, *pg.Node_CaseWhen,
		*pg.Node_Integer, *pg.Node_Float, *pg.Node_Boolean, *pg.Node_BitString, *pg.Node_TypeName, nil:
		return false
	}
	return constant(n)
}

// Constants are the largest constant expressions of the statement, each once. Their types are for Input.Types, in this order.
func (q *Query) Constants() ([]string, error) {
	var out []string
	seen := map[string]bool{}
	var failed error
	visit(q.stmt.ProtoReflect(), func(m protoreflect.Message) bool {
		n, ok := m.Interface().(*pg.Node)
		if !ok {
			return failed == nil
		}
		if _, isType := n.Node.(*pg.Node_TypeName); isType || !folds(n) {
			return failed == nil && !isType
		}
		text, err := deparse(n)
		if err != nil {
			failed = sqlerr.New(sqlerr.FeatureNotSupported, "this expression is not supported by the shadow").WithHint(hintRefused).WithDetail("%s", err.Error())
		} else if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
		return false
	})
	return out, failed
}

var elements = map[uint32]uint32{1000: types.Bool, 1005: types.Int2, 1007: types.Int4, 1016: types.Int8, 1009: types.Text, 1015: types.Varchar,
	1231: types.Numeric, 1021: types.Float4, 1022: types.Float8, 1182: types.Date, 1115: types.Timestamp, 1185: types.TimestampTZ, 2951: types.UUID}

// Text is the SELECT item with which the mirror computes the constant in a form that no setting of the session changes.
func (c Constant) Text() string {
	e := "(" + c.SQL + ")"
	switch c.OID {
	case types.Float4, types.Float8:
		return "pg_catalog.encode(pg_catalog.float8send(" + e + "::float8), 'hex')"
	case types.Date, types.Timestamp, types.TimestampTZ, types.Time:
		return "pg_catalog.to_json(" + e + ") #>> '{}'"
	case types.Interval:
		return fmt.Sprintf("(extract(year from %[1]s) * 12 + extract(month from %[1]s))::int || ' ' || extract(day from %[1]s)::int || ' ' || "+
			"(extract(hour from %[1]s) * 3600000000 + extract(minute from %[1]s) * 60000000 + extract(microseconds from %[1]s))::bigint", e)
	case types.LSN:
		return "(" + e + " - '0/0'::pg_lsn)::text"
	case types.Bytea:
		return "pg_catalog.encode(" + e + ", 'hex')"
	case types.BPChar: // a cast to text would take the padding away
		return "CASE WHEN " + e + " IS NOT NULL THEN pg_catalog.concat(" + e + ") END"
	}
	if _, ok := elements[c.OID]; ok {
		return "pg_catalog.to_json(" + e + ")::text"
	}
	return e + "::text"
}

// literal prints a computed constant in DuckDB's words. A nil text is NULL.
func (t *translator) literal(oid uint32, text *string, at int32) value {
	v := value{oid: oid, konst: true, at: at}
	ty := types.Of(oid, -1)
	if oid == types.Numeric {
		return t.numericLiteral(text, at)
	}
	v.opaque = !ty.Exact && oid != types.BPChar
	if text == nil {
		v.sql = cast("NULL", ty.DuckDB)
		return v
	}
	switch oid {
	case types.Float4, types.Float8:
		v.sql = cast(quoteLiteral(floatText(*text)), ty.DuckDB)
	case types.Interval:
		f := strings.Fields(*text)
		if len(f) != 3 {
			f = []string{"0", "0", "0"} // not computed yet
		}
		v.sql = fmt.Sprintf("(to_months(%s) + to_days(%s) + to_microseconds(%s))", f[0], f[1], f[2])
	case types.Bytea:
		v.sql = "from_hex(" + quoteLiteral(*text) + ")"
	case types.Text, types.Varchar, types.Name:
		v.sql = quoteLiteral(*text)
	case types.Bool:
		v.sql = strings.ToUpper(*text)
	default:
		if isMoment(oid) && strings.HasSuffix(*text, "BC") {
			t.refuse(at, "dates before Christ are not supported by the shadow")
		}
		v.sql = cast(quoteLiteral(*text), ty.DuckDB)
	}
	return v
}

// floatText reads float8send's bytes.
func floatText(h string) string {
	b, err := hex.DecodeString(h)
	if err != nil || len(b) != 8 {
		return "NaN"
	}
	var bits uint64
	for _, x := range b {
		bits = bits<<8 | uint64(x)
	}
	return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64)
}

// numericLiteral keeps the digits as they are written: they carry the scale.
func (t *translator) numericLiteral(text *string, at int32) value {
	if text == nil {
		v := fixed(cast("NULL", "DECIMAL(1,0)"), 1, 0)
		v.konst = true
		return v
	}
	s := plainDecimal(*text)
	digits := strings.TrimLeft(strings.ReplaceAll(strings.TrimLeft(s, "+-"), ".", ""), "0")
	_, frac, _ := strings.Cut(s, ".")
	p := max(len(digits), len(frac), 1)
	if s == "" || p > 38 {
		t.refuse(at, "this number is not supported by the shadow")
	}
	v := fixed(cast(quoteLiteral(s), fmt.Sprintf("DECIMAL(%d,%d)", p, len(frac))), p, len(frac))
	v.konst = true
	v.at = at
	return v
}

// plainDecimal writes 1.5e3 as 1500, as PostgreSQL reads it; "" for what is no number.
func plainDecimal(s string) string {
	m, exp, hasExp := strings.Cut(strings.ToLower(strings.ReplaceAll(s, "_", "")), "e")
	e, err := strconv.Atoi(exp)
	if hasExp && (err != nil || e > 100 || e < -100) {
		return ""
	}
	neg := strings.HasPrefix(m, "-")
	whole, frac, _ := strings.Cut(strings.TrimLeft(m, "+-"), ".")
	if strings.Trim(whole+frac, "0123456789") != "" || whole+frac == "" {
		return ""
	}
	for ; e > 0; e-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; e < 0; e++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if neg {
		return "-" + whole
	}
	return whole
}

// list reads a constant array into its elements; ok is false for a NULL array.
func (t *translator) list(oid uint32, text *string, at int32) (items []value, ok bool) {
	elem, known := elements[oid]
	if !known {
		t.refuse(at, "arrays of this type are not supported by the shadow")
	}
	if text == nil {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(*text))
	d.UseNumber()
	var raw []any
	if err := d.Decode(&raw); err != nil {
		t.refuse(at, "arrays of several dimensions are not supported by the shadow")
	}
	for _, r := range raw {
		var item *string
		switch x := r.(type) {
		case nil:
		case string:
			item = &x
		case json.Number:
			s := x.String()
			item = &s
		case bool:
			s := strconv.FormatBool(x)
			item = &s
		default:
			t.refuse(at, "arrays of several dimensions are not supported by the shadow")
		}
		if isFloat(elem) && item != nil {
			v := of(elem, cast(quoteLiteral(*item), types.Of(elem, -1).DuckDB))
			items = append(items, v)
			continue
		}
		items = append(items, t.literal(elem, item, at))
	}
	return items, true
}

// Number reads the text of a computed number, which for a float is float8send's bytes.
func Number(text string) (float64, error) {
	if len(text) == 16 {
		text = floatText(text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("read number: %w", err)
	}
	return v, nil
}
