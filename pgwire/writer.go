package pgwire

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// buffers are lent to connections that have something to say, so that idle ones hold none.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, flushSize+8<<10)
	return &b
}}

// writer collects messages and writes them in large pieces. The first error stays: a connection that cannot be written to is over.
type writer struct {
	nc      net.Conn
	timeout time.Duration
	lent    *[]byte
	buf     []byte
	err     error
}

// room makes sure that there is a buffer.
func (w *writer) room() {
	if w.lent == nil {
		w.lent = buffers.Get().(*[]byte)
		w.buf = (*w.lent)[:0]
	}
}

// send appends a message.
func (w *writer) send(m pgproto3.BackendMessage) {
	w.room()
	buf, err := m.Encode(w.buf)
	if err != nil {
		if w.err == nil {
			w.err = fmt.Errorf("encode message: %w", err)
		}
		return
	}
	w.buf = buf
}

// spill writes when enough has been collected.
func (w *writer) spill() error {
	if len(w.buf) < flushSize {
		return w.err
	}
	return w.write()
}

// write writes what has been collected and keeps the buffer.
func (w *writer) write() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	if err := w.nc.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		w.err = err
		return err
	}
	if _, err := w.nc.Write(w.buf); err != nil {
		w.err = fmt.Errorf("write to client: %w", err)
		return w.err
	}
	w.buf = w.buf[:0]
	if cap(w.buf) > 1<<20 { // a huge row went through; do not keep its size
		w.lent, w.buf = nil, nil
		w.room()
	}
	return nil
}

// flush writes everything and gives the buffer back.
func (w *writer) flush() error {
	err := w.write()
	if w.lent != nil {
		if cap(w.buf) <= 1<<20 {
			*w.lent = w.buf[:0]
			buffers.Put(w.lent)
		}
		w.lent, w.buf = nil, nil
	}
	return err
}
