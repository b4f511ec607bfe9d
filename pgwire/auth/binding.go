package auth

import (
	"crypto"
	_ "crypto/sha256" // hashes named by certificates
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/xdg-go/scram"
)

// Binding is the tls-server-end-point value of one connection; the zero value means that there is none.
type Binding struct{ hash []byte }

// BindingOf hashes the leaf certificate that this very connection presented, by its own signature's hash (RFC 5929).
// A certificate without one, such as Ed25519, gives no binding: libpq could not compute it either.
func BindingOf(cert *tls.Certificate) (Binding, error) {
	if cert == nil || len(cert.Certificate) == 0 {
		return Binding{}, nil
	}
	leaf := cert.Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return Binding{}, fmt.Errorf("parse own certificate: %w", err)
		}
	}
	var h crypto.Hash
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h = crypto.SHA512
	default:
		return Binding{}, nil
	}
	sum := h.New()
	sum.Write(leaf.Raw)
	return Binding{hash: sum.Sum(nil)}, nil
}

func (b Binding) usable() bool { return len(b.hash) > 0 }

func (b Binding) value() scram.ChannelBinding {
	return scram.ChannelBinding{Type: scram.ChannelBindingTLSServerEndpoint, Data: b.hash}
}
