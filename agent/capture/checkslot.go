package capture

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// server is what the settings of the primary and its use of slots say.
type server struct {
	version                                int64
	standby, followed, statements          bool // followed: it has a standby
	level, keep, waitsFor                  string
	slots, usedSlots, senders, usedSenders int64
	senderTimeout                          int64 // milliseconds
	slotTimeout                            int64 // 0 is for ever
}

//go:embed check.sql
var checkSQL string

func (s *Source) checkServer(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	var v server
	err = c.QueryRow(ctx, checkSQL, s.o.Slot).Scan(&v.version, &v.standby, &v.level, &v.slots, &v.usedSlots, &v.senders, &v.usedSenders,
		&v.keep, &v.senderTimeout, &v.slotTimeout, &v.followed, &v.waitsFor, &v.statements)
	if err != nil {
		return nil, err
	}
	add := func(bad bool, l Level, what, remedy string) {
		if bad {
			found = append(found, Finding{l, what, remedy})
		}
	}
	add(v.version < 130000, Error, fmt.Sprintf("PostgreSQL %d is too old: 13 or newer is needed", v.version/10000), "-- upgrade the server")
	add(v.standby, Error, "this server is a standby; capture follows a primary", "-- connect to the primary, or name all servers: host=a,b target_session_attrs=read-write")
	add(v.level != "logical", Error, "wal_level is "+v.level+", logical is needed", "ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server")
	add(v.usedSlots >= v.slots, Error, fmt.Sprintf("all %d replication slots are in use", v.slots), fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d; -- then restart the server", v.slots+4))
	add(v.usedSenders >= v.senders, Error, fmt.Sprintf("all %d WAL senders are in use", v.senders), fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d; -- then restart the server", v.senders+4))
	add(v.keep == "-1", Warning, "max_slot_wal_keep_size is not limited: WAL kept for a stopped agent could fill the disk", "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf();")
	add(v.senderTimeout > 0 && v.senderTimeout < 10_000, Warning, fmt.Sprintf("wal_sender_timeout is %d ms: a short pause of the network or the agent ends the stream", v.senderTimeout),
		"ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();")
	add(v.slotTimeout > 0, Warning, "idle_replication_slot_timeout is set: an agent that is stopped for longer loses its slot and copies every table again",
		"ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();")
	switch {
	case !v.followed || v.waitsFor != "":
	case v.version < failoverSince*10000:
		add(true, Warning, "a standby follows this primary: after its promotion every table is copied again, because standbys keep no logical slots before PostgreSQL 17", "-- upgrade the servers to 17")
	case s.o.Failover:
		add(true, Warning, "a standby follows this primary: capture goes on after its promotion only if it keeps a copy of the slot",
			"ALTER SYSTEM SET synchronized_standby_slots = '...'; -- the standby's slot; on the standby itself: ALTER SYSTEM SET sync_replication_slots = on; "+
				"ALTER SYSTEM SET hot_standby_feedback = on; with primary_slot_name set and dbname in primary_conninfo")
	}
	add(!v.statements, Warning, "extension pg_stat_statements is not installed: query load cannot be forecast",
		"CREATE EXTENSION pg_stat_statements; -- with shared_preload_libraries = 'pg_stat_statements'")
	return found, nil
}

// checkSlot looks at a slot of our name that is there already.
func (s *Source) checkSlot(ctx context.Context, c *pgx.Conn) ([]Finding, error) {
	slot, err := s.slotState(ctx, c)
	drop := fmt.Sprintf("SELECT pg_drop_replication_slot('%s');", strings.ReplaceAll(s.o.Slot, "'", "''"))
	switch {
	case errors.Is(err, errStandby):
		return nil, nil // said already
	case err == nil && slot.Lost != "":
		return []Finding{{Warning, fmt.Sprintf("the log of slot %q is gone (%s): every table is copied again", s.o.Slot, slot.Lost), "-- nothing to do; the agent makes the slot again"}}, nil
	case err == nil && slot.Left >= 0 && slot.Retained > slot.Left:
		return []Finding{{Warning, fmt.Sprintf("slot %q keeps %d MB of log and is lost after %d MB more", s.o.Slot, slot.Retained>>20, slot.Left>>20),
			"ALTER SYSTEM SET max_slot_wal_keep_size = '...'; SELECT pg_reload_conf(); -- more than now, or start the agent"}}, nil
	}
	if foreign := (*foreignSlot)(nil); errors.As(err, &foreign) {
		return []Finding{{Error, foreign.Error(), drop + " -- only if nobody needs it"}}, nil
	}
	return nil, err
}
