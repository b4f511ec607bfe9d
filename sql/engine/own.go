package engine

import (
	"context"
	"io"

	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// outcome is what a statement of our own answers: a command tag and, when fields were announced, rows of text and numbers; or rows that come
// while the statement goes on.
type outcome struct {
	tag    string
	rows   [][]any
	stream result.Rows
}

// handler executes one of our statements. text is what the client wrote.
type handler struct {
	fields []result.Field
	// governed statements may not stand inside a transaction block: what they do is not undone by ROLLBACK.
	outsideBlock bool
	// check refuses the statement when it is prepared.
	check func() error
	run   func(ctx context.Context, s *querySession, text string) (outcome, error)
}

// handlerOf is the table of our statements; gochecksumtype names a missing case.
func handlerOf(st ast.Statement) handler {
	switch st := st.(type) {
	case ast.InitializeModel:
		return initializeModel(st)
	case ast.AlterModel:
		return alterModel(st)
	case ast.ActivateInstances:
		return activateInstances(st)
	case ast.CreateInstance:
		return createInstance(st)
	case ast.AlterInstance:
		return alterInstance(st)
	case ast.DropInstance:
		return dropInstance(st)
	case ast.ShowRequest:
		return showRequest(st)
	case ast.ApproveRequest:
		return approveRequest(st)
	case ast.RejectRequest:
		return rejectRequest(st)
	case ast.RevokeApproval:
		return revokeApproval(st)
	case ast.WithdrawRequest:
		return withdrawRequest(st)
	case ast.Freeze:
		return freeze(st)
	case ast.Unfreeze:
		return unfreeze(st)
	case ast.ExplainRisk:
		return explainRisk(st)
	case ast.VerifyAudit:
		return verifyAudit()
	case ast.VerifyShadow:
		return verifyShadow(st)
	case ast.AlterAccount:
		return alterAccount(st)
	case ast.SetPassword:
		return setPassword(st)
	case ast.Empty, ast.Postgres:
	}
	return handler{}
}

// prepareOwn makes a statement of ours ready. Nothing is checked yet but its place in the transaction.
func (s *querySession) prepareOwn(st ast.Statement, t session.Text) (session.Statement, error) {
	h := handlerOf(st)
	if h.run == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "this statement is not supported yet")
	}
	if h.check != nil {
		if err := h.check(); err != nil {
			return nil, err
		}
	}
	return &ownStatement{s: s, text: t.SQL, offset: t.Offset, h: h}, nil
}

// ownStatement is a prepared statement of ours; without a handler it is the empty query.
type ownStatement struct {
	s      *querySession
	text   string
	offset int
	h      handler
}

func (o *ownStatement) Params() []uint32       { return nil }
func (o *ownStatement) Fields() []result.Field { return o.h.fields }
func (o *ownStatement) Close() error           { return nil }

// Bind takes no parameters.
func (o *ownStatement) Bind(ctx context.Context, params []session.Param, _ []int16) (session.Portal, error) {
	if len(params) > 0 {
		return nil, o.s.fail(ctx, sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement requires 0", len(params)))
	}
	return &ownPortal{o}, nil
}

// errAborted is PostgreSQL's answer to anything but the end of a failed transaction.
var errAborted = sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")

// ownPortal runs its statement when its rows are asked for.
type ownPortal struct{ st *ownStatement }

func (p *ownPortal) Fields() []result.Field { return p.st.h.fields }
func (p *ownPortal) Copy() bool             { return false }
func (p *ownPortal) Close() error           { return nil }

// Rows runs the statement.
func (p *ownPortal) Rows(ctx context.Context) (result.Rows, error) {
	s, h := p.st.s, p.st.h
	if h.run == nil {
		return &memory{}, nil
	}
	ctx, done := s.cancellable(ctx)
	out, err := p.start(ctx)
	if err == nil && out.stream != nil {
		return &ownRows{out.stream, done}, nil
	}
	done()
	if err != nil {
		return nil, err
	}
	return newMemory(h.fields, out), nil
}

// start runs the statement, if the transaction lets it.
func (p *ownPortal) start(ctx context.Context) (outcome, error) {
	s, h := p.st.s, p.st.h
	switch tx := s.mirror.TxStatus(); {
	case tx == 'E':
		return outcome{}, errAborted
	case tx == 'T' && h.outsideBlock:
		return outcome{}, s.fail(ctx, sqlerr.New(sqlerr.ActiveTransaction, "this statement cannot run inside a transaction block").
			WithHint("What it does is not undone by ROLLBACK; run it on its own."))
	}
	out, err := h.run(ctx, s, p.st.text)
	if err != nil {
		return outcome{}, s.fail(ctx, parse.Shift(err, p.st.offset))
	}
	return out, nil
}

// ownRows are rows that come while their statement goes on; it can be cancelled until they are closed.
type ownRows struct {
	result.Rows
	done func()
}

// Live passes on whether each row is to be sent when it comes.
func (r *ownRows) Live() bool {
	l, ok := r.Rows.(result.Live)
	return ok && l.Live()
}

// Close ends the statement.
func (r *ownRows) Close() error {
	err := r.Rows.Close()
	r.done()
	return err
}

// memory is a small result that is already there.
type memory struct {
	fields []result.Field
	batch  *result.Batch
	tag    string
}

func newMemory(fields []result.Field, out outcome) *memory {
	m := &memory{fields: fields, tag: out.tag}
	if len(out.rows) == 0 {
		return m
	}
	m.batch = &result.Batch{Len: len(out.rows), Columns: make([]result.Column, len(fields))}
	for c, f := range fields {
		col := &m.batch.Columns[c]
		col.Kind = types.Of(f.TypeOID, f.TypMod).Kind
		col.Nulls = make([]bool, len(out.rows))
		col.Ints = make([]int64, len(out.rows))
		col.Bytes = make([][]byte, len(out.rows))
		for i, row := range out.rows {
			switch v := row[c].(type) {
			case int64:
				col.Ints[i] = v
			case bool:
				if v {
					col.Ints[i] = 1
				}
			case string:
				col.Bytes[i] = []byte(v)
			default:
				col.Nulls[i] = true
			}
		}
	}
	return m
}

func (m *memory) Fields() []result.Field { return m.fields }
func (m *memory) Tag() string            { return m.tag }
func (m *memory) Close() error           { return nil }

// Next gives the one batch and then the end.
func (m *memory) Next(context.Context) (*result.Batch, error) {
	if m.batch == nil {
		return nil, io.EOF
	}
	b := m.batch
	m.batch = nil
	return b, nil
}
