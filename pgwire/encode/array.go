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
