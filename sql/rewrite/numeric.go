package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	"foreshadow/sql/types"
)

// PostgreSQL's numeric keeps a display scale with every value. As long as the scale follows from the types it is a DECIMAL;
// division, averages and casts from float choose it from the operands (select_div_scale in numeric.c), and give a struct of
// the unscaled number v and its scale s. The formulas bind their operands once, through a one-element list and a lambda,
// as nested text would double with each level. Numbers beyond 38 digits raise an error rather than lose a digit.

// let prints body with x bound to the value of in.
func let(in, body string) string { return "list_transform([" + in + "], lambda x: " + body + ")[1]" }

// pow10 prints 10^n as a HUGEINT; n may be an expression.
func pow10(n string) string { return "CAST(rpad('1', CAST(" + n + " AS INTEGER) + 1, '0') AS HUGEINT)" }

// roundDiv prints n / d as whole numbers, rounded half away from zero. Both are plain names.
func roundDiv(n, d string) string {
	return fmt.Sprintf("(%s // %s + CASE WHEN abs(%s %% %s) >= abs(%s) - abs(%s %% %s) THEN CASE WHEN (%s < 0) = (%s < 0) THEN 1 ELSE -1 END ELSE 0 END)",
		n, d, n, d, d, n, d, n, d)
}

// numbered reads a numeric without a precision, which the shadow keeps as text, into the struct. What is no number of 38 digits is an error of DuckDB's.
func numbered(v value) value {
	if v.oid != types.Numeric || !v.opaque || v.kept {
		return v
	}
	parse := func(x string) string {
		return fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN {v: CAST(replace(%[1]s, '.', '') AS HUGEINT), s: CAST(CASE WHEN contains(%[1]s, '.') THEN strlen(%[1]s) - strpos(%[1]s, '.') ELSE 0 END AS INTEGER)} END", x)
	}
	n := dynamic("(" + parse(v.sql) + ")")
	if strings.ContainsAny(v.sql, "( ") {
		n = dynamic(let(v.sql, parse("x")))
	}
	n.at, n.konst = v.at, v.konst
	return n
}

// dyn turns any exact number into the struct.
func (t *translator) dyn(v value) string {
	v = t.toNumeric(numbered(v))
	if v.dyn {
		return v.sql
	}
	unscaled := cast(v.sql, "HUGEINT")
	if v.s > 0 {
		unscaled = fmt.Sprintf("CAST(%s * CAST(1%s AS DECIMAL(%d,0)) AS HUGEINT)", v.sql, strings.Repeat("0", v.s), v.s+1)
	}
	return fmt.Sprintf("(CASE WHEN %s IS NOT NULL THEN {v: %s, s: %d} END)", v.sql, unscaled, v.s)
}

// toNumeric widens an integer; numerics stay.
func (t *translator) toNumeric(v value) value {
	switch v.oid {
	case types.Int2:
		return fixed(cast(v.sql, "DECIMAL(5,0)"), 5, 0)
	case types.Int4:
		return fixed(cast(v.sql, "DECIMAL(10,0)"), 10, 0)
	case types.Int8:
		return fixed(cast(v.sql, "DECIMAL(19,0)"), 19, 0)
	}
	return v
}

// divide is PostgreSQL's numeric division: at least 16 significant digits, never fewer than either operand shows.
func (t *translator) divide(l, r value) value {
	wa, fa := weigh("x.a.v", "x.ta", "x.a.s")
	wb, fb := weigh("x.b.v", "x.tb", "x.b.s")
	texts := let("{a: "+t.dyn(l)+", b: "+t.dyn(r)+"}",
		"{a: x.a, b: x.b, ta: CAST(abs(x.a.v) AS VARCHAR), tb: CAST(abs(x.b.v) AS VARCHAR)}")
	weights := let(texts, fmt.Sprintf("{a: x.a, b: x.b, q: %s - %s - CASE WHEN %s <= %s THEN 1 ELSE 0 END}", wa, wb, fa, fb))
	scale := let(weights, "{a: x.a, b: x.b, r: greatest(16 - 4 * x.q, x.a.s, x.b.s, 0)}")
	scaled := let(scale, "{n: x.a.v * "+pow10("x.r + x.b.s - x.a.s")+", d: x.b.v, r: x.r}")
	return dynamic(let(scaled, fmt.Sprintf("CASE WHEN x.n IS NULL OR x.d IS NULL THEN NULL WHEN x.d = 0 THEN %s ELSE {v: %s, s: x.r} END",
		fail("22012", "division by zero"), roundDiv("x.n", "x.d"))))
}

