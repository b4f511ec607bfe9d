package pgwire_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"foreshadow/pgwire"
	"foreshadow/pgwire/wiretest"
)

// TestRotatedCertificate binds the channel to the certificate that was presented, while the next one is already in use.
func TestRotatedCertificate(t *testing.T) {
	t.Parallel()
	pairs := []tls.Certificate{certificate(t), certificate(t)}
	var calls atomic.Int64
	s, engine := serve(t, func(o *pgwire.Options) {
		o.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pairs[calls.Add(1)%2], nil }}
	})
	for range 4 {
		pgxConn(t, dsn(s, "sslmode=require channel_binding=require"))
		if !engine.LastStartup().ChannelBound {
			t.Error("the channel is not bound")
		}
	}
}

// TestEd25519Certificate does not offer a binding that psql could not compute; psql connects without one.
func TestEd25519Certificate(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	s, engine := serve(t, func(o *pgwire.Options) {
		o.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}
	})
	out, err := psql(t, dsn(s, "sslmode=require"), "-c", "rows 1")
	if err != nil || out != "1\n" || engine.LastStartup().ChannelBound {
		t.Errorf("%v: %s, bound %v", err, out, engine.LastStartup().ChannelBound)
	}
}

// TestSlowedDown makes the fourth wrong password wait, and the right one still gets in.
func TestSlowedDown(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, nil)
	attempt := func(word string) (time.Duration, error) {
		start := time.Now()
		c := dial(t, s)
		_, err := wiretest.NewClient(c).Start(wiretest.Login{Params: map[string]string{"user": "alice"}, Password: word})
		return time.Since(start), err
	}
	for range 3 {
		if _, err := attempt("wrong"); err == nil {
			t.Fatal("a wrong password got in")
		}
	}
	took, err := attempt(password)
	if err != nil || took < 900*time.Millisecond {
		t.Errorf("the right password after three wrong ones: %v after %v", err, took)
	}
	if took, err := attempt(password); err != nil || took > 900*time.Millisecond {
		t.Errorf("after a success: %v after %v", err, took)
	}
}
