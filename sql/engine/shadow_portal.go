package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// shadowPortal runs once.
type shadowPortal struct {
	st      *shadowStatement
	params  []session.Param
	formats []int16 // of the result, which only what comes from the mirror needs to know
	place   placer  // nil but for a cursor
	running context.Context
	end     context.CancelCauseFunc
	job     *job
	timeout time.Duration // statement_timeout; 0 is none
	timer   *time.Timer
}

func (p *shadowPortal) Fields() []result.Field { return p.st.fields }
func (p *shadowPortal) Copy() bool             { return false }
func (p *shadowPortal) Close() error           { return nil }

// Rows checks the privileges, computes the constants, and starts the query on the shadow, or on the mirror over lent rows.
func (p *shadowPortal) Rows(ctx context.Context) (result.Rows, error) { return p.run(ctx, p.rows) }

// run does something that Cancel and statement_timeout end.
func (p *shadowPortal) run(ctx context.Context, do func(context.Context, *known) (result.Rows, error)) (result.Rows, error) {
	p.running, p.end = context.WithCancelCause(ctx)
	p.job = &job{func() { p.end(context.Canceled) }}
	p.st.s.begin(p.job)
	k, err := p.known(p.running)
	p.st.s.begun = true
	if err == nil {
		p.limit()
		var rows result.Rows
		if rows, err = p.within(k, do); err == nil {
			return &shadowRows{Rows: rows, p: p}, nil
		}
	}
	err = p.worded(err)
	p.stop()
	return nil, p.st.s.fail(ctx, parse.Shift(err, p.st.text.Offset))
}

// within waits until fewer statements compute than may. A place is held only while something is computed, never while a client reads.
func (p *shadowPortal) within(k *known, do func(context.Context, *known) (result.Rows, error)) (result.Rows, error) {
	leave, err := enter(p.running, p.st.s.e.running)
	if err != nil {
		return nil, err
	}
	defer leave()
	reading, done := p.st.s.source.Shadow.Reading(p.running)
	defer done()
	return do(reading, k)
}

// worded is shadowError, but for the end of the time that statement_timeout gave.
func (p *shadowPortal) worded(err error) error {
	if errors.Is(context.Cause(p.running), context.DeadlineExceeded) {
		return sqlerr.From(context.DeadlineExceeded)
	}
	return shadowError(err)
}

// limit starts the time that statement_timeout gives.
func (p *shadowPortal) limit() {
	if p.timeout > 0 {
		p.timer = time.AfterFunc(p.timeout, func() { p.end(context.DeadlineExceeded) })
	}
}

// rest ends what limits and interrupts a statement while the client asks for nothing.
func (p *shadowPortal) rest() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.st.s.end(p.job)
}

// stop ends the statement.
func (p *shadowPortal) stop() {
	p.rest()
	p.end(nil)
}

// known is what a statement needs to know each time it runs.
type known struct {
	fold   *fold
	answer []*string // of the fold
	spans  map[ast.Period]span
	rights rights
	failed error // a constant's, which the statement may never come to; the fold then has none
}

// zone is the session's. A fixed offset of whole hours has a name that the shadow's engine reads as PostgreSQL does.
func (k *known) zone() string {
	name := text(k.answer[1])
	if east, ok := encode.FixedZone(name); ok && east%3600 == 0 {
		return fmt.Sprintf("Etc/GMT%+d", -east/3600)
	}
	return name
}

// plain says that the session shows every value as the primary wrote it.
func (k *known) plain() bool {
	return yes(k.answer[2]) && yes(k.answer[4]) && yes(k.answer[5]) && isUTC(text(k.answer[1]))
}

// known asks the mirror and finds the moments.
func (p *shadowPortal) known(ctx context.Context) (*known, error) {
	st, s := p.st, p.st.s
	k, err := st.ask(ctx, st.first(), p.params)
	if err != nil {
		return nil, err
	}
	if again, err := st.again(ctx, k.spans); err != nil {
		return nil, err
	} else if again {
		if k, err = st.ask(ctx, st.first(), p.params); err != nil {
			return nil, err
		}
	}
	if k.rights, err = s.hide(ctx, st.relations); err != nil {
		return nil, err
	}
	if ms, err := strconv.ParseInt(text(k.answer[3]), 10, 32); err == nil {
		p.timeout = time.Duration(ms) * time.Millisecond
	}
	return k, nil
}

// first is what has to be computed for the statement's first try.
func (st *shadowStatement) first() *fold {
	if st.refusal != nil {
		return &st.lent.fold
	}
	return &st.fold
}

