package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// function translates a call from its translated arguments. Anything that is not a row of functions, aggregates or
// windowFunctions is refused.
type function func(t *translator, args []value, at int32) value

// functions are the scalar functions that DuckDB computes as PostgreSQL does, or can be made to.
var functions = map[string]function{
	// text
	"length": textToInt("length"), "char_length": textToInt("length"), "character_length": textToInt("length"), "octet_length": octets,
	"lower": lower, "upper": upper, "md5": textToText("md5", 1), "replace": replace, "translate": textToText("translate", 3),
	"btrim": trim("trim"), "ltrim": trim("ltrim"), "rtrim": trim("rtrim"), "split_part": splitPart, "left": leftRight("left"), "right": leftRight("right"),
	"lpad": pad("lpad"), "rpad": pad("rpad"), "substring": substring, "substr": substring, "strpos": position, "position": position,
	"concat": concatAll, "starts_with": startsWith, "ascii": textToInt("ascii"), "to_char": toChar,
	// numbers
	"abs": absolute, "round": rounding("round"), "trunc": rounding("trunc"), "ceil": wholes("ceil"), "ceiling": wholes("ceil"), "floor": wholes("floor"),
	"mod": modulo, "power": floats("pow", 2), "pow": floats("pow", 2), "sqrt": floats("sqrt", 1), "exp": floats("exp", 1), "ln": floats("ln", 1), "sign": sign,
	"float8": castTo(types.Float8), "int4": castTo(types.Int4), "int8": castTo(types.Int8), "numeric": castTo(types.Numeric),
	// time
	"date_trunc": dateTrunc, "extract": extract, "date_part": datePart, "timezone": timezone, "date": castTo(types.Date), "to_timestamp": toTimestamp,
}

func castTo(oid uint32) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, 1, at)
		return t.explicit(args[0], oid)
	}
}

// count refuses a call with another number of arguments: that would be another function.
func (t *translator) count(args []value, n int, at int32) {
	if len(args) != n {
		t.refuse(at, "this form of the function is not supported by the shadow")
	}
}

// funcCall finds the function, aggregate or window function.
func (t *translator) funcCall(s *scope, n *pg.FuncCall) value {
	schema, name := funcName(n)
	if schema != "" {
		t.refuse(n.Location, "function %s.%s is not supported by the shadow", schema, name)
	}
	if n.FuncVariadic {
		t.refuse(n.Location, "VARIADIC is not supported by the shadow")
	}
	if n.Over != nil {
		return t.windowCall(s, n, name)
	}
	if agg, ok := aggregates[name]; ok {
		return t.aggregate(s, n, agg, "")
	}
	f, ok := functions[name]
	if !ok {
		t.refuse(n.Location, "function %s is not supported by the shadow", name)
	}
	args := make([]value, len(n.Args))
	for i, a := range n.Args {
		args[i] = numbered(t.expr(s, a))
		if args[i].opaque {
			t.refuse(n.Location, "values of this type cannot be computed with in the shadow")
		}
	}
	return f(t, args, n.Location)
}

func textToInt(f string) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, 1, at)
		return of(types.Int4, cast(call(f, t.stringArg(args[0])), "INTEGER"))
	}
}

func octets(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	return textToInt("strlen")(t, []value{padded(args[0])}, at)
}

func textToText(f string, n int) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, n, at)
		texts := make([]string, n)
		for i, a := range args {
			texts[i] = t.stringArg(a)
		}
		return of(types.Text, call(f, texts...))
	}
}

func lower(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	t.folds(args[0], at)
	return of(types.Text, call("lower", t.stringArg(args[0])))
}

// upper leaves ß as it is, unlike DuckDB.
func upper(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	t.folds(args[0], at)
	v := t.stringArg(args[0])
	return of(types.Text, fmt.Sprintf("CASE WHEN contains(%[1]s, 'ß') THEN array_to_string(list_transform(string_split(%[1]s, 'ß'), lambda x: upper(x)), 'ß') ELSE upper(%[1]s) END", v))
}

// folds refuses text whose upper and lower case are not those of Unicode.
func (t *translator) folds(v value, at int32) {
	if v.Cased {
		t.refuse(at, "upper and lower case of this collation are not supported by the shadow")
	}
}

// replace of nothing leaves the text alone in both engines.
func replace(t *translator, args []value, at int32) value {
	t.count(args, 3, at)
	from := t.stringArg(args[1])
	return of(types.Text, fmt.Sprintf("CASE WHEN %[2]s = '' THEN CASE WHEN %[3]s IS NULL THEN NULL ELSE %[1]s END ELSE replace(%[1]s, %[2]s, %[3]s) END", t.stringArg(args[0]), from, t.stringArg(args[2])))
}

