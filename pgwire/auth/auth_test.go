package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"foreshadow/agent/pgtest"
)

// TestVerifierAsPostgreSQL makes PostgreSQL hash passwords and gets the same keys for the same salt, also for passwords
// that SASLprep changes or refuses.
func TestVerifierAsPostgreSQL(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "password_encryption=scram-sha-256")
	for _, password := range []string{"secret", "IX", "I\u00adX", "ª", "\u0007bell", "pässwörd", " leading", "\u0627\u0031"} {
		pg.Exec(t, "postgres", "CREATE ROLE r LOGIN PASSWORD '"+password+"'")
		theirs := pg.Query(t, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'r'")[0][0]
		pg.Exec(t, "postgres", "DROP ROLE r")
		c, err := parse(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if ours := VerifierWith(password, []byte(c.Salt), c.Iters); ours != theirs {
			t.Errorf("%q: PostgreSQL has %s, we have %s", password, theirs, ours)
		}
	}
}

// talk runs a whole exchange with a client of the same library.
func talk(t *testing.T, s *Server, mechanism, user, verifier, password string, server, client Binding) error {
	t.Helper()
	x, err := s.Start(mechanism, user, verifier, server)
	if err != nil {
		return err
	}
	c, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		t.Fatal(err)
	}
	c = c.WithMinIterations(1)
	conversation := c.NewConversation()
	if mechanism == Plus {
		conversation = c.NewConversationWithChannelBinding(client.value())
	}
	first, err := conversation.Step("")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := x.First([]byte(first))
	if err != nil {
		return err
	}
	final, err := conversation.Step(string(answer))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := x.Final([]byte(final))
	if err != nil {
		return err
	}
	if _, err := conversation.Step(string(proof)); err != nil {
		t.Errorf("the client does not believe the server: %v", err)
	}
	if x.Bound() != (mechanism == Plus) {
		t.Error("Bound is wrong")
	}
	return nil
}

