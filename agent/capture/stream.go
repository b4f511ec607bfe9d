package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/agent/change"
)

// Event is what the stream brings: a transaction or a part of one, or only a position up to which there was nothing to bring.
// Asked says that the primary waits for what it sent to be confirmed, as it does before it stops.
type Event struct {
	Tx    *change.Tx
	Idle  change.LSN
	Asked bool
}

// statusEvery is how often the primary hears from us at least, and four times as often while there is something new to confirm;
// it gives up after wal_sender_timeout, 60 seconds by default.
const statusEvery = time.Second

// Stored is what is stored already: the last transaction and, perhaps further, the position up to which there is nothing else.
type Stored struct {
	Commit change.LSN
	Time   time.Time // of that commit
	End    change.LSN
	Sealed change.LSN // may be confirmed
}

// Broken says why the stream cannot be taken up where the shadow stands.
type Broken struct{ Reason string }

func (b *Broken) Error() string { return "the stream cannot be continued: " + b.Reason }

// Stream follows the slot from what is stored on and calls out for every event, in commit order, until ctx ends or something fails. The last stored
// transaction may come again. An error that holds a *Broken says that changes were, or would be, missed. The primary learns of progress only through Confirm.
func (s *Source) Stream(ctx context.Context, at Stored, out func(Event) error) error {
	side, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer side.Close(context.WithoutCancel(ctx))
	c, err := s.replicate(ctx)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	spool, err := newSpool(s.o.Spool)
	if err != nil {
		return err
	}
	defer spool.close()
	plain := s.plain.Swap(false)
	slot, err := s.start(ctx, c, side, at, plain)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Conn().SetDeadline(time.Now()) })
	defer stop()
	st := &stream{s: s, c: c, out: out}
	if slot.Confirmed <= at.Commit {
		st.out = proved(at, out)
	}
	st.d = &decoder{shift: change.LSN(s.shift.Load()), relations: map[uint32]*change.Relation{}, emit: func(tx change.Tx) error { return st.out(Event{Tx: &tx}) },
		idle: func(at change.LSN) error { return st.out(Event{Idle: at}) },
		lookup: func(ctx context.Context, oid uint32) (*Table, error) {
			t, err := tables(ctx, side, oid)
			if err != nil || len(t) == 0 {
				return nil, err
			}
			return &t[0], nil
		}}
	st.early = &streamed{d: st.d, spool: spool}
	err = st.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var pg *pgconn.PgError
	if !plain && errors.As(err, &pg) && pg.Code == internalError {
		s.plain.Store(true)
	}
	return err
}

// start takes hold of the slot. From then on nobody else can move it, so what it says now is what the stream begins with.
func (s *Source) start(ctx context.Context, c *pgconn.PgConn, side *pgx.Conn, at Stored, plain bool) (slot SlotState, err error) {
	if err := s.sameServer(ctx, c); err != nil {
		return slot, err
	}
	if slot, err = s.slotState(ctx, side); err != nil {
		return slot, err
	}
	if err := s.keepOnStandbys(ctx, c, slot.Failover); err != nil {
		return slot, err
	}
	args := append(protocol(serverVersion(c), plain), fmt.Sprintf("publication_names '%s,%s'", pgx.Identifier{s.o.Publication}.Sanitize(), pgx.Identifier{s.o.Publication + "_inserts"}.Sanitize()))
	from := pglogrepl.LSN(uint64(at.Commit) - s.shift.Load())
	if err := pglogrepl.StartReplication(ctx, c, pgx.Identifier{s.o.Slot}.Sanitize(), from, pglogrepl.StartReplicationOptions{PluginArgs: args}); err != nil {
		return slot, fmt.Errorf("start replication from slot %q: %w", s.o.Slot, inUse(err))
	}
	if slot, err = s.slotState(ctx, side); err != nil {
		return slot, err
	}
	if slot.Confirmed > at.End {
		return slot, &Broken{fmt.Sprintf("the replication slot is at %s, ahead of what was stored, at %s: somebody else has read from it", slot.Confirmed, at.End)}
	}
	s.confirmed.Store(uint64(max(at.Sealed, slot.Confirmed))) // never zero, which would let pglogrepl confirm what was only received
	return slot, nil
}

// sameServer sees that the stream's connection leads to the server that was identified last: a connection string may name several.
func (s *Source) sameServer(ctx context.Context, c *pgconn.PgConn) error {
	now, err := s.identify(ctx, c)
	if err != nil {
		return err
	}
	if met := s.met.Load(); met != nil && (met.ID != now.ID || met.Timeline != now.Timeline) {
		return errors.New("the primary has changed since it was looked at")
	}
	return nil
}

// proved passes events on once the first one is the last stored transaction, as it must be where the slot has not passed it: otherwise the log is
// another one that only has the same positions, as after the primary was put back to an earlier state and written to since.
func proved(at Stored, out func(Event) error) func(Event) error {
	seen := false
	return func(e Event) error {
		if !seen {
			if e.Tx == nil && e.Idle <= at.Commit {
				return nil
			}
			if e.Tx == nil || e.Tx.CommitLSN != at.Commit || !e.Tx.CommitTime.Equal(at.Time) {
				return &Broken{fmt.Sprintf("the primary's log has no transaction of %s at %s, as it had when that was captured", at.Time.UTC().Format(time.RFC3339Nano), at.Commit)}
			}
			seen = true
		}
		return out(e)
	}
}

