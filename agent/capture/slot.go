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
}

// SlotState asks for the slot.
func (s *Source) SlotState(ctx context.Context) (st SlotState, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		var confirmed string
		err := c.QueryRow(ctx, "SELECT active, coalesce(wal_status, '') = 'lost' OR coalesce(plugin, '') <> 'pgoutput' OR database IS DISTINCT FROM current_database(), "+
			"coalesce(confirmed_flush_lsn, '0/0')::text FROM pg_replication_slots WHERE slot_name = $1", s.o.Slot).Scan(&st.Active, &st.Lost, &confirmed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		st.Exists = true
		st.Confirmed, err = change.ParseLSN(confirmed)
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
	lsn, err := change.ParseLSN(r.ConsistentPoint)
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
