package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// spool keeps transactions that the primary streams before they are committed, on disk, as the messages came. A transaction costs memory for one
// buffer, whatever its size. Its folder holds nothing that must survive: the primary sends again what was not confirmed.
type spool struct {
	dir string
	txs map[uint32]*spooled
}

// spooled is one transaction: records of a length and a message. first tells where each sub-transaction begins.
type spooled struct {
	f     *os.File
	w     *bufio.Writer
	size  int64
	first map[uint32]int64
}

const (
	spoolBuffer = 256 << 10
	maxMessage  = 1 << 30 // PostgreSQL's bound of an allocation
)

// newSpool makes its folder anew, which is the stream's alone; without a name it is among the temporary files.
func newSpool(dir string) (*spool, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "foreshadow-spool-")
	} else if err = os.RemoveAll(dir); err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("create the spool: %w", err)
	}
	return &spool{dir: dir, txs: map[uint32]*spooled{}}, nil
}

// close throws away what is spooled.
func (s *spool) close() {
	for xid := range s.txs {
		s.drop(xid)
	}
	_ = os.RemoveAll(s.dir)
}

// begin makes room for a transaction that is new.
func (s *spool) begin(xid uint32) error {
	if s.txs[xid] != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(s.dir, fmt.Sprint(xid)), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("spool a transaction: %w", err)
	}
	s.txs[xid] = &spooled{f: f, w: bufio.NewWriterSize(f, spoolBuffer), first: map[uint32]int64{}}
	return nil
}

func (s *spool) drop(xid uint32) {
	if t := s.txs[xid]; t != nil {
		_ = t.f.Close()
		_ = os.Remove(t.f.Name())
		delete(s.txs, xid)
	}
}

// add appends a message of a sub-transaction, or of the transaction itself. parts are the message's bytes.
func (t *spooled) add(sub uint32, parts ...[]byte) error {
	if _, ok := t.first[sub]; !ok {
		t.first[sub] = t.size
	}
	var head [4]byte
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	binary.BigEndian.PutUint32(head[:], uint32(n))
	for _, p := range append([][]byte{head[:]}, parts...) {
		if _, err := t.w.Write(p); err != nil {
			return fmt.Errorf("spool a transaction: %w", err)
		}
	}
	t.size += int64(n + len(head))
	return nil
}

// abort takes out a sub-transaction and everything after its beginning, which can only be its own and its children's. The shapes among it stay,
// because the primary does not send them again.
func (t *spooled) abort(sub uint32) error {
	from, ok := t.first[sub]
	if !ok {
		return nil
	}
	var shapes [][]byte
	err := t.each(from, func(m []byte) error {
		if m[0] == 'R' {
			shapes = append(shapes, append([]byte(nil), m...))
		}
		return nil
	})
	if err == nil {
		err = t.f.Truncate(from)
	}
	if err == nil {
		_, err = t.f.Seek(from, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("spool a transaction: %w", err)
	}
	t.size = from
	for x, at := range t.first {
		if at >= from {
			delete(t.first, x)
		}
	}
	for _, m := range shapes {
		if err := t.add(0, m); err != nil {
			return err
		}
	}
	return nil
}

// each reads the messages from a place on. A message is good until the next one.
func (t *spooled) each(from int64, f func([]byte) error) error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("spool a transaction: %w", err)
	}
	if _, err := t.f.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("read the spool: %w", err)
	}
	r := bufio.NewReaderSize(t.f, spoolBuffer)
	var buf []byte
	for {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the spool: %w", err)
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		if n == 0 || n > maxMessage {
			return fmt.Errorf("read the spool: a message of %d bytes", n)
		}
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return fmt.Errorf("read the spool: %w", err)
		}
		if err := f(buf[:n]); err != nil {
			return err
		}
	}
}