// trim takes spaces only unless it is told otherwise.
func trim(f string) function {
	return func(t *translator, args []value, at int32) value {
		chars := "' '"
		if len(args) == 2 {
			chars = t.stringArg(args[1])
		} else {
			t.count(args, 1, at)
		}
		return of(types.Text, call(f, t.stringArg(args[0]), chars))
	}
}

func splitPart(t *translator, args []value, at int32) value {
	t.count(args, 3, at)
	n := t.constInt(args[2], "the field number")
	if n == 0 {
		panic(refusal{sqlErr("22023", "field position must not be zero")})
	}
	d := t.literalArg(args[1], "the delimiter")
	if d == "" {
		t.refuse(at, "an empty delimiter is not supported by the shadow")
	}
	return of(types.Text, call("split_part", t.stringArg(args[0]), quoteLiteral(d), strconv.FormatInt(n, 10)))
}

// constInt is an argument that must be a constant integer.
func (t *translator) constInt(v value, what string) int64 {
	text := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(v.sql, "CAST("), " AS INTEGER)"), " AS BIGINT)")
	n, err := strconv.ParseInt(strings.Trim(text, "'"), 10, 64)
	if t.preparing() && v.konst && err != nil {
		return 1
	}
	if !v.konst || !isInt(v.oid) || err != nil {
		t.refuse(v.at, "%s must be a constant in the shadow", what)
	}
	return n
}

func leftRight(f string) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, 2, at)
		return of(types.Text, call(f, t.stringArg(args[0]), t.as(args[1], types.Int4).sql))
	}
}

// maxPad bounds what a statement may make of one value: DuckDB cannot be interrupted while it pads.
const maxPad = 10000

func pad(f string) function {
	return func(t *translator, args []value, at int32) value {
		fill := "' '"
		if len(args) == 3 {
			if fill = quoteLiteral(t.literalArg(args[2], "the padding")); fill == "''" {
				t.refuse(at, "empty padding is not supported by the shadow")
			}
		} else {
			t.count(args, 2, at)
		}
		n := t.constInt(args[1], "the length")
		if n > maxPad {
			t.refuse(at, "a length above %d is not supported by the shadow", maxPad)
		}
		return of(types.Text, call(f, t.stringArg(args[0]), strconv.FormatInt(max(n, 0), 10), fill))
	}
}

// substring counts from the left only; positions before the first are empty, and a negative length is an error.
func substring(t *translator, args []value, at int32) value {
	if len(args) < 2 || !isInt(args[1].oid) {
		t.refuse(at, "this form of substring is not supported by the shadow")
	}
	from := t.as(args[1], types.Int4).sql
	if len(args) == 2 {
		return of(types.Text, fmt.Sprintf("CASE WHEN %[2]s IS NOT NULL THEN substr(%[1]s, greatest(%[2]s, 1)) END", t.stringArg(args[0]), from))
	}
	t.count(args, 3, at)
	n := t.as(args[2], types.Int4).sql
	return of(types.Text, fmt.Sprintf("CASE WHEN %[3]s < 0 THEN %[4]s WHEN %[2]s IS NOT NULL AND %[3]s IS NOT NULL THEN substr(%[1]s, greatest(%[2]s, 1), greatest(CAST(%[2]s AS BIGINT) + %[3]s - greatest(%[2]s, 1), 0)) END",
		t.stringArg(args[0]), from, n, fail("22011", "negative substring length not allowed")))
}

func position(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	hay, needle := t.stringArg(args[0]), t.stringArg(args[1])
	return of(types.Int4, fmt.Sprintf("CASE WHEN %[2]s = '' AND %[1]s IS NOT NULL THEN CAST(1 AS INTEGER) ELSE CAST(strpos(%[1]s, %[2]s) AS INTEGER) END", hay, needle))
}

func startsWith(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	return of(types.Bool, call("starts_with", t.stringArg(args[0]), t.stringArg(args[1])))
}

// concatAll passes over NULL and prints what is no text.
func concatAll(t *translator, args []value, at int32) value {
	parts := make([]string, len(args))
	for i, a := range args {
		if a.undecided() {
			a = t.as(a, types.Text)
		}
		if a.oid == types.Bool {
			t.refuse(at, "concat of boolean is not supported by the shadow")
		}
		parts[i] = t.text(padded(a))
	}
	return of(types.Text, call("concat", parts...))
}

func absolute(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	v := args[0]
	switch {
	case v.dyn:
		return dynamic(let(v.sql, "CASE WHEN x.v IS NOT NULL THEN {v: abs(x.v), s: x.s} END"))
	case !isNumber(v.oid):
		t.refuse(at, "this form of abs is not supported by the shadow")
	}
	v.sql = cast("abs("+v.sql+")", v.duck())
	return v
}

