package pgwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/pgwire/auth"
	"foreshadow/sql/sqlerr"
)

// maxDelay is how much longer than StartupTimeout a client may take when its source is being slowed down.
const maxDelay = 10 * time.Second

// authenticate runs a SCRAM exchange. A wrong password and an unknown user end in the same words after the same messages.
func (c *conn) authenticate(ctx context.Context) error {
	user := c.startup.User
	if err := c.slowDown(ctx, user); err != nil {
		return err
	}
	verifier, err := c.server.o.Handler.Verifier(ctx, user)
	if err != nil {
		c.log.Error("cannot look up a login", "error", err)
		return sqlerr.New(sqlerr.CannotConnectNow, "logins cannot be checked at the moment")
	}
	err = c.exchange(user, verifier)
	switch {
	case err == nil:
		c.server.throttle.Succeeded(c.source, user)
		return nil
	case errors.Is(err, auth.ErrPassword):
		c.server.throttle.Failed(c.source, user, time.Now())
		c.log.Warn("password authentication failed", "known", verifier != "")
		return sqlerr.New(sqlerr.InvalidPassword, "password authentication failed for user %q", user)
	case errors.Is(err, auth.ErrProtocol):
		c.log.Warn("malformed authentication", "error", err)
		return sqlerr.New(sqlerr.ProtocolViolation, "%s", err.Error())
	}
	return err
}

// slowDown waits as long as earlier failures from the same source demand.
func (c *conn) slowDown(ctx context.Context, user string) error {
	wait, ok := c.server.throttle.Wait(c.source, user, time.Now())
	if !ok {
		c.log.Warn("too many failed passwords")
		return sqlerr.New(sqlerr.InvalidAuthorization, "too many failed passwords from this address").WithHint("Try again in some minutes.")
	}
	if wait == 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.readBefore(time.Now().Add(c.server.o.StartupTimeout))
	return nil
}

// exchange sends and receives the four messages.
func (c *conn) exchange(user, verifier string) error {
	c.out.send(&pgproto3.AuthenticationSASL{AuthMechanisms: auth.Mechanisms(c.binding)})
	mechanism, data, err := c.saslInitial()
	if err != nil {
		return err
	}
	x, err := c.server.auth.Start(mechanism, user, verifier, c.binding)
	if err != nil {
		return err
	}
	first, err := x.First(data)
	if err != nil {
		return err
	}
	c.out.send(&pgproto3.AuthenticationSASLContinue{Data: first})
	if data, err = c.saslBody(); err != nil {
		return err
	}
	final, err := x.Final(data)
	if err != nil {
		return err
	}
	c.startup.ChannelBound = x.Bound()
	c.out.send(&pgproto3.AuthenticationSASLFinal{Data: final})
	c.out.send(&pgproto3.AuthenticationOk{})
	return nil
}

// saslBody sends what is waiting and reads the body of the client's answer.
func (c *conn) saslBody() ([]byte, error) {
	if err := c.out.flush(); err != nil {
		return nil, err
	}
	kind, body, err := c.in.next(maxBeforeAuth)
	if err != nil {
		return nil, err
	}
	if kind == 'X' {
		return nil, errDone
	}
	if kind != 'p' {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "expected SASL response, got message type %d", kind)
	}
	return body, nil
}

// saslInitial reads the mechanism and the first message of the client.
func (c *conn) saslInitial() (mechanism string, data []byte, err error) {
	body, err := c.saslBody()
	if err != nil {
		return "", nil, err
	}
	name, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) < 4 || int(int32(binary.BigEndian.Uint32(rest))) != len(rest)-4 {
		return "", nil, malformed("SASLInitialResponse")
	}
	return string(name), rest[4:], nil
}
