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

// spare says that tables may be copied: the stream rests meanwhile, and the primary keeps its log. Past half of the budget tables that were begun are
// ended, and the stream goes on, until there is less.
func (g *Ingest) spare() bool { return g.o.Budget <= 0 || g.Status().Retained <= g.o.Budget/2 }

// unaffordable is said when a copy that was under way broke the budget.
const unaffordable = "a table could not be copied before the primary kept more log for it than source.wal-budget; raise the budget, or leave the table out: it is tried again at %s"

// breathe waits after a copy that broke the budget: a minute at first, at last an hour. Nothing is captured meanwhile, and the primary keeps nothing for us.
func (g *Ingest) breathe(ctx context.Context) {
	pause := min(time.Minute<<min(g.breaches, 10), time.Hour)
	g.breaches++
	text := fmt.Sprintf(unaffordable, time.Now().Add(pause).UTC().Format(time.RFC3339))
	g.set(func(s *Status) { s.State, s.Message = "paused", text })
	g.o.Log.Error("a copy needs more log than the budget allows; capture pauses and copies every table again", "source", g.o.Name, "budget_bytes", g.o.Budget, "pause", pause)
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// release drops the slot, once the session that used it has let go.
func (g *Ingest) release(ctx context.Context) {
	for ctx.Err() == nil {
		slot, err := g.o.Source.SlotState(ctx)
		if err == nil && slot.Exists {
			err = g.o.Source.DropSlot(ctx)
		}
		if err == nil {
			g.set(func(s *Status) { s.Retained, s.Warning = 0, "" })
			return
		}
		g.o.Log.Warn("the slot could not be given up and is tried again", "source", g.o.Name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
