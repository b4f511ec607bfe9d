package shadow

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"foreshadow/agent/change"
)

//go:embed seal.sql
var sealSQL string

// Bounds of sealing.
const (
	sealBytes     = 64 << 20 // of the journal, before its time
	sealNever     = time.Duration(1<<63 - 1)
	mergeSegments = 32  // of one level become one of the next
	mergeBytes    = 256 // MB, above which segments stay as they are
)

// Sealed is the position up to which everything is in segments too, which alone may be confirmed to the primary, and when it was sealed.
// It is zero while nothing can be said, because a first checkpoint of an older shadow is still to come.
func (d *DB) Sealed() (change.LSN, time.Time) {
	m := d.sealed.Load()
	if d.bare.Load() {
		return 0, time.Time{}
	}
	end := m.Place.End
	if low := change.LSN(d.lowered.Load()); low > 0 {
		end = min(end, low)
	}
	return end, m.SealedAt
}

// SealSoon asks for a seal now, for someone who waits for it.
func (d *DB) SealSoon() {
	select {
	case d.hurry <- struct{}{}:
	default:
	}
}

// Seal puts what the journal has into a segment. When it returns, that is durable apart from the DuckDB file.
func (d *DB) Seal() error {
	d.sealMu.Lock()
	defer d.sealMu.Unlock()
	if d.bare.Load() {
		return nil // segments need a checkpoint to begin from
	}
	if err := d.sealOnce(); err != nil {
		return fmt.Errorf("seal the journal: %w", err)
	}
	d.onStep("sealed")
	if err := d.forget(); err != nil {
		return fmt.Errorf("empty the journal: %w", err)
	}
	if err := d.merge(); err != nil {
		return fmt.Errorf("merge segments: %w", err)
	}
	return nil
}

func (d *DB) sealOnce() error {
	c, err := d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	now := d.sealed.Load()
	to, err := readPlace(c, now.Place.Aside)
	if err != nil {
		return err
	}
	if to.N == now.Place.N && to.Aside == now.Place.Aside && to.End == now.Place.End && to.Commit == now.Place.Commit {
		return nil
	}
	next := now.copyOf()
	if to.N > now.Place.N || to.Aside > now.Place.Aside {
		s := segment{From: now.Place.N, FromAside: now.Place.Aside, Place: to}
		if s.Copies, err = readCopies(c, s.From); err != nil {
			return err
		}
		f, err := d.export(c, s.name(), fmt.Sprintf(sealSQL, s.From, s.FromAside))
		if err != nil {
			return err
		}
		s.file = *f
		next.Segments = append(next.Segments, s)
	}
	next.Place, next.SealedAt = to, time.Now().UTC()
	d.onStep("exported")
	low := d.lowered.Load()
	if err := d.switchTo(next); err != nil {
		return err
	}
	if uint64(to.End) <= low {
		d.lowered.CompareAndSwap(low, 0)
	}
	return nil
}

// name is a segment's file, by the numbers after and up to which it has the journal's two parts.
func (s *segment) name() string {
	return fmt.Sprintf("%d.%d-%d.%d.parquet", s.From, s.FromAside, s.Place.N, s.Place.Aside)
}

// switchTo makes a manifest the one that counts.
func (d *DB) switchTo(m *manifest) error {
	if err := m.write(d.segments); err != nil {
		return err
	}
	d.sealed.Store(m)
	return nil
}

// readPlace reads where the shadow stands, in the connection's transaction.
func readPlace(c *conn, aside int64) (p place, err error) {
	rows, err := c.rows("SELECT n, commit_lsn, end_lsn, commit_time, changes, transactions, looked_lsn, looked_time, proof_lsn, coalesce((SELECT max(n) FROM aside), $1) FROM position", aside)
	if err != nil {
		return p, err
	}
	r := rows[0]
	return place{N: r[0].(int64), Commit: lsn(r[1]), End: lsn(r[2]), Time: moment(r[3]), Changes: r[4].(int64), Transactions: r[5].(int64),
		Looked: Mark{lsn(r[6]), moment(r[7])}, Proof: lsn(r[8]), Aside: max(aside, r[9].(int64))}, nil
}

