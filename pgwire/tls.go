package pgwire

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"

	"foreshadow/pgwire/auth"
	"foreshadow/sql/sqlerr"
)

// alpn is the protocol name that PostgreSQL registered.
const alpn = "postgresql"

// sslRequest answers a client that asks for TLS.
func (c *conn) sslRequest(ctx context.Context) error {
	if c.server.o.TLS == nil {
		return c.refuseEncryption()
	}
	if c.in.buffered() > 0 {
		return unencryptedData("SSL")
	}
	if _, err := c.nc.Write([]byte{'S'}); err != nil {
		return errDone
	}
	return c.startTLS(ctx, false)
}

// startTLS does the handshake. A direct one, without SSLRequest, must name the protocol, so that a client of another one cannot be
// talked into speaking to us.
func (c *conn) startTLS(ctx context.Context, direct bool) error {
	if c.server.o.TLS == nil {
		return errDone
	}
	var presented *tls.Certificate
	config := recordCertificate(c.server.o.TLS, &presented)
	tc := tls.Server(&startedConn{Conn: c.raw, r: c.in.r}, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.log.Debug("TLS handshake", "remote", c.raw.RemoteAddr().String(), "error", err)
		return errDone
	}
	if direct && tc.ConnectionState().NegotiatedProtocol != alpn {
		return errDone
	}
	c.nc, c.in, c.out.nc, c.startup.TLS = tc, newReader(tc), tc, true
	var err error
	if c.binding, err = auth.BindingOf(presented); err != nil {
		return sqlerr.New(sqlerr.Internal, "channel binding: %s", err.Error())
	}
	return nil
}

// recordCertificate copies a configuration so that the certificate this handshake presents is known. Tickets are off, because a
// resumed handshake presents none.
func recordCertificate(base *tls.Config, presented **tls.Certificate) *tls.Config {
	config := base.Clone()
	config.SessionTicketsDisabled = true
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.NextProtos = []string{alpn}
	config.Certificates, config.GetConfigForClient = nil, nil
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := choose(base, hello)
		*presented = cert
		return cert, err
	}
	return config
}

// choose picks the certificate as crypto/tls would.
func choose(base *tls.Config, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if base.GetConfigForClient != nil {
		if other, err := base.GetConfigForClient(hello); err != nil {
			return nil, err
		} else if other != nil {
			base = other
		}
	}
	if base.GetCertificate != nil {
		if cert, err := base.GetCertificate(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range base.Certificates {
		if hello.SupportsCertificate(&base.Certificates[i]) == nil {
			return &base.Certificates[i], nil
		}
	}
	if len(base.Certificates) > 0 {
		return &base.Certificates[0], nil
	}
	return nil, nil
}

// startedConn is a connection of which some bytes have been read ahead.
type startedConn struct {
	net.Conn
	r *bufio.Reader
}

// Read takes what was read ahead first.
func (s *startedConn) Read(p []byte) (int, error) { return s.r.Read(p) }
