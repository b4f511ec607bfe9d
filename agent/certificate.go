package agent

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"foreshadow/pgwire/auth"
)

// ownCertificateLife is how long a certificate that the agent makes for itself is good for.
const ownCertificateLife = 10 * 365 * 24 * time.Hour

// certificate is the one from the settings, or one of our own that is kept in the data folder.
func (a *Agent) certificate() (*tls.Config, error) {
	s := a.settings.Server
	certFile, keyFile := s.TLSCertFile, s.TLSKeyFile
	if certFile == "" {
		certFile, keyFile = a.dir("server.crt"), a.dir("server.key")
		if err := makeCertificate(certFile, keyFile, s.Listen); err != nil {
			return nil, err
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load server certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// makeCertificate writes a self-signed certificate unless one is there.
func makeCertificate(certFile, keyFile, listen string) error {
	if _, err := os.Stat(certFile); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", listen, err)
	}
	now := time.Now()
	cert, key, err := auth.SelfSigned([]string{host, "localhost"}, now, now.Add(ownCertificateLife))
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		return fmt.Errorf("write server key: %w", err)
	}
	if err := os.WriteFile(certFile, cert, 0o644); err != nil {
		return fmt.Errorf("write server certificate: %w", err)
	}
	return nil
}

// secret makes up the salts of users who do not exist. It is kept, so that a restart does not tell them from those who do.
func (a *Agent) secret() ([]byte, error) {
	file := a.dir("salt.secret")
	text, err := os.ReadFile(file)
	if err == nil && len(text) > 0 {
		return text, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read salt secret: %w", err)
	}
	text = []byte(rand.Text())
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("write salt secret: %w", err)
	}
	return text, nil
}