// readCopies names the files of the loads that the journal tells of after a number.
func readCopies(c *conn, after int64) (files []file, err error) {
	rows, err := c.rows("SELECT row_after FROM journal WHERE kind = $1 AND n > $2 ORDER BY n", int32(happened), after)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		var e event
		if err := json.Unmarshal([]byte(r[0].(string)), &e); err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		if e.Load != nil {
			files = append(files, e.Load.File)
		}
	}
	return files, nil
}

// forget takes out of the journal what is sealed and folded.
func (d *DB) forget() error {
	p := d.sealed.Load().Place
	if err := d.side(func(c *conn) error { return c.exec("DELETE FROM aside WHERE n <= $1", p.Aside) }); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	upTo := min(p.N, d.pos.foldedN)
	if d.open || upTo <= d.forgot {
		return nil // the next seal does it
	}
	if err := d.transact(func() error { return d.w.exec("DELETE FROM journal WHERE n <= $1", upTo) }); err != nil {
		return err
	}
	d.forgot = upTo
	return nil
}

// merge makes one segment of the last ones, when there are many of one level. A segment is written again once for each level, so rarely.
func (d *DB) merge() error {
	now := d.sealed.Load()
	first, size := len(now.Segments), int64(0)
	for first > 0 && now.Segments[first-1].Level == now.Segments[len(now.Segments)-1].Level {
		first--
		size += now.Segments[first].Bytes
	}
	old := now.Segments[first:]
	if len(old) < mergeSegments || size > mergeBytes<<20 {
		return nil
	}
	c, err := d.connect()
	if err != nil {
		return err
	}
	defer c.close()
	last := old[len(old)-1]
	s := segment{From: old[0].From, FromAside: old[0].FromAside, Place: last.Place, Level: last.Level + 1}
	names := make([]string, len(old))
	for i := range old {
		names[i] = quote(filepath.Join(d.segments, old[i].Name))
		s.Copies = append(s.Copies, old[i].Copies...)
	}
	f, err := d.export(c, s.name(), "SELECT * FROM read_parquet(["+strings.Join(names, ", ")+"])")
	if err != nil {
		return err
	}
	s.file = *f
	next := now.copyOf()
	next.Segments = append(next.Segments[:first:first], s)
	if err := d.switchTo(next); err != nil {
		return err
	}
	d.onStep("merged")
	for i := range old {
		d.discard(&old[i].file)
	}
	return nil
}

// sealing seals now and then, as long as the shadow is open, and makes a checkpoint where that has become worth it.
func (d *DB) sealing(ctx context.Context) {
	tick := time.NewTicker(min(d.sealEvery, 250*time.Millisecond))
	defer tick.Stop()
	last := time.Now()
	for {
		now := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.hurry:
			now = true
		}
		d.mu.Lock()
		full := d.unsealed > sealBytes
		d.mu.Unlock()
		if !now && !full && time.Since(last) < d.sealEvery {
			continue
		}
		last = time.Now()
		d.mu.Lock()
		d.unsealed = 0
		d.mu.Unlock()
		err := d.Seal()
		if err == nil {
			err = d.checkpointIfDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("sealing the history failed; it is tried again, and until then the primary keeps its log", "error", err)
		}
	}
}

// sweep removes files of the segments' folder that nothing names: what a crash left. It runs before anything is written.
func (d *DB) sweep(m *manifest) error {
	named := map[string]bool{manifestName: true}
	for _, f := range m.files() {
		named[f.Name] = true
	}
	copies, err := readCopies(d.w, m.Place.N)
	if err != nil {
		return err
	}
	for _, f := range copies {
		named[f.Name] = true
	}
	entries, err := os.ReadDir(d.segments)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !named[e.Name()] {
			if err := os.Remove(filepath.Join(d.segments, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
