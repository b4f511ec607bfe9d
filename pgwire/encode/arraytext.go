package encode

import (
	"encoding/binary"
	"strconv"
)

// arrayText reads a binary array as text. Every element is quoted, so that none is mistaken for syntax or NULL.
func arrayText(v []byte, element uint32) ([]byte, error) {
	bad := badBinary(element)
	if len(v) < 12 {
		return nil, bad
	}
	n := int(binary.BigEndian.Uint32(v))
	if n < 0 || n > maxDimensions || len(v) < 12+8*n || binary.BigEndian.Uint32(v[8:]) != element {
		return nil, bad
	}
	if n == 0 {
		return []byte("{}"), nil
	}
	w := &arrayWriter{rest: v[12+8*n:], element: element}
	total := 1
	for k := range n {
		d := dimension{int32(binary.BigEndian.Uint32(v[12+8*k:])), int32(binary.BigEndian.Uint32(v[16+8*k:]))}
		if d.length <= 0 || int64(total)*int64(d.length) > int64(len(w.rest)/4) {
			return nil, bad
		}
		total *= int(d.length)
		w.dims = append(w.dims, d)
		w.out = append(append(w.out, '['), strconv.Itoa(int(d.lower))...)
		w.out = append(append(w.out, ':'), strconv.FormatInt(int64(d.lower)+int64(d.length)-1, 10)...)
		w.out = append(w.out, ']')
	}
	w.out = append(w.out, '=')
	if !w.bounded() {
		w.out = w.out[:0]
	}
	if !w.level(0) || len(w.rest) > 0 {
		return nil, bad
	}
	return w.out, w.err
}

// arrayWriter writes text from binary elements.
type arrayWriter struct {
	rest    []byte
	element uint32
	dims    []dimension
	out     []byte
	err     error
}

// bounded says that some lower bound is not the usual one.
func (w *arrayWriter) bounded() bool {
	for _, d := range w.dims {
		if d.lower != 1 {
			return true
		}
	}
	return false
}

// level writes one pair of braces; false means that the bytes ended early or an element is bad.
func (w *arrayWriter) level(depth int) bool {
	if depth == len(w.dims) {
		return w.value()
	}
	for k := range w.dims[depth].length {
		if k == 0 {
			w.out = append(w.out, '{')
		} else {
			w.out = append(w.out, ',')
		}
		if !w.level(depth + 1) {
			return false
		}
	}
	w.out = append(w.out, '}')
	return true
}

// value writes one element.
func (w *arrayWriter) value() bool {
	if len(w.rest) < 4 {
		return false
	}
	n := int(int32(binary.BigEndian.Uint32(w.rest)))
	w.rest = w.rest[4:]
	if n == -1 {
		w.out = append(w.out, "NULL"...)
		return true
	}
	if n < 0 || n > len(w.rest) {
		return false
	}
	text, err := ParamText(w.element, 1, w.rest[:n:n])
	w.rest = w.rest[n:]
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return true
	}
	w.out = append(w.out, '"')
	for _, c := range []byte(*text) {
		if c == '"' || c == '\\' {
			w.out = append(w.out, '\\')
		}
		w.out = append(w.out, c)
	}
	w.out = append(w.out, '"')
	return true
}
