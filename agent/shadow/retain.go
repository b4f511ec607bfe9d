package shadow

import (
	"context"
	"fmt"
	"math"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

// Limit bounds what is kept of a table's past: closed versions and rows of the log. Zero is without bound.
type Limit struct {
	Age   time.Duration
	Bytes int64 // of the log's JSON, which stands for both: a change's row in the log and the version it closed are about as large
}

// Pin keeps everything as of a position, and after it, from expiring.
type Pin struct {
	Name string
	LSN  change.LSN
	At   time.Time // when it was set
	Off  bool      `json:",omitempty"` // in the journal: it was taken away
}

// expireEvery is how often the past is looked through for what has expired. What is younger than youngest stays in any case: a snapshot of the primary
// may not show it yet, and then VERIFY asks the log for it.
const (
	expireEvery = time.Minute
	youngest    = 10 * time.Second
)

// reading is what somebody reads: as of the position, and after it, nothing expires meanwhile.
type reading struct{ from change.LSN }

// readingKey finds a reading in a context.
type readingKey struct{}

// Reading keeps the moments for which Source and Diff are asked under its context from expiring until done is called: the rows are there when the query
// begins. Once it has begun, it sees them in its own snapshot.
func (d *DB) Reading(ctx context.Context) (within context.Context, done func()) {
	return d.ReadingFrom(ctx, math.MaxUint64)
}

// ReadingFrom is Reading that keeps everything as of a position from the beginning.
func (d *DB) ReadingFrom(ctx context.Context, from change.LSN) (within context.Context, done func()) {
	r := &reading{from}
	d.readMu.Lock()
	defer d.readMu.Unlock()
	d.readings[r] = true
	return context.WithValue(ctx, readingKey{}, r), func() {
		d.readMu.Lock()
		defer d.readMu.Unlock()
		delete(d.readings, r)
	}
}

// hold tells the context's reading of moments that are about to be asked for; times have their positions by then.
func (d *DB) hold(ctx context.Context, moments ...AsOf) {
	r, ok := ctx.Value(readingKey{}).(*reading)
	if !ok {
		return
	}
	d.readMu.Lock()
	defer d.readMu.Unlock()
	for _, m := range moments {
		if m.LSN > 0 {
			r.from = min(r.from, m.LSN)
		}
	}
}

// held says that somebody reads what was current before a position.
func (d *DB) held(before change.LSN) bool {
	d.readMu.Lock()
	defer d.readMu.Unlock()
	for r := range d.readings {
		if r.from < before {
			return true
		}
	}
	return false
}

// limit is what is kept of a table.
func (d *DB) limit(t *table) Limit {
	if t.Version > 0 {
		rel := d.shape(t)
		if l, ok := d.options.KeepTables[rel.Schema+"."+rel.Name]; ok {
			return l
		}
	}
	return d.options.Keep
}

// Expire removes what has grown too old at a moment, or too large, from every table's past. What a pin keeps stays.
func (d *DB) Expire(ctx context.Context, now time.Time) error {
	d.mu.Lock()
	limits := map[uint32]Limit{}
	for oid, t := range d.tables {
		if l := d.limit(t); l != (Limit{}) && t.Synced {
			limits[oid] = l
		}
	}
	d.mu.Unlock()
	for oid, l := range limits {
		if err := ctx.Err(); err != nil {
			return err
		}
		upTo, err := d.cutoff(oid, l, now)
		if err == nil && upTo.LSN > 0 {
			err = d.expireTable(oid, upTo)
		}
		if err != nil {
			return fmt.Errorf("expire the past of table %d: %w", oid, err)
		}
	}
	return nil
}

// cutoff is the last commit of a table's past that need not be kept, zero if there is none.
func (d *DB) cutoff(oid uint32, l Limit, now time.Time) (m Mark, err error) {
	ask := func(sql string, args ...any) error {
		rows, err := d.read(sql, args...)
		if err == nil && len(rows) > 0 && rows[0][0] != nil && lsn(rows[0][0]) > m.LSN {
			m = Mark{lsn(rows[0][0]), moment(rows[0][1])}
		}
		return err
	}
	if l.Age > 0 {
		if err := ask("SELECT max(lsn), arg_max(commit_time, lsn) FROM log WHERE commit_time <= $1", now.Add(-max(l.Age, youngest))); err != nil {
			return m, err
		}
	}
	if l.Bytes > 0 {
		if err := ask("SELECT lsn, moment FROM (SELECT lsn, any_value(commit_time) AS moment, sum(sum(bytes)) OVER (ORDER BY lsn DESC) AS size FROM log WHERE oid = $1 GROUP BY lsn) "+
			"WHERE size > $2 AND moment <= $3 ORDER BY lsn DESC LIMIT 1", oid, l.Bytes, now.Add(-youngest)); err != nil {
			return m, err
		}
	}
	rows, err := d.read("SELECT min(p.lsn), coalesce((SELECT max(commit_time) FROM log WHERE lsn <= (SELECT min(lsn) FROM pins)), min(p.moment)) FROM pins p")
	if err != nil {
		return m, err
	}
	if pin := lsn(rows[0][0]); rows[0][0] != nil && pin < m.LSN {
		m = Mark{pin, moment(rows[0][1])}
	}
	return m, nil
}

// expireTable ends a table's past at a commit. While a large transaction is open, or somebody reads what would go, it is left for later.
func (d *DB) expireTable(oid uint32, upTo Mark) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[oid]
	if t == nil || d.open || !t.Synced || upTo.LSN <= t.Expired || d.held(upTo.LSN) {
		return nil
	}
	pins, err := d.w.rows("SELECT 1 FROM pins WHERE lsn < $1 LIMIT 1", uint64(upTo.LSN))
	if err != nil || len(pins) > 0 { // set since the cutoff was found: the next time knows of it
		return err
	}
	return d.expire(t, upTo)
}

