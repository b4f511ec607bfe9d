package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// node is a piece of a random statement: texts with pieces between them. An optional one may be left out when a statement is made smaller; one
// with a kind may be replaced by another of that kind.
type node struct {
	texts    []string // one more than kids
	kids     []*node
	kind     string // of an expression: a key of literals
	optional bool
	replaced *node
}

func (n *node) String() string {
	if n.replaced != nil {
		return n.replaced.String()
	}
	var b strings.Builder
	for i, t := range n.texts {
		b.WriteString(t)
		if i < len(n.kids) {
			b.WriteString(n.kids[i].String())
		}
	}
	return b.String()
}

func leaf(kind, text string) *node { return &node{kind: kind, texts: []string{text}} }

// list joins pieces.
func list(separator string, kids []*node) *node {
	n := &node{texts: []string{""}}
	for i, k := range kids {
		if i > 0 {
			n.texts[len(n.texts)-1] += separator
		}
		n.kids, n.texts = append(n.kids, k), append(n.texts, "")
	}
	return n
}

// clause is an optional piece after a word.
func clause(word string, kid *node) *node {
	return &node{texts: []string{word, ""}, kids: []*node{kid}, optional: true}
}

// literals are the values of each kind of expression. dyadic is double precision whose sums are exact in any order.
var literals = map[string][]string{
	"int2": {"0::int2", "1::int2", "-3::int2", "32767::int2"}, "int4": {"0", "1", "2", "-7", "10", "2147483647", "NULL::int4"},
	"int8": {"0::int8", "3::int8", "-100::int8", "9223372036854775807", "5000000000"}, "numeric": {"0.0", "1.5", "-2.50", "100", "0.001", "12345678901234567890.5", "NULL::numeric"},
	"float4": {"0.5::float4", "-1::float4", "'NaN'::float4"}, "float8": {"0::float8", "1e10::float8", "-0.1::float8", "'Infinity'::float8", "'NaN'::float8"}, "dyadic": {"0.5::float8", "2::float8", "NULL::float8"},
	"bool": {"true", "false", "NULL::bool"}, "text": {"'apple'", "''", "'a'", "'%'", "'Äp'", "' '", "NULL::text"}, "date": {"date '2026-03-01'", "date '2024-02-29'", "date '1970-01-01'"},
	"timestamp": {"timestamp '2026-03-08 02:30:00'", "timestamp '2000-02-29 23:59:59.999999'"}, "timestamptz": {"timestamptz '2026-11-01 05:30+00'", "timestamptz '2026-03-08 07:00:00.5+00'"},
	"interval": {"interval '1 month'", "interval '36 hours'", "interval '-1 day 00:00:01.5'", "interval '0'"}, "time": {"time '12:30'", "time '00:00:00.000001'"},
	"uuid": {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid"}, "bytea": {`'\x00'::bytea`, `'\x'::bytea`},
}

// kinds are those of columns of random queries, the commonest more than once.
var kinds = strings.Fields("int4 int4 int4 int8 int2 numeric numeric numeric float8 float4 dyadic bool bool text text text date date timestamp timestamptz timestamptz interval time uuid bytea")

// columns are those of tame and wild.
var columns = map[string][]string{"int4": {"id", "g", "i4", "parent"}, "int2": {"i2"}, "int8": {"i8"}, "numeric": {"p", "q"}, "float4": {"f4"}, "float8": {"f8"}, "dyadic": {"w"}, "bool": {"b"},
	"text": {"s", "v"}, "date": {"d"}, "timestamp": {"ts"}, "timestamptz": {"tz"}, "interval": {"iv"}, "time": {"tm"}, "uuid": {"u"}, "bytea": {"y"}}

// everyKind are expressions of any kind: {} stands for one of the same.
var everyKind = []string{"coalesce({}, {})", "CASE WHEN {bool} THEN {} ELSE {} END", "CASE WHEN {bool} THEN {} END", "nullif({}, {})", "greatest({}, {})", "least({}, {})", "CASE {int4} WHEN {int4} THEN {} ELSE {} END"}

// rules are the expressions of each kind. {k} stands for an expression of kind k, {=k} for a literal.
var rules = map[string][]string{
	"int2": {"({int2} + {=int2})", "({int2} % nullif({int2}, 0::int2))", "(- {int2})", "abs({int2})", "{int4}::int2"},
	"int4": {"({int4} + {int4})", "({int4} - {int2})", "({int4} * {int2})", "({int4} / nullif({int4}, 0))", "({int4} / {int4})", "({int4} % nullif({int4}, 0))", "mod({int4}, 7)", "(- {int4})", "abs({int4})", "length({text})", "octet_length({text})", "({date} - {date})", "{numeric}::int4", "{dyadic}::int4", "{int8}::int4", "{bool}::int4", "position({text} IN {text})", "strpos({text}, {=text})", "ascii({text})", "{text}::int4"},
	"int8": {"({int8} + {int4})", "({int8} - {int8})", "({int8} * {int2})", "({int8} / nullif({int4}, 0))", "({int8} % nullif({int8}, 0))", "(- {int8})", "{int4}::int8", "{numeric}::int8"},
	"numeric": {"({numeric} + {numeric})", "({numeric} - {int4})", "({numeric} * {numeric})", "({numeric} / nullif({numeric}, 0))", "({numeric} / 3)", "({int8} / 7.0)", "({numeric} % nullif({numeric}, 0))", "(- {numeric})", "abs({numeric})", "round({numeric}, 2)", "round({numeric})", "trunc({numeric}, 1)", "ceil({numeric})", "floor({numeric})", "sign({numeric})", "{int4}::numeric", "{numeric}::numeric(12,3)", "{dyadic}::numeric",
		"extract(year FROM {date})", "extract(epoch FROM {timestamptz})", "extract(hour FROM {timestamp})", "extract(second FROM {timestamptz})", "extract(dow FROM {date})", "extract(week FROM {date})", "extract(doy FROM {timestamp})", "extract(quarter FROM {date})", "extract(epoch FROM {interval})", "extract(epoch FROM {date})", "extract(isodow FROM {timestamptz})", "extract(isoyear FROM {date})", "extract(minute FROM {time})"},
	"float4": {"({float4} + {float4})", "({float4} * 2::float4)", "(- {float4})", "abs({float4})", "{int4}::float4", "{numeric}::float4", "{float8}::float4"},
	"float8": {"({float8} + {float8})", "({float8} * {dyadic})", "({float8} / nullif({float8}, 0))", "({float8} - {numeric})", "({float4} / nullif({float8}, 0))", "(- {float8})", "abs({float8})", "sqrt(abs({float8}))", "round({float8})", "floor({float8})", "ceil({float8})", "trunc({float8})", "{numeric}::float8", "{int8}::float8", "{float4}::float8", "exp({dyadic})", "power({dyadic}, 2)", "ln(abs({dyadic}) + 1)", "sign({float8})", "date_part('hour', {timestamptz})", "{dyadic}"},
	"dyadic": {"({dyadic} + {dyadic})", "({dyadic} * 2)", "(- {dyadic})", "abs({dyadic})"},
	"bool": {"({int4} {op} {int4})", "({int4} {op} {numeric})", "({int8} {op} {int2})", "({numeric} {op} {numeric})", "({float8} {op} {float8})", "({float4} {op} {float8})", "({float8} {op} {numeric})", "({text} {op} {text})", "({date} {op} {date})", "({date} {op} {timestamp})", "({timestamp} {op} {timestamptz})", "({timestamptz} {op} {timestamptz})", "({date} {op} '2026-03-03')", "({int4} {op} '3')", "({interval} {op} {interval})", "({time} {op} {time})", "({uuid} {op} {uuid})", "({bytea} {op} {bytea})", "({bool} = {bool})",
		"({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})", "({int4} IS NULL)", "({text} IS NOT NULL)", "({bool} IS TRUE)", "({bool} IS NOT FALSE)", "({bool} IS UNKNOWN)", "({int4} IS DISTINCT FROM {int4})", "({text} IS NOT DISTINCT FROM {text})", "({numeric} BETWEEN {numeric} AND {numeric})", "({int4} NOT BETWEEN {int4} AND {int4})", "({date} BETWEEN '2026-02-28' AND {date})",
		"({int4} IN (1, 2, {int4}))", "({int4} NOT IN (0, {int4}))", "({text} IN ('apple', {text}))", "({numeric} IN (1, 2.5, {numeric}))", "({int4} = ANY (ARRAY[1, 3, NULL]))", "({text} <> ALL (ARRAY['a', 'apple']))", "({text} LIKE 'a%')", "({text} LIKE {text})", "({text} NOT ILIKE '%P_%')", "({text} ~ '^[a-c]')", "({text} ~* 'AN|le$')", "({text} !~ '[0-9]+')", "starts_with({text}, {text})", "(({int4}, {text}) = ({int4}, {text}))", "(({int4}, {int4}) < ({int4}, {int4}))"},
	"text":        {"({text} || {text})", "({text} || {int4})", "lower({text})", "upper({text})", "left({text}, 2)", "left({text}, {int4})", "right({text}, -1)", "substring({text} FROM 2 FOR 3)", "substring({text} FROM {int4})", "replace({text}, {=text}, 'x')", "trim({text})", "ltrim({text}, 'a ')", "lpad({text}, 6, '*')", "rpad({text}, 3)", "split_part({text}, ',', 2)", "split_part({text}, 'a', -1)", "concat({text}, {int4}, {text})", "md5({text})", "translate({text}, 'ab', 'x')", "{int4}::text", "{numeric}::text", "{date}::text", "{bool}::text", "{float8}::text", "{timestamptz}::text", "{timestamp}::text", "{uuid}::text", "{int8}::text", "{text}::varchar(3)", "{interval}::text", "reverse({text})", "initcap({text})", "to_char({date}, 'YYYY-MM-DD')", "to_char({timestamptz}, 'HH24:MI:SS.MS')", "to_char({numeric}, 'FM990.00')", "concat_ws('-', {text}, {int4})"},
	"date":        {"({date} + {int2})", "({date} - 3)", "{timestamp}::date", "{timestamptz}::date", "date({timestamptz})"},
	"timestamp":   {"({timestamp} + {interval})", "({timestamp} - {interval})", "({date} + {interval})", "{date}::timestamp", "{timestamptz}::timestamp", "date_trunc('month', {timestamp})", "date_trunc('hour', {timestamp})", "({timestamptz} AT TIME ZONE 'Europe/Berlin')"},
	"timestamptz": {"({timestamptz} + {interval})", "({timestamptz} - {interval})", "{timestamp}::timestamptz", "{date}::timestamptz", "date_trunc('day', {timestamptz})", "date_trunc('week', {date})", "date_trunc('quarter', {timestamptz})", "({timestamp} AT TIME ZONE 'America/New_York')", "to_timestamp({int4})"},
	"interval":    {"({interval} + {interval})", "({interval} - {interval})", "({interval} * 3)", "(2 * {interval})", "(- {interval})", "({timestamp} - {timestamp})", "({timestamptz} - {timestamptz})", "({time} - {time})"},
	"time":        {"({time} + {interval})", "{timestamp}::time", "{timestamptz}::time"},
	"uuid":        {"{uuid}"}, "bytea": {"({bytea} || {bytea})"},
}

// aggregated are the calls of aggregates that give a kind, whatever the order of the rows.
var aggregated = map[string][]string{
	"int4": {"max({int4})", "min({int4})", "count(*)::int4"}, "int2": {"max({int2})"}, "int8": {"count(*)", "count({any})", "count(DISTINCT {any})", "sum({int4})", "sum({int2})", "max({int8})", "sum({int4}) FILTER (WHERE {bool})", "count(*) FILTER (WHERE {bool})", "sum(DISTINCT {int4})"},
	"numeric": {"sum({numeric})", "sum({int8})", "avg({int4})", "avg({numeric})", "max({numeric})", "min({numeric})", "avg({int8})", "sum({numeric}) FILTER (WHERE {bool})", "avg({int2}) FILTER (WHERE {bool})"},
	"float4":  {"max({float4})", "min({float4})"}, "float8": {"max({float8})", "min({float8})", "avg({dyadic})", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {dyadic})", "percentile_cont(0.3) WITHIN GROUP (ORDER BY {int4})"}, "dyadic": {"sum({dyadic})", "max({dyadic})"},
	"bool": {"bool_and({bool})", "bool_or({bool})", "every({bool})"}, "text": {"max({text})", "min({text})", "string_agg({text}, ',' ORDER BY {same})"}, "date": {"max({date})", "min({date})"},
	"timestamp": {"max({timestamp})", "min({timestamp})"}, "timestamptz": {"max({timestamptz})", "min({timestamptz})"}, "interval": {"max({interval})", "min({interval})"}, "time": {"max({time})", "min({time})"},
}

// windowed are calls whose answer does not depend on the order of peers; ordered ones need a window in which no row has one.
var windowed = map[string][]string{
	"int8": {"rank() {over}", "dense_rank() {over}", "count(*) {over}", "count({any}) {over}", "sum({int4}) {over}"}, "numeric": {"sum({numeric}) {over}", "avg({int4}) {over}", "avg({numeric}) {over}"}, "int4": {"max({int4}) {over}", "min({int4}) {over}"},
	"float8": {"percent_rank() {over}", "cume_dist() {over}", "avg({dyadic}) {over}", "max({float8}) {over}"}, "bool": {"bool_or({bool}) {over}"}, "text": {"min({text}) {over}"}, "date": {"max({date}) {over}"}, "dyadic": {"sum({dyadic}) {over}"}, "timestamptz": {"min({timestamptz}) {over}"}, "interval": {"max({interval}) {over}"},
}

var ordered = map[string][]string{"int8": {"row_number() {total}", "sum({int4}) {total frame}", "count(*) {total frame}"}, "int4": {"ntile(3) {total}", "max({int4}) {total frame}"}, "numeric": {"sum({numeric}) {total frame}", "avg({numeric}) {total frame}", "min({numeric}) {total frame}"}, "dyadic": {"sum({dyadic}) {total frame}"}}

var anyOrdered = []string{"lag({}) {total}", "lead({}, 2) {total}", "lag({}, 1, {}) {total}", "first_value({}) {total}", "last_value({}) {total frame}", "nth_value({}, 2) {total}"}

// env is what an expression may use: columns, or in a grouped SELECT the grouped expressions and aggregates over inner.
type env struct {
	columns map[string][]string
	inner   *env   // not nil: grouped
	windows bool   // window functions are allowed
	unique  string // columns that no two rows share, or ""
}

// gen makes random statements.
type gen struct {
	r      *rand.Rand
	serial int
	ctes   map[string]map[string][]string
	wrong  bool // one piece is of a wrong kind, or has a name that nothing has
}

func (g *gen) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g *gen, from []T) T { return from[g.r.IntN(len(from))] }

