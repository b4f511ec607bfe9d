package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/xdg-go/scram"
)

// The two mechanisms, as named in PostgreSQL's authentication messages.
const (
	Plain = "SCRAM-SHA-256"
	Plus  = "SCRAM-SHA-256-PLUS"
)

// The two ways in which an exchange fails. Which one it was may be logged, and ErrProtocol may be told to the client;
// ErrPassword also stands for a user who does not exist.
var (
	ErrPassword = errors.New("password authentication failed")
	ErrProtocol = errors.New("malformed SCRAM message")
)

// Server starts exchanges. It is safe for concurrent use.
type Server struct {
	secret     []byte
	iterations int
}

// NewServer makes a server. The secret makes up salts for users who do not exist: the same user must get the same salt every time, so
// it should outlive the process; an empty one is replaced by a random one. iterations is what such users seem to have; 0 means
// Iterations. It must be what real users have, or it would tell them apart.
func NewServer(secret []byte, iterations int) *Server {
	if len(secret) == 0 {
		secret = make([]byte, keySize)
		if _, err := rand.Read(secret); err != nil {
			panic(err) // as in Verifier
		}
	}
	if iterations <= 0 {
		iterations = Iterations
	}
	return &Server{secret: secret, iterations: iterations}
}

// Mechanisms lists what is offered on a connection, the stronger first.
func Mechanisms(b Binding) []string {
	if b.usable() {
		return []string{Plus, Plain}
	}
	return []string{Plain}
}

// Exchange is one client's attempt.
type Exchange struct {
	conversation *scram.ServerConversation
	known, plus  bool
}

// Start begins an exchange for the user of the startup message; the name inside the SCRAM messages is not looked at, since psql leaves it empty.
// An empty verifier is a user who does not exist: the exchange runs to its end and fails there.
func (s *Server) Start(mechanism, user, verifier string, b Binding) (*Exchange, error) {
	x := &Exchange{known: verifier != "", plus: mechanism == Plus}
	if mechanism != Plain && (mechanism != Plus || !b.usable()) {
		return nil, fmt.Errorf("%w: mechanism is not one that was offered", ErrProtocol)
	}
	credentials, err := parse(verifier)
	if err != nil {
		if x.known {
			return nil, err
		}
		credentials = s.pretend(user)
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return credentials, nil })
	if err != nil {
		return nil, fmt.Errorf("start exchange: %w", err)
	}
	switch {
	case x.plus:
		x.conversation = server.NewConversationWithChannelBindingRequired(b.value())
	case b.usable():
		x.conversation = server.NewConversationWithChannelBinding(b.value())
	default:
		x.conversation = server.NewConversation()
	}
	return x, nil
}

// pretend makes credentials for a user who does not exist; nobody has the password that they belong to.
func (s *Server) pretend(user string) scram.StoredCredentials {
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(s.derived("salt", user)[:saltSize]), Iters: s.iterations},
		StoredKey:  s.derived("stored", user),
		ServerKey:  s.derived("server", user),
	}
}

func (s *Server) derived(purpose, user string) []byte {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte(purpose + "\x00" + user))
	return h.Sum(nil)
}

// First answers the client's first message.
func (x *Exchange) First(message []byte) ([]byte, error) {
	text := string(message)
	if strings.HasPrefix(text, "p=") != x.plus {
		return nil, fmt.Errorf("%w: channel binding does not agree with the mechanism", ErrProtocol)
	}
	out, err := x.conversation.Step(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProtocol, reason(out))
	}
	return []byte(out), nil
}

// Final checks the client's proof and answers with the server's.
func (x *Exchange) Final(message []byte) ([]byte, error) {
	out, err := x.conversation.Step(string(message))
	switch {
	case err == nil && x.conversation.Valid() && x.known:
		return []byte(out), nil
	case err == nil, out == scram.ErrInvalidProof:
		return nil, ErrPassword
	case out == scram.ErrChannelBindingsDontMatch:
		return nil, fmt.Errorf("%w: %s", ErrProtocol, reason(out))
	}
	return nil, fmt.Errorf("%w: final message", ErrProtocol)
}

// Bound says that the exchange is tied to this connection's certificate.
func (x *Exchange) Bound() bool { return x.plus }

// reason turns the library's e=... answer into words; it never carries what the client sent.
func reason(answer string) string {
	if r, ok := strings.CutPrefix(answer, "e="); ok {
		return r
	}
	return "first message"
}
