package pgwire

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/encode"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// bind makes a portal of a statement and values for its parameters.
func (c *conn) bind(ctx context.Context, body []byte) error {
	var m pgproto3.Bind
	if err := m.Decode(bytes.Clone(body)); err != nil { // the values outlive the message
		return malformed("Bind")
	}
	s, err := c.findStatement(m.PreparedStatement)
	if err != nil {
		return err
	}
	params, err := bindParams(&m, len(s.params()))
	if err != nil {
		return err
	}
	if err := c.free(m.DestinationPortal); err != nil {
		return err
	}
	p := &portal{}
	if s.session != nil {
		bound, err := s.session.Bind(ctx, params, m.ResultFormatCodes)
		if err != nil {
			return err
		}
		p.session, p.fields = bound, bound.Fields()
		if p.fields != nil {
			if p.formats, err = encode.Formats(m.ResultFormatCodes, len(p.fields)); err != nil {
				p.close(c)
				return err
			}
		}
	}
	if err := c.name(ctx, p, m.DestinationPortal); err != nil {
		p.close(c)
		return err
	}
	s.hold()
	p.statement = s
	c.portals[m.DestinationPortal] = p
	c.out.send(&pgproto3.BindComplete{})
	return nil
}

// free makes a portal's name free. The unnamed portal ends; whether one that SQL knows is still there, the session says when it gives the name.
func (c *conn) free(name string) error {
	if p, taken := c.portals[name]; taken && name != "" && p.name == "" {
		return sqlerr.New("42P03", "cursor %q already exists", name)
	}
	c.dropPortal(name)
	return nil
}

// name lets SQL know of a portal that returns rows.
func (c *conn) name(ctx context.Context, p *portal, name string) error {
	cursors, ok := c.sess.(session.Cursors)
	if !ok || name == "" || p.fields == nil || p.copies() {
		return nil
	}
	if err := cursors.Open(ctx, name, p.session); err != nil {
		return err
	}
	p.name = name
	return nil
}

// bindParams pairs the values with their formats and checks both counts.
func bindParams(m *pgproto3.Bind, want int) ([]session.Param, error) {
	formats, n := m.ParameterFormatCodes, len(m.Parameters)
	if len(formats) > 1 && len(formats) != n {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", len(formats), n)
	}
	if n != want {
		return nil, sqlerr.New(sqlerr.ProtocolViolation,
			"bind message supplies %d parameters, but prepared statement %q requires %d", n, m.PreparedStatement, want)
	}
	params := make([]session.Param, n)
	for i, v := range m.Parameters {
		switch {
		case len(formats) == 1:
			params[i].Format = formats[0]
		case len(formats) > 1:
			params[i].Format = formats[i]
		}
		if f := params[i].Format; f != 0 && f != 1 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", f)
		}
		params[i].Value = v
	}
	return params, nil
}

// findStatement looks up a name that a client sent.
func (c *conn) findStatement(name string) (*statement, error) {
	if s, ok := c.statements[name]; ok {
		return s, nil
	}
	if name == "" {
		return nil, sqlerr.New(sqlerr.InvalidStatementName, "unnamed prepared statement does not exist")
	}
	return nil, sqlerr.New(sqlerr.InvalidStatementName, "prepared statement %q does not exist", name)
}

// findPortal looks up a name that a client sent.
func (c *conn) findPortal(name string) (*portal, error) {
	if p, ok := c.portals[name]; ok {
		return p, nil
	}
	return nil, sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", name)
}