func (g *gen) name() string {
	g.serial++
	return fmt.Sprintf("n%d", g.serial)
}

// expr makes an expression of a kind.
func (g *gen) expr(e *env, kind string, depth int) *node {
	if g.wrong && g.chance(5) {
		g.wrong = false
		if g.chance(30) {
			return leaf(kind, pick(g, []string{"nope", "tame.nope", "id", "1/0", "'x'", "nope(1)", "sum(1)", "count(*) OVER ()"}))
		}
		kind = pick(g, kinds)
	}
	switch {
	case depth <= 0 || g.chance(25):
		return g.atom(e, kind, depth)
	case g.chance(3):
		return g.scalar(e, kind, depth)
	case kind == "bool" && g.chance(5):
		return g.sublink(e, depth)
	case e.windows && g.chance(12):
		if n := g.window(e, kind, depth); n != nil {
			return n
		}
	case kind != "uuid" && g.chance(15):
		return g.template(e, kind, pick(g, everyKind), depth)
	}
	return g.template(e, kind, pick(g, rules[kind]), depth)
}

// atom is a column, an aggregate or a literal.
func (g *gen) atom(e *env, kind string, depth int) *node {
	if e.inner != nil && len(aggregated[kind]) > 0 && (len(e.columns[kind]) == 0 || g.chance(50)) {
		return g.template(e.inner, kind, pick(g, aggregated[kind]), min(depth, 1))
	}
	if len(e.columns[kind]) > 0 && !g.chance(12) {
		return leaf(kind, pick(g, e.columns[kind]))
	}
	return leaf(kind, pick(g, literals[kind]))
}

