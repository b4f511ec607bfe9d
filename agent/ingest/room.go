package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// roomEvery is how often the disk is looked at.
const roomEvery = 500 * time.Millisecond

// errFull ends a session because the disk is nearly full; the next one waits for space.
var errFull = errors.New("the disk of the data folder is nearly full")

// full says whether less is free than must be. Space counts as enough again only with a little more, so that capture does not begin and end all the time.
func (g *Ingest) full(paused bool) (bool, int64, error) {
	free, err := g.o.Store.Free()
	bound := g.o.MinFree
	if paused {
		bound += bound / 8
	}
	return free < bound, free, err
}

// room waits until the disk has space. The slot keeps what comes meanwhile, within its budget.
func (g *Ingest) room(ctx context.Context) error {
	for paused := false; ; paused = true {
		full, free, err := g.full(paused)
		if err != nil {
			return err
		}
		if !full {
			if paused {
				g.o.Log.Info("the disk has space again; capture goes on", "source", g.o.Name, "free_bytes", free)
			}
			return nil
		}
		if !paused {
			g.o.Log.Error("the disk of the data folder is nearly full; capture pauses until there is space", "source", g.o.Name, "free_bytes", free, "bound_bytes", g.o.MinFree)
		}
		g.set(func(s *Status) {
			s.State, s.Message = "paused", fmt.Sprintf("the disk of the data folder has %d MB left, less than %d MB; capture goes on when there is space", free>>20, g.o.MinFree>>20)
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(roomEvery):
		}
	}
}

// watchRoom ends a session when the disk gets full, whatever fills it.
func (g *Ingest) watchRoom(ctx context.Context, end func()) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if full, _, err := g.full(false); err == nil && full {
			end()
			return
		}
	}
}
