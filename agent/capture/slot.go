package capture

import (
	"cmp"
	"context"
	_ "embed"
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
	Lost      string // why its log is gone; empty while it is there
	Failover  bool   // standbys may keep a copy of it
	Confirmed change.LSN
	Retained  int64 // bytes of log that the primary keeps for it
	Left      int64 // bytes that may still be written before max_slot_wal_keep_size ends the slot; negative when there is no such bound
}

//go:embed slot.sql
var slotSQL string

// SlotState asks for the slot. A slot of the same name that another database or another plugin uses is an error: it is somebody else's, and stays.
func (s *Source) SlotState(ctx context.Context) (st SlotState, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		st, err = s.slotState(ctx, c)
		return err
	})
	return st, err
}

func (s *Source) slotState(ctx context.Context, c *pgx.Conn) (st SlotState, err error) {
	var standby, lost bool
	var plugin, database, ours, reason, confirmed string
	err = c.QueryRow(ctx, slotSQL, s.o.Slot).Scan(&standby, &st.Exists, &st.Active, &lost, &plugin, &database, &ours, &reason, &st.Failover, &confirmed, &st.Retained, &st.Left)
	switch {
	case err != nil:
		return st, fmt.Errorf("look at slot %q: %w", s.o.Slot, err)
	case standby:
		return st, errStandby
	case st.Exists && (plugin != "pgoutput" || database != ours):
		return st, &foreignSlot{s.o.Slot, plugin, database}
	}
	if lost {
		st.Lost = cmp.Or(reason, "max_slot_wal_keep_size was exceeded")
	}
	st.Confirmed, err = s.position(confirmed)
	return st, err
}

// foreignSlot says that a slot of our name is not ours.
type foreignSlot struct{ name, plugin, database string }

func (f *foreignSlot) Error() string {
	return fmt.Sprintf("replication slot %q belongs to somebody else (plugin %q, database %q): give this agent another one with source.slot", f.name, f.plugin, f.database)
}

// errStandby says that the connection led to a server that only follows the primary.
var errStandby = errors.New("this server is a standby: capture follows the primary; name all servers in source.dsn, as in host=a,b target_session_attrs=read-write")

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

// CreateSlot makes the slot, in place of an old one of the same name, and exports the snapshot of its first position. A slot that is being read stays.
func (s *Source) CreateSlot(ctx context.Context) (*Snapshot, error) {
	c, err := s.replicate(ctx)
	if err != nil {
		return nil, err
	}
	n, err := s.createSlot(ctx, c)
	if err != nil {
		_ = c.Close(ctx)
	}
	return n, err
}

func (s *Source) createSlot(ctx context.Context, c *pgconn.PgConn) (*Snapshot, error) {
	name := pgx.Identifier{s.o.Slot}.Sanitize()
	if err := pglogrepl.DropReplicationSlot(ctx, c, name, pglogrepl.DropReplicationSlotOptions{}); err != nil && !undefined(err) {
		return nil, fmt.Errorf("drop slot %q: %w", s.o.Slot, inUse(err))
	}
	options := "EXPORT_SNAPSHOT"
	if serverVersion(c) >= failoverSince && s.o.Failover {
		options = "(SNAPSHOT 'export', FAILOVER)"
	}
	r, err := pglogrepl.ParseCreateReplicationSlot(c.Exec(ctx, "CREATE_REPLICATION_SLOT "+name+" LOGICAL pgoutput "+options))
	if err != nil {
		return nil, fmt.Errorf("create slot %q: %w", s.o.Slot, err)
	}
	lsn, err := s.position(r.ConsistentPoint)
	if err != nil {
		return nil, err
	}
	s.confirmed.Store(uint64(lsn))
	return &Snapshot{Name: r.SnapshotName, LSN: lsn, conn: c}, nil
}

// failoverSince is the major version that lets standbys keep copies of slots.
const failoverSince = 17

// keepOnStandbys makes an older slot such that standbys keep a copy of it, or no longer, as it is set.
func (s *Source) keepOnStandbys(ctx context.Context, c *pgconn.PgConn, has bool) error {
	if serverVersion(c) < failoverSince || has == s.o.Failover {
		return nil
	}
	_, err := c.Exec(ctx, fmt.Sprintf("ALTER_REPLICATION_SLOT %s (FAILOVER %t)", pgx.Identifier{s.o.Slot}.Sanitize(), s.o.Failover)).ReadAll()
	if err != nil {
		return fmt.Errorf("alter slot %q: %w", s.o.Slot, inUse(err))
	}
	return nil
}

// serverVersion is the major version of a session's server.
func serverVersion(c *pgconn.PgConn) (major int) {
	_, _ = fmt.Sscan(c.ParameterStatus("server_version"), &major) // letters may follow, as in 18beta1
	return major
}

// inUse says in the user's words that another process reads the slot.
func inUse(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55006" {
		return fmt.Errorf("another process reads it, perhaps a second agent, which needs a slot of its own (source.slot); it is tried again: %w", err)
	}
	return err
}

// undefined says that something on the primary does not exist.
func undefined(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "42P01")
}