// weigh prints the weight and the leading digit of a number in base 10000, from its unscaled value, its text and its scale.
func weigh(v, text, s string) (weight, first string) {
	e := fmt.Sprintf("(length(%s) - %s - 1)", text, s)
	w := fmt.Sprintf("CAST(floor(%s / 4) AS INTEGER)", e)
	n := fmt.Sprintf("CAST(%s - 4 * %s + 1 AS INTEGER)", e, w)
	return fmt.Sprintf("CASE WHEN %s = 0 THEN 0 ELSE %s END", v, w),
		fmt.Sprintf("CASE WHEN %s = 0 THEN 0 ELSE CAST(rpad(substr(%s, 1, %s), %s, '0') AS INTEGER) END", v, text, n, n)
}

// arithmetic adds, subtracts and multiplies numerics.
func (t *translator) arithmetic(op string, l, r value) value {
	l, r = t.toNumeric(l), t.toNumeric(r)
	if !l.dyn && !r.dyn {
		text := "(" + l.sql + " " + op + " " + r.sql + ")"
		if op == "*" {
			if l.s+r.s > 38 {
				t.refuse(l.at, "this product has more digits than the shadow can hold")
			}
			return fixed(text, l.p+r.p, l.s+r.s)
		}
		s := max(l.s, r.s)
		if op == "%" { // DuckDB takes wide decimals for floats there
			in := fmt.Sprintf("{a: %s, b: %s}", unscaled(l, s), unscaled(r, s))
			rest := let(in, "CASE WHEN x.b = 0 THEN "+fail("22012", "division by zero")+" ELSE x.a % x.b END")
			return unscale(rest, s)
		}
		return fixed(text, max(l.p-l.s, r.p-r.s)+s+1, s)
	}
	in := "{a: " + t.dyn(l) + ", b: " + t.dyn(r) + "}"
	known := "CASE WHEN x.a IS NOT NULL AND x.b IS NOT NULL THEN "
	switch op {
	case "*":
		return dynamic(let(in, known+"{v: x.a.v * x.b.v, s: x.a.s + x.b.s} END"))
	case "+", "-":
		s := "greatest(x.a.s, x.b.s)"
		return dynamic(let(in, known+fmt.Sprintf("{v: x.a.v * %s %s x.b.v * %s, s: %s} END", pow10(s+" - x.a.s"), op, pow10(s+" - x.b.s"), s)))
	}
	t.refuse(l.at, "operator %s of numerics of varying scale is not supported by the shadow", op)
	return value{}
}

// unscaled is a DECIMAL as a whole number of units of a scale.
func unscaled(v value, scale int) string {
	p := min(v.p-v.s+scale, 38)
	text := cast(v.sql, fmt.Sprintf("DECIMAL(%d,%d)", p, scale))
	if scale == 0 {
		return cast(text, "HUGEINT")
	}
	return cast(fmt.Sprintf("%s * CAST(1%s AS DECIMAL(%d,0))", text, strings.Repeat("0", scale), scale+1), "HUGEINT")
}