// internalError is how the primary fails when it streams a transaction that changed the schema after it had rolled back such a change: it does
// not find the table then. Once the transaction is committed it can be sent whole, so the next stream asks for that.
const internalError = "XX000"

// protocol gives the options for a server: large transactions come before their commit unless plain, and messages come.
func protocol(major int, plain bool) []string {
	switch {
	case major < 14:
		return []string{"proto_version '1'"}
	case plain:
		return []string{"proto_version '1'", "messages 'true'"}
	}
	return []string{"proto_version '2'", "streaming 'on'", "messages 'true'"}
}

// Confirm tells the primary, at the next status, that everything before a position is durable here. It must be.
func (s *Source) Confirm(lsn change.LSN) {
	for {
		old := s.confirmed.Load()
		if uint64(lsn) <= old || s.confirmed.CompareAndSwap(old, uint64(lsn)) {
			return
		}
	}
}

type stream struct {
	s     *Source
	c     *pgconn.PgConn
	d     *decoder
	early *streamed
	out   func(Event) error
	seen  change.LSN
	phase atomic.Uint64 // even while a message is waited for, odd while one is handled

	mu    sync.Mutex // guards what follows, and writing
	asked time.Time  // when the primary was last asked for an answer
	told  uint64
}

// run reads for ever. Progress is reported beside it, so that a store that is busy for long does not look like an agent that is gone.
func (st *stream) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer func() { cancel(nil); beside.Wait() }()
	beside.Go(func() { st.report(ctx, cancel) })
	for {
		m, err := st.c.Frontend().Receive()
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err != nil {
			return fmt.Errorf("receive changes: %w", err)
		}
		st.phase.Add(1)
		if err := st.receive(ctx, m); err != nil {
			return err
		}
		st.phase.Add(1)
	}
}

// answerWithin is how long the primary may be silent, although it is asked every second, before the connection counts as dead.
const answerWithin = 30 * time.Second

// report sends a status whenever one is due, and gives the connection up when that fails or the primary no longer answers.
func (st *stream) report(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(statusEvery / 4)
	defer tick.Stop()
	phase, since := uint64(0), time.Now()
	for {
		err := st.tell()
		if now := st.phase.Load(); now != phase || now%2 == 1 {
			phase, since = now, time.Now()
		}
		if err == nil && time.Since(since) > answerWithin {
			err = fmt.Errorf("the primary has not answered for %s", answerWithin)
		}
		if err != nil {
			end(err)
			_ = st.c.Conn().SetDeadline(time.Now()) // ends the wait for a message
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell sends a status if there is something new to say or nothing was said for a while.
func (st *stream) tell() error {
	st.mu.Lock()
	due := time.Since(st.asked) >= statusEvery || st.s.confirmed.Load() > st.told
	st.mu.Unlock()
	if !due {
		return nil
	}
	return st.status()
}

func (st *stream) receive(ctx context.Context, m pgproto3.BackendMessage) error {
	switch m := m.(type) {
	case *pgproto3.ErrorResponse:
		err := pgconn.ErrorResponseToPgError(m)
		if undefined(err) {
			return &Broken{"the publication did not exist while changes were made: " + err.Message}
		}
		return fmt.Errorf("receive changes: %w", err)
	case *pgproto3.NoticeResponse:
		if m.Routine == "LoadPublications" { // PostgreSQL 18 goes on without it
			return &Broken{"the publication did not exist while changes were made: " + m.Message}
		}
	case *pgproto3.CopyData:
		return st.data(ctx, m.Data)
	case *pgproto3.CopyDone:
		return errors.New("the primary ended the replication stream")
	}
	return nil
}

func (st *stream) data(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return errShort
	}
	switch b[0] {
	case pglogrepl.XLogDataByteID:
		if len(b) < 25 {
			return errShort
		}
		if taken, err := st.early.message(ctx, b[25:]); taken || err != nil {
			return err
		}
		return st.d.message(ctx, b[25:])
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		k, err := pglogrepl.ParsePrimaryKeepaliveMessage(b[1:])
		if err != nil {
			return err
		}
		if at := change.LSN(k.ServerWALEnd) + st.d.shift; !st.d.within && at >= st.seen {
			st.seen = at
			if err := st.out(Event{Idle: at, Asked: k.ReplyRequested}); err != nil {
				return err
			}
		}
		if k.ReplyRequested {
			return st.status()
		}
	}
	return nil
}

// status reports what is durable. Now and then it asks how far the primary's log is, so that an idle database holds back no WAL and a dead connection is noticed.
func (st *stream) status() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	lsn := st.s.confirmed.Load()
	ask := time.Since(st.asked) >= statusEvery
	if ask {
		st.asked = time.Now()
	}
	st.told = lsn
	shift := uint64(st.d.shift)
	p, received := pglogrepl.LSN(max(lsn, shift)-shift), pglogrepl.LSN(max(lsn, shift, uint64(st.seen))-shift)
	err := pglogrepl.SendStandbyStatusUpdate(context.Background(), st.c,
		pglogrepl.StandbyStatusUpdate{WALWritePosition: received, WALFlushPosition: p, WALApplyPosition: p, ReplyRequested: ask})
	if err != nil {
		return fmt.Errorf("report progress: %w", err)
	}
	return nil
}
