package pgwire

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
)

// register gives the connection its cancel key. Ids are random, so that a key of another process is of no use here.
func (s *Server) register(c *conn) {
	var id [4]byte
	s.mu.Lock()
	defer s.mu.Unlock()
	for c.id == 0 || s.keys[c.id] != nil {
		_, _ = rand.Read(id[:]) // crypto/rand never returns an error
		c.id = binary.BigEndian.Uint32(id[:]) & 0x7fffffff
	}
	_, _ = rand.Read(c.key)
	s.keys[c.id] = c
}

// cancelRequest interrupts what another connection does, if its key is right. There is never an answer.
func (c *conn) cancelRequest(body []byte) {
	if len(body) < 12 {
		return
	}
	s := c.server
	s.mu.Lock()
	other := s.keys[binary.BigEndian.Uint32(body[4:])]
	s.mu.Unlock()
	if other == nil || subtle.ConstantTimeCompare(other.key, body[8:]) != 1 {
		s.o.Log.Warn("a cancel request has a wrong key", "remote", c.raw.RemoteAddr().String())
		return
	}
	other.cancel()
}
