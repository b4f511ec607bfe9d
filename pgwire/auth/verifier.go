// Package auth proves who a client is: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS over PostgreSQL's SASL messages, with
// PostgreSQL's stored verifiers. pgwire runs its exchanges; whoever keeps credentials makes verifiers with it.
// It must never keep, log or return a password, and must not let a client tell an unknown user from a wrong password.
package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
	"github.com/xdg-go/stringprep"
)

// Iterations is how often a password is hashed unless the caller says otherwise. The client pays for it, once for each connection.
const Iterations = 65_536

// The bounds of what a verifier may say; a stored one outside them is damaged.
const (
	minIterations = 1
	maxIterations = 10_000_000
	saltSize      = 16
	keySize       = 32
)

// Verifier makes the text that PostgreSQL would store for a password, with a fresh salt.
func Verifier(password string) string {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		panic(err) // crypto/rand never returns an error; a system without randomness must not go on
	}
	return VerifierWith(password, salt, Iterations)
}

// VerifierWith makes a verifier with a salt and a number of iterations of the caller's choice.
func VerifierWith(password string, salt []byte, iterations int) string {
	stored, err := derive(password, salt, iterations)
	if err != nil {
		panic(err) // an unprepared client without options has no error to give
	}
	return format(stored)
}

// derive computes the keys. As in PostgreSQL, a password that SASLprep refuses is used as it is.
func derive(password string, salt []byte, iterations int) (scram.StoredCredentials, error) {
	if prepared, err := stringprep.SASLprep.Prepare(password); err == nil {
		password = prepared
	}
	client, err := scram.SHA256.NewClientUnprepped("", password, "")
	if err != nil {
		return scram.StoredCredentials{}, fmt.Errorf("derive keys: %w", err)
	}
	client = client.WithMinIterations(minIterations)
	return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: iterations})
}

// format writes credentials as SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.
func format(c scram.StoredCredentials) string {
	b64 := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$" + strconv.Itoa(c.Iters) + ":" + b64([]byte(c.Salt)) + "$" + b64(c.StoredKey) + ":" + b64(c.ServerKey)
}

// errVerifier has no detail on purpose: the text that it is about is a secret.
var errVerifier = errors.New("a stored verifier is not of the form SCRAM-SHA-256$iterations:salt$key:key")

// parse reads a verifier.
func parse(verifier string) (scram.StoredCredentials, error) {
	var c scram.StoredCredentials
	parts := strings.Split(verifier, "$")
	if len(parts) != 3 || parts[0] != "SCRAM-SHA-256" {
		return c, errVerifier
	}
	count, salt, ok1 := strings.Cut(parts[1], ":")
	stored, server, ok2 := strings.Cut(parts[2], ":")
	if !ok1 || !ok2 {
		return c, errVerifier
	}
	iterations, err := strconv.Atoi(count)
	if err != nil || iterations < minIterations || iterations > maxIterations {
		return c, errVerifier
	}
	rawSalt, err1 := base64.StdEncoding.DecodeString(salt)
	storedKey, err2 := base64.StdEncoding.DecodeString(stored)
	serverKey, err3 := base64.StdEncoding.DecodeString(server)
	if errors.Join(err1, err2, err3) != nil || len(storedKey) != keySize || len(serverKey) != keySize || len(rawSalt) == 0 {
		return c, errVerifier
	}
	c.KeyFactors = scram.KeyFactors{Salt: string(rawSalt), Iters: iterations}
	c.StoredKey, c.ServerKey = storedKey, serverKey
	return c, nil
}

// Valid says whether a text is a verifier, so that a damaged one is found when it is stored.
func Valid(verifier string) bool {
	_, err := parse(verifier)
	return err == nil
}

// Opens says whether a password belongs to a verifier: an empty one must not be stored.
func Opens(verifier, password string) bool {
	c, err := parse(verifier)
	if err != nil {
		return false
	}
	same, err := derive(password, []byte(c.Salt), c.Iters)
	return err == nil && subtle.ConstantTimeCompare(same.StoredKey, c.StoredKey) == 1
}
