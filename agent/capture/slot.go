package capture

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/change"
)

// SlotState is what the primary tells of our slot.
type SlotState struct {
	Exists    bool
	Active    bool
	Lost      bool // its WAL is gone, or it is not ours to use
	Confirmed change.LSN
	Retained  int64 // bytes of log that the primary keeps for it
}

// SlotState asks for the slot.
func (s *Source) SlotState(ctx context.Context) (st SlotState, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		var confirmed string
		err := c.QueryRow(ctx, "SELECT active, coalesce(wal_status, '') = 'lost' OR coalesce(plugin, '') <> 'pgoutput' OR database IS DISTINCT FROM current_database(), "+
			"coalesce(confirmed_flush_lsn, '0/0')::text, coalesce(pg_current_wal_lsn() - restart_lsn, 0)::int8 FROM pg_replication_slots WHERE slot_name = $1", s.o.Slot).Scan(&st.Active, &st.Lost, &confirmed, &st.Retained)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		st.Exists = true
		st.Confirmed, err = s.position(confirmed)
		return err
	})
	return st, err
}

// Snapshot is the state of the primary at a new slot's first position. It can be read until Close.
type Snapshot struct {
	Name string
	LSN  change.LSN
	conn *pgconn.PgConn
}

// Close gives the snapshot back.
func (n *Snapshot) Close() { _ = n.conn.Close(context.Background()) }

// DropSlot gives the slot up, and with it the log that the primary keeps for it. What was not captured is lost.
func (s *Source) DropSlot(ctx context.Context) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.o.Slot); err != nil && !undefined(err) {
			return fmt.Errorf("drop slot %q: %w", s.o.Slot, err)
		}
		return nil
	})
}

// Raise shifts the positions further, so that a snapshot's lies after one that was reached before; it gives the new shift.
func (s *Source) Raise(n *Snapshot, above change.LSN) change.LSN {
	const step = 16 << 20 // a segment of the log, so that its pages stay aligned
	if n.LSN <= above {
		by := (above-n.LSN)/step*step + step
		s.shift.Add(uint64(by))
		n.LSN += by
		s.confirmed.Store(uint64(n.LSN))
	}
	return change.LSN(s.shift.Load())
}

// CreateSlot makes the slot, in place of an old one of the same name, and exports the snapshot of its first position.
func (s *Source) CreateSlot(ctx context.Context) (*Snapshot, error) {
	c, err := s.replicate(ctx)
	if err != nil {
		return nil, err
	}
	if err := pglogrepl.DropReplicationSlot(ctx, c, s.o.Slot, pglogrepl.DropReplicationSlotOptions{Wait: true}); err != nil && !undefined(err) {
		_ = c.Close(ctx)
		return nil, fmt.Errorf("drop slot %q: %w", s.o.Slot, err)
	}
	r, err := pglogrepl.CreateReplicationSlot(ctx, c, s.o.Slot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{SnapshotAction: "EXPORT_SNAPSHOT"})
	if err != nil {
		_ = c.Close(ctx)
		return nil, fmt.Errorf("create slot %q: %w", s.o.Slot, err)
	}
	lsn, err := s.position(r.ConsistentPoint)
	if err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	s.confirmed.Store(uint64(lsn))
	return &Snapshot{Name: r.SnapshotName, LSN: lsn, conn: c}, nil
}

// undefined says that something on the primary does not exist.
func undefined(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "42P01")
}
