package wiretest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"
)

// Client is one end of a connection under test.
type Client struct {
	Conn     net.Conn
	Frontend *pgproto3.Frontend
	Key      *pgproto3.BackendKeyData
}

// Login is how a client introduces itself.
type Login struct {
	Minor    uint32
	Params   map[string]string
	Password string
}

// NewClient speaks over a connection, encrypted or not.
func NewClient(nc net.Conn) *Client {
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second)) // a test that hangs must end
	return &Client{Conn: nc, Frontend: pgproto3.NewFrontend(nc, nc)}
}

// AskTLS sends an SSLRequest and does the handshake.
func AskTLS(nc net.Conn) (*Client, error) {
	request, err := (&pgproto3.SSLRequest{}).Encode(nil)
	if err != nil {
		return nil, err
	}
	if _, err := nc.Write(request); err != nil {
		return nil, err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(nc, answer); err != nil {
		return nil, err
	}
	if answer[0] != 'S' {
		return nil, fmt.Errorf("the server answers %c to an SSLRequest", answer[0])
	}
	tc := tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) // certificates are not what is tested with it
	return NewClient(tc), tc.Handshake()
}

// Start goes through startup and password, and returns every message, as text, up to ReadyForQuery or the end.
func (c *Client) Start(l Login) ([]string, error) {
	start := &pgproto3.StartupMessage{ProtocolVersion: 3<<16 | l.Minor, Parameters: l.Params}
	c.Frontend.Send(start)
	if err := c.Frontend.Flush(); err != nil {
		return nil, err
	}
	client, err := scram.SHA256.NewClient("", l.Password, "")
	if err != nil {
		return nil, err
	}
	conversation := client.WithMinIterations(1).NewConversation()
	return c.Read(func(m pgproto3.BackendMessage) (bool, error) {
		var reply pgproto3.FrontendMessage
		switch m := m.(type) {
		case *pgproto3.AuthenticationSASL:
			first, err := conversation.Step("")
			if err != nil {
				return true, err
			}
			reply = &pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte(first)}
		case *pgproto3.AuthenticationSASLContinue:
			final, err := conversation.Step(string(m.Data))
			if err != nil {
				return true, err
			}
			reply = &pgproto3.SASLResponse{Data: []byte(final)}
		case *pgproto3.AuthenticationSASLFinal:
			_, err := conversation.Step(string(m.Data))
			return false, err
		case *pgproto3.BackendKeyData:
			c.Key = &pgproto3.BackendKeyData{ProcessID: m.ProcessID, SecretKey: append([]byte{}, m.SecretKey...)}
			return false, nil
		default:
			_, ready := m.(*pgproto3.ReadyForQuery)
			return ready, nil
		}
		c.Frontend.Send(reply)
		return false, c.Frontend.Flush()
	})
}

// Send sends messages in text form, one a line, and reads until every round has ended, or until a message that begins so.
func (c *Client) Send(lines, until string) ([]string, error) {
	var out []byte
	rounds := 0
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		m, err := Encode(line)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(line, "Query") || strings.HasPrefix(line, "Sync") || strings.HasPrefix(line, "Raw 46") || strings.HasPrefix(line, "Raw 51") {
			rounds++
		}
		out = append(out, m...)
	}
	if _, err := c.Conn.Write(out); err != nil {
		return nil, err
	}
	return c.Read(func(m pgproto3.BackendMessage) (bool, error) {
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			rounds--
			return rounds == 0, nil
		}
		return until != "" && strings.HasPrefix(Format(m), until), nil
	})
}

// Read collects messages, as text, until done says so. The end of the connection is the end of the messages, and io.EOF.
func (c *Client) Read(done func(pgproto3.BackendMessage) (bool, error)) ([]string, error) {
	var all []string
	for {
		m, err := c.Frontend.Receive()
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return all, io.EOF
		}
		if err != nil {
			return all, err
		}
		all = append(all, Format(m))
		if end, err := done(m); end || err != nil {
			return all, err
		}
	}
}
