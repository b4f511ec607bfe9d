package pgwire

import (
	"foreshadow/sql/session"
)

// statement is a prepared statement. It is closed when its name is gone and no portal uses it any more.
type statement struct {
	session session.Statement // nil for an empty query
	users   int
}

func (s *statement) hold() { s.users++ }

// release gives up one use.
func (s *statement) release(c *conn) {
	s.users--
	if s.users > 0 || s.session == nil {
		return
	}
	if err := s.session.Close(); err != nil {
		c.log.Debug("closing a statement", "error", err)
	}
}

// params are the types of its parameters.
func (s *statement) params() []uint32 {
	if s.session == nil {
		return nil
	}
	return s.session.Params()
}

// dropStatement forgets a name; it need not exist.
func (c *conn) dropStatement(name string) {
	if s, ok := c.statements[name]; ok {
		delete(c.statements, name)
		s.release(c)
	}
}