// template fills a rule's places.
func (g *gen) template(e *env, kind, rule string, depth int) *node {
	n := &node{kind: kind}
	for {
		before, rest, ok := strings.Cut(rule, "{")
		n.texts = append(n.texts, before)
		if !ok {
			return n
		}
		place, after, _ := strings.Cut(rest, "}")
		rule = after
		n.kids = append(n.kids, g.place(e, n, kind, place, depth))
	}
}

func (g *gen) place(e *env, n *node, kind, place string, depth int) *node {
	switch place {
	case "":
		return g.expr(e, kind, depth-1)
	case "op":
		return leaf("", pick(g, []string{"=", "<>", "<", "<=", ">", ">="}))
	case "any":
		return g.expr(e, pick(g, kinds), depth-1)
	case "same":
		return leaf("", n.kids[len(n.kids)-1].String())
	case "over", "total", "total frame":
		return g.over(e, place, depth)
	}
	if literal, ok := strings.CutPrefix(place, "="); ok {
		return leaf(literal, pick(g, literals[literal]))
	}
	return g.expr(e, place, depth-1)
}

// window is a window function of a kind, or nil.
func (g *gen) window(e *env, kind string, depth int) *node {
	inner := *e
	inner.windows = false
	choices := windowed[kind]
	if e.unique != "" {
		choices = append(append([]string{}, choices...), ordered[kind]...)
		choices = append(choices, anyOrdered...)
	}
	if len(choices) == 0 {
		return nil
	}
	return g.template(&inner, kind, pick(g, choices), min(depth, 2))
}

