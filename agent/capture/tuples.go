package capture

import (
	"bytes"
	"encoding/binary"
	"errors"

	"foreshadow/agent/change"
)

// tuples splits a binary COPY into rows and values, which stay valid until the next row.
type tuples struct {
	row    func([]change.Value) error
	values []change.Value
	states []change.State // of each column's values that are not NULL
	rest   []byte         // the beginning of a row that has not come whole
	begun  bool           // the header has come
}

// signature is how a binary COPY begins; flags and the length of an extension follow.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

var errTuple = errors.New("copy: unexpected binary form")

// Write takes a piece of the copy, of any size.
func (t *tuples) Write(p []byte) (int, error) {
	n := len(p)
	if len(t.rest) > 0 {
		t.rest = append(t.rest, p...)
		p = t.rest
	}
	for {
		used, err := t.take(p)
		if err != nil {
			return 0, err
		}
		if used == 0 {
			break
		}
		p = p[used:]
	}
	t.rest = append(t.rest[:0], p...)
	return n, nil
}

// take reads the header or one row; it gives how long it was, 0 when it is not whole.
func (t *tuples) take(b []byte) (used int, err error) {
	if !t.begun {
		return t.header(b)
	}
	if len(b) < 2 {
		return 0, nil
	}
	count := int(int16(binary.BigEndian.Uint16(b)))
	if count == -1 { // the end
		return 2, nil
	}
	if count != len(t.values) {
		return 0, errTuple
	}
	at := 2
	for i := range t.values {
		if len(b)-at < 4 {
			return 0, nil
		}
		size := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if size < 0 {
			t.values[i] = change.Value{}
			continue
		}
		if len(b)-at < size {
			return 0, nil
		}
		t.values[i] = change.Value{State: t.states[i], Text: b[at : at+size : at+size]}
		at += size
	}
	return at, t.row(t.values)
}

func (t *tuples) header(b []byte) (int, error) {
	n := len(signature) + 8
	if len(b) < n {
		return 0, nil
	}
	if !bytes.HasPrefix(b, signature) {
		return 0, errTuple
	}
	n += int(binary.BigEndian.Uint32(b[n-4:]))
	if len(b) < n {
		return 0, nil
	}
	t.begun = true
	return n, nil
}
