package rewrite

import (
	"fmt"

	pg "github.com/pganalyze/pg_query_go/v6"

	"foreshadow/sql/types"
)

// predictive are the table functions of schema foreshadow: their parameters and columns, as in foreshadow.sql.
var predictive = map[string]struct {
	params  []string
	columns []Column
}{
	"predicted_state": {[]string{"horizon"}, []Column{{Name: "relation", OID: types.Text}, {Name: "measure", OID: types.Text}, {Name: "now", OID: types.Float8},
		{Name: "p10", OID: types.Float8}, {Name: "p50", OID: types.Float8}, {Name: "p90", OID: types.Float8}}},
	"forecast": {[]string{"series", "horizon", "level"}, []Column{{Name: "at", OID: types.TimestampTZ}, {Name: "mean", OID: types.Float8},
		{Name: "lo", OID: types.Float8}, {Name: "hi", OID: types.Float8}, {Name: "model", OID: types.Text},
		{Name: "run_id", OID: types.Int8}, {Name: "trained_from", OID: types.TimestampTZ}, {Name: "trained_to", OID: types.TimestampTZ},
		{Name: "backtest_origins", OID: types.Int4}, {Name: "mase", OID: types.Float8}, {Name: "skill", OID: types.Float8}, {Name: "coverage", OID: types.Float8}}},
	"diff": {[]string{"relation", "t1", "t2"}, []Column{{Name: "change", OID: types.Text}, {Name: "primary_key", OID: types.JSONB}, {Name: "before", OID: types.JSONB},
		{Name: "after", OID: types.JSONB}, {Name: "changed_columns", OID: textArray}}},
	"low_load_windows": {[]string{"duration", "series"}, []Column{{Name: "window_start", OID: types.TimestampTZ}, {Name: "window_end", OID: types.TimestampTZ},
		{Name: "expected", OID: types.Float8}, {Name: "day_mean", OID: types.Float8}, {Name: "hit_rate", OID: types.Float8}, {Name: "tested", OID: types.Int4}}},
	"assess_ddl": {[]string{"sql", "horizon"}, []Column{{Name: "statement", OID: types.Int4}, {Name: "command", OID: types.Text}, {Name: "relation", OID: types.Text},
		{Name: "lock", OID: types.Text}, {Name: "blocks", OID: types.Text}, {Name: "work", OID: types.Text}, {Name: "rows", OID: types.Float8}, {Name: "bytes", OID: types.Float8},
		{Name: "hold_p10", OID: types.Float8}, {Name: "hold_p50", OID: types.Float8}, {Name: "hold_p90", OID: types.Float8}, {Name: "wait", OID: types.Float8},
		{Name: "conflicting", OID: types.Float8}, {Name: "queued", OID: types.Float8}, {Name: "disk_bytes", OID: types.Float8}, {Name: "wal_bytes", OID: types.Float8},
		{Name: "replica_lag", OID: types.Float8}, {Name: "breaks", OID: types.Text}, {Name: "verdict", OID: types.Text}, {Name: "because", OID: types.Text},
		{Name: "changes_on", OID: types.TimestampTZ}, {Name: "changes_early", OID: types.TimestampTZ}, {Name: "becomes", OID: types.Text},
		{Name: "best_hour", OID: types.TimestampTZ}, {Name: "safer", OID: types.Text}}},
	"chart": {[]string{"series", "horizon", "width", "height"}, []Column{{Name: "chart", OID: types.Text}}},
}

// textArray is text[].
const textArray = 1009

// parameterTypes is how the mirror computes the arguments; a moment may be of any type and comes as text that no setting changes.
var parameterTypes = map[string]uint32{"series": types.Text, "sql": types.Text, "horizon": types.Interval, "duration": types.Interval, "level": types.Float8, "width": types.Int4, "height": types.Int4,
	"relation": types.Text, "t1": moment, "t2": moment}

// moment stands for a time, a position, or the text of one.
const moment = 0

// rangeFunction is a function in FROM: one of ours, or generate_series.
func (t *translator) rangeFunction(s *scope, n *pg.RangeFunction) string {
	if n.Ordinality || n.IsRowsfrom || len(n.Functions) != 1 || len(n.Coldeflist) > 0 {
		t.refuse(0, "this function in FROM is not supported by the shadow")
	}
	f := n.Functions[0].GetList().Items[0].GetFuncCall()
	if f == nil {
		t.refuse(0, "this function in FROM is not supported by the shadow")
	}
	schema, name := funcName(f)
	if p, ok := predictive[name]; ok && schema == "foreshadow" {
		return t.predictiveFunction(s, n, f, name, p.params, p.columns)
	}
	if schema == "" && name == "generate_series" {
		return t.generateSeries(s, n, f)
	}
	t.refuse(f.Location, "function %s in FROM is not supported by the shadow", name)
	return ""
}

