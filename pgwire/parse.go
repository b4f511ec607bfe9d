package pgwire

import (
	"context"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/sql/sqlerr"
)

// parse prepares a statement under a name.
func (c *conn) parse(ctx context.Context, body []byte) error {
	var m pgproto3.Parse
	if err := m.Decode(body); err != nil {
		return malformed("Parse")
	}
	if m.Name == "" {
		c.dropStatement("")
	} else if _, taken := c.statements[m.Name]; taken {
		return sqlerr.New("42P05", "prepared statement %q already exists", m.Name)
	}
	if !utf8.ValidString(m.Query) {
		return sqlerr.New("22021", `invalid byte sequence for encoding "UTF8"`)
	}
	texts, err := c.sess.Parse(ctx, m.Query)
	if err != nil {
		return err
	}
	if len(texts) > 1 {
		return sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	s := &statement{}
	if len(texts) == 1 {
		if s.session, err = c.sess.Prepare(ctx, texts[0], m.ParameterOIDs); err != nil {
			return err
		}
	}
	s.hold()
	c.statements[m.Name] = s
	c.out.send(&pgproto3.ParseComplete{})
	return nil
}
