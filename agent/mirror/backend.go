package mirror

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgproto3"
)

// cancelGrace is how long a cancelled backend may take to answer before its connection is given up.
const cancelGrace = 5 * time.Second

// backend is one connection to the private server under one role. It speaks the protocol itself, because a pooled or
// higher-level client would add Syncs of its own, and the client's Sync must be the backend's.
type backend struct {
	server *generation
	conn   net.Conn
	fe     *pgproto3.Frontend
	pid    uint32
	key    []byte
}

// dial opens a backend. Parameters are the startup message's; the server refuses bad ones as it would refuse the client's.
func dial(ctx context.Context, g *generation, role, database string, params map[string]string, s *Session) (*backend, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", g.socket())
	if err != nil {
		return nil, unavailable(err)
	}
	b := &backend{server: g, conn: conn, fe: pgproto3.NewFrontend(conn, conn)}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	all := map[string]string{}
	for name, value := range params {
		all[name] = value
	}
	all["user"], all["database"] = role, database
	b.fe.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: all})
	if err := b.fe.Flush(); err != nil {
		conn.Close()
		return nil, unavailable(err)
	}
	if err := b.startup(s); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// startup reads up to the first ReadyForQuery.
func (b *backend) startup(s *Session) error {
	for {
		msg, err := b.fe.Receive()
		if err != nil {
			return unavailable(err)
		}
		switch m := msg.(type) {
		case *pgproto3.AuthenticationOk, *pgproto3.NegotiateProtocolVersion:
		case *pgproto3.BackendKeyData:
			b.pid, b.key = m.ProcessID, m.SecretKey
		case *pgproto3.ParameterStatus:
			s.status[m.Name] = m.Value
		case *pgproto3.NoticeResponse:
			s.notices = append(s.notices, fromWire((*pgproto3.ErrorResponse)(m)))
		case *pgproto3.ErrorResponse:
			return fromWire(m)
		case *pgproto3.ReadyForQuery:
			s.tx = m.TxStatus
			return nil
		default:
			return unavailable(fmt.Errorf("unexpected answer to the startup message: %T", m))
		}
	}
}

// cancel asks the server to interrupt the backend; it returns when the request has been handled.
func (b *backend) cancel() {
	conn, err := net.DialTimeout("unix", b.server.socket(), time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(cancelGrace))
	msg, err := (&pgproto3.CancelRequest{ProcessID: b.pid, SecretKey: b.key}).Encode(nil)
	if err != nil {
		return
	}
	if _, err := conn.Write(msg); err == nil {
		_, _ = io.ReadAll(conn) // the server closes when the signal has been sent
	}
}

// close says goodbye and drops the connection.
func (b *backend) close() {
	_ = b.conn.SetDeadline(time.Now().Add(time.Second))
	b.fe.Send(&pgproto3.Terminate{})
	_ = b.fe.Flush()
	_ = b.conn.Close()
}

// fromWire keeps every field that the wire format of our own errors knows.
func fromWire(m *pgproto3.ErrorResponse) *sqlerr.Error {
	severity := m.SeverityUnlocalized
	if severity == "" {
		severity = m.Severity
	}
	return &sqlerr.Error{
		Severity: severity, Code: m.Code, Message: m.Message, Detail: m.Detail, Hint: m.Hint, Position: int(m.Position), Where: m.Where,
		Schema: m.SchemaName, Table: m.TableName, Column: m.ColumnName, DataType: m.DataTypeName, Constraint: m.ConstraintName,
	}
}

// unavailable is what a client hears when the private server cannot be reached or has gone.
func unavailable(err error) *sqlerr.Error {
	e := sqlerr.New(sqlerr.CannotConnectNow, "the catalog mirror is not available: %v", err)
	e.Severity = "FATAL"
	return e
}
