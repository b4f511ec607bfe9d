package shadow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"foreshadow/agent/change"
)

// writers are the appenders of the log and of the journal.
type writers struct {
	log, journal *chunk
	buf          []byte
}

var (
	logTypes     = []string{"UBIGINT", "BIGINT", "TIMESTAMPTZ", "BIGINT", "UINTEGER", "INTEGER", "UTINYINT", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT"}
	journalTypes = []string{"BIGINT", "UTINYINT", "UBIGINT", "BIGINT", "TIMESTAMPTZ", "UINTEGER", "UINTEGER", "INTEGER", "UTINYINT", "BLOB", "BLOB"}
)

// known is what Append needs to know of a relation message, worked out once.
type known struct {
	t       *table
	version int32
	cols    []jsonColumn
	keys    []int
	primary []int
	risky   []int // columns whose values must be looked at
}

func (d *DB) openWriters() error {
	if d.out != nil {
		return nil
	}
	l, err := newChunk(d.w, "log", logTypes)
	if err != nil {
		return err
	}
	j, err := newChunk(d.w, "journal", journalTypes)
	if err != nil {
		l.close()
		return err
	}
	d.out = &writers{log: l, journal: j}
	return nil
}

func (d *DB) closeWriters() {
	if d.out != nil {
		d.out.log.close()
		d.out.journal.close()
		d.out = nil
	}
}

// Append stores transactions in commit order: log, journal and position in one DuckDB transaction. What is stored already is skipped.
// A part without Last opens a transaction that the part with Last commits; Abort gives it up. When Append returns after a part
// with Last, everything up to that commit is durable. After an error nothing of the call's uncommitted changes remains.
func (d *DB) Append(ctx context.Context, txs []change.Tx) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	began := d.open
	for i := range txs {
		tx := &txs[i]
		if tx.CommitLSN <= d.pos.commit {
			continue
		}
		if !began {
			if err := d.w.exec("BEGIN"); err != nil {
				return err
			}
			began = true
		}
		if err := d.appendTx(ctx, txs[i:]); err != nil {
			d.rollback()
			return fmt.Errorf("append transaction at %s: %w", tx.CommitLSN, err)
		}
	}
	if !began || d.open {
		return nil
	}
	return d.finish()
}

// finish commits what was appended.
func (d *DB) finish() error {
	err := d.flushWriters()
	if err == nil {
		err = d.save()
	}
	if err != nil {
		d.rollback()
		return err
	}
	if err := d.commit(); err != nil {
		return err
	}
	if d.full() {
		select {
		case d.kick <- struct{}{}:
		default:
		}
	}
	if d.tailCount >= 400_000 || d.tailBytes >= 512<<20 {
		return d.foldAll() // the background is behind: whoever writes waits
	}
	return nil
}

func (d *DB) flushWriters() error {
	if d.out == nil {
		return nil
	}
	if cap(d.out.buf) > 1<<20 {
		d.out.buf = nil // a single large value must not stay in memory
	}
	if err := d.out.log.flush(); err != nil {
		return err
	}
	return d.out.journal.flush()
}

// Abort gives up a transaction whose last part has not come.
func (d *DB) Abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		d.rollback()
	}
}

// Advance stores that everything up to a position was received, with nothing to store; it may then be confirmed to the primary.
func (d *DB) Advance(_ context.Context, to change.LSN) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return errors.New("advance the position: a transaction is open")
	}
	if to <= d.pos.end {
		return nil
	}
	d.pos.end = to
	if err := d.w.exec("UPDATE position SET end_lsn = $1", uint64(to)); err != nil {
		d.pos.end = d.stored.end
		return err
	}
	d.stored.end = to
	return nil
}

// appendTx appends the first of some transactions; the others are looked at only to fetch together what they will need.
func (d *DB) appendTx(ctx context.Context, txs []change.Tx) error {
	tx := &txs[0]
	if !tx.Last && !d.open {
		if err := d.split(); err != nil {
			return err
		}
	}
	if err := d.openWriters(); err != nil {
		return err
	}
	for i := range tx.Changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.appendChange(txs, i); err != nil {
			return err
		}
	}
	if d.open && (d.full() || tx.Last) { // what is left at the end too: who asked for a table before must not see a part of the transaction
		if err := d.foldTail(tx.CommitLSN, nil); err != nil {
			return err
		}
	}
	if tx.Last {
		d.open = false
		d.pos.commit, d.pos.end = tx.CommitLSN, tx.EndLSN
		if !tx.CommitTime.IsZero() { // a message outside a transaction has no time, and may not come again
			d.pos.proof, d.pos.time = tx.CommitLSN, tx.CommitTime
		}
		d.pos.transactions++
	}
	return nil
}

