package pgwire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// errTooLong is a length field beyond the limit; the stream cannot be followed any further.
var errTooLong = errors.New("message is longer than allowed")

// errLength is a length field that cannot be one.
var errLength = errors.New("invalid message length")

// reader cuts a client's stream into messages. It allocates as bytes arrive, not as lengths are claimed.
type reader struct {
	r    *bufio.Reader
	body []byte
}

func newReader(nc net.Conn) *reader { return &reader{r: bufio.NewReaderSize(nc, 8<<10)} }

// buffered is how many bytes have arrived that nobody has read.
func (r *reader) buffered() int { return r.r.Buffered() }

// first looks at the very first byte of a connection without taking it.
func (r *reader) first() (byte, error) {
	b, err := r.r.Peek(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// startup reads a message that has no type byte.
func (r *reader) startup() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, err
	}
	return r.take(binary.BigEndian.Uint32(head[:]), maxStartup, 8)
}

// next reads a message. Its body is valid until the following call.
func (r *reader) next(limit int) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, nil, err
	}
	body, err = r.take(binary.BigEndian.Uint32(head[1:]), limit, 4)
	return head[0], body, err
}

// take reads a body whose length field, counting itself, is given.
func (r *reader) take(length uint32, limit, least int) ([]byte, error) {
	if int32(length) < int32(least) {
		return nil, errLength
	}
	n := int(length) - 4
	if n > limit {
		return nil, fmt.Errorf("%w: %d bytes", errTooLong, n)
	}
	if cap(r.body) > readChunk {
		r.body = nil // one large message must not hold its memory for as long as the connection lives
	}
	body := r.body[:0]
	for len(body) < n {
		step := min(n-len(body), readChunk)
		at := len(body)
		body = append(body, make([]byte, step)...)
		if _, err := io.ReadFull(r.r, body[at:]); err != nil {
			return nil, err
		}
	}
	r.body = body
	return body, nil
}