// round rounds half away from zero, or truncates, to a scale that is known.
func (t *translator) round(v value, scale int, truncate bool) value {
	if scale < 0 || scale > 37 {
		t.refuse(v.at, "rounding to this many digits is not supported by the shadow")
	}
	v = t.toNumeric(v)
	if !v.dyn {
		switch {
		case scale >= v.s:
			return fixed(cast(v.sql, fmt.Sprintf("DECIMAL(%d,%d)", min(v.p+scale-v.s, 38), scale)), v.p+scale-v.s, scale)
		case truncate:
			v = dynamic(t.dyn(v))
		default:
			p := min(v.p-v.s+scale+1, 38)
			return fixed(cast(v.sql, fmt.Sprintf("DECIMAL(%d,%d)", p, scale)), p, scale)
		}
	}
	n := strconv.Itoa(scale)
	div := roundDiv("x.v", "x.d")
	if truncate {
		div = "x.v // x.d"
	}
	parts := let(v.sql, "{v: x.v, s: x.s, d: "+pow10("greatest(x.s - "+n+", 0)")+"}")
	return unscale(let(parts, fmt.Sprintf("CASE WHEN x.s > %s THEN %s ELSE x.v * %s END", n, div, pow10("greatest("+n+" - x.s, 0)"))), scale)
}

// unscale turns an unscaled number into a DECIMAL of a known scale.
func unscale(v string, scale int) value {
	v = cast(v, "DECIMAL(38,0)")
	if scale == 0 {
		return fixed(v, 38, 0)
	}
	return fixed(fmt.Sprintf("(%s * CAST('0.%s1' AS DECIMAL(%d,%d)))", v, strings.Repeat("0", scale-1), scale+1, scale), 38, scale)
}

// dynText is the text PostgreSQL shows for a numeric of varying scale.
func dynText(v string) string {
	digits := let(v, "{v: x.v, s: x.s, t: CAST(abs(x.v) AS VARCHAR)}")
	padded := let(digits, "{v: x.v, s: x.s, t: lpad(x.t, greatest(x.s + 1, CAST(length(x.t) AS INTEGER)), '0')}")
	return let(padded, "CASE WHEN x.v < 0 THEN '-' ELSE '' END || CASE WHEN x.s = 0 THEN x.t ELSE left(x.t, -x.s) || '.' || right(x.t, x.s) END")
}

// dynKey is what numerics of varying scale are compared by: the whole part, and the fraction as 37 digits.
func dynKey(v string) string {
	one := let(v, "{v: x.v, s: x.s, d: "+pow10("x.s")+"}")
	return let(one, "CASE WHEN x.v IS NOT NULL THEN {w: x.v // x.d, f: (x.v % x.d) * "+pow10("37 - x.s")+"} END")
}

// float turns an exact number into a double, correctly rounded.
func (t *translator) float(v value, duck string) string {
	switch {
	case v.dyn:
		return cast(dynText(v.sql), duck)
	case v.oid == types.Numeric && v.p > 15:
		return cast(cast(v.sql, "VARCHAR"), duck)
	}
	return cast(v.sql, duck)
}

// fromFloat is PostgreSQL's cast of a float to numeric: fifteen significant digits, six for real.
func fromFloat(v value) value {
	digits := "15"
	if v.oid == types.Float4 {
		digits = "6"
	}
	text := let(cast(v.sql, "DOUBLE"), "CASE WHEN isfinite(x) THEN printf('%."+digits+"g', x) WHEN x IS NOT NULL THEN "+
		fail("0A000", "NaN and infinity as numeric are not supported by the shadow")+" END")
	parts := let(text, "{m: split_part(x, 'e', 1), e: coalesce(TRY_CAST(split_part(x, 'e', 2) AS INTEGER), 0)}")
	whole := let(parts, "{m: x.m, e: x.e - length(split_part(x.m, '.', 2))}")
	return dynamic(let(whole, "CASE WHEN x.m IS NOT NULL THEN {v: CAST(replace(x.m, '.', '') AS HUGEINT) * "+
		pow10("greatest(x.e, 0)")+", s: CAST(greatest(-x.e, 0) AS INTEGER)} END"))
}
