package engine

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// shadowStatement is a SELECT over relations of the shadow. The mirror has analysed it, checks its privileges and computes its
// constants each time it runs; DuckDB runs the translation, or the mirror the statement over lent rows.
type shadowStatement struct {
	s         *querySession
	text      session.Text
	q         *rewrite.Query
	relations map[string]*rewrite.Relation
	travel    *travel
	periods   []ast.Period // in the order in which fold computes their moments
	computed  int          // how many moments that are
	analysis  string       // the statement itself, prepared on the mirror: it is bound to check the privileges, and not run
	params    []uint32
	fields    []result.Field
	fold      fold     // for the translation
	lent      *lent    // once it was needed
	bare      *fold    // without constants, once one of them failed
	refusal   error    // why there is no translation; nil if there is one
	key       string   // of the surroundings that it was prepared in; "" if it is not to be used again
	asked     []uint32 // the types that it was prepared with
}

// fold is what the mirror computes before the shadow runs something: the settings, the moments and the constants.
type fold struct {
	name      string // of the prepared query
	constants []rewrite.Constant
}

// settings are the first columns of the fold query.
var settings = []string{"nullif(pg_catalog.current_setting('foreshadow.as_of', true), '')", "pg_catalog.current_setting('TimeZone')",
	"(pg_catalog.current_setting('DateStyle') LIKE 'ISO%')::text",
	"(extract(epoch FROM pg_catalog.current_setting('statement_timeout')::interval) * 1000)::bigint::text",
	"(pg_catalog.current_setting('extra_float_digits')::int > 0 AND pg_catalog.current_setting('bytea_output') = 'hex')::text",
	"(pg_catalog.current_setting('IntervalStyle') = 'postgres')::text"}

// fixedItems are the fold query's columns before the moments: the settings and the answer of secured.
var fixedItems = len(settings) + 1

// prepareShadow has the mirror analyse the statement and refuses early what cannot be translated.
func (s *querySession) prepareShadow(ctx context.Context, t session.Text, plain parse.Plain, q *rewrite.Query, rels map[string]*named, tr *travel, oids []uint32) (*shadowStatement, error) {
	st := &shadowStatement{s: s, text: t, q: q, relations: map[string]*rewrite.Relation{}, travel: tr, periods: periodsOf(plain)}
	for key, n := range rels {
		if n.system || n.viewDefinition != "" {
			continue
		}
		if err := usable(n); err != nil {
			return nil, err
		}
		st.relations[key] = n.Relation
	}
	analysed := plain.SQL
	var err error
	if len(tr.bodies) > 0 {
		if analysed, err = rewrite.Replaced(plain.SQL, tr.bodies); err != nil {
			return nil, err
		}
	}
	oids = momentParams(plain, oids)
	if st.analysis, st.params, st.fields, err = s.mirror.Prepare(ctx, analysed, oids); err != nil {
		if len(tr.bodies) > 0 {
			err = unplaced(err)
		}
		return nil, err
	}
	if err = s.markEnums(ctx, st.fields); err != nil {
		_ = st.Close() // the first error counts
		return nil, err
	}
	if err := st.complete(ctx); err != nil {
		_ = st.Close() // the first error counts; Close has none
		return nil, err
	}
	return st, nil
}

// complete names the constants' types, tries the translation, and prepares what runs on the mirror each time.
func (st *shadowStatement) complete(ctx context.Context) error {
	constants, err := st.q.Constants()
	if err != nil {
		return err
	}
	if st.fold.constants, err = st.typed(ctx, constants); err != nil {
		return err
	}
	plan, err := st.q.Translate(st.input(&st.fold))
	switch {
	case err == nil:
		st.fold, err = st.compute(ctx, plan.Constants)
	case sqlerr.Code(err) == sqlerr.FeatureNotSupported:
		st.refusal = err
		st.lent, err = st.lend(ctx, err)
	}
	return err
}

// input is what is known of the statement before it runs.
func (st *shadowStatement) input(f *fold) rewrite.Input {
	for _, rel := range st.relations {
		st.s.markKept(rel)
	}
	for _, rel := range st.travel.relations {
		st.s.markKept(rel)
	}
	return rewrite.Input{Relations: st.relations, Then: st.travel.relations, Fields: st.fields, Constants: f.constants, ISODates: true, Plain: true}
}

// markKept notes which columns of a captured table the shadow keeps as text.
func (s *querySession) markKept(rel *rewrite.Relation) {
	if rel.Schema == "foreshadow" {
		return
	}
	kept := s.source.Shadow.AsText(rel.OID)
	for i := range rel.Columns {
		rel.Columns[i].Kept = slices.Contains(kept, rel.Columns[i].Name)
	}
}

