package raftnode

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// TLS names the files of an agent's certificate. They are read at every handshake, so that they can be replaced while the agent runs.
// The certificate must carry the URI spiffe://<Cluster>/agent/<id>: that, and not a host name, says who the peer is.
type TLS struct {
	Cluster  string
	CertFile string
	KeyFile  string
	CAFile   string
}

// identity is the URI a certificate of an agent carries.
func identity(cluster, id string) string {
	return (&url.URL{Scheme: "spiffe", Host: cluster, Path: "/agent/" + id}).String()
}

// load reads the files.
func (t *TLS) load() (tls.Certificate, *x509.CertPool, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return cert, nil, fmt.Errorf("read the agent's certificate: %w", err)
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return cert, nil, fmt.Errorf("read the cluster's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return cert, nil, fmt.Errorf("the cluster's CA file %q holds no certificate", t.CAFile)
	}
	return cert, pool, nil
}

// check loads the files once and refuses a certificate that is not this agent's.
func (t *TLS) check(id string) error {
	if !name.MatchString(t.Cluster) {
		return fmt.Errorf("cluster name %q is not of letters, digits, dots, dashes and underscores", t.Cluster)
	}
	cert, pool, err := t.load()
	if err != nil {
		return err
	}
	if cert.Leaf == nil {
		return errors.New("read the agent's certificate: it has no leaf")
	}
	return verify(cert.Leaf, nil, pool, x509.ExtKeyUsageAny, func(uri string) bool { return uri == identity(t.Cluster, id) })
}

// server is the configuration for accepting: any agent of the cluster may come, with its own certificate.
func (t *TLS) server(peers map[string]string) (*tls.Config, error) {
	cert, pool, err := t.load()
	if err != nil {
		return nil, err
	}
	return t.config(cert, pool, x509.ExtKeyUsageClientAuth, func(uri string) bool { return t.peerOf(uri, peers) != "" }), nil
}

// client is the configuration for dialling one agent: only that agent may answer.
func (t *TLS) client(id string) (*tls.Config, error) {
	cert, pool, err := t.load()
	if err != nil {
		return nil, err
	}
	return t.config(cert, pool, x509.ExtKeyUsageServerAuth, func(uri string) bool { return uri == identity(t.Cluster, id) }), nil
}

// config is TLS 1.3 with both sides' certificates. The check stands in VerifyConnection, which also runs on resumed connections and
// replaces the library's host name check (hence InsecureSkipVerify) by one against the agent's identity.
func (t *TLS) config(cert tls.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage, accept func(uri string) bool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert,
		InsecureSkipVerify: true, SessionTicketsDisabled: true, //nolint:gosec // VerifyConnection verifies chain, usage and identity
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return errors.New("the peer has no certificate")
			}
			return verify(cs.PeerCertificates[0], cs.PeerCertificates[1:], pool, usage, accept)
		},
	}
}

// verify checks a certificate's chain, dates and usage, and that one of its URIs is accepted.
func verify(leaf *x509.Certificate, chain []*x509.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage, accept func(uri string) bool) error {
	between := x509.NewCertPool()
	for _, c := range chain {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		return fmt.Errorf("verify an agent's certificate: %w", err)
	}
	for _, u := range leaf.URIs {
		if accept(u.String()) {
			return nil
		}
	}
	return fmt.Errorf("verify an agent's certificate: it carries %v, which is not the agent expected", leaf.URIs)
}

// peerOf finds the peer a certificate's URI names, or "".
func (t *TLS) peerOf(uri string, peers map[string]string) string {
	for id := range peers {
		if uri == identity(t.Cluster, id) {
			return id
		}
	}
	return ""
}
