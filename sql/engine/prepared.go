package engine

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// prepared is a query over the shadow that a client has prepared by SQL. Its stand-in on the mirror gives its parameters back, so that
// PostgreSQL itself reads the arguments of EXECUTE.
type prepared struct {
	text  string // of its stand-in
	query session.Statement
}

// prepareStatement is PREPARE. As in PostgreSQL all of it happens when it runs.
type prepareStatement struct {
	s    *querySession
	text session.Text
	q    *rewrite.Query
	p    rewrite.Prepared
}

func (p *prepareStatement) Params() []uint32       { return nil }
func (p *prepareStatement) Fields() []result.Field { return nil }
func (p *prepareStatement) Copy() bool             { return false }
func (p *prepareStatement) Close() error           { return nil }

// Bind has nothing to bind.
func (p *prepareStatement) Bind(context.Context, []session.Param, []int16) (session.Portal, error) {
	return p, nil
}

// Rows prepares the query and its stand-in.
func (p *prepareStatement) Rows(ctx context.Context) (result.Rows, error) {
	s := p.s
	if err := s.sweepStatements(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	oids, err := s.typesOf(ctx, p.p.Types)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	query := inner(p.text, p.q.Inner())
	st, err := s.preparePostgres(ctx, query, oids, nil)
	if err != nil {
		return nil, s.fail(ctx, parse.Shift(err, query.Offset))
	}
	text, err := s.echo(ctx, p.p.Name, p.text.SQL, st.Params())
	if err == nil {
		err = s.runOnMirror(ctx, text)
	}
	if err != nil {
		_ = st.Close() // the first error counts
		return nil, s.fail(ctx, err)
	}
	s.names.statements[p.p.Name] = &prepared{text: text, query: st}
	return &memory{tag: "PREPARE"}, nil
}

// typesOf has the mirror read names of types.
func (s *querySession) typesOf(ctx context.Context, nulls []string) ([]uint32, error) {
	if len(nulls) == 0 {
		return nil, nil
	}
	name, _, fields, err := s.mirror.Prepare(ctx, "SELECT "+strings.Join(nulls, ", "), nil)
	if err != nil {
		return nil, unplaced(err)
	}
	s.mirror.Deallocate(name)
	oids := make([]uint32, len(fields))
	for i, f := range fields {
		oids[i] = f.TypeOID
	}
	return oids, nil
}

// echo is a stand-in that gives its parameters back.
func (s *querySession) echo(ctx context.Context, name, original string, params []uint32) (string, error) {
	types, items := make([]string, len(params)), make([]string, len(params))
	for i, oid := range params {
		found, err := s.mirror.Query(ctx, "SELECT pg_catalog.format_type($1::pg_catalog.oid, NULL)", strconv.FormatUint(uint64(oid), 10))
		if err != nil || len(found) == 0 {
			return "", err
		}
		types[i], items[i] = text(found[0][0]), "$"+strconv.Itoa(i+1)
	}
	head := "PREPARE " + `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	if len(types) > 0 {
		head += " (" + strings.Join(types, ", ") + ")"
	}
	return s.names.standIn(head+" AS SELECT "+strings.Join(items, ", "), original), nil
}

// statementNow gives a prepared query if the mirror still has its stand-in.
func (s *querySession) statementNow(ctx context.Context, name string) (*prepared, error) {
	p := s.names.statements[name]
	if p == nil {
		return nil, nil
	}
	found, err := s.mirror.Query(ctx, statementAlive, name, p.text)
	if err != nil || len(found) > 0 {
		return p, err
	}
	delete(s.names.statements, name)
	return nil, p.query.Close()
}

// sweepStatements forgets the queries whose stand-ins were deallocated.
func (s *querySession) sweepStatements(ctx context.Context) error {
	for name := range s.names.statements {
		if _, err := s.statementNow(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// executeStatement is EXECUTE of a prepared query.
type executeStatement struct {
	session.Statement // on the mirror: its row are the arguments
	s                 *querySession
	name              string
	fields            []result.Field
}

// prepareExecute makes EXECUTE ready; the mirror does it unless the name is a query over the shadow.
func (s *querySession) prepareExecute(ctx context.Context, t session.Text, q *rewrite.Query, name string, explained bool, oids []uint32) (session.Statement, error) {
	p, err := s.statementNow(ctx, name)
	if err != nil {
		return nil, err
	}
	if p != nil && explained {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "EXPLAIN EXECUTE of a query over the shadow is not supported").
			WithHint("EXPLAIN the query itself.")
	}
	st, err := s.prepareChecked(ctx, t, q, oids)
	if err != nil || p == nil {
		return st, err
	}
	return &executeStatement{Statement: st, s: s, name: name, fields: p.query.Fields()}, nil
}

// Fields are the query's.
func (e *executeStatement) Fields() []result.Field { return e.fields }

// Bind finds the query.
func (e *executeStatement) Bind(ctx context.Context, params []session.Param, formats []int16) (session.Portal, error) {
	p, err := e.s.statementNow(ctx, e.name)
	if err != nil {
		return nil, e.s.fail(ctx, err)
	}
	if p == nil {
		return e.Statement.Bind(ctx, params, formats)
	}
	args, err := e.Statement.Bind(ctx, params, []int16{1})
	if err != nil {
		return nil, err
	}
	return &executePortal{e: e, p: p, args: args, formats: formats}, nil
}

// executePortal is an EXECUTE that has not begun.
type executePortal struct {
	e       *executeStatement
	p       *prepared
	args    session.Portal
	formats []int16
	query   session.Portal
	place   placer
}

func (x *executePortal) Fields() []result.Field { return x.p.query.Fields() }
func (x *executePortal) Copy() bool             { return false }

// Close ends the query.
func (x *executePortal) Close() error {
	if x.query != nil {
		return x.query.Close()
	}
	return nil
}

// Rows has the mirror compute the arguments and runs the query with them.
func (x *executePortal) Rows(ctx context.Context) (result.Rows, error) {
	rows, err := x.args.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var params []session.Param
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i := range b.Columns {
			params = append(params, session.Param{Format: 1, Value: b.Columns[i].Bytes[0]})
		}
	}
	if x.query, err = x.p.query.Bind(ctx, params, x.formats); err != nil {
		return nil, err
	}
	onMirror(x.query, x.place)
	return x.query.Rows(ctx)
}
