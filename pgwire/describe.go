package pgwire

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// describe tells the types of a statement's parameters and results, or of a portal's results. Nothing is run for that.
func (c *conn) describe(ctx context.Context, body []byte) error {
	var m pgproto3.Describe
	if err := m.Decode(body); err != nil {
		return malformed("Describe")
	}
	switch m.ObjectType {
	case 'S':
		s, err := c.findStatement(m.Name)
		if err != nil {
			return err
		}
		c.out.send(&pgproto3.ParameterDescription{ParameterOIDs: s.params()})
		var fields []result.Field
		if s.session != nil {
			fields = s.session.Fields()
		}
		c.sendFields(fields, nil)
	case 'P':
		p, err := c.findPortal(m.Name)
		if err != nil {
			if p, err = c.findCursor(ctx, m.Name, err); err != nil {
				return err
			}
		}
		if p.copies() {
			c.sendFields(nil, nil)
			return nil
		}
		c.sendFields(p.fields, p.formats)
	default:
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid DESCRIBE message subtype %d", m.ObjectType)
	}
	return nil
}

// findCursor finds a cursor of SQL, which PostgreSQL's clients know as a portal. missing is the error where there is none.
func (c *conn) findCursor(ctx context.Context, name string, missing error) (*portal, error) {
	cursors, ok := c.sess.(session.Cursors)
	if !ok || name == "" {
		return nil, missing
	}
	fields, err := cursors.Cursor(ctx, name)
	if err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, missing
	}
	return &portal{fields: fields, formats: make([]int16, len(fields)), name: name}, nil
}

// sendFields sends a RowDescription, or NoData for a statement that returns no rows.
func (c *conn) sendFields(fields []result.Field, formats []int16) {
	if fields == nil {
		c.out.send(&pgproto3.NoData{})
		return
	}
	c.out.send(rowDescription(fields, formats))
}

// rowDescription announces columns; without formats, all are text.
func rowDescription(fields []result.Field, formats []int16) *pgproto3.RowDescription {
	d := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(fields))}
	for i, f := range fields {
		d.Fields[i] = pgproto3.FieldDescription{
			Name: []byte(clean(f.Name)), TableOID: f.TableOID, TableAttributeNumber: f.AttNum,
			DataTypeOID: f.TypeOID, DataTypeSize: f.TypeSize, TypeModifier: f.TypMod,
		}
		if formats != nil {
			d.Fields[i].Format = formats[i]
		}
	}
	return d
}
