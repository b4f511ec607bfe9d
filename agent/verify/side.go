package verify

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"foreshadow/agent/shadow"
	"foreshadow/pgwire/encode"
)

// shadowSide reads the shadow's rows of a piece as the primary would print them.
type shadowSide struct {
	store   *shadow.DB
	sql     string // columns c0, c1, ..., times
	columns int
	hash    hasher
}

// shadowRow is one version of a row, valid until the next: its values' text, nil for NULL, its hash, and how often it counts.
type shadowRow struct {
	values [][]byte
	hash   uint64
	times  int64
}

// pinned are the settings in which the primary's text is compared; they are those of the stream.
func pinned() (*encode.Settings, error) {
	return encode.ParseSettings(map[string]string{"TimeZone": "UTC", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres"})
}

// rows hands out every row.
func (s *shadowSide) rows(ctx context.Context, row func(*shadowRow)) error {
	rows, err := s.store.Query(ctx, shadow.Query{SQL: s.sql})
	if err != nil {
		return err
	}
	defer rows.Close()
	e, err := encode.New(rows.Fields(), nil, pinned)
	if err != nil {
		return err
	}
	r := &shadowRow{values: make([][]byte, s.columns)}
	var buf []byte
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.Batch(b); err != nil {
			return err
		}
		for i := range b.Len {
			if buf, err = e.AppendRow(buf[:0], b, i); err != nil {
				return err
			}
			r.times = b.Columns[s.columns].Ints[i]
			s.read(r, buf[7:])
			row(r)
		}
	}
}

// read takes the values out of a DataRow message's body, and computes the row's hash.
func (s *shadowSide) read(r *shadowRow, b []byte) {
	r.hash = 0
	for i := range r.values {
		n := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		r.values[i] = nil
		if n >= 0 {
			r.values[i] = b[:n:n]
			b = b[n:]
		}
		r.hash = s.hash.value(r.values[i], r.hash)
	}
}
