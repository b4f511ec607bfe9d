package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// closeObject forgets a statement or a portal. One that does not exist is closed already.
func (c *conn) closeObject(body []byte) error {
	var m pgproto3.Close
	if err := m.Decode(body); err != nil {
		return malformed("Close")
	}
	switch m.ObjectType {
	case 'S':
		c.dropStatement(m.Name)
	case 'P':
		if cursors, ok := c.sess.(session.Cursors); ok && m.Name != "" {
			cursors.Drop(m.Name)
		}
		c.dropPortal(m.Name)
	default:
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid CLOSE message subtype %d", m.ObjectType)
	}
	c.out.send(&pgproto3.CloseComplete{})
	return nil
}
