package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"foreshadow/agent/change"
)

// Event is what the stream brings: a transaction or a part of one, or only a position up to which there was nothing to bring.
type Event struct {
	Tx   *change.Tx
	Idle change.LSN
}

// statusEvery is how often the primary hears from us at least, and four times as often while there is something new to confirm;
// it gives up after wal_sender_timeout, 60 seconds by default.
const statusEvery = time.Second

// Stream follows the slot from a position and calls out for every event, in commit order, until ctx ends or something fails.
// The primary learns of progress only through Confirm.
func (s *Source) Stream(ctx context.Context, from change.LSN, out func(Event) error) error {
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
	args := protocol(c.ParameterStatus("server_version"), plain)
	args = append(args, fmt.Sprintf("publication_names '%s,%s'", pgx.Identifier{s.o.Publication}.Sanitize(), pgx.Identifier{s.o.Publication + "_inserts"}.Sanitize()))
	if err := pglogrepl.StartReplication(ctx, c, s.o.Slot, pglogrepl.LSN(uint64(from)-s.shift.Load()), pglogrepl.StartReplicationOptions{PluginArgs: args}); err != nil {
		return fmt.Errorf("start replication: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Conn().SetDeadline(time.Now()) })
	defer stop()
	st := &stream{s: s, c: c, out: out}
	st.d = &decoder{shift: change.LSN(s.shift.Load()), relations: map[uint32]*change.Relation{}, emit: func(tx change.Tx) error { return out(Event{Tx: &tx}) },
		lookup: func(ctx context.Context, oid uint32) (*Table, error) {
			t, err := tables(ctx, side, oid)
			if err != nil || len(t) == 0 {
				return nil, err
			}
			return &t[0], nil
		}}
	st.early = &streamed{d: st.d, spool: spool, alive: st.status}
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

// internalError is how the primary fails when it streams a transaction that changed the schema after it had rolled back such a change: it does
// not find the table then. Once the transaction is committed it can be sent whole, so the next stream asks for that.
const internalError = "XX000"

// protocol gives the options for a server: large transactions come before their commit unless plain, and messages come.
func protocol(server string, plain bool) []string {
	v, _, _ := strings.Cut(server, ".")
	switch {
	case version(v) < 14:
		return []string{"proto_version '1'"}
	case plain:
		return []string{"proto_version '1'", "messages 'true'"}
	}
	return []string{"proto_version '2'", "streaming 'on'", "messages 'true'"}
}

// version is the number that a server's version begins with, which may have letters after it.
func version(s string) (n int) {
	_, _ = fmt.Sscan(s, &n)
	return n
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
	s      *Source
	c      *pgconn.PgConn
	d      *decoder
	early  *streamed
	out    func(Event) error
	last   time.Time // of the last status
	told   uint64
	seen   change.LSN
	silent bool // nothing came since the last status
}

func (st *stream) run(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if since := time.Since(st.last); since >= statusEvery || since >= statusEvery/4 && st.s.confirmed.Load() > st.told {
			if err := st.status(); err != nil {
				return err
			}
		}
		if err := st.c.Conn().SetReadDeadline(time.Now().Add(statusEvery / 4)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for range 256 { // a deadline costs as much as a message
			m, err := st.c.Frontend().Receive()
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return fmt.Errorf("receive changes: %w", err)
			}
			if err := st.receive(ctx, m); err != nil {
				return err
			}
		}
	}
}

func (st *stream) receive(ctx context.Context, m pgproto3.BackendMessage) error {
	switch m := m.(type) {
	case *pgproto3.ErrorResponse:
		return fmt.Errorf("receive changes: %w", pgconn.ErrorResponseToPgError(m))
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
		st.silent = false
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
			if err := st.out(Event{Idle: at}); err != nil {
				return err
			}
		}
		if k.ReplyRequested {
			return st.status()
		}
	}
	return nil
}

// status reports what is durable. When nothing came for a while it asks where the primary's log is, so that an idle database holds back no WAL.
func (st *stream) status() error {
	lsn := st.s.confirmed.Load()
	ask := st.silent
	st.last, st.silent, st.told = time.Now(), true, lsn
	p := pglogrepl.LSN(lsn - uint64(st.d.shift))
	err := pglogrepl.SendStandbyStatusUpdate(context.Background(), st.c,
		pglogrepl.StandbyStatusUpdate{WALWritePosition: p, WALFlushPosition: p, WALApplyPosition: p, ReplyRequested: ask})
	if err != nil {
		return fmt.Errorf("report progress: %w", err)
	}
	return nil
}