// compute prepares the computation of the settings, the moments and the constants.
func (st *shadowStatement) compute(ctx context.Context, constants []rewrite.Constant) (fold, error) {
	moments, err := momentItems(st.periods)
	if err != nil {
		return fold{}, err
	}
	st.computed = len(moments)
	items := slices.Concat(settings, []string{st.secured()}, moments)
	for _, c := range constants {
		items = append(items, c.Text())
	}
	name, _, _, err := st.s.mirror.Prepare(ctx, "SELECT "+strings.Join(items, ", "), st.params)
	return fold{name, constants}, unplaced(err)
}

// markEnums says which columns are enums.
func (s *querySession) markEnums(ctx context.Context, fields []result.Field) error {
	var oids []string
	for _, f := range fields {
		if f.TypeOID >= rewrite.FirstUserOID {
			oids = append(oids, strconv.FormatUint(uint64(f.TypeOID), 10))
		}
	}
	if len(oids) == 0 {
		return nil
	}
	enums, err := s.mirror.Query(ctx, "SELECT oid FROM pg_catalog.pg_type WHERE oid = ANY ($1::pg_catalog.oid[]) AND typtype = 'e'", "{"+strings.Join(oids, ",")+"}")
	if err != nil {
		return err
	}
	for i, f := range fields {
		oid := strconv.FormatUint(uint64(f.TypeOID), 10)
		fields[i].Enum = slices.ContainsFunc(enums, func(row []*string) bool { return text(row[0]) == oid })
	}
	return nil
}

// secured asks whether row-level security has become active for one of the relations since they were resolved.
func (st *shadowStatement) secured() string {
	var oids []string
	for _, r := range slices.Concat(slices.Collect(maps.Values(st.relations)), slices.Collect(maps.Values(st.travel.relations))) {
		oids = append(oids, strconv.FormatUint(uint64(r.OID), 10))
	}
	slices.Sort(oids)
	return "(SELECT pg_catalog.bool_or(pg_catalog.row_security_active(o)) FROM pg_catalog.unnest('{" + strings.Join(oids, ",") + "}'::oid[]) o)::text"
}

// unplaced takes a position and a context away that point into a text of ours.
func unplaced(err error) error {
	if err == nil {
		return nil
	}
	e := *sqlerr.From(err).At(0)
	e.Where = ""
	return &e
}

// typed asks the mirror for the types of constant expressions.
func (st *shadowStatement) typed(ctx context.Context, sql []string) ([]rewrite.Constant, error) {
	if len(sql) == 0 {
		return nil, nil
	}
	name, _, fields, err := st.s.mirror.Prepare(ctx, "SELECT "+strings.Join(sql, ", "), st.params)
	if err != nil {
		return nil, unplaced(err)
	}
	st.s.mirror.Deallocate(name)
	out := make([]rewrite.Constant, len(sql))
	for i, f := range fields {
		out[i] = rewrite.Constant{SQL: sql[i], OID: f.TypeOID, TypMod: f.TypMod}
	}
	return out, nil
}

var paramPattern = regexp.MustCompile(`\$(\d+)`)

// momentParams gives type text to parameters that stand in FOR SYSTEM_TIME alone, as PostgreSQL does not see them there.
func momentParams(plain parse.Plain, oids []uint32) []uint32 {
	out := slices.Clone(oids)
	for _, p := range plain.Periods {
		for _, m := range paramPattern.FindAllStringSubmatch(p.From+" "+p.To, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil || n < 1 || n > 65535 || strings.Contains(plain.SQL, m[0]) {
				continue
			}
			for len(out) < n {
				out = append(out, 0)
			}
			if out[n-1] == 0 {
				out[n-1] = types.Text
			}
		}
	}
	return out
}

func (st *shadowStatement) Params() []uint32       { return st.params }
func (st *shadowStatement) Fields() []result.Field { return st.fields }

// Close keeps the statement for the next one with its text, or forgets it.
func (st *shadowStatement) Close() error {
	if st.key == "" {
		st.forget()
		return nil
	}
	st.s.keep(st)
	return nil
}

// forget forgets what was prepared on the mirror.
func (st *shadowStatement) forget() {
	names := []string{st.analysis, st.fold.name}
	if st.lent != nil {
		names = append(names, st.lent.name, st.lent.fold.name)
	}
	if st.bare != nil {
		names = append(names, st.bare.name)
	}
	for _, name := range names {
		if name != "" {
			st.s.mirror.Deallocate(name)
		}
	}
}

// Bind keeps the values.
func (st *shadowStatement) Bind(ctx context.Context, params []session.Param, formats []int16) (session.Portal, error) {
	if st.s.mirror.TxStatus() == 'E' {
		return nil, errAborted
	}
	if len(params) != len(st.params) {
		return nil, st.s.fail(ctx, sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement requires %d", len(params), len(st.params)))
	}
	return &shadowPortal{st: st, params: params, formats: formats}, nil
}
