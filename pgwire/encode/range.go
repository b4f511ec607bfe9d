package encode

import (
	"github.com/jackc/pgx/v5/pgtype"
)

// The flags of PostgreSQL's binary ranges.
const (
	rangeEmpty   = 0x01
	rangeLowInc  = 0x02
	rangeHighInc = 0x04
	rangeLowInf  = 0x08
	rangeHighInf = 0x10
)

// appendRange writes the text of a range in binary.
func appendRange(m *pgtype.Map, dst []byte, element uint32, text []byte) ([]byte, error) {
	if string(text) == "empty" {
		return append(dst, rangeEmpty), nil
	}
	if len(text) < 3 {
		return dst, notPostgres("range")
	}
	flags := byte(0)
	if text[0] == '[' {
		flags |= rangeLowInc
	}
	if text[len(text)-1] == ']' {
		flags |= rangeHighInc
	}
	r := &arrayReader{text: text[1 : len(text)-1]}
	low, err := r.bound()
	if err != nil || r.next() != ',' {
		return dst, notPostgres("range")
	}
	high, err := r.bound()
	if err != nil || r.pos != len(r.text) {
		return dst, notPostgres("range")
	}
	if low == nil {
		flags |= rangeLowInf
	}
	if high == nil {
		flags |= rangeHighInf
	}
	dst = append(dst, flags)
	for _, b := range [][]byte{low, high} {
		if b == nil {
			continue
		}
		if dst, err = appendSized(m, dst, element, b); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// bound reads one bound; nil means that there is none.
func (r *arrayReader) bound() ([]byte, error) {
	var v []byte
	for r.pos < len(r.text) && r.peek() != ',' {
		switch r.peek() {
		case '"':
			part, err := r.quoted()
			if err != nil {
				return nil, err
			}
			v = append(v, part...)
			if v == nil {
				v = []byte{}
			}
			continue
		case '\\':
			r.pos++
		}
		v = append(v, r.next())
	}
	return v, nil
}

// rangeText reads a binary range as text, with its bounds quoted.
func rangeText(v []byte, element uint32) ([]byte, error) {
	bad := badBinary(element)
	if len(v) == 0 {
		return nil, bad
	}
	flags, w := v[0], &arrayWriter{rest: v[1:], element: element}
	if flags&rangeEmpty != 0 {
		return []byte("empty"), nil
	}
	w.out = append(w.out, '(')
	if flags&rangeLowInc != 0 {
		w.out[0] = '['
	}
	if flags&rangeLowInf == 0 && !w.value() {
		return nil, bad
	}
	w.out = append(w.out, ',')
	if flags&rangeHighInf == 0 && !w.value() {
		return nil, bad
	}
	if len(w.rest) > 0 {
		return nil, bad
	}
	if flags&rangeHighInc != 0 {
		return append(w.out, ']'), w.err
	}
	return append(w.out, ')'), w.err
}
