package rewrite

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// aggregate is a row: it builds the value from run, which prints an aggregate of DuckDB's over an argument
// with the call's DISTINCT, ORDER BY, FILTER and OVER.
type aggregate func(t *translator, v value, run func(f, arg string) string) value

var aggregates = map[string]aggregate{
	"count": func(_ *translator, v value, run func(f, arg string) string) value {
		return of(types.Int8, run("count", v.sql))
	},
	"sum": sum, "avg": average, "min": extreme("min"), "max": extreme("max"),
	"bool_and": truth("bool_and"), "bool_or": truth("bool_or"), "every": truth("bool_and"), "string_agg": nil,
	"variance": variance("var_samp"), "var_samp": variance("var_samp"), "var_pop": variance("var_pop"),
	"stddev": deviation("stddev_samp"), "stddev_samp": deviation("stddev_samp"), "stddev_pop": deviation("stddev_pop"),
	"percentile_cont": nil, "percentile_disc": nil,
}

// aggregate translates a call of an aggregate, in a window when over is given.
func (t *translator) aggregate(s *scope, n *pg.FuncCall, agg aggregate, over string) value {
	_, name := funcName(n)
	if g := s.groups; g != nil {
		g.raw++
		defer func() { g.raw-- }()
	}
	suffix := over
	if n.AggFilter != nil {
		suffix = " FILTER (WHERE " + t.boolean(s, n.AggFilter) + ")" + over
	}
	if name == "percentile_cont" || name == "percentile_disc" {
		return t.percentile(s, n, name, suffix)
	}
	if n.AggStar {
		return of(types.Int8, "count(*)"+suffix)
	}
	if name == "string_agg" {
		return t.stringAgg(s, n, suffix)
	}
	if len(n.Args) != 1 || n.AggWithinGroup {
		t.refuse(n.Location, "this form of %s is not supported by the shadow", name)
	}
	v := t.expr(s, n.Args[0])
	if v.undecided() {
		v = t.as(v, types.Text)
	}
	v.at = n.Location
	if name != "count" {
		v = numbered(v)
	}
	if v.opaque && (name != "count" || n.AggDistinct && !v.enum) {
		t.refuse(n.Location, "values of this type cannot be computed with in the shadow")
	}
	distinct := ""
	if n.AggDistinct {
		t.distinctable(v)
		distinct = "DISTINCT "
	}
	return agg(t, v, func(f, arg string) string { return f + "(" + distinct + arg + ")" + suffix })
}

// sum widens as PostgreSQL does: integers to bigint, bigint to numeric, numerics keep the largest scale.
func sum(t *translator, v value, run func(f, arg string) string) value {
	switch {
	case v.oid == types.Int2, v.oid == types.Int4:
		return of(types.Int8, cast(run("sum", v.sql), "BIGINT"))
	case v.oid == types.Int8:
		return fixed(cast(run("sum", v.sql), "DECIMAL(38,0)"), 38, 0)
	case v.dyn:
		total := run("sum", "("+v.sql+").v * "+pow10("24 - ("+v.sql+").s"))
		scale := run("max", "("+v.sql+").s")
		return dynamic(let("{v: "+total+", s: "+scale+"}", "CASE WHEN x.v IS NOT NULL THEN {v: x.v // "+pow10("24 - x.s")+", s: x.s} END"))
	case v.oid == types.Numeric:
		return fixed(cast(run("sum", v.sql), fixed("", 38, v.s).duck()), 38, v.s)
	case v.oid == types.Float8:
		return of(v.oid, bounded(run, v, "sum"))
	case v.oid == types.Interval:
		return of(v.oid, run("sum", v.sql))
	}
	t.refuse(v.at, "sum of this type is not supported by the shadow")
	return value{}
}

// bounded is an aggregate of floats none of which is so large that PostgreSQL may find an overflow, in the sum or in the sum of the squares.
func bounded(run func(f, arg string) string, v value, f string) string {
	odd := run("max", "CASE WHEN "+v.sql+" IS NULL OR abs("+v.sql+") < 1e150 THEN 0 ELSE 1 END")
	return "CASE WHEN " + odd + " = 1 THEN " + fail("22003", "value out of range") + " ELSE " + run(f, v.sql) + " END"
}

// average of exact numbers is the numeric division of the sum by the count.
func average(t *translator, v value, run func(f, arg string) string) value {
	switch {
	case isFloat(v.oid):
		return of(types.Float8, bounded(run, of(types.Float8, cast(v.sql, "DOUBLE")), "avg"))
	case isInt(v.oid):
		total := fixed(cast(run("sum", v.sql), "DECIMAL(38,0)"), 38, 0)
		return t.divide(total, nonZero(run, v))
	case v.oid == types.Numeric:
		return t.divide(sum(t, v, run), nonZero(run, v))
	}
	t.refuse(v.at, "avg of this type is not supported by the shadow")
	return value{}
}

