package engine

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// shadowPortal runs once; limited ends its statement_timeout.
type shadowPortal struct {
	st      *shadowStatement
	params  []session.Param
	running context.Context
	limited context.CancelFunc
}

func (p *shadowPortal) Fields() []result.Field { return p.st.fields }
func (p *shadowPortal) Copy() bool             { return false }
func (p *shadowPortal) Close() error           { return nil }

// Rows checks the privileges, computes the constants, and starts the query on the shadow.
func (p *shadowPortal) Rows(ctx context.Context) (result.Rows, error) {
	s := p.st.s
	ctx, done := s.cancellable(ctx)
	p.running, p.limited = ctx, func() {}
	rows, err := p.rows(ctx)
	if err != nil {
		err = p.worded(err)
		p.limited()
		done()
		return nil, s.fail(context.WithoutCancel(ctx), parse.Shift(err, p.st.text.Offset))
	}
	return &shadowRows{Rows: rows, p: p, done: done}, nil
}

// worded is shadowError, but for the end of the time that statement_timeout gave.
func (p *shadowPortal) worded(err error) error {
	if errors.Is(p.running.Err(), context.DeadlineExceeded) {
		return sqlerr.From(context.DeadlineExceeded)
	}
	return shadowError(err)
}

// limit starts statement_timeout, in milliseconds; 0 is none.
func (p *shadowPortal) limit(setting string) {
	if ms, err := strconv.ParseInt(setting, 10, 32); err == nil && ms > 0 {
		p.running, p.limited = context.WithTimeout(p.running, time.Duration(ms)*time.Millisecond)
	}
}

func (p *shadowPortal) rows(ctx context.Context) (result.Rows, error) {
	st, s := p.st, p.st.s
	if _, err := s.ask(ctx, st.explain, p.params); err != nil {
		return nil, unplaced(err)
	}
	answer, err := s.ask(ctx, st.fold, p.params)
	if err != nil {
		return nil, unplaced(err)
	}
	if len(answer) < fixedItems+len(st.moments) {
		return nil, sqlerr.New(sqlerr.Internal, "the mirror did not compute the constants")
	}
	if yes(answer[len(settings)]) {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "a table of this statement has row-level security, which the shadow does not apply")
	}
	moments, err := st.readMoments(ctx, answer)
	if err != nil {
		return nil, err
	}
	rt, err := s.hide(ctx, st.relations)
	if err != nil {
		return nil, err
	}
	values := answer[fixedItems+len(st.moments):]
	plan, err := st.q.Translate(rewrite.Input{Relations: st.relations, Fields: st.fields, Constants: st.constants,
		Values: append([]*string{}, values...), ISODates: yes(answer[2])})
	if err != nil {
		return nil, err
	}
	query := Query{Fields: st.fields, TimeZone: text(answer[1])}
	definitions, err := s.define(ctx, plan, moments, rt, &query)
	if err != nil {
		return nil, err
	}
	query.SQL = plan.SQL(definitions)
	p.limit(text(answer[3]))
	return s.source.Shadow.Query(p.running, query)
}

// readMoments turns the FOR SYSTEM_TIME clauses and the session's setting, under "", into moments.
func (st *shadowStatement) readMoments(ctx context.Context, answer []*string) (map[string]AsOf, error) {
	out := map[string]AsOf{}
	if answer[0] != nil {
		m, err := st.s.moment(ctx, *answer[0])
		if err != nil {
			return nil, asOfError(err, *answer[0])
		}
		out[""] = m
	}
	asOfs := st.q.AsOfs()
	for i, at := range st.moments {
		v := answer[fixedItems+i]
		if v == nil {
			return nil, sqlerr.New(sqlerr.InvalidDatetime, "the moment of FOR SYSTEM_TIME must not be NULL").WithHint(hintMoment)
		}
		m, err := st.s.moment(ctx, *v)
		if err != nil {
			return nil, err
		}
		out[asOfs[at]] = m
	}
	return out, nil
}

// asOfError names the setting that is wrong.
func asOfError(err error, value string) error {
	if e := sqlerr.From(err); e.Code == sqlerr.InvalidDatetime {
		return sqlerr.New(sqlerr.InvalidDatetime, "invalid value for parameter \"foreshadow.as_of\": \"%s\"", value).
			WithHint("%s RESET foreshadow.as_of shows the present.", hintMoment)
	}
	return err
}

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
	p      *shadowPortal
	done   func()
	failed bool
}

// Next gives the next batch.
func (r *shadowRows) Next(ctx context.Context) (*result.Batch, error) {
	b, err := r.Rows.Next(ctx)
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
	r.p.limited()
	r.done()
	return err
}
