package engine

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// shadowPortal runs once.
type shadowPortal struct {
	st      *shadowStatement
	params  []session.Param
	running context.Context
	end     context.CancelCauseFunc
	job     *job
	timeout time.Duration // statement_timeout; 0 is none
	timer   *time.Timer
}

func (p *shadowPortal) Fields() []result.Field { return p.st.fields }
func (p *shadowPortal) Copy() bool             { return false }
func (p *shadowPortal) Close() error           { return nil }

// Rows checks the privileges, computes the constants, and starts the query on the shadow.
func (p *shadowPortal) Rows(ctx context.Context) (result.Rows, error) {
	return p.run(ctx, func(q Query) Query { return q })
}

// run runs what is made of the translated query.
func (p *shadowPortal) run(ctx context.Context, of func(Query) Query) (result.Rows, error) {
	s := p.st.s
	p.running, p.end = context.WithCancelCause(ctx)
	p.job = &job{func() { p.end(context.Canceled) }}
	s.begin(p.job)
	q, err := p.query(p.running)
	if err == nil {
		p.limit()
		var rows result.Rows
		if rows, err = s.source.Shadow.Query(p.running, of(q)); err == nil {
			return &shadowRows{Rows: rows, p: p}, nil
		}
	}
	err = p.worded(err)
	p.stop()
	return nil, s.fail(ctx, parse.Shift(err, p.st.text.Offset))
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

// query is the statement as the shadow runs it now.
func (p *shadowPortal) query(ctx context.Context) (Query, error) {
	st, s := p.st, p.st.s
	answer, spans, err := st.ask(ctx, p.params)
	if err != nil {
		return Query{}, err
	}
	if again, err := st.again(ctx, spans); err != nil {
		return Query{}, err
	} else if again {
		if answer, spans, err = st.ask(ctx, p.params); err != nil {
			return Query{}, err
		}
	}
	rt, err := s.hide(ctx, st.relations)
	if err != nil {
		return Query{}, err
	}
	values := answer[fixedItems+st.computed:]
	plan, err := st.q.Translate(rewrite.Input{Relations: st.relations, Then: st.travel.relations, Fields: st.fields, Constants: st.constants,
		Values: append([]*string{}, values...), ISODates: yes(answer[2])})
	if err != nil {
		return Query{}, err
	}
	if err := s.granted(ctx, st.travel, plan.Uses); err != nil {
		return Query{}, err
	}
	query := Query{Fields: st.fields, TimeZone: text(answer[1])}
	definitions, err := s.define(ctx, plan, spans, rt, &query)
	if err != nil {
		return Query{}, err
	}
	query.SQL = plan.SQL(definitions)
	if ms, err := strconv.ParseInt(text(answer[3]), 10, 32); err == nil {
		p.timeout = time.Duration(ms) * time.Millisecond
	}
	return query, nil
}

// ask checks the privileges, has the constants computed, and reads the moments among them.
func (st *shadowStatement) ask(ctx context.Context, params []session.Param) ([]*string, map[ast.Period]span, error) {
	s := st.s
	if _, err := s.ask(ctx, st.explain, params); err != nil {
		return nil, nil, unplaced(err)
	}
	answer, err := s.ask(ctx, st.fold, params)
	if err != nil {
		return nil, nil, unplaced(err)
	}
	if len(answer) < fixedItems+st.computed {
		return nil, nil, sqlerr.New(sqlerr.Internal, "the mirror did not compute the constants")
	}
	if yes(answer[len(settings)]) {
		return nil, nil, sqlerr.New(sqlerr.InsufficientPrivilege, "a table of this statement has row-level security, which the shadow does not apply")
	}
	spans, err := s.spansOf(ctx, st.periods, answer[fixedItems:fixedItems+st.computed])
	if err != nil {
		return nil, nil, err
	}
	at, err := s.asOf(ctx, answer[0])
	spans[ast.Period{}] = span{To: at}
	return answer, spans, err
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
	_ = st.Close()
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
	b, err := r.Rows.Next(ctx)
	if err == nil && r.p.running.Err() != nil {
		err = r.p.running.Err()
	}
	if err == nil || errors.Is(err, io.EOF) {
		return b, err
	}
	if !r.failed {
		r.failed = true
		return nil, r.p.st.s.fail(context.WithoutCancel(ctx), r.p.worded(err))
	}
	return nil, r.p.worded(err)
}

// Close ends the query.
func (r *shadowRows) Close() error {
	err := r.Rows.Close()
	r.p.stop()
	return err
}
