package raftnode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// CA signs the certificates of one cluster's agents. It is made for trying out and for tests, and by `foreshadow init`; in production
// any CA will do that puts the URI of package TLS into its certificates.
type CA struct {
	cluster string
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
}

// NewCA makes a cluster's CA, valid for ten years from now.
func NewCA(cluster string, now time.Time) (*CA, error) {
	if !name.MatchString(cluster) {
		return nil, fmt.Errorf("cluster name %q is not of letters, digits, dots, dashes and underscores", cluster)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: caSubject(cluster)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the CA's certificate back: %w", err)
	}
	return &CA{cluster: cluster, cert: cert, key: key}, nil
}

// Issue writes a new certificate for an agent into a folder, as ca.crt, agent.crt and agent.key, and says where they are.
// Hosts are extra names and addresses for clients that check them; agents check the identity only.
func (c *CA) Issue(dir, id string, now time.Time, hosts ...string) (*TLS, error) {
	if !name.MatchString(id) {
		return nil, fmt.Errorf("agent id %q is not of letters, digits, dots, dashes and underscores", id)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the agent's key: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: id},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: c.cluster, Path: "/agent/" + id}},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, c.cert, &key.PublicKey, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign the agent's certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the agent's key: %w", err)
	}
	out := &TLS{
		Cluster: c.cluster, CertFile: filepath.Join(dir, "agent.crt"), KeyFile: filepath.Join(dir, "agent.key"), CAFile: filepath.Join(dir, "ca.crt"),
	}
	return out, writePEM(dir, []pemFile{
		{out.CAFile, "CERTIFICATE", c.cert.Raw}, {out.CertFile, "CERTIFICATE", der}, {out.KeyFile, "PRIVATE KEY", keyDER},
	})
}

// pemFile is one file to write.
type pemFile struct {
	path, kind string
	der        []byte
}

// writePEM writes files that only their owner can read.
func writePEM(dir string, files []pemFile) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the certificate folder: %w", err)
	}
	for _, f := range files {
		if err := os.WriteFile(f.path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600); err != nil {
			return fmt.Errorf("write a certificate: %w", err)
		}
	}
	return nil
}

// serial is a random serial number of 126 bits.
func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)) // crypto/rand never fails
	return n
}
