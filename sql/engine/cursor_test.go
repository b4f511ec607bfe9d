package engine

import (
	"context"
	"errors"
	"io"
	"testing"

	"foreshadow/sql/result"
	"foreshadow/sql/rewrite"
	"foreshadow/sql/sqlerr"
)

// wideRows are rows of 8 MB, one a batch.
type wideRows struct{ left int }

func (w *wideRows) Fields() []result.Field { return nil }
func (w *wideRows) Tag() string            { return "" }
func (w *wideRows) Close() error           { return nil }

func (w *wideRows) Next(context.Context) (*result.Batch, error) {
	if w.left == 0 {
		return nil, io.EOF
	}
	w.left--
	return &result.Batch{Len: 1, Columns: []result.Column{{Kind: result.Text, Bytes: [][]byte{make([]byte, 8<<20)}}}}, nil
}

// TestCursorMemory holds that a scrollable cursor keeps no more than its bound, refuses what it has dropped, and goes forward all the same.
func TestCursorMemory(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := &cursor{name: "c", portal: &ownPortal{}, rows: &wideRows{left: 20}, scroll: true, atStart: true}
	if n, err := c.move(ctx, true, 15); n != 15 || err != nil || c.size > keptBytes || len(c.pieces) != 7 {
		t.Errorf("moved %d, %v: %d pieces of %d bytes", n, err, len(c.pieces), c.size)
	}
	for _, step := range []struct {
		f    rewrite.Fetch
		code string
	}{
		{rewrite.Fetch{Direction: rewrite.Absolute, Count: 10}, ""},
		{rewrite.Fetch{Direction: rewrite.Absolute, Count: 1}, sqlerr.ProgramLimitExceeded},
		{rewrite.Fetch{Direction: rewrite.Absolute, Count: 20}, ""},
	} {
		s, err := c.seek(ctx, step.f)
		if err == nil {
			if _, err = s.batch(ctx); err == nil {
				s.finish()
			}
		}
		if sqlerr.Code(err) != step.code {
			t.Errorf("%+v: %v", step.f, err)
		}
	}
	if s, err := c.scan(true, 1); err != nil {
		t.Error(err)
	} else if _, err := s.batch(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last row: %v", err)
	}
}