// nonZero is the count, NULL for no rows, so that their average is NULL.
func nonZero(run func(f, arg string) string, v value) value {
	arg := v.sql
	if v.dyn {
		arg = "(" + v.sql + ").v"
	}
	return fixed("nullif("+cast(run("count", arg), "DECIMAL(19,0)")+", 0)", 19, 0)
}

func extreme(f string) aggregate {
	return func(t *translator, v value, run func(f, arg string) string) value {
		t.comparable(v, true)
		v.konst, v.shifted = false, false // of no rows it is NULL
		if key := v.key(); key != v.sql {
			v.sql = run("arg_"+f, v.sql+", "+key)
			return v
		}
		if v.oid == types.Bool || v.oid == types.UUID {
			t.refuse(v.at, "%s of this type is not supported by the shadow", f)
		}
		v.sql = run(f, v.sql)
		if v.oid == types.Varchar || v.oid == types.Name {
			v.oid = types.Text
		}
		return v
	}
}

func truth(f string) aggregate {
	return func(t *translator, v value, run func(f, arg string) string) value {
		return of(types.Bool, run(f, t.as(v, types.Bool).sql))
	}
}

// variance of exact numbers is (n Σx² - (Σx)²) / n(n-1) in PostgreSQL's numeric, and is refused; floats are computed alike up to rounding.
func variance(f string) aggregate {
	return func(t *translator, v value, run func(f, arg string) string) value {
		if !isFloat(v.oid) {
			t.refuse(v.at, "%s of exact numbers is not supported by the shadow; cast the argument to double precision", f)
		}
		return of(types.Float8, bounded(run, of(types.Float8, cast(v.sql, "DOUBLE")), f))
	}
}

func deviation(f string) aggregate { return variance(f) }

func (t *translator) stringAgg(s *scope, n *pg.FuncCall, suffix string) value {
	if len(n.Args) != 2 || n.AggDistinct && len(n.AggOrder) > 0 || strings.Contains(suffix, " OVER ") {
		t.refuse(n.Location, "this form of string_agg is not supported by the shadow")
	}
	v, sep := t.expr(s, n.Args[0]), t.expr(s, n.Args[1])
	distinct := ""
	if n.AggDistinct {
		distinct = "DISTINCT "
	}
	order := t.orderBy(s, n.AggOrder, nil, false)
	return of(types.Text, "string_agg("+distinct+t.stringArg(v)+", "+quoteLiteral(t.literalArg(sep, "the separator"))+order+")"+suffix)
}

// percentile is percentile_cont over floats and integers, by PostgreSQL's formula to the last digit; the fraction is constant.
func (t *translator) percentile(s *scope, n *pg.FuncCall, name, suffix string) value {
	if len(n.Args) != 1 || len(n.AggOrder) != 1 || name != "percentile_cont" {
		t.refuse(n.Location, "%s is not supported by the shadow", name)
	}
	by := n.AggOrder[0].GetSortBy()
	v := t.expr(s, by.Node)
	if !isNumber(v.oid) || by.SortbyDir == pg.SortByDir_SORTBY_DESC {
		t.refuse(n.Location, "this form of %s is not supported by the shadow", name)
	}
	p := t.expr(s, n.Args[0])
	if !p.konst {
		t.refuse(n.Location, "this form of %s is not supported by the shadow", name)
	}
	values := "list_sort(list_filter(list(" + t.explicit(v, types.Float8).sql + ")" + suffix + ", lambda x: x IS NOT NULL))"
	place := let(values, "{l: x, p: "+t.explicit(p, types.Float8).sql+" * (len(x) - 1)}")
	between := let(place, "{lo: x.l[CAST(floor(x.p) AS BIGINT) + 1], hi: x.l[CAST(ceil(x.p) AS BIGINT) + 1], p: x.p - floor(x.p)}")
	fraction := t.explicit(p, types.Float8).sql
	return of(types.Float8, "CASE WHEN "+fraction+" BETWEEN 0 AND 1 THEN "+let(between, "CASE WHEN x.p = 0 THEN x.lo ELSE x.lo + x.p * (x.hi - x.lo) END")+
		" WHEN "+fraction+" IS NOT NULL THEN "+fail("22003", "the fraction is not between 0 and 1")+" END")
}