func (g *gen) over(e *env, place string, depth int) *node {
	var parts []*node
	if g.chance(50) {
		parts = append(parts, clause("PARTITION BY ", g.expr(e, pick(g, []string{"int4", "bool", "text", "date"}), depth-1)))
	}
	direction := pick(g, []string{"", " DESC", " NULLS FIRST", " DESC NULLS LAST"})
	switch {
	case place == "over":
		parts = append(parts, &node{texts: []string{"ORDER BY ", direction}, kids: []*node{g.expr(e, pick(g, kinds), depth-1)}})
	default:
		parts = append(parts, &node{texts: []string{"ORDER BY ", direction + ", " + e.unique}, kids: []*node{g.expr(e, pick(g, kinds), depth-1)}})
	}
	if place == "total frame" {
		parts = append(parts, clause("", leaf("", pick(g, []string{"ROWS 2 PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", "ROWS BETWEEN 2 FOLLOWING AND 4 FOLLOWING", "RANGE UNBOUNDED PRECEDING", "GROUPS 1 PRECEDING", "ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW"}))))
	}
	n := list(" ", parts)
	n.texts[0], n.texts[len(n.texts)-1] = "OVER ("+n.texts[0], n.texts[len(n.texts)-1]+")"
	return n
}

// scalar is a subquery that gives one value.
func (g *gen) scalar(e *env, kind string, depth int) *node {
	calls := aggregated[kind]
	if len(calls) == 0 {
		return g.atom(e, kind, depth)
	}
	from, inner := g.from(depth-2, e)
	kids := []*node{g.template(inner, kind, pick(g, calls), 1), from, g.where(inner, depth-1)}
	return &node{kind: kind, texts: []string{"(SELECT ", " FROM ", "", ")"}, kids: kids}
}

