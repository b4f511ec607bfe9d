package mirror

import (
	"context"

	"foreshadow/sql/result"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Open binds a prepared statement to a portal of a name that the client chose, so that PostgreSQL itself knows it: FETCH, CLOSE, pg_cursors, and
// how long it lives. Its values are read here, its rows by Fetch.
func (s *Session) Open(ctx context.Context, portal, name string, params [][]byte, formats, resultFormats []int16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return err
	}
	st, err := s.ready(name)
	if err != nil {
		return err
	}
	s.send(&pgproto3.Bind{DestinationPortal: portal, PreparedStatement: st.wire, ParameterFormatCodes: formats, Parameters: params, ResultFormatCodes: resultFormats}, &pgproto3.Flush{})
	if err := s.flush(); err != nil {
		return err
	}
	msg, err := s.receive()
	if err != nil {
		return err
	}
	if _, ok := msg.(*pgproto3.BindComplete); !ok {
		return s.unexpected(msg)
	}
	return nil
}

// Fetch goes on with a portal or a cursor by its name, as the protocol's Execute does: at most limit rows, or all for 0.
func (s *Session) Fetch(ctx context.Context, portal string, limit int64) (result.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	r := &rows{s: s, portal: portal, txEpoch: s.txEpoch, limit: limit, kept: true}
	if err := r.fetch(); err != nil {
		return nil, err
	}
	if err := r.fill(); err != nil {
		return nil, err
	}
	return r, nil
}

// Drop closes a portal or a cursor; it need not exist. The backend hears of it with the next message.
func (s *Session) Drop(portal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.be != nil && s.dead == nil {
		s.be.fe.Send(&pgproto3.Close{ObjectType: 'P', Name: portal})
	}
}
