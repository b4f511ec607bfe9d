package ingest

import (
	"context"
	"fmt"
	"time"
)

// lookEvery is how often the log that the primary keeps for us is measured.
const lookEvery = 2 * time.Second

// guard watches how much log the primary keeps for our slot, until ctx ends. Past the budget the slot is given up, so that the primary's disk cannot
// fill up because of us: end stops the session, whose successor copies every table again and records the gap.
func (g *Ingest) guard(ctx context.Context, end func()) {
	tick := time.NewTicker(min(lookEvery, 2*g.o.Watch))
	defer tick.Stop()
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		slot, err := g.o.Source.SlotState(ctx)
		if err != nil || !slot.Exists {
			continue // the session finds out for itself
		}
		near := g.o.Budget > 0 && slot.Retained > g.o.Budget/2
		g.set(func(s *Status) {
			s.Retained, s.Warning = slot.Retained, ""
			if near {
				s.Warning = fmt.Sprintf("the primary keeps %d MB of log for capture, of at most %d MB", slot.Retained>>20, g.o.Budget>>20)
			}
		})
		if near && !warned {
			g.o.Log.Warn("the primary keeps much log for capture; past the budget the slot is given up and every table copied again",
				"source", g.o.Name, "retained_bytes", slot.Retained, "budget_bytes", g.o.Budget)
		}
		warned = near
		if g.o.Budget <= 0 || slot.Retained <= g.o.Budget {
			continue
		}
		g.mu.Lock()
		g.spent = fmt.Sprintf("the primary kept %d MB of log for capture, more than the budget of %d MB; the slot was given up", slot.Retained>>20, g.o.Budget>>20)
		g.mu.Unlock()
		end()
		return
	}
}

// release drops the slot, once the session that used it has let go.
func (g *Ingest) release(ctx context.Context) {
	for ctx.Err() == nil {
		slot, err := g.o.Source.SlotState(ctx)
		if err == nil && !slot.Exists {
			return
		}
		if err == nil {
			err = g.o.Source.DropSlot(ctx)
		}
		if err == nil {
			return
		}
		g.o.Log.Warn("the slot could not be given up and is tried again", "source", g.o.Name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
