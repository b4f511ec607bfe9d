package encode

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/sql/sqlerr"
)

// maxDimensions is PostgreSQL's limit.
const maxDimensions = 6

// dimension of an array: how many elements, and the index of the first.
type dimension struct{ length, lower int32 }

// arrayReader walks over PostgreSQL's text of an array.
type arrayReader struct {
	text   []byte
	pos    int
	dims   []dimension
	values [][]byte
}

// notPostgres is the error for text that PostgreSQL would not have written.
func notPostgres(what string) error {
	return sqlerr.New(sqlerr.Internal, "a %s is not written as PostgreSQL writes it", what)
}

// appendArray writes the text of an array in binary, keeping dimensions and lower bounds.
func appendArray(m *pgtype.Map, dst []byte, element uint32, text []byte) ([]byte, error) {
	r := &arrayReader{text: text}
	if err := r.read(); err != nil {
		return dst, err
	}
	if len(r.values) == 0 {
		r.dims = nil
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.dims)))
	flagAt := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, element)
	for _, d := range r.dims {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.length))
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.lower))
	}
	for _, v := range r.values {
		if v == nil {
			dst[flagAt+3] = 1
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		var err error
		if dst, err = appendSized(m, dst, element, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendSized writes a value after its length.
func appendSized(m *pgtype.Map, dst []byte, oid uint32, text []byte) ([]byte, error) {
	at := len(dst)
	out, err := appendBinary(m, append(dst, 0, 0, 0, 0), oid, text)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out, nil
}

// read takes the bounds, if they are written, and then the elements.
func (r *arrayReader) read() error {
	var lowers []int32
	if len(r.text) > 0 && r.text[0] == '[' {
		bounds, rest, ok := bytes.Cut(r.text, []byte{'='})
		if !ok {
			return notPostgres("array")
		}
		for b := range bytes.SplitSeq(bytes.Trim(bounds, "[]"), []byte("][")) {
			low, _, _ := bytes.Cut(b, []byte{':'})
			v, err := strconv.ParseInt(string(low), 10, 32)
			if err != nil {
				return notPostgres("array")
			}
			lowers = append(lowers, int32(v))
		}
		r.text = rest
	}
	if err := r.level(0); err != nil {
		return err
	}
	if r.pos != len(r.text) || lowers != nil && len(lowers) != len(r.dims) {
		return notPostgres("array")
	}
	for i := range r.dims {
		r.dims[i].lower = 1
		if lowers != nil {
			r.dims[i].lower = lowers[i]
		}
	}
	return nil
}

// next takes a byte, or 0 at the end.
func (r *arrayReader) next() byte {
	if r.pos >= len(r.text) {
		return 0
	}
	r.pos++
	return r.text[r.pos-1]
}

func (r *arrayReader) peek() byte {
	if r.pos >= len(r.text) {
		return 0
	}
	return r.text[r.pos]
}

// level reads one pair of braces.
func (r *arrayReader) level(depth int) error {
	if r.next() != '{' || depth >= maxDimensions {
		return notPostgres("array")
	}
	if depth == len(r.dims) {
		r.dims = append(r.dims, dimension{})
	}
	count := int32(0)
	if r.peek() == '}' {
		r.pos++
		return nil
	}
	for {
		var err error
		if r.peek() == '{' {
			err = r.level(depth + 1)
		} else {
			err = r.element()
		}
		if err != nil {
			return err
		}
		count++
		switch r.next() {
		case ',':
		case '}':
			r.dims[depth].length = count
			return nil
		default:
			return notPostgres("array")
		}
	}
}

// element reads one value, quoted or not.
func (r *arrayReader) element() error {
	if r.peek() == '"' {
		v, err := r.quoted()
		r.values = append(r.values, v)
		return err
	}
	v := []byte{}
	for c := r.peek(); c != ',' && c != '}'; c = r.peek() {
		if c == '\\' {
			r.pos++
		}
		if r.pos >= len(r.text) {
			return notPostgres("array")
		}
		v = append(v, r.next())
	}
	if string(v) == "NULL" {
		v = nil
	}
	r.values = append(r.values, v)
	return nil
}

// quoted reads a value in quotation marks; backslashes and doubled quotation marks escape.
func (r *arrayReader) quoted() ([]byte, error) {
	v := []byte{}
	r.pos++
	for r.pos < len(r.text) {
		c := r.next()
		switch {
		case c == '"' && r.peek() == '"':
			r.pos++
		case c == '"':
			return v, nil
		case c == '\\':
			c = r.next()
		}
		v = append(v, c)
	}
	return nil, notPostgres("quoted value")
}

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
