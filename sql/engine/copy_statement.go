package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// prepareCopy makes COPY ... TO STDOUT of relations of the shadow from the SELECT in it.
func (s *querySession) prepareCopy(ctx context.Context, t session.Text, c rewrite.CopyOut, rels map[string]*named, tr *travel) (session.Statement, error) {
	inner := session.Text{Offset: t.Offset}
	if c.Relation == nil {
		inner = session.Text{SQL: t.SQL[c.Start:c.End], Offset: t.Offset + utf8.RuneCountInString(t.SQL[:c.Start])}
	} else {
		columns, err := copied(c, rels, tr)
		if err != nil {
			return nil, err
		}
		inner.SQL = c.SelectOf(columns)
	}
	st, err := s.preparePostgres(ctx, inner, nil, nil)
	switch {
	case err != nil && c.Relation != nil:
		return nil, unplaced(err)
	case err != nil: // our caller adds the statement's offset
		return nil, parse.Shift(err, inner.Offset-t.Offset)
	}
	return &copyStatement{Statement: st, s: s, format: c}, nil
}

// copied are the columns that COPY of a table writes: those named, or all but the generated ones.
func copied(c rewrite.CopyOut, rels map[string]*named, tr *travel) ([]string, error) {
	n := rels[c.Relation.Key()]
	if rel := tr.relations[c.Relation.Location]; rel != nil { // as the session's moment shows it
		n = &named{Relation: rel}
	}
	switch {
	case n.Relation == nil || n.system:
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", c.Relation.Name)
	case n.kind == "v":
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot copy from view \"%s\"", n.Name).WithHint("Try the COPY (SELECT ...) TO variant.")
	case n.kind == "p":
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot copy from partitioned table \"%s\"", n.Name).WithHint("Try the COPY (SELECT ...) TO variant.")
	case len(c.Columns) > 0:
		return c.Columns, copiable(n, c.Columns)
	}
	var out []string
	for _, col := range n.Columns {
		if !col.Generated {
			out = append(out, col.Name)
		}
	}
	return out, nil
}

// copiable words what is wrong with the columns that COPY names as PostgreSQL does, which is not as for SELECT.
func copiable(n *named, columns []string) error {
	for i, name := range columns {
		at := slices.IndexFunc(n.Columns, func(c rewrite.Column) bool { return c.Name == name })
		switch {
		case at < 0:
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, n.Name)
		case n.Columns[at].Generated:
			return sqlerr.New(sqlerr.InvalidColumnReference, "column \"%s\" is a generated column", name).WithDetail("Generated columns cannot be used in COPY.")
		case slices.Contains(columns[:i], name):
			return sqlerr.New(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", name)
		}
	}
	return nil
}

// copyStatement writes the rows of its SELECT as COPY's lines.
type copyStatement struct {
	session.Statement
	s      *querySession
	format rewrite.CopyOut
}

// Fields is nil: COPY announces no columns to Describe.
func (c *copyStatement) Fields() []result.Field { return nil }

// Bind binds the SELECT; its values come in COPY's format.
func (c *copyStatement) Bind(ctx context.Context, params []session.Param, _ []int16) (session.Portal, error) {
	p, err := c.Statement.Bind(ctx, params, c.formats())
	if err != nil {
		return nil, err
	}
	return &copyPortal{Portal: p, st: c}, nil
}

// formats are the values' formats, as Bind takes them.
func (c *copyStatement) formats() []int16 {
	if c.format.Binary {
		return []int16{1}
	}
	return nil
}

// copyPortal is a COPY that has not begun.
type copyPortal struct {
	session.Portal
	st *copyStatement
}

// Copy says that the rows are payloads.
func (p *copyPortal) Copy() bool { return true }

// Fields has one column for each copied one; its type tells the format.
func (p *copyPortal) Fields() []result.Field {
	oid := uint32(types.Text)
	if p.st.format.Binary {
		oid = types.Bytea
	}
	out := make([]result.Field, len(p.Portal.Fields()))
	for i, f := range p.Portal.Fields() {
		out[i] = column(f.Name, oid, -1)
	}
	return out
}

// Rows starts the SELECT.
func (p *copyPortal) Rows(ctx context.Context) (result.Rows, error) {
	fields := p.Portal.Fields()
	enc, err := encode.New(fields, p.st.formats(), func() (*encode.Settings, error) { return encode.ParseSettings(p.st.s.mirror.Status()) })
	if err != nil {
		return nil, err
	}
	rows, err := p.Portal.Rows(ctx)
	if err != nil {
		return nil, err
	}
	if p.st.format.Binary {
		return &copyRows{Rows: rows, enc: enc, w: &binaryWriter{}}, nil
	}
	w := &lineWriter{format: p.st.format}
	for _, f := range fields {
		w.force = append(w.force, p.st.format.ForceAll || p.st.format.Force[f.Name])
		w.names = append(w.names, []byte(f.Name))
	}
	return &copyRows{Rows: rows, enc: enc, w: w}, nil
}

// copyWriter writes COPY's payloads: one for each row and perhaps one before and one after them.
type copyWriter interface {
	head() []byte
	row(message []byte) []byte
	tail() []byte
}

// copyRows turns batches of values into batches of payloads.
type copyRows struct {
	result.Rows
	enc    *encode.Encoder
	w      copyWriter
	count  int64
	begun  bool
	ended  bool
	values []byte // one row as the encoder writes it
}

// Tag counts the rows.
func (r *copyRows) Tag() string { return "COPY " + strconv.FormatInt(r.count, 10) }

// Next gives the next payloads.
func (r *copyRows) Next(ctx context.Context) (*result.Batch, error) {
	var out [][]byte
	add := func(payload []byte) {
		if payload != nil {
			out = append(out, payload)
		}
	}
	if r.ended {
		return nil, io.EOF
	}
	if !r.begun {
		r.begun = true
		add(r.w.head())
	}
	b, err := r.Rows.Next(ctx)
	if errors.Is(err, io.EOF) {
		r.ended = true
		if add(r.w.tail()); len(out) > 0 {
			return payloads(out), nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := r.enc.Batch(b); err != nil {
		return nil, err
	}
	for i := range b.Len {
		if r.values, err = r.enc.AppendRow(r.values[:0], b, i); err != nil {
			return nil, err
		}
		add(r.w.row(r.values))
		r.count++
	}
	return payloads(out), nil
}

func payloads(p [][]byte) *result.Batch {
	return &result.Batch{Len: len(p), Columns: []result.Column{{Kind: result.Encoded, Bytes: p}}}
}