// rounding is round and trunc, with the number of digits as a constant.
func rounding(name string) function {
	return func(t *translator, args []value, at int32) value {
		digits := 0
		if len(args) == 2 {
			digits = int(t.constInt(args[1], "the number of digits"))
		} else {
			t.count(args, 1, at)
		}
		v := args[0]
		switch {
		case len(args) == 1 && (isFloat(v.oid) || isInt(v.oid)):
			v = t.explicit(v, types.Float8)
			if name == "round" {
				// of halves beyond 2^50 round_even is not sure, and 2^52 is whole; a cast would lose the sign of 0
				return of(types.Float8, fmt.Sprintf("CASE WHEN abs(%[1]s) < 1e9 THEN round_even(%[1]s, 0) WHEN abs(%[1]s) < 4503599627370496 THEN CAST(CAST(%[1]s AS BIGINT) AS DOUBLE) ELSE %[1]s END", v.sql))
			}
			return of(types.Float8, fmt.Sprintf("CASE WHEN %[1]s < 0 THEN ceil(%[1]s) ELSE floor(%[1]s) END", v.sql)) // keeps the sign of 0
		case v.oid != types.Numeric && !isInt(v.oid):
			t.refuse(at, "%s of this type is not supported by the shadow", name)
		}
		return t.round(v, digits, name == "trunc")
	}
}

func wholes(f string) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, 1, at)
		v := args[0]
		switch {
		case isFloat(v.oid), isInt(v.oid):
			return of(types.Float8, call(f, t.explicit(v, types.Float8).sql))
		case v.oid != types.Numeric:
			t.refuse(at, "%s of this type is not supported by the shadow", f)
		case v.dyn:
			v = t.floorDyn(v, f)
		default:
			return fixed(cast(call(f, v.sql), fmt.Sprintf("DECIMAL(%d,0)", min(v.p-v.s+1, 38))), min(v.p-v.s+1, 38), 0)
		}
		return v
	}
}

// floorDyn is floor and ceil of a struct: the truncated quotient, moved by one towards the wanted side.
func (t *translator) floorDyn(v value, f string) value {
	step := "CASE WHEN x.v < 0 AND x.v % x.d <> 0 THEN -1 ELSE 0 END"
	if f == "ceil" {
		step = "CASE WHEN x.v > 0 AND x.v % x.d <> 0 THEN 1 ELSE 0 END"
	}
	return unscale(let(let(v.sql, "{v: x.v, d: "+pow10("x.s")+"}"), "x.v // x.d + "+step), 0)
}

func modulo(t *translator, args []value, at int32) value {
	t.count(args, 2, at)
	if !isNumber(args[0].oid) || !isNumber(args[1].oid) {
		t.refuse(at, "this form of mod is not supported by the shadow")
	}
	return t.number("%", args[0], args[1], at)
}

// floats are functions of float8; the numeric ones of the same name have digits of their own and are refused.
func floats(f string, n int) function {
	return func(t *translator, args []value, at int32) value {
		t.count(args, n, at)
		texts := make([]string, n)
		for i, a := range args {
			if a.oid == types.Numeric && !a.konst || !isNumber(a.oid) || a.oid == types.Numeric && n == 1 {
				t.refuse(at, "%s of numeric is not supported by the shadow", f)
			}
			texts[i] = t.explicit(a, types.Float8).sql
		}
		if f == "exp" || f == "pow" {
			return of(types.Float8, within(f, texts))
		}
		return of(types.Float8, call(f, texts...))
	}
}

// within raises an error where a function of finite numbers other than 0 gives none, or 0, which PostgreSQL may say is an underflow.
func within(f string, args []string) string {
	finite := make([]string, len(args))
	for i, a := range args {
		finite[i] = "isfinite(" + a + ")"
	}
	zero := "x.r = 0"
	if f == "pow" {
		zero += " AND x.a <> 0"
	}
	return let("{r: "+call(f, args...)+", a: "+args[0]+", f: "+strings.Join(finite, " AND ")+"}",
		"CASE WHEN x.f AND (NOT isfinite(x.r) OR "+zero+") THEN "+fail("22003", "value out of range")+" ELSE x.r END")
}

func sign(t *translator, args []value, at int32) value {
	t.count(args, 1, at)
	v := args[0]
	if v.dyn || !isNumber(v.oid) {
		t.refuse(at, "sign of this value is not supported by the shadow")
	}
	if v.oid == types.Numeric {
		return fixed(cast("sign("+v.sql+")", "DECIMAL(1,0)"), 1, 0)
	}
	return of(types.Float8, cast("sign("+t.explicit(v, types.Float8).sql+")", "DOUBLE"))
}
