package ingest

import (
	"context"
	"fmt"
	"time"

	"foreshadow/agent/capture"
)

// lookEvery is how often the log that the primary keeps for us is measured.
const lookEvery = 2 * time.Second

// guard watches how much log the primary keeps for our slot, until ctx ends. Past the budget the slot is given up, so that the primary's disk cannot
// fill up because of us: end stops the session, whose successor copies every table again and records the gap.
func (g *Ingest) guard(ctx context.Context, end func()) {
	tick := time.NewTicker(min(lookEvery, 2*g.o.Watch))
	defer tick.Stop()
	for { // it looks at once: a session that fails at its start would never be measured
		if slot, err := g.o.Source.SlotState(ctx); err == nil && g.spent(slot) {
			end()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// spent says that the budget is used up. From half of it on, or of what the primary's own limit leaves, it warns.
func (g *Ingest) spent(slot capture.SlotState) bool {
	warning := ""
	switch {
	case g.o.Budget > 0 && slot.Retained > g.o.Budget/2:
		warning = fmt.Sprintf("the primary keeps %d MB of log for capture; past the budget of %d MB the slot is given up and every table copied again", slot.Retained>>20, g.o.Budget>>20)
	case slot.Left >= 0 && slot.Retained > slot.Left:
		warning = fmt.Sprintf("the primary keeps %d MB of log for capture; after %d MB more it takes the slot away (max_slot_wal_keep_size) and every table is copied again", slot.Retained>>20, slot.Left>>20)
	}
	if warning != "" && g.Status().Warning == "" {
		g.o.Log.Warn("the primary keeps much log for capture", "source", g.o.Name, "retained_bytes", slot.Retained, "budget_bytes", g.o.Budget, "left_bytes", slot.Left)
	}
	g.set(func(s *Status) { s.Retained, s.Warning = slot.Retained, warning })
	if g.o.Budget <= 0 || slot.Retained <= g.o.Budget {
		return false
	}
	g.mu.Lock()
	g.broken = fmt.Sprintf("the primary kept %d MB of log for capture, more than the budget of %d MB; the slot was given up", slot.Retained>>20, g.o.Budget>>20)
	g.mu.Unlock()
	return true
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