// rows runs the statement.
func (p *shadowPortal) rows(ctx context.Context, k *known) (result.Rows, error) {
	refusal := p.st.refusal
	if k.failed != nil {
		refusal = k.failed
		if err := p.st.lendBare(ctx, refusal); err != nil {
			return nil, err
		}
	}
	if refusal == nil {
		rows, err := p.translated(ctx, k)
		if err == nil {
			return rows, nil
		}
		refusal = p.worded(err)
		if err := p.turnToLent(ctx, k, refusal); err != nil {
			return nil, err
		}
	}
	return p.lent(ctx, k, refusal)
}

// turnToLent prepares this one run for lent rows after the translation failed: with other values it may not.
func (p *shadowPortal) turnToLent(ctx context.Context, k *known, refusal error) (err error) {
	st := p.st
	if !lends(refusal) {
		return refusal
	}
	if st.lent == nil {
		if st.lent, err = st.lend(ctx, refusal); err != nil {
			return err
		}
	}
	fresh, err := st.ask(ctx, &st.lent.fold, p.params)
	if err != nil {
		return err
	}
	k.fold, k.answer, k.failed = fresh.fold, fresh.answer, fresh.failed
	return nil
}

// lends says that the shadow may have come to an error only because a value is one that it does not compute with, or that PostgreSQL never comes
// to: which rows an expression is computed for, and whether it is, are the plan's.
func lends(err error) bool {
	code := sqlerr.Code(err)
	return code == sqlerr.FeatureNotSupported || strings.HasPrefix(code, "22") || strings.HasPrefix(code, "21")
}

// filled is the input with the values that the mirror computed.
func (st *shadowStatement) filled(ctx context.Context, k *known) rewrite.Input {
	in := st.input(k.fold)
	in.Alike = st.zones(ctx, k)
	in.Values, in.ISODates, in.Plain = append([]*string{}, k.answer[fixedItems+st.computed:]...), yes(k.answer[2]), k.plain()
	return in
}

// translated runs the translation on the shadow up to its first rows: what DuckDB cannot compute shows there, in all that sorts or groups.
func (p *shadowPortal) translated(ctx context.Context, k *known) (result.Rows, error) {
	plan, err := p.st.q.Translate(p.st.filled(ctx, k))
	if err != nil {
		return nil, err
	}
	if err := p.writable(yes(k.answer[4])); err != nil {
		return nil, err
	}
	query, err := p.st.query(ctx, plan, p.st.fields, k)
	if err != nil {
		return nil, err
	}
	rows, err := p.st.s.source.Shadow.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	first, err := rows.Next(ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = rows.Close() // the first error counts
		return nil, err
	}
	return &begunRows{Rows: rows, first: first}, nil
}

// writable refuses columns that only PostgreSQL writes: in a binary format that is not known here, or in the text of unusual settings.
func (p *shadowPortal) writable(usual bool) error {
	formats, err := encode.Formats(p.formats, len(p.st.fields))
	if err != nil {
		return err
	}
	for i, f := range p.st.fields {
		switch {
		case formats[i] == 1 && !encode.Binary(f):
			return sqlerr.New(sqlerr.FeatureNotSupported, "column \"%s\" of type %d cannot be sent in binary format", f.Name, f.TypeOID)
		case formats[i] == 0 && !usual && (f.TypeOID == types.Bytea || f.TypeOID == types.Float4 || f.TypeOID == types.Float8):
			return sqlerr.New(sqlerr.FeatureNotSupported, "column \"%s\" of type %d is written with extra_float_digits = 1 and bytea_output = hex only", f.Name, f.TypeOID)
		}
	}
	return nil
}

// begunRows are rows of which the first batch has been read.
type begunRows struct {
	result.Rows
	first *result.Batch
}

// Next gives the next batch; after the last one the rows themselves say that they have ended.
func (r *begunRows) Next(ctx context.Context) (*result.Batch, error) {
	if b := r.first; b != nil {
		r.first = nil
		return b, nil
	}
	return r.Rows.Next(ctx)
}

// query defines the relations of a plan.
func (st *shadowStatement) query(ctx context.Context, plan *rewrite.Plan, fields []result.Field, k *known) (Query, error) {
	if err := st.s.granted(ctx, st.travel, plan.Uses); err != nil {
		return Query{}, err
	}
	q := Query{Fields: fields, TimeZone: "UTC"}
	if zone := k.zone(); st.s.alike(ctx, zone) { // otherwise nothing of the translation hangs on it, and DuckDB may not know it
		q.TimeZone = zone
	}
	definitions, err := st.s.define(ctx, plan, k.spans, k.rights, &q)
	if err != nil {
		return Query{}, err
	}
	q.SQL = plan.SQL(definitions)
	return q, nil
}

