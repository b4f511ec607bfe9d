package engine

import (
	"context"
	"errors"
	"io"
	"slices"

	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// keptBytes bounds what a scrollable cursor keeps of what it has read.
const keptBytes = 64 << 20

// cursor is a query over the shadow that stays open between FETCHes. Where it stands is what PostgreSQL's portals know: position counts the rows
// up to the current one, or all of them at the end.
type cursor struct {
	name, text     string // of its stand-in
	fields         []result.Field
	portal         session.Portal
	rows           result.Rows // nil before a portal's first FETCH or Execute
	scroll, binary bool

	position       int64
	atStart, atEnd bool
	busy           *scan // a FETCH under way
	left           bool  // by its client: what it did not read is skipped when the next one comes
	failed, closed bool

	pieces []piece // what is kept: the last batch, or for a scrollable cursor as many as fit
	size   int
	read   int64 // rows that were read so far
	whole  bool  // there are no more
}

// piece is a batch and the number of its first row.
type piece struct {
	start int64
	batch *result.Batch
	size  int
}

// close ends the query.
func (c *cursor) close() {
	if c.closed {
		return
	}
	c.closed = true
	if c.rows != nil {
		_ = c.rows.Close() // a query that is given up has no error that counts
	}
	_ = c.portal.Close()
	c.pieces = nil
}

// pull reads one more batch; io.EOF says that there is none.
func (c *cursor) pull(ctx context.Context) error {
	if c.whole {
		return io.EOF
	}
	b, err := c.rows.Next(ctx)
	switch {
	case errors.Is(err, io.EOF):
		c.whole = true
		return io.EOF
	case err != nil:
		return err
	}
	if !c.scroll {
		c.pieces = append(c.pieces[:0], piece{c.read, b, 0})
	} else {
		kept, size := b.Copy()
		c.pieces = append(c.pieces, piece{c.read, kept, size})
		for c.size += size; c.size > keptBytes && len(c.pieces) > 1; c.pieces = c.pieces[1:] {
			c.size -= c.pieces[0].size
		}
	}
	c.read += int64(b.Len)
	return nil
}

// find gives the piece that holds a row, counted from 0; io.EOF says that there are not so many.
func (c *cursor) find(ctx context.Context, row int64) (piece, error) {
	for row >= c.read {
		if err := c.pull(ctx); err != nil {
			return piece{}, err
		}
	}
	for _, p := range slices.Backward(c.pieces) {
		if row >= p.start {
			return p, nil
		}
	}
	return piece{}, sqlerr.New(sqlerr.ProgramLimitExceeded, "cursor \"%s\" does not keep rows from so far back", c.name).
		WithHint("A scrollable cursor keeps the last %d MB that it read. Let the query give fewer rows, or the other order.", keptBytes>>20)
}

// errForward is PostgreSQL's for a cursor without SCROLL.
var errForward = sqlerr.New(sqlerr.ObjectNotInState, "cursor can only scan forward").WithHint("Declare it with SCROLL option to enable backward scan.")

// scan is a move of the cursor over some rows, in one direction.
type scan struct {
	c       *cursor
	forward bool
	left    int64
	all     bool
	moves   bool  // not one that stays where it is
	next    int64 // the row to give, counted from 0
	done    int64
}

// scan begins a move. Backward ones are for scrollable cursors.
func (c *cursor) scan(forward bool, count int64) (*scan, error) {
	s := &scan{c: c, forward: forward, left: count, all: count == rewrite.All}
	switch {
	case forward:
		s.moves, s.next = !c.atEnd && count > 0, c.position
	case !c.scroll:
		return nil, errForward
	default:
		s.moves, s.next = !c.atStart && count > 0, c.position-2
		if c.atEnd {
			s.next++
		}
	}
	if !s.moves {
		s.left = 0
	}
	return s, nil
}

// batch gives the next rows; io.EOF says that the move is over.
func (s *scan) batch(ctx context.Context) (*result.Batch, error) {
	if s.left == 0 || s.next < 0 {
		return nil, io.EOF
	}
	p, err := s.c.find(ctx, s.next)
	if err != nil {
		return nil, err
	}
	at := int(s.next - p.start)
	n := 1
	if s.forward {
		n = int(min(int64(p.batch.Len-at), s.left))
	}
	s.step(int64(n))
	return p.batch.Slice(at, n), nil
}

// step counts rows as moved over.
func (s *scan) step(n int64) {
	s.done += n
	s.left -= n
	if s.forward {
		s.next += n
	} else {
		s.next -= n
	}
}

// skip moves over what is left without giving it.
func (s *scan) skip(ctx context.Context) error {
	if !s.forward {
		s.step(min(s.left, max(s.next+1, 0)))
		return nil
	}
	for s.left > 0 {
		if n := min(s.left, s.c.read-s.next); n > 0 {
			s.step(n)
			continue
		}
		if err := s.c.pull(ctx); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// finish leaves the cursor where the move ended.
func (s *scan) finish() {
	c := s.c
	switch {
	case !s.moves:
	case s.forward:
		c.atStart = c.atStart && s.done == 0
		c.atEnd = s.all || s.left > 0
		c.position += s.done
	default:
		if s.done > 0 && c.atEnd {
			c.atEnd = false
			c.position++
		}
		if c.atStart = s.all || s.left > 0; c.atStart {
			c.position = 0
		} else {
			c.position -= s.done
		}
	}
}

// move moves over rows without giving them.
func (c *cursor) move(ctx context.Context, forward bool, count int64) (int64, error) {
	s, err := c.scan(forward, count)
	if err != nil {
		return 0, err
	}
	if err := s.skip(ctx); err != nil {
		return 0, err
	}
	s.finish()
	return s.done, nil
}

// rewind goes before the first row.
func (c *cursor) rewind() error {
	if c.atStart && !c.atEnd {
		return nil
	}
	if !c.scroll {
		return errForward
	}
	c.position, c.atStart, c.atEnd = 0, true, false
	return nil
}

// seek does all of a FETCH but its last move, which it returns: the one whose rows are given.
func (c *cursor) seek(ctx context.Context, f rewrite.Fetch) (*scan, error) {
	var err error
	n := f.Count
	switch {
	case f.Direction == rewrite.Absolute && n >= 0:
		passed := c.position
		if c.atEnd {
			passed++
		}
		if n-1 >= passed { // what lies ahead needs no way back
			_, err = c.move(ctx, true, n-1-passed)
		} else if err = c.rewind(); err == nil && n > 1 {
			_, err = c.move(ctx, true, n-1)
		}
		n = min(n, 1)
	case f.Direction == rewrite.Absolute:
		if _, err = c.move(ctx, true, rewrite.All); err == nil && n < -1 {
			_, err = c.move(ctx, false, -n-1)
		}
		n = -1
	case f.Direction == rewrite.Relative && n > 1:
		_, err = c.move(ctx, true, n-1)
		n = 1
	case f.Direction == rewrite.Relative && n < -1:
		_, err = c.move(ctx, false, -n-1)
		n = -1
	case f.Direction == rewrite.Backward:
		n = -n
	}
	if err != nil {
		return nil, err
	}
	if n == 0 && f.Direction != rewrite.Absolute && !c.atStart && !c.atEnd { // the current row once more
		if _, err := c.move(ctx, false, 1); err != nil {
			return nil, err
		}
		n = 1
	}
	if n < 0 {
		return c.scan(false, -n)
	}
	return c.scan(true, n)
}
