package result

import (
	"bytes"
	"math/big"
	"slices"
)

// Slice is the rows from one on. It shares the batch's memory.
func (b *Batch) Slice(from, n int) *Batch {
	if from == 0 && n == b.Len {
		return b
	}
	out := &Batch{Len: n, Columns: make([]Column, len(b.Columns))}
	for i, c := range b.Columns {
		out.Columns[i] = Column{Kind: c.Kind, Scale: c.Scale, Nulls: part(c.Nulls, from, n), Ints: part(c.Ints, from, n), Floats: part(c.Floats, from, n),
			Bytes: part(c.Bytes, from, n), Bigs: part(c.Bigs, from, n), Intervals: part(c.Intervals, from, n)}
	}
	return out
}

func part[T any](s []T, from, n int) []T {
	if s == nil {
		return nil
	}
	return s[from : from+n : from+n]
}

// Copy gives a batch with memory of its own and about how many bytes that takes.
func (b *Batch) Copy() (*Batch, int) {
	out, size := &Batch{Len: b.Len, Columns: make([]Column, len(b.Columns))}, 0
	for i, c := range b.Columns {
		to := Column{Kind: c.Kind, Scale: c.Scale, Nulls: slices.Clone(c.Nulls), Ints: slices.Clone(c.Ints), Floats: slices.Clone(c.Floats),
			Intervals: slices.Clone(c.Intervals)}
		size += len(to.Nulls) + 8*len(to.Ints) + 8*len(to.Floats) + 16*len(to.Intervals)
		for _, v := range c.Bytes {
			to.Bytes = append(to.Bytes, bytes.Clone(v))
			size += len(v) + 24
		}
		for _, v := range c.Bigs {
			if v != nil {
				v = new(big.Int).Set(v)
				size += 32 + len(v.Bits())*8
			}
			to.Bigs = append(to.Bigs, v)
			size += 8
		}
		out.Columns[i] = to
	}
	return out, size
}