// sublink is EXISTS, IN or a comparison with a subquery.
func (g *gen) sublink(e *env, depth int) *node {
	from, inner := g.from(depth-2, e)
	where := g.where(inner, depth-1)
	if g.chance(35) {
		return &node{kind: "bool", texts: []string{pick(g, []string{"EXISTS (SELECT 1 FROM ", "NOT EXISTS (SELECT FROM "}), "", ")"}, kids: []*node{from, where}}
	}
	kind := pick(g, []string{"int4", "text", "numeric", "date", "int8", "float8"})
	word := pick(g, []string{" IN (SELECT ", " NOT IN (SELECT ", " = ANY (SELECT ", " > ALL (SELECT ", " <= SOME (SELECT "})
	return &node{kind: "bool", texts: []string{"(", word, " FROM ", "", "))"}, kids: []*node{g.expr(e, kind, depth-1), g.expr(inner, kind, depth-2), from, where}}
}

func (g *gen) where(e *env, depth int) *node {
	if g.chance(35) {
		return leaf("", "")
	}
	return clause(" WHERE ", g.expr(e, "bool", depth))
}

// from makes the items of FROM. Expressions over them may also use outer's columns.
func (g *gen) from(depth int, outer *env) (*node, *env) {
	e := &env{columns: map[string][]string{}}
	first, unique := g.item(e, depth, outer, false)
	for n := 0; g.chance(45 - 20*n); n++ {
		next := &env{columns: map[string][]string{}}
		item, key := g.item(next, depth, outer, false)
		word := pick(g, []string{" JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "})
		condition := leaf("bool", "true")
		if l, r := e.columns["int4"], next.columns["int4"]; len(l) > 0 && len(r) > 0 {
			condition = leaf("bool", pick(g, l)+" = "+pick(g, r))
		}
		add(e, next)
		if word != " FULL JOIN " && g.chance(40) {
			condition = &node{kind: "bool", texts: []string{"(", " AND ", ")"}, kids: []*node{condition, g.expr(e, "bool", 1)}}
		}
		first = &node{texts: []string{"", word, " ON ", ""}, kids: []*node{first, item, condition}}
		if unique += ", " + key; key == "" {
			unique = ""
		}
	}
	if strings.HasPrefix(unique, ", ") {
		unique = ""
	}
	if depth > 0 && g.chance(8) {
		next := &env{columns: map[string][]string{}}
		item, _ := g.item(next, depth-1, e, true)
		first = &node{texts: []string{"", " CROSS JOIN LATERAL ", ""}, kids: []*node{first, item}}
		add(e, next)
		unique = ""
	}
	e.unique = unique
	if outer != nil && outer.inner == nil {
		add(e, outer)
	}
	return first, e
}

