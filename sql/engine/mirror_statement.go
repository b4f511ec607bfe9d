package engine

import (
	"context"

	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
)

// mirrorStatement is one that the mirror answers as it is.
type mirrorStatement struct {
	s      *querySession
	name   string
	offset int
	params []uint32
	fields []result.Field
	asOf   *string // what it sets foreshadow.as_of to
}

func (s *querySession) prepareMirror(ctx context.Context, t session.Text, asOf *string, oids []uint32) (session.Statement, error) {
	name, params, fields, err := s.mirror.Prepare(ctx, t.SQL, oids)
	if err != nil {
		return nil, err
	}
	return &mirrorStatement{s: s, name: name, offset: t.Offset, params: params, fields: fields, asOf: asOf}, nil
}

func (m *mirrorStatement) Params() []uint32       { return m.params }
func (m *mirrorStatement) Fields() []result.Field { return m.fields }

// Close forgets the statement on the mirror.
func (m *mirrorStatement) Close() error {
	m.s.mirror.Deallocate(m.name)
	return nil
}

// Bind keeps the values; the mirror binds them when rows are asked for.
func (m *mirrorStatement) Bind(_ context.Context, params []session.Param, resultFormats []int16) (session.Portal, error) {
	return &mirrorPortal{st: m, params: params, formats: resultFormats}, nil
}

type mirrorPortal struct {
	st      *mirrorStatement
	params  []session.Param
	formats []int16
	copying bool
}

func (p *mirrorPortal) Fields() []result.Field { return p.st.fields }
func (p *mirrorPortal) Copy() bool             { return p.copying }
func (p *mirrorPortal) Close() error           { return nil }

// open binds the statement to a portal of that name.
func (p *mirrorPortal) open(ctx context.Context, name string) error {
	if err := p.move(ctx); err != nil {
		return err
	}
	values, formats := split(p.params)
	if err := p.st.s.mirror.Open(ctx, name, p.st.name, values, formats, p.formats); err != nil {
		return parse.Shift(err, p.st.offset)
	}
	return nil
}

// move checks the moment that the statement moves its session to.
func (p *mirrorPortal) move(ctx context.Context) error {
	if v := p.st.asOf; v != nil && p.st.s.mirror.TxStatus() != 'E' {
		if _, err := p.st.s.setTo(ctx, *v); err != nil {
			return p.st.s.fail(ctx, err)
		}
	}
	p.st.s.begun = true
	return nil
}

// Rows runs the statement.
func (p *mirrorPortal) Rows(ctx context.Context) (result.Rows, error) {
	if err := p.move(ctx); err != nil {
		return nil, err
	}
	values, formats := split(p.params)
	rows, err := p.st.s.mirror.Execute(ctx, p.st.name, values, formats, p.formats)
	if err != nil {
		return nil, parse.Shift(unportaled(err), p.st.offset)
	}
	if c, ok := rows.(interface{ Copy() bool }); ok {
		p.copying = c.Copy()
	}
	return rows, nil
}

// split separates values from formats, as the mirror takes them.
func split(params []session.Param) (values [][]byte, formats []int16) {
	for _, p := range params {
		values = append(values, p.Value)
		formats = append(formats, p.Format)
	}
	return values, formats
}