func (d *DB) expire(t *table, upTo Mark) error {
	if err := d.foldAll(); err != nil {
		return err
	}
	return d.transact(func() error {
		for _, g := range t.Gens {
			if err := d.w.exec(fmt.Sprintf("DELETE FROM h%d_%d WHERE hi <= %d", t.OID, g.N, uint64(upTo.LSN))); err != nil {
				return err
			}
			if t.left(g.N) > upTo.LSN {
				continue
			}
			if err := d.w.exec(fmt.Sprintf("DELETE FROM b%d_%d", t.OID, g.N)); err != nil { // what was current when the columns changed
				return err
			}
		}
		t.Expired = upTo.LSN
		if upTo.LSN > t.Since {
			t.Since, t.SinceTime = upTo.LSN, upTo.Time
		}
		d.touched[t.OID] = true
		if err := d.expireLog(t); err != nil {
			return err
		}
		return d.happen(event{Expire: &expired{OID: t.OID, UpTo: upTo}})
	})
}

func (d *DB) expireLog(t *table) error {
	return d.w.exec("DELETE FROM log WHERE oid = $1 AND lsn <= $2", t.OID, uint64(t.Expired))
}

// Pin keeps everything as of a position from expiring until Unpin, through restarts too. A position that has expired already is refused.
func (d *DB) Pin(_ context.Context, name string, at change.LSN) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return sqlerr.New(sqlerr.ObjectInUse, "a large transaction is being stored").WithHint("try again in a moment")
	}
	for _, t := range d.tables {
		if t.Synced && t.Expired > at {
			return tooOld(d.shape(t).Name, t)
		}
	}
	return d.setPin(Pin{Name: name, LSN: at, At: time.Now().UTC()})
}

// Unpin lets go of what a pin kept.
func (d *DB) Unpin(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return sqlerr.New(sqlerr.ObjectInUse, "a large transaction is being stored").WithHint("try again in a moment")
	}
	return d.setPin(Pin{Name: name, Off: true})
}

func (d *DB) setPin(p Pin) error {
	return d.transact(func() error {
		if err := d.w.exec("DELETE FROM pins WHERE name = $1", p.Name); err != nil {
			return err
		}
		if err := d.happen(event{Pin: &p}); err != nil || p.Off {
			return err
		}
		return d.w.exec("INSERT INTO pins VALUES ($1, $2, $3)", p.Name, uint64(p.LSN), p.At)
	})
}

// Pins lists the pins by their names.
func (d *DB) Pins(context.Context) ([]Pin, error) {
	rows, err := d.read("SELECT name, lsn, moment FROM pins ORDER BY name")
	if err != nil {
		return nil, err
	}
	pins := make([]Pin, len(rows))
	for i, r := range rows {
		pins[i] = Pin{Name: r[0].(string), LSN: lsn(r[1]), At: moment(r[2])}
	}
	return pins, nil
}

// expiring lets the past expire now and then.
func (d *DB) expiring(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := d.Expire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			d.log.Warn("removing what has expired failed; it is tried again", "error", err)
		}
	}
}
