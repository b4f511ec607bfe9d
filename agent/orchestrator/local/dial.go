package local

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgconn"
)

// Client is a connection past its startup. Start holds ParameterStatus and ReadyForQuery messages for the client at the other end.
type Client struct {
	Conn   net.Conn
	Start  []byte
	Cancel func()
}

// withheld are startup parameters that are not settings, or that a client must not choose.
var withheld = []string{"user", "database", "replication", "password"}

// Dial connects a client under its role; the owner is refused. Errors are those of the instance's PostgreSQL.
func (s *Server) Dial(ctx context.Context, database, role string, params map[string]string) (*Client, error) {
	if role == Owner || role == "" {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "role %q cannot be used on a predictive instance", role)
	}
	cfg, err := pgconn.ParseConfig(s.pg.DSN(role, database))
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams = map[string]string{}
	for name, value := range params {
		if !slices.Contains(withheld, strings.ToLower(name)) && !strings.HasPrefix(name, "_pq_.") {
			cfg.RuntimeParams[name] = value
		}
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, refused(err)
	}
	h, err := conn.Hijack()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(s.pg.SocketDir(), ".s.PGSQL."+strconv.Itoa(s.pg.Port()))
	pid, secret := h.PID, slices.Clone(h.SecretKey)
	return &Client{Conn: h.Conn, Start: start(h.ParameterStatuses, h.TxStatus), Cancel: func() { cancel(socket, pid, secret) }}, nil
}

// refused keeps what PostgreSQL said of a failed connection.
func refused(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return sqlerr.New(sqlerr.CannotConnectNow, "the predictive instance does not answer")
	}
	out := sqlerr.New(e.Code, "%s", e.Message)
	out.Severity, out.Detail, out.Hint = e.Severity, e.Detail, e.Hint
	return out
}

// start writes the messages that tell a client the server's parameters and that it is ready.
func start(status map[string]string, tx byte) []byte {
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(status)) {
		out = append(out, 'S')
		out = binary.BigEndian.AppendUint32(out, uint32(4+len(name)+1+len(status[name])+1))
		out = append(append(append(append(out, name...), 0), status[name]...), 0)
	}
	if tx == 0 {
		tx = 'I'
	}
	return append(out, 'Z', 0, 0, 0, 5, tx)
}

// cancel sends a cancel request; like the protocol's, it is never answered.
func cancel(socket string, pid uint32, secret []byte) {
	c, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	msg := binary.BigEndian.AppendUint32(nil, uint32(12+len(secret)))
	msg = binary.BigEndian.AppendUint32(msg, 80877102)
	msg = binary.BigEndian.AppendUint32(msg, pid)
	if _, err := c.Write(append(msg, secret...)); err == nil {
		_, _ = c.Read(make([]byte, 1)) // the server closes once it has handled it
	}
}