// ask checks the privileges, has the constants computed, and reads the moments among them. Where both cannot be done, the privileges are checked again
// without the constants, and with them what PostgreSQL finds as it plans: a constant that fails although that does not is one that the statement may
// never come to.
func (st *shadowStatement) ask(ctx context.Context, f *fold, params []session.Param) (*known, error) {
	s := st.s
	k := &known{fold: f}
	var err error
	if k.answer, err = st.attempt(ctx, f, params); errors.As(err, new(constantError)) {
		k.failed = constantError{unplaced(err)}
		k.fold, k.answer, err = st.askBare(ctx, params)
	}
	if err != nil {
		return nil, unplaced(err)
	}
	if len(k.answer) < fixedItems+st.computed {
		return nil, sqlerr.New(sqlerr.Internal, "the mirror did not compute the constants")
	}
	if yes(k.answer[len(settings)]) {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "a table of this statement has row-level security, which the shadow does not apply")
	}
	if k.spans, err = s.spansOf(ctx, st.periods, k.answer[fixedItems:fixedItems+st.computed]); err != nil {
		return nil, err
	}
	at, err := s.asOf(ctx, k.answer[0])
	k.spans[ast.Period{}] = span{To: at}
	return k, err
}

// again prepares the statement anew if its moments are others than when it was prepared and its tables were others then. As in PostgreSQL,
// what it returns must stay the same.
func (st *shadowStatement) again(ctx context.Context, spans map[ast.Period]span) (bool, error) {
	if maps.Equal(spans, st.travel.spans) {
		return false, nil
	}
	tr, err := st.s.travels(ctx, st.q, st.travel.rels, st.travel.path, spans)
	if err != nil {
		return false, err
	}
	if slices.Equal(tr.shapes, st.travel.shapes) {
		st.travel.spans = spans
		return false, nil
	}
	prepared, err := st.s.preparePostgres(ctx, st.text, st.params, maps.Clone(spans))
	if err != nil {
		return false, err
	}
	fresh, ok := prepared.(*shadowStatement)
	if !ok {
		_ = prepared.Close()
		return false, errChanged
	}
	same := slices.EqualFunc(fresh.fields, st.fields, func(a, b result.Field) bool {
		return a.Name == b.Name && a.TypeOID == b.TypeOID && a.TypMod == b.TypMod
	})
	if !same || !slices.Equal(fresh.params, st.params) {
		_ = fresh.Close()
		return false, errChanged
	}
	st.forget()
	*st = *fresh
	return true, nil
}

// errChanged is PostgreSQL's for a prepared statement whose tables have changed.
var errChanged = sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type").
	WithHint("At this moment the statement has other columns than when it was prepared; prepare it again.")

// ask runs a prepared statement on the mirror and gives its first row as text.
func (s *querySession) ask(ctx context.Context, name string, params []session.Param) ([]*string, error) {
	values, formats := split(params)
	rows, err := s.mirror.Execute(ctx, name, values, formats, nil)
	if err != nil {
		return nil, err
	}
	return firstRow(ctx, rows)
}

// firstRow reads rows to their end and gives the first one as text.
func firstRow(ctx context.Context, rows result.Rows) ([]*string, error) {
	defer rows.Close()
	var first []*string
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return nil, err
		}
		if first == nil && b.Len > 0 {
			first = make([]*string, len(b.Columns))
			for i := range b.Columns {
				if v := b.Columns[i].Bytes[0]; v != nil {
					t := string(v)
					first[i] = &t
				}
			}
		}
	}
}

// shadowRows words the shadow's errors and makes the transaction see them.
type shadowRows struct {
	result.Rows
	p       *shadowPortal
	resting bool
	failed  bool
}

// Rest leaves the query where it is: the client may take its time, and what is cancelled meanwhile is something else.
func (r *shadowRows) Rest() {
	r.resting = true
	r.p.rest()
}

// Next gives the next batch.
func (r *shadowRows) Next(ctx context.Context) (*result.Batch, error) {
	if r.resting {
		r.resting = false
		r.p.st.s.begin(r.p.job)
		r.p.limit()
	}
	b, err := r.next(ctx)
	if err == nil && r.p.running.Err() != nil {
		err = r.p.running.Err()
	}
	if err == nil || errors.Is(err, io.EOF) {
		return b, err
	}
	err = unplaced(r.p.worded(err))
	if !r.failed {
		r.failed = true
		return nil, r.p.st.s.fail(context.WithoutCancel(ctx), err)
	}
	return nil, err
}

func (r *shadowRows) next(ctx context.Context) (*result.Batch, error) {
	leave, err := enter(r.p.running, r.p.st.s.e.running)
	if err != nil {
		return nil, err
	}
	defer leave()
	return r.Rows.Next(ctx)
}

// Close ends the query.
func (r *shadowRows) Close() error {
	err := r.Rows.Close()
	r.p.stop()
	return err
}
