package pgwire

import (
	"context"
	"encoding/binary"
	"net"
	"time"

	"foreshadow/sql/sqlerr"
)

// The codes that stand where a startup message has its protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSSENC = 80877104
)

// establish takes a connection from its first byte to the first ReadyForQuery.
func (c *conn) establish(ctx context.Context) error {
	until := time.Now().Add(c.server.o.StartupTimeout)
	c.readBefore(until)
	early, cancel := context.WithDeadline(ctx, until.Add(maxDelay))
	defer cancel()
	m, err := c.negotiate(early)
	if err != nil {
		return err
	}
	if err := c.checkPlain(); err != nil {
		return err
	}
	if err := c.admit(m); err != nil {
		return err
	}
	if err := c.authenticate(early); err != nil {
		return err
	}
	c.readBefore(time.Time{})
	return c.open(ctx)
}

// negotiate reads until a startup message has come: encryption requests first, or a cancel request, which ends the connection.
func (c *conn) negotiate(ctx context.Context) (*startupMessage, error) {
	b, err := c.in.first()
	if err != nil {
		return nil, errDone // a port scan or a health check
	}
	if b == 0x16 { // a TLS handshake without asking first
		if err := c.startTLS(ctx, true); err != nil {
			return nil, err
		}
	}
	askedSSL, askedGSS := b == 0x16, false
	for {
		body, err := c.in.startup()
		if err != nil {
			return nil, err
		}
		switch code := binary.BigEndian.Uint32(body); {
		case code == codeSSL && !askedSSL && len(body) == 4:
			askedSSL = true
			if err := c.sslRequest(ctx); err != nil {
				return nil, err
			}
		case code == codeGSSENC && !askedGSS && len(body) == 4:
			askedGSS = true
			if err := c.refuseEncryption(); err != nil {
				return nil, err
			}
		case code == codeCancel:
			c.cancelRequest(body)
			return nil, errDone
		default:
			return parseStartup(body)
		}
	}
}

// refuseEncryption answers N: the client goes on in plain text or leaves.
func (c *conn) refuseEncryption() error {
	if c.in.buffered() > 0 {
		return unencryptedData("GSSAPI")
	}
	if _, err := c.nc.Write([]byte{'N'}); err != nil {
		return errDone
	}
	return nil
}

// unencryptedData is the refusal of bytes sent ahead of an encryption that was asked for: somebody may have put them there.
func unencryptedData(kind string) error {
	return sqlerr.New(sqlerr.ProtocolViolation, "received unencrypted data after %s encryption request", kind).
		WithDetail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")
}

// checkPlain refuses a connection in plain text from anywhere that could be listened to.
func (c *conn) checkPlain() error {
	if c.startup.TLS || c.server.unix {
		return nil
	}
	if c.server.o.AllowPlain {
		if a, ok := c.raw.RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
			return nil
		}
	}
	return sqlerr.New(sqlerr.InvalidAuthorization, "connections without TLS are not allowed").WithHint("Connect with sslmode=require.")
}