func add(e, more *env) {
	for k, c := range more.columns {
		e.columns[k] = append(append([]string{}, e.columns[k]...), c...)
	}
}

// item is a table, a WITH query, a subquery or a series; unique is its key, if it has one.
func (g *gen) item(e *env, depth int, outer *env, lateral bool) (n *node, unique string) {
	alias := g.name()
	switch {
	case lateral || depth > 0 && g.chance(22):
		if !lateral {
			outer = nil
		}
		q, kinds := g.selects(depth-1, nil, outer)
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = fmt.Sprintf("c%d", i+1)
			e.columns[k] = append(e.columns[k], alias+"."+names[i])
		}
		return &node{texts: []string{"(", ") AS " + alias + "(" + strings.Join(names, ", ") + ")"}, kids: []*node{q}}, ""
	case len(g.ctes) > 0 && g.chance(40):
		name := fmt.Sprintf("w%d", g.r.IntN(len(g.ctes))+1)
		for k, c := range g.ctes[name] {
			for _, x := range c {
				e.columns[k] = append(e.columns[k], alias+"."+x)
			}
		}
		return leaf("", name+" AS "+alias), ""
	case g.chance(5):
		e.columns["int4"] = []string{alias}
		return leaf("", "generate_series("+pick(g, []string{"0, 5", "1, 10, 3", "3, 1", "2, -2, -1"})+") AS "+alias), alias
	}
	for k, c := range columns {
		for _, x := range c {
			e.columns[k] = append(e.columns[k], alias+"."+x)
		}
	}
	return leaf("", pick(g, []string{"tame", "tame", "tame", "wild"})+" AS "+alias), alias + ".id"
}

