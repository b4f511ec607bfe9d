package raftnode

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a CA in its folder. The key is needed only to issue certificates and belongs on no agent's host.
const (
	caCertName = "ca.crt"
	caKeyName  = "ca.key"
)

// ValidName says whether a text can be an agent's id or a cluster's name.
func ValidName(s string) bool { return name.MatchString(s) }

// ErrOtherCluster is the answer to opening the CA of one cluster for another.
var ErrOtherCluster = errors.New("the CA is another cluster's")

// Save writes the CA's certificate and key into a folder, for OpenCA. It never replaces a file: a lost CA key is a cluster to set up anew.
func (c *CA) Save(dir string) error {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return fmt.Errorf("encode the CA's key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the CA's folder: %w", err)
	}
	files := []pemFile{{caKeyName, "PRIVATE KEY", key}, {caCertName, "CERTIFICATE", c.cert.Raw}}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.path)); err == nil { // the other one is kept elsewhere, perhaps
			return fmt.Errorf("%s holds %s already, but not the whole CA: bring back the other file of the pair, or take another folder", dir, f.path)
		}
	}
	for _, f := range files {
		if err := writeNew(filepath.Join(dir, f.path), pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})); err != nil {
			return fmt.Errorf("write the CA: %w", err)
		}
	}
	return nil
}

// writeNew writes a file that must not exist yet and that only its owner can read.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// OpenCA reads a CA that Save wrote. A folder without one gives os.ErrNotExist, a CA of another cluster ErrOtherCluster.
func OpenCA(dir, cluster string) (*CA, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, caCertName), filepath.Join(dir, caKeyName))
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("read the CA: the files in %s were not written for one", dir)
	}
	if got := pair.Leaf.Subject.CommonName; got != caSubject(cluster) {
		return nil, fmt.Errorf("%w: %s holds the CA of %q", ErrOtherCluster, dir, got)
	}
	return &CA{cluster: cluster, cert: pair.Leaf, key: key}, nil
}

// caSubject names a cluster's CA in its certificate.
func caSubject(cluster string) string { return "Foreshadow cluster " + cluster }
