package state

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// canon builds the canonical bytes of a thing: every field with its length before it, so that no two things share their bytes.
type canon struct{ b []byte }

// text adds a string field.
func (c *canon) text(s string) {
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(s)))
	c.b = append(c.b, s...)
}

// number adds an integer field.
func (c *canon) number(n uint64) { c.b = binary.BigEndian.AppendUint64(c.b, n) }

// sum is the SHA-256 of what was added, in lower-case hex.
func (c *canon) sum() string {
	h := sha256.Sum256(c.b)
	return hex.EncodeToString(h[:])
}

// Canonical gives the bytes an approval stands for: everything that decides what will be done, by whom, on what basis and until when.
func (r *Request) Canonical(cluster string) []byte {
	var c canon
	c.text("foreshadow/request/v1")
	c.text(cluster)
	c.number(r.ID)
	for _, s := range []string{string(r.Kind), r.Target.Agent, r.Target.SystemID, r.Target.Source, r.Target.Name, r.Statement} {
		c.text(s)
	}
	c.number(uint64(len(r.Args)))
	for _, k := range sortedKeys(r.Args) {
		c.text(k)
		c.text(r.Args[k])
	}
	c.text(r.Plan)
	c.number(uint64(len(r.Base)))
	for _, k := range sortedKeys(r.Base) {
		c.text(k)
		c.number(r.Base[k])
	}
	c.text(r.Proposer)
	c.number(uint64(r.ProposedAt))
	c.number(uint64(r.ExpiresAt))
	c.text(r.Nonce)
	return c.b
}

// HashOf computes a request's hash anew from its content; the executing agent compares it before it acts.
func HashOf(r *Request, cluster string) string {
	c := canon{b: r.Canonical(cluster)}
	return c.sum()
}
