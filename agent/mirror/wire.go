package mirror

import (
	"context"
	"fmt"

	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgproto3"
)

// begin makes the session ready to send: a backend on the server in force, and no rows under way on the wire.
func (s *Session) begin(ctx context.Context) error {
	if s.dead != nil {
		return s.dead
	}
	if err := s.ensure(ctx); err != nil {
		return err
	}
	return s.settle(nil)
}

// send buffers messages.
func (s *Session) send(msgs ...pgproto3.FrontendMessage) {
	s.dirty = true
	for _, m := range msgs {
		s.be.fe.Send(m)
	}
}

// flush writes what was buffered.
func (s *Session) flush() error {
	if err := s.be.fe.Flush(); err != nil {
		return s.broken(err)
	}
	return nil
}

// receive gives the next message that belongs to a statement. An ErrorResponse becomes an error, after the backend has been synchronised.
func (s *Session) receive() (pgproto3.BackendMessage, error) {
	for {
		msg, err := s.be.fe.Receive()
		if err != nil {
			return nil, s.broken(err)
		}
		switch m := msg.(type) {
		case *pgproto3.NoticeResponse:
			if len(s.notices) < maxNotices {
				s.notices = append(s.notices, fromWire((*pgproto3.ErrorResponse)(m)))
			}
		case *pgproto3.ParameterStatus:
			s.status[m.Name] = m.Value
		case *pgproto3.NotificationResponse:
			s.hear(m)
		case *pgproto3.CloseComplete:
		case *pgproto3.ErrorResponse:
			return nil, s.failed(fromWire(m))
		default:
			return msg, nil
		}
	}
}

// maxNotices bounds what a statement that raises notices in a loop can make us keep.
const maxNotices = 1000

// failed handles an error of the backend: a fatal one ends the session, any other is followed by a Sync.
func (s *Session) failed(e *sqlerr.Error) error {
	s.active = nil
	if e.Severity == "FATAL" || e.Severity == "PANIC" {
		s.die(e)
		return e
	}
	if err := s.sync(); err != nil {
		return err
	}
	return e
}

// sync sends a Sync and reads up to ReadyForQuery; results under way must have been settled.
func (s *Session) sync() error {
	s.be.fe.Send(&pgproto3.Sync{})
	if err := s.flush(); err != nil {
		return err
	}
	var refused *sqlerr.Error
	for {
		msg, err := s.be.fe.Receive()
		if err != nil {
			return s.broken(err)
		}
		switch m := msg.(type) {
		case *pgproto3.NoticeResponse:
			s.notices = append(s.notices, fromWire((*pgproto3.ErrorResponse)(m)))
		case *pgproto3.NotificationResponse:
			s.hear(m)
		case *pgproto3.ParameterStatus:
			s.status[m.Name] = m.Value
		case *pgproto3.ErrorResponse: // the commit itself failed
			if refused = fromWire(m); refused.Severity == "FATAL" {
				return s.failed(refused)
			}
		case *pgproto3.ReadyForQuery:
			if m.TxStatus != 'T' || s.tx != 'T' {
				s.txEpoch++ // outside a transaction block portals do not outlive a Sync
			}
			s.tx, s.dirty, s.active = m.TxStatus, false, nil
			if refused != nil {
				return refused
			}
			return nil
		}
	}
}

// broken marks the session dead after its connection failed. It is not opened anew by itself: the client's settings
// (as_of above all) would be lost in silence.
func (s *Session) broken(err error) error {
	if s.dead == nil {
		e := sqlerr.New(sqlerr.AdminShutdown, "the mirror's backend ended: %v", err).WithHint("Connect again.")
		e.Severity = "FATAL"
		s.die(e)
	}
	return s.dead
}

// die ends the session for good; every later call gets the same error.
func (s *Session) die(e *sqlerr.Error) {
	s.dead = e
	_ = s.be.conn.Close()
	s.cancelMu.Lock()
	s.running = nil
	s.cancelMu.Unlock()
}

// settle reads the rest of the rows that are under way for another result than keep into that result's memory.
func (s *Session) settle(keep *rows) error {
	if s.active == nil || s.active == keep {
		return nil
	}
	return s.active.drain()
}

// complete is called with the tag of each finished statement.
func (s *Session) complete(tag string) error {
	switch tag {
	case "DISCARD ALL", "DEALLOCATE ALL":
		s.epoch++
		return nil
	case "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PREPARE TRANSACTION":
		// PostgreSQL ends its command here as it does at a Sync, so asking now changes nothing and tells us the state.
		return s.sync()
	}
	return nil
}

// unexpected reports a message that the protocol does not allow here.
func (s *Session) unexpected(msg pgproto3.BackendMessage) error {
	return s.broken(fmt.Errorf("unexpected message %T", msg))
}
