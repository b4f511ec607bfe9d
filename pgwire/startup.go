package pgwire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/auth"
	"foreshadow/sql/sqlerr"
)

// newestMinor is the newest minor version of protocol 3 that is spoken here: 3.2 has longer cancel keys.
const newestMinor = 2

// startupMessage is the client's first message.
type startupMessage struct {
	minor   uint32
	params  map[string]string
	unknown []string // protocol options, _pq_.*, of which there are none here
}

// parseStartup reads protocol version 3 of any minor version.
func parseStartup(body []byte) (*startupMessage, error) {
	version := binary.BigEndian.Uint32(body)
	if version>>16 != 3 {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.%d",
			version>>16, version&0xffff, newestMinor)
	}
	m := &startupMessage{minor: version & 0xffff, params: map[string]string{}}
	rest := body[4:]
	for {
		name, after, ok := bytes.Cut(rest, []byte{0})
		if ok && len(name) == 0 && len(after) == 0 {
			return m, nil
		}
		value, more, ok2 := bytes.Cut(after, []byte{0})
		if !ok || !ok2 || len(name) == 0 {
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
		}
		if strings.HasPrefix(string(name), "_pq_.") {
			m.unknown = append(m.unknown, string(name))
		} else {
			m.params[string(name)] = string(value)
		}
		rest = after[len(after)-len(more):]
	}
}

// admit checks the startup message and whether there is room for one more client.
func (c *conn) admit(m *startupMessage) error {
	if m.minor > newestMinor || len(m.unknown) > 0 {
		slices.Sort(m.unknown)
		c.out.send(&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: newestMinor, UnrecognizedOptions: m.unknown})
	}
	s := &c.startup
	s.User, s.Database = m.params["user"], m.params["database"]
	if s.User == "" {
		return sqlerr.New(sqlerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	}
	if s.Database == "" {
		s.Database = s.User
	}
	switch strings.ToLower(m.params["replication"]) {
	case "", "false", "off", "no", "0":
	default:
		return sqlerr.New(sqlerr.FeatureNotSupported, "replication connections are not supported")
	}
	delete(m.params, "user")
	delete(m.params, "database")
	delete(m.params, "replication")
	s.Params = m.params
	if s.Remote = c.raw.RemoteAddr().String(); c.server.unix {
		s.Remote = "local"
	}
	c.counted = true
	if c.server.live.Add(1) > int64(c.server.o.MaxConnections) {
		return sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	c.log = c.log.With("user", s.User, "database", s.Database, "remote", s.Remote)
	c.source = auth.Source(s.Remote)
	c.key = make([]byte, 4)
	if m.minor >= 2 {
		c.key = make([]byte, 32)
	}
	return nil
}
