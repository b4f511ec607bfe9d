package ingest

import (
	"context"
	"fmt"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// trust says why the stream cannot be taken up where the shadow stands; empty means that it can. fork is where the primary's history left the
// timeline that the shadow followed, zero if it is still on it or never was.
func trust(sys capture.System, slot capture.SlotState, st shadow.State, fork change.LSN) string {
	id := st.Identity
	switch {
	case id.SystemID == "":
		return "first start"
	case sys.ID != id.SystemID:
		return "the primary has another system identifier"
	case sys.Database != id.Database:
		return "the source is another database"
	case sys.Timeline != id.Timeline && fork == 0:
		return fmt.Sprintf("the primary is on timeline %d, which does not come from timeline %d", sys.Timeline, id.Timeline)
	case sys.Timeline != id.Timeline && fork <= st.Commit: // a commit's position is where its record begins
		return fmt.Sprintf("the promoted primary lacks the last transactions that were captured, up to %s", st.Commit)
	case sys.LSN <= st.Commit:
		return fmt.Sprintf("the primary's log ends at %s, before the last transaction that was captured, at %s", sys.LSN, st.Commit)
	case !slot.Exists:
		return "the replication slot is gone"
	case slot.Lost != "":
		return "the replication slot's log is gone: " + slot.Lost
	case slot.Confirmed > st.End:
		return fmt.Sprintf("the replication slot is at %s, ahead of what was stored, at %s", slot.Confirmed, st.End)
	}
	return ""
}

// acquaint asks the primary who it is and finds out whether the stream can go on; why is empty if it can.
func (g *Ingest) acquaint(ctx context.Context) (sys capture.System, st shadow.State, why string, err error) {
	if st, err = g.o.Store.State(ctx); err != nil {
		return sys, st, "", err
	}
	g.o.Source.Shift(st.Identity.Shift)
	slot, err := g.o.Source.SlotState(ctx) // first, as it refuses a standby, which could be promoted before the second look
	if err != nil {
		return sys, st, "", err
	}
	if sys, err = g.o.Source.Identify(ctx); err != nil {
		return sys, st, "", err
	}
	var fork change.LSN
	id := st.Identity
	promoted := id.SystemID == sys.ID && sys.Timeline != id.Timeline
	if promoted {
		if fork, _, err = g.o.Source.Forked(ctx, sys.Timeline, id.Timeline); err != nil {
			return sys, st, "", err
		}
	}
	why = trust(sys, slot, st, fork)
	if why != "" && promoted && fork > 0 {
		why += fmt.Sprintf("; the primary was promoted to timeline %d at %s", sys.Timeline, fork)
	}
	g.mu.Lock()
	if st.Identity.SystemID != "" && g.broken != "" {
		why = g.broken
	}
	g.mu.Unlock()
	if why == "" && promoted {
		g.o.Log.Warn("the primary is on a new timeline that has everything captured so far; capture goes on", "source", g.o.Name, "timeline", sys.Timeline)
		id.Timeline = sys.Timeline
		if err = g.o.Store.Promoted(ctx, id, fork); err == nil {
			g.set(func(s *Status) { s.Received, s.Confirmed = min(s.Received, fork), min(s.Confirmed, fork) })
		}
	}
	return sys, st, why, err
}

// follow starts over with a new slot. History stays, and what was missed is recorded. Where the primary's log has gone back, positions go on upwards.
func (g *Ingest) follow(ctx context.Context, cat capture.Catalog, sys capture.System, st shadow.State, why string) (*capture.Snapshot, error) {
	if id := st.Identity; id.SystemID != "" && (id.SystemID != sys.ID || id.Database != sys.Database) {
		if err := sameTables(cat, st); err != nil {
			return nil, err
		}
	}
	snap, err := g.o.Source.CreateSlot(ctx)
	if err != nil {
		return nil, err
	}
	id := shadow.Identity{SystemID: sys.ID, Timeline: sys.Timeline, Database: sys.Database, Slot: g.o.Source.Slot(), Shift: g.o.Source.Raise(snap, st.Reach)}
	if id.Shift != st.Identity.Shift {
		why += fmt.Sprintf("; its log had gone back, so its positions are raised by %s from now on", id.Shift)
	}
	var gap *shadow.Gap
	if st.Identity.SystemID != "" {
		g.o.Log.Error("the stream cannot be continued; every table is copied again and the gap is recorded", "source", g.o.Name, "reason", why)
		gap = &shadow.Gap{Source: g.o.Name, From: st.Commit, To: snap.LSN, At: time.Now(), Reason: why}
	}
	if err := g.o.Store.Follow(ctx, id, snap.LSN, gap); err != nil {
		snap.Close()
		return nil, err
	}
	g.mu.Lock()
	g.broken, g.status.Retained = "", 0
	g.mu.Unlock()
	return snap, nil
}

// sameTables refuses a primary on which a number that the shadow knows belongs to another table: their histories must not mix.
func sameTables(cat capture.Catalog, st shadow.State) error {
	for i := range cat.Tables {
		rel := &cat.Tables[i].Relation
		if old, ok := st.Tables[rel.OID]; ok && old.Relation.Name != "" && !old.Dropped && (old.Relation.Name != rel.Name || old.Relation.Schema != rel.Schema) {
			return fmt.Errorf("table %s.%s has the number that %s.%s had: this is another database than the one whose history is kept; start with another data folder",
				rel.Schema, rel.Name, old.Relation.Schema, old.Relation.Name)
		}
	}
	return nil
}
