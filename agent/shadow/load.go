package shadow

import (
	"context"
	"fmt"
	"time"

	"foreshadow/agent/change"
)

// Identity names the primary and the slot that the shadow follows.
type Identity struct {
	SystemID string
	Timeline int32
	Database string
	Slot     string
	Shift    change.LSN // what the primary's positions were raised by, because its log had gone back
}

// TableState is what ingest must know of a table.
type TableState struct {
	Relation change.Relation
	Synced   bool
	Dropped  bool
}

// State is where the shadow stands: whom it follows, up to where, and with which tables.
type State struct {
	Identity              Identity
	Commit, End           change.LSN
	Reach                 change.LSN // the last position that anything stored has
	CommitTime            time.Time
	Proof                 change.LSN // the last commit of a transaction; Commit may be a message after it
	Changes, Transactions int64
	Whole                 bool // there was a time when every table that can be captured had its rows
	Tables                map[uint32]TableState
}

// State reads the committed state.
func (d *DB) State(context.Context) (State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := State{Commit: d.stored.commit, End: d.stored.end, CommitTime: d.stored.time, Proof: d.stored.proof,
		Changes: d.stored.changes, Transactions: d.stored.transactions, Tables: map[uint32]TableState{}}
	rows, err := d.w.rows("SELECT key, value FROM meta")
	if err != nil {
		return s, err
	}
	for _, r := range rows {
		v := r[1].(string)
		switch r[0].(string) {
		case "system_id":
			s.Identity.SystemID = v
		case "timeline":
			_, _ = fmt.Sscan(v, &s.Identity.Timeline)
		case "database":
			s.Identity.Database = v
		case "slot":
			s.Identity.Slot = v
		case "whole":
			s.Whole = true
		case "shift":
			if s.Identity.Shift, err = change.ParseLSN(v); err != nil {
				return s, err
			}
		}
	}
	s.Reach = max(s.Commit, s.End)
	for oid, t := range d.tables {
		s.Reach = max(s.Reach, t.Since)
		if t.Filter != nil {
			s.Reach = max(s.Reach, t.Filter.LSN)
		}
		ts := TableState{Relation: change.Relation{OID: oid}, Synced: t.Synced, Dropped: t.Dropped != 0}
		if t.Version > 0 {
			ts.Relation = *d.shape(t)
		}
		s.Tables[oid] = ts
	}
	return s, nil
}

// Gap is a stretch of the log that could not be captured or, with a relation, a stretch in which its rows are not known.
type Gap struct {
	Source, Relation string
	From, To         change.LSN
	At               time.Time
	Reason           string
}

// Follow starts to follow a primary through a new slot, from its consistent point on. Every table must be loaded again; history stays.
// gap tells what was missed, if anything was.
func (d *DB) Follow(_ context.Context, id Identity, from change.LSN, gap *Gap) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		d.rollback()
	}
	if from <= d.pos.commit {
		return fmt.Errorf("follow a primary from %s on: the shadow stands at %s already", from, d.pos.commit)
	}
	if err := d.foldAll(); err != nil {
		return err
	}
	return d.transact(func() error {
		if err := d.identify(id); err != nil {
			return err
		}
		d.restart(from)
		if err := d.happen(event{Follow: &from}); err != nil {
			return err
		}
		if err := d.w.exec("DELETE FROM copies; DELETE FROM copied"); err != nil {
			return err
		}
		return d.addGap(gap)
	})
}

// restart takes a new slot's first position; every table's rows are unknown from now on.
func (d *DB) restart(from change.LSN) {
	for _, t := range d.tables {
		if t.Dropped != 0 {
			continue // its past stays as it is
		}
		d.lose(t)
		t.Await, t.Filter = nil, nil
	}
	// the first commit may stand exactly at the position
	d.pos.commit, d.pos.proof, d.pos.end, d.pos.folded = from-1, from-1, from, from
}

