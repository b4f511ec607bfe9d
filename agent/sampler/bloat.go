package sampler

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/bloat.sql
var bloatSQL string

// The pace at which bloat is estimated, and the heap below which an estimate is noise.
const (
	bloatEvery = time.Hour
	bloatFloor = 10 << 20
)

// The layout of a heap page and its rows (PostgreSQL manual, Database Page Layout).
const (
	pageHeader  = 24
	linePointer = 4
	rowHeader   = 23
	maxAlign    = 8
	shortValue  = 127 // bytes up to which a value of variable length has a header of one byte and is not aligned
)

// column is what the statistics tell of a column: its length, negative when it varies, and the mean of what is stored in the row.
type column struct {
	length, alignment int
	nulls, width      float64
}

// heap is what the catalogs tell of a table. Natts also counts columns that are stored no more.
type heap struct {
	block, pages, tuples, fillfactor float64
	natts                            int
	columns                          []column
}

// readBloat estimates how much of the large tables' own files holds no live row. Indexes and TOAST are not estimated.
func (s *Sampler) readBloat(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, bloatSQL, s.o.MaxObjects, bloatFloor)
	if err != nil {
		return fmt.Errorf("read statistics of columns: %w", err)
	}
	var name string
	var h heap
	var lengths, alignments []int
	var nulls, widths []float64
	_, err = pgx.ForEachRow(rows, []any{&name, &h.block, &h.pages, &h.tuples, &h.natts, &h.fillfactor, &lengths, &alignments, &nulls, &widths}, func() error {
		h.columns = h.columns[:0]
		for i := range lengths {
			h.columns = append(h.columns, column{lengths[i], alignments[i], nulls[i], widths[i]})
		}
		b.add("volume.bloat_bytes:"+name, h.bloat(), "")
		return nil
	})
	if err != nil {
		return fmt.Errorf("read statistics of columns: %w", err)
	}
	return nil
}

// bloat is the bytes of the pages beyond those that the live rows would fill, at the table's fill factor. It is the estimation by mean widths that
// check_postgres and pgsql-bloat-estimation made known, with alignment added as PostgreSQL lays out rows.
func (h *heap) bloat() float64 {
	perPage := max(1, math.Floor((h.block*h.fillfactor/100-pageHeader)/(linePointer+h.row())))
	return max(0, h.pages-math.Ceil(h.tuples/perPage)) * h.block
}

// row is the expected length of a row with its header.
func (h *heap) row() float64 {
	whole := 1.0 // the share of rows without any NULL
	if len(h.columns) < h.natts {
		whole = 0
	}
	var at offset
	at.known = maxAlign
	for _, c := range h.columns {
		whole *= 1 - c.nulls
		if c.nulls < 1 {
			at.add(c)
		}
	}
	at.align(maxAlign, 1)
	bitmap := math.Ceil((rowHeader+math.Ceil(float64(h.natts)/8))/maxAlign) * maxAlign
	return whole*(rowHeader+1) + (1-whole)*bitmap + at.bytes
}

// offset is where the next column of a row is expected. Its remainder is certain modulo known, a power of two.
type offset struct {
	bytes            float64
	known, remainder int
}

// add puts a column after those before it.
func (o *offset) add(c column) {
	present := 1 - c.nulls
	if c.length > 0 || c.width > shortValue {
		o.align(c.alignment, present)
	}
	if c.length < 0 || c.nulls > 0 {
		o.bytes += present * c.width
		o.known, o.remainder = 1, 0
		return
	}
	o.bytes += float64(c.length)
	o.remainder = (o.remainder + c.length) % o.known
}

// align adds the expected padding of the share of rows that hold the column: all positions that the remainder leaves open are taken to be as likely.
func (o *offset) align(to int, share float64) {
	step := min(to, o.known)
	o.bytes += share * (float64((step-o.remainder%step)%step) + float64(to-step)/2)
	if to > o.known {
		o.known, o.remainder = to, 0
	} else {
		o.remainder = (o.remainder + (step-o.remainder%step)%step) % o.known
	}
}