// selects makes a SELECT or a set operation of the given kinds of columns, or of any.
func (g *gen) selects(depth int, want []string, outer *env) (*node, []string) {
	if want == nil {
		for range 1 + g.r.IntN(4) {
			want = append(want, pick(g, kinds))
		}
	}
	if depth > 0 && g.chance(12) {
		word := pick(g, []string{" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL "})
		l, _ := g.selects(depth-1, want, outer)
		r, _ := g.selects(depth-1, want, outer)
		return g.limited(&node{texts: []string{"", word, ""}, kids: []*node{l.parenthesised(), r.parenthesised()}}, want), want
	}
	from, e := g.from(depth, outer)
	where := g.where(e, depth)
	word, tail := "SELECT ", leaf("", "")
	switch {
	case g.chance(35):
		e, tail = g.grouped(e, depth)
	case g.chance(12):
		word = "SELECT DISTINCT "
	default:
		e.windows = true
	}
	items := make([]*node, len(want))
	for i, k := range want {
		items[i] = g.expr(e, k, depth)
	}
	return g.limited(&node{texts: []string{word, " FROM ", "", "", ""}, kids: []*node{list(", ", items), from, where, tail}}, want), want
}

func (n *node) parenthesised() *node { return &node{texts: []string{"(", ")"}, kids: []*node{n}} }

// limited sometimes adds an ORDER BY of all columns and a LIMIT.
func (g *gen) limited(q *node, want []string) *node {
	if !g.chance(25) {
		return q
	}
	places := make([]string, len(want))
	for i := range want {
		places[i] = fmt.Sprint(i+1) + pick(g, []string{"", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"})
	}
	limit := pick(g, []string{"", " LIMIT 5", " LIMIT 3 OFFSET 2", " OFFSET 1"})
	return &node{texts: []string{"", " ORDER BY " + strings.Join(places, ", ") + limit}, kids: []*node{q}}
}

// grouped makes GROUP BY and HAVING. No expression that is grouped by is constant, since a number would be a position.
func (g *gen) grouped(e *env, depth int) (*env, *node) {
	out := &env{columns: map[string][]string{}, inner: e}
	var keys []*node
	for range g.r.IntN(3) {
		kind := pick(g, []string{"int4", "int4", "bool", "text", "date", "int8", "timestamptz", "numeric"})
		if len(e.columns[kind]) == 0 {
			continue
		}
		key := leaf("", pick(g, e.columns[kind]))
		if g.chance(30) {
			key = g.template(e, "", pick(g, rules[kind]), 1)
		}
		keys = append(keys, key)
		out.columns[kind] = append(out.columns[kind], key.String())
	}
	having := leaf("", "")
	if g.chance(20) {
		having = clause(" HAVING ", g.expr(out, "bool", min(depth, 2)))
	}
	if len(keys) == 0 {
		return out, having
	}
	word := pick(g, []string{" GROUP BY (", " GROUP BY (", " GROUP BY (", " GROUP BY ROLLUP (", " GROUP BY CUBE ("})
	return out, &node{texts: []string{word, ")", ""}, kids: []*node{list(", ", keys), having}}
}

// statement makes a whole statement, with WITH queries before it at times.
func (g *gen) statement() *node {
	g.ctes, g.wrong = map[string]map[string][]string{}, g.chance(6)
	var with []*node
	for g.chance(15) {
		q, kinds := g.selects(1, nil, nil)
		name := fmt.Sprintf("w%d", len(g.ctes)+1)
		visible := map[string][]string{}
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = fmt.Sprintf("c%d", i+1)
			visible[k] = append(visible[k], names[i])
		}
		g.ctes[name] = visible
		with = append(with, &node{texts: []string{name + "(" + strings.Join(names, ", ") + ") AS " + pick(g, []string{"", "", "MATERIALIZED "}) + "(", ")"}, kids: []*node{q}})
	}
	q, _ := g.selects(1+g.r.IntN(3), nil, nil)
	if len(with) == 0 {
		return q
	}
	return &node{texts: []string{"WITH ", " ", ""}, kids: []*node{list(", ", with), q}}
}