// Promoted notes that the primary is on another timeline, which left the one that was followed at a position and has everything that is stored.
// What was only heard of the old one after that position is forgotten.
func (d *DB) Promoted(_ context.Context, id Identity, left change.LSN) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		d.rollback()
	}
	if left <= d.pos.commit {
		return fmt.Errorf("follow a promoted primary from %s on: the shadow stands at %s already", left, d.pos.commit)
	}
	d.lowered.Store(uint64(left))
	return d.transact(func() error {
		d.pos.end = min(d.pos.end, left)
		if d.looked.LSN > left {
			d.looked.LSN = left
		}
		return d.identify(id)
	})
}

func (d *DB) identify(id Identity) error {
	return d.setMeta(map[string]string{"system_id": id.SystemID, "timeline": fmt.Sprint(id.Timeline), "database": id.Database, "slot": id.Slot, "shift": id.Shift.String()})
}

// setMeta stores words under their keys.
func (d *DB) setMeta(words map[string]string) error {
	for k, v := range words {
		if err := d.w.exec("DELETE FROM meta WHERE key = $1", k); err != nil {
			return err
		}
		if err := d.w.exec("INSERT INTO meta VALUES ($1, $2)", k, v); err != nil {
			return err
		}
	}
	return d.happen(event{Meta: words})
}

func (d *DB) addGap(g *Gap) error {
	if g == nil || d.replaying { // the journal has it as it was
		return nil
	}
	if err := d.happen(event{Gap: g}); err != nil {
		return err
	}
	return d.insertGap(g)
}

func (d *DB) insertGap(g *Gap) error {
	return d.w.exec("INSERT INTO gaps VALUES (nullif($1, ''), nullif($2, ''), $3, $4, $5, $6)", g.Source, g.Relation, uint64(g.From), uint64(g.To), g.At, g.Reason)
}

// Drop ends a table that the primary no longer has. Its history can still be read.
func (d *DB) Drop(_ context.Context, oid uint32, at change.LSN) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[oid]
	if t == nil || t.Dropped != 0 || d.open {
		return nil
	}
	return d.drop(t, at)
}

func (d *DB) drop(t *table, at change.LSN) error {
	if err := d.foldAll(); err != nil {
		return err
	}
	return d.transact(func() error {
		if e := t.epoch(); e != nil {
			e.Last = d.lastSeen(t)
			at = max(at, e.Last.LSN)
		}
		t.Dropped, t.DroppedTime, t.Note = at, time.Now(), "dropped on the primary"
		d.touched[t.OID] = true
		clear(d.known)
		if err := d.happen(event{Drop: &dropped{OID: t.OID, At: at}}); err != nil {
			return err
		}
		if err := d.forgetCopy(t.OID); err != nil {
			return err
		}
		for _, kind := range []string{"VIEW IF EXISTS v", "TABLE IF EXISTS b", "TABLE IF EXISTS h", "TABLE IF EXISTS n", "TABLE IF EXISTS e"} {
			if err := d.w.exec(fmt.Sprintf("DROP %s%d_%d", kind, t.OID, len(t.Gens)+1)); err != nil { // of a copy that was under way
				return err
			}
		}
		if len(t.Gens) == 0 {
			return nil
		}
		t.Synced = true // what it had can be read, but for the stretch in which its rows were not known
		if t.Lost != nil {
			t.Gaps, t.Lost = append(t.Gaps, gap{From: t.Lost.Looked, To: Mark{LSN: at, Time: time.Now()}}), nil
		}
		return d.endAll(t, at)
	})
}

// Note says something about a table that users should see in foreshadow.tables.
func (d *DB) Note(_ context.Context, oid uint32, note string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[oid]
	if t == nil || t.Note == note || d.open {
		return nil
	}
	return d.transact(func() error {
		t.Note = note
		d.touched[oid] = true
		return nil
	})
}

// Relations gives the current shape of every captured table.
func (d *DB) Relations(context.Context) ([]change.Relation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []change.Relation
	for _, t := range d.tables {
		if t.Version > 0 && t.Dropped == 0 && t.Synced {
			out = append(out, *d.shape(t))
		}
	}
	sortRelations(out)
	return out, nil
}

// Unsynced lists the tables whose rows must be loaded, again or for the first time.
func (d *DB) Unsynced() []uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	var oids []uint32
	for oid, t := range d.tables {
		if !t.Synced && t.Dropped == 0 {
			oids = append(oids, oid)
		}
	}
	return oids
}
