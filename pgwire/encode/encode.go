// Package encode turns columnar batches into DataRow messages, in PostgreSQL's text and binary formats, and bound
// parameters into PostgreSQL's text. pgwire writes results with it; the SQL engine reads parameters with it.
// It must not read or write connections, and it must not guess: a value it cannot write exactly is an error.
package encode

import (
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
)

// appendFunc appends the value in row i of a column, without its length.
type appendFunc func(e *Encoder, dst []byte, c *result.Column, i int) ([]byte, error)

// Encoder writes the rows of one result. It belongs to one goroutine.
type Encoder struct {
	fields   []result.Field
	formats  []int16
	settings func() (*Settings, error)

	set   *Settings
	zone  zone
	kinds []result.Kind
	funcs []appendFunc
	types *pgtype.Map
}

// New makes an encoder for rows of these fields. formats is as in a Bind message: none means text, one holds for
// every column. settings is asked once, when the first value needs it.
func New(fields []result.Field, formats []int16, settings func() (*Settings, error)) (*Encoder, error) {
	all, err := Formats(formats, len(fields))
	if err != nil {
		return nil, err
	}
	return &Encoder{fields: fields, formats: all, settings: settings}, nil
}

// Formats expands the format codes of a Bind message to one for each of n columns.
func Formats(formats []int16, n int) ([]int16, error) {
	if len(formats) > 1 && len(formats) != n {
		return nil, sqlerr.New(sqlerr.ProtocolViolation,
			"bind message has %d result formats but query has %d columns", len(formats), n)
	}
	for _, f := range formats {
		if f != 0 && f != 1 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", f)
		}
	}
	all := make([]int16, n)
	switch {
	case len(formats) == 1:
		for i := range all {
			all[i] = formats[0]
		}
	case len(formats) > 1:
		copy(all, formats)
	}
	return all, nil
}

// Batch looks at the kinds of a batch's columns. It must be called before the rows of a batch are appended.
func (e *Encoder) Batch(b *result.Batch) error {
	if len(b.Columns) != len(e.fields) {
		return sqlerr.New(sqlerr.Internal, "a batch has %d columns where %d were announced", len(b.Columns), len(e.fields))
	}
	if e.funcs == nil {
		e.kinds = make([]result.Kind, len(e.fields))
		e.funcs = make([]appendFunc, len(e.fields))
	}
	for i := range b.Columns {
		kind := b.Columns[i].Kind
		if e.funcs[i] != nil && e.kinds[i] == kind {
			continue
		}
		f, err := e.pick(kind, e.fields[i], e.formats[i])
		if err != nil {
			return err
		}
		e.kinds[i], e.funcs[i] = kind, f
	}
	return nil
}

// pick chooses the function for a column once, so that writing a value needs no decision.
func (e *Encoder) pick(kind result.Kind, f result.Field, format int16) (appendFunc, error) {
	if kind == result.Encoded {
		return encoded, nil
	}
	if e.set == nil {
		set, err := e.settings()
		if err != nil {
			return nil, err
		}
		e.set, e.zone = set, zone{loc: set.Location}
	}
	if format == 1 {
		return pickBinary(kind, f)
	}
	return pickText(kind, f)
}

// AppendRow appends row i of the batch as a whole DataRow message.
func (e *Encoder) AppendRow(dst []byte, b *result.Batch, i int) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 'D', 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(b.Columns)))
	for k := range b.Columns {
		c := &b.Columns[k]
		if c.Null(i) {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		var err error
		if dst, err = e.funcs[k](e, dst, c, i); err != nil {
			return dst[:start], err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	if len(dst)-start-1 > math.MaxInt32 {
		return dst[:start], sqlerr.New(sqlerr.ProgramLimitExceeded, "a row is longer than a protocol message can be")
	}
	binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	return dst, nil
}

// encoded passes on a value that is in the wire format already.
func encoded(_ *Encoder, dst []byte, c *result.Column, i int) ([]byte, error) {
	return append(dst, c.Bytes[i]...), nil
}