// predictiveFunction is computed before the statement runs, so its arguments are constant.
func (t *translator) predictiveFunction(s *scope, n *pg.RangeFunction, f *pg.FuncCall, name string, params []string, columns []Column) string {
	u := Use{CTE: fmt.Sprintf("r%d", len(t.uses)+1), Function: name, Args: make([]*string, len(params))}
	cols := make([]col, len(columns))
	for i, c := range columns {
		u.Columns = append(u.Columns, fmt.Sprintf("%s AS c%d", cast("s."+quoteIdent(c.Name), types.Of(c.OID, -1).DuckDB), i+1))
		cols[i] = col{c.Name, columnValue(c, fmt.Sprintf("c%d", i+1))}
	}
	for i, a := range f.Args {
		at := i
		if named := a.GetNamedArgExpr(); named != nil {
			for j, p := range params {
				if p == named.Name {
					at = j
				}
			}
			a = named.Arg
		}
		u.Args[at] = t.argument(a, parameterTypes[params[at]])
	}
	t.uses = append(t.uses, u)
	if n.Alias == nil {
		n.Alias = &pg.Alias{Aliasname: name}
	}
	if len(columns) == 1 && len(n.Alias.Colnames) == 0 {
		cols[0].name = n.Alias.Aliasname
	}
	return t.addTable(s, name, n.Alias, u.CTE, cols)
}

// argument has the mirror compute a constant as a type.
func (t *translator) argument(n *pg.Node, oid uint32) *string {
	if !constant(n) {
		t.refuse(location(n), "arguments of this function must be constant")
	}
	text, err := deparse(n)
	if err != nil {
		t.refuse(location(n), "this argument is not supported by the shadow")
	}
	sql := "CAST(" + text + " AS " + pgName(oid) + ")"
	if oid == moment {
		sql, oid = "pg_catalog.to_json((SELECT "+text+")) #>> '{}'", types.Text
	}
	i, ok := t.known[sql]
	if !ok {
		i = len(t.constants)
		t.known[sql] = i
		t.constants = append(t.constants, Constant{SQL: sql, OID: oid, TypMod: -1})
	}
	if v := t.valueOf(i); v != nil || t.preparing() {
		return v
	}
	t.refuse(location(n), "arguments of this function must not be NULL")
	return nil
}

// generateSeries of integers and of moments.
func (t *translator) generateSeries(s *scope, n *pg.RangeFunction, f *pg.FuncCall) string {
	inner := &scope{parent: s.parent, ctes: s.ctes}
	lateral := ""
	if n.Lateral || len(s.tables) > 0 { // a function sees the items before it without LATERAL
		inner, lateral = s, "LATERAL "
	}
	var args []value
	for _, a := range f.Args {
		args = append(args, t.expr(inner, a))
	}
	if len(args) >= 2 && args[1].undecided() && !args[0].undecided() {
		args[1] = t.as(args[1], args[0].oid)
	}
	if len(args) < 2 || len(args) > 3 || args[0].undecided() {
		t.refuse(f.Location, "this form of generate_series is not supported by the shadow")
	}
	oid := args[0].oid
	switch {
	case isInt(oid) && isInt(args[1].oid):
		oid = wider(oid, args[1].oid)
	case isMoment(oid) && isMoment(args[1].oid) && len(args) == 3:
		if oid = laterMoment(oid, args[1].oid); args[0].oid == types.Date && args[1].oid == types.Date {
			oid = types.TimestampTZ
		}
		args[2] = t.as(args[2], types.Interval)
		args[0], args[1] = t.explicit(args[0], oid), t.explicit(args[1], oid)
	default:
		t.refuse(f.Location, "this form of generate_series is not supported by the shadow")
	}
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = a.sql
		if isInt(oid) {
			texts[i] = cast(t.as(a, oid).sql, "BIGINT")
		}
	}
	name := "generate_series"
	if n.Alias != nil {
		name = n.Alias.Aliasname
	}
	source := "(SELECT " + cast("g", types.Of(oid, -1).DuckDB) + " AS c1 FROM " + call("generate_series", texts...) + " AS g(g))"
	return lateral + t.addTable(s, name, n.Alias, source, []col{{name, of(oid, "c1")}})
}