// split commits and folds what came before a large transaction, so that readers need no fold while it is open.
func (d *DB) split() error {
	if err := d.flushWriters(); err != nil {
		return err
	}
	if err := d.foldTail(d.pos.commit, nil); err != nil {
		return err
	}
	if err := d.save(); err != nil {
		return err
	}
	if err := d.commit(); err != nil {
		return err
	}
	if err := d.w.exec("BEGIN"); err != nil {
		return err
	}
	d.open = true
	return nil
}

// errNoStorage says that a table has no storage yet: its rows must be loaded first.
var errNoStorage = errors.New("table has not been loaded")

func (d *DB) appendChange(txs []change.Tx, i int) error {
	tx := &txs[0]
	c := &tx.Changes[i]
	if c.Relation == nil {
		d.pos.changes++
		if err := d.writeMessage(tx, c); err != nil {
			return err
		}
		return d.journal(noTable, 0, tx, c, c.After, logged)
	}
	k, err := d.resolve(c.Relation, tx)
	if err != nil {
		return fmt.Errorf("table %s.%s: %w", c.Relation.Schema, c.Relation.Name, err)
	}
	after, unknown, err := d.complete(k, txs, i)
	if err != nil {
		return err
	}
	if err := d.writeLog(k, tx, c, after, unknown); err != nil {
		return err
	}
	d.pos.changes++
	kind, err := d.follow(k, tx, c, after)
	if err != nil {
		return err
	}
	return d.journal(k.t.OID, k.version, tx, c, after, kind)
}

// follow puts a change into the tail, unless the table's copy holds it already or a copy is still to come. It says how the journal should hold it.
func (d *DB) follow(k *known, tx *change.Tx, c *change.Change, after []change.Value) (kind uint8, err error) {
	if !k.t.Synced {
		k.t.await(tx)
		d.touched[k.t.OID] = true
		return logged, nil
	}
	if k.t.Filter.holds(tx.CommitLSN, tx.XID) || k.t.Dropped != 0 {
		return logged, nil
	}
	if err := d.fit(k, after); err != nil {
		return logged, err
	}
	if k.t.Version != k.version {
		return logged, errNoStorage
	}
	k.t.used = Mark{LSN: tx.CommitLSN, Time: tx.CommitTime}
	d.keep(k.t, d.shape(k.t), d.pos.n+1, entry{lsn: tx.CommitLSN, xid: tx.XID, op: c.Op, before: c.Before, after: after})
	return tailed, nil
}

// writeLog appends one row to the change log.
func (d *DB) writeLog(k *known, tx *change.Tx, c *change.Change, after []change.Value, unknown []string) error {
	w, n := d.out.log, 0
	d.head(tx, c.Seq, k.t.OID, k.version, c.Op)
	id := after
	if id == nil {
		id = c.Before
	}
	if id == nil || k.primary == nil {
		w.null(7)
	} else {
		d.json(w, 7, k, id, k.primary)
	}
	for i, row := range [][]change.Value{c.Before, after} {
		if row == nil {
			w.null(8 + i)
			continue
		}
		n += d.json(w, 8+i, k, row, nil)
	}
	if unknown == nil {
		w.null(10)
	} else {
		w.str(10, []byte(strings.Join(unknown, ",")))
	}
	set(w, 11, int64(n))
	return w.next()
}

// head begins a row of the change log.
func (d *DB) head(tx *change.Tx, seq int64, oid uint32, version int32, op change.Op) {
	w := d.out.log
	set(w, 0, uint64(tx.CommitLSN))
	set(w, 1, seq)
	set(w, 2, tx.CommitTime.UnixMicro())
	set(w, 3, int64(tx.XID))
	set(w, 4, oid)
	set(w, 5, version)
	set(w, 6, uint8(op))
}

func (d *DB) json(w *chunk, col int, k *known, row []change.Value, only []int) int {
	d.out.buf = appendRow(d.out.buf[:0], k.cols, row, only)
	w.str(col, valid(d.out.buf))
	return len(d.out.buf)
}
