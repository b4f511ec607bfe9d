package state

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Snapshot gives the whole state as bytes: the same state always gives the same bytes.
func (s *State) Snapshot() ([]byte, error) {
	b, err := json.Marshal(&s.d)
	if err != nil {
		return nil, fmt.Errorf("encode the state: %w", err)
	}
	return b, nil
}

// Restore reads a snapshot. It trusts nothing: an unknown field, a broken audit chain or a request that does not match its hash is an error.
func Restore(b []byte) (*State, error) {
	s := New()
	s.d.Format = 0
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s.d); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	if s.d.Format != 1 {
		return nil, fmt.Errorf("read the state: unknown format %d", s.d.Format)
	}
	if v := s.Verify(); v.Err != nil {
		return nil, fmt.Errorf("read the state: %w", v.Err)
	}
	return s, nil
}

// Verification is the result of recomputing the audit chain and every request's hash.
type Verification struct {
	Entries  uint64
	Head     string // hash of the last entry
	BrokenAt uint64 // sequence number of the first wrong entry, 0 if none
	Err      error
}

// Verify recomputes the audit chain from its first entry, and the hash of every request.
func (s *State) Verify() Verification {
	v := Verification{Entries: uint64(len(s.d.Audit))}
	if n := len(s.d.Audit); n > 0 {
		v.Head = s.d.Audit[n-1].Hash
	}
	if v.BrokenAt, v.Err = VerifyChain(s.d.Audit); v.Err != nil {
		return v
	}
	for i, r := range s.d.Requests {
		if r.ID != uint64(i)+1 || HashOf(r, s.d.Cluster) != r.Hash {
			v.Err = fmt.Errorf("request %d does not match its hash", i+1)
			return v
		}
		if !r.Kind.Known() {
			v.Err = fmt.Errorf("request %d has the unknown kind %q: this agent is older than the one that wrote it", r.ID, string(r.Kind))
			return v
		}
	}
	return v
}