// TestExchange covers right and wrong passwords, users who do not exist, and channels that are not the same.
func TestExchange(t *testing.T) {
	t.Parallel()
	s := NewServer([]byte("secret"), 8)
	v := VerifierWith("right", []byte("salt"), 8)
	here, there := Binding{hash: []byte("here")}, Binding{hash: []byte("there")}
	for _, c := range []struct {
		name, mechanism, verifier, password string
		server, client                      Binding
		want                                error
	}{
		{"right", Plain, v, "right", Binding{}, Binding{}, nil},
		{"wrong", Plain, v, "wrong", Binding{}, Binding{}, ErrPassword},
		{"unknown", Plain, "", "right", Binding{}, Binding{}, ErrPassword},
		{"bound", Plus, v, "right", here, here, nil},
		{"another channel", Plus, v, "right", here, there, ErrProtocol},
		{"wrong and bound", Plus, v, "wrong", here, here, ErrPassword},
		{"not bound though it could", Plain, v, "right", here, Binding{}, nil},
		{"bound without TLS", Plus, v, "right", Binding{}, here, ErrProtocol},
		{"unknown mechanism", "PLAIN", v, "right", here, here, ErrProtocol},
	} {
		if err := talk(t, s, c.mechanism, "alice", c.verifier, c.password, c.server, c.client); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := s.Start(Plain, "alice", "damaged", Binding{}); err == nil || errors.Is(err, ErrPassword) {
		t.Errorf("a damaged verifier gives %v", err)
	}
}

// TestDowngradeIsRefused is about a client that could bind and was told that the server cannot, and about flags that do not fit.
func TestDowngradeIsRefused(t *testing.T) {
	t.Parallel()
	s, v, here := NewServer(nil, 8), VerifierWith("x", []byte("salt"), 8), Binding{hash: []byte("here")}
	for _, c := range []struct {
		mechanism, first string
		b                Binding
	}{
		{Plain, "y,,n=,r=abc", here},
		{Plain, "p=tls-server-end-point,,n=,r=abc", here},
		{Plus, "n,,n=,r=abc", here},
		{Plus, "p=tls-unique,,n=,r=abc", here},
		{Plain, "", Binding{}},
		{Plain, "n,,m=ext,n=,r=abc", Binding{}},
	} {
		x, err := s.Start(c.mechanism, "alice", v, c.b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.First([]byte(c.first)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s %q: got %v", c.mechanism, c.first, err)
		}
	}
}

// TestUnknownUsersLookKnown compares what a client sees of a user who exists and one who does not.
func TestUnknownUsersLookKnown(t *testing.T) {
	t.Parallel()
	challenge := func(s *Server, user, verifier string) (salt, iterations string) {
		x, err := s.Start(Plain, user, verifier, Binding{})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := x.First([]byte("n,,n=,r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(answer), ",")
		return parts[1], parts[2]
	}
	knownSalt, knownCount := challenge(NewServer([]byte("k"), 0), "alice", Verifier("x"))
	salt, count := challenge(NewServer([]byte("k"), 0), "nobody", "")
	again, _ := challenge(NewServer([]byte("k"), 0), "nobody", "")
	other, _ := challenge(NewServer([]byte("k"), 0), "nobody else", "")
	if count != knownCount || len(salt) != len(knownSalt) || salt != again || salt == other {
		t.Errorf("known %s %s; unknown %s %s, again %s; another %s", knownSalt, knownCount, salt, count, again, other)
	}
}

// TestParse refuses what is not a verifier.
func TestParse(t *testing.T) {
	t.Parallel()
	good := VerifierWith("x", []byte("salt"), 4096)
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for verifier, want := range map[string]bool{
		good: true, "": false, "md5abc": false, strings.Replace(good, "4096", "0", 1): false, strings.Replace(good, "4096", "x", 1): false,
		"SCRAM-SHA-256$4096:!!$" + key + ":" + key: false, "SCRAM-SHA-256$4096:c2FsdA==$" + key: false, "SCRAM-SHA-256$4096:c2FsdA==$YQ==:YQ==": false,
	} {
		if Valid(verifier) != want {
			t.Errorf("Valid(%q) is %v", verifier, !want)
		}
	}
}

// TestBindingOf hashes what RFC 5929 says, and has no value for certificates whose signature names no hash.
func TestBindingOf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	certPEM, keyPEM, err := SelfSigned([]string{"localhost", "::1"}, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(pair.Certificate[0])
	if b, err := BindingOf(&pair); err != nil || string(b.hash) != string(sum[:]) {
		t.Errorf("got %x, %v", b.hash, err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, public, private)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := BindingOf(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}); err != nil || b.usable() {
		t.Errorf("Ed25519 gives %x, %v", b.hash, err)
	}
}

// TestThrottle follows one source through failures, patience and success.
func TestThrottle(t *testing.T) {
	t.Parallel()
	th, now := NewThrottle(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	wait := func(source, user string) time.Duration {
		d, ok := th.Wait(source, user, now)
		if !ok {
			return -1
		}
		return d
	}
	for k, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second} {
		if got := wait("a", "alice"); got != want {
			t.Errorf("after %d failures: %v, want %v", k, got, want)
		}
		now = now.Add(10 * time.Second)
		th.Failed("a", "alice", now)
		now = now.Add(10 * time.Second)
	}
	if d := wait("b", "alice"); d != 0 {
		t.Errorf("another source waits %v", d)
	}
	for i, want := range []time.Duration{longestDelay, longestDelay, -1} {
		if got := wait("a", "alice"); got != want {
			t.Errorf("attempt %d at the same time waits %v, want %v", i, got, want)
		}
	}
	th.Succeeded("a", "alice")
	if d := wait("a", "alice"); d != 0 {
		t.Errorf("after success: %v", d)
	}
	for k := range freeForSource {
		th.Failed("c", "user"+string(rune('a'+k)), now)
	}
	if d := wait("c", "fresh"); d != time.Second {
		t.Errorf("a source that tries many users waits %v", d)
	}
	now = now.Add(forgetAfter + time.Second)
	if d := wait("c", "fresh"); d != 0 {
		t.Errorf("after a while: %v", d)
	}
	for k := range mostKeys + 100 {
		th.Failed(string(rune(k)), "x", now)
	}
	if len(th.keys) > mostKeys {
		t.Errorf("%d keys are kept", len(th.keys))
	}
}

// TestSource puts one host into one bucket.
func TestSource(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"10.1.2.3:5": "10.1.2.3", "[::ffff:10.1.2.3]:5": "10.1.2.3", "[2001:db8:1:2:3:4:5:6]:5": "2001:db8:1:2::/64", "local": "local",
	} {
		if got := Source(remote); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
}

func TestOpens(t *testing.T) {
	t.Parallel()
	v := VerifierWith("open sesame", []byte("salt salt salt"), 4096)
	if !Opens(v, "open sesame") || Opens(v, "") || Opens("nonsense", "") || !Opens(VerifierWith("", []byte("salt"), 4096), "") {
		t.Error("a verifier must be opened by its own password and no other")
	}
}
