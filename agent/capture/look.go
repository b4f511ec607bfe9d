package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/change"
)

// Look is some tables of the primary in one snapshot. Its bounds tell which transactions the snapshot shows.
type Look struct {
	Bounds
	Reach   change.LSN // the stream comes at least this far by itself, and has then brought all that the snapshot shows
	Tables  []Table    // as the snapshot shows them; their columns do not change while it is looked at
	Locked  []uint32   // those that are left out because somebody locks them or is changing them
	Version int        // of the server
	UTF8    bool       // the database keeps its text as it is sent
	conn    *pgx.Conn
}

// Look shows tables in one snapshot that is taken now, for at most some time: what runs longer ends with context.DeadlineExceeded. It never waits for
// a lock and takes none but ACCESS SHARE, and what it runs takes one process of the primary's.
func (s *Source) Look(ctx context.Context, oids []uint32, hold time.Duration, f func(context.Context, *Look) error) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, hold)
		defer cancel()
		l := &Look{conn: c}
		if err := s.open(ctx, l, oids, hold); err != nil {
			return late(ctx, err)
		}
		return late(ctx, f(ctx, l))
	})
}

// late tells that the time is over, whichever way that showed.
func late(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// open locks the tables, takes the snapshot and reads what it shows of them. The server ends the transaction by itself if we do not.
func (s *Source) open(ctx context.Context, l *Look, oids []uint32, hold time.Duration) error {
	names := map[uint32]string{}
	for _, oid := range oids {
		t, err := tables(ctx, l.conn, oid)
		if err != nil {
			return err
		}
		if len(t) > 0 {
			names[oid] = quoted(&t[0].Relation)
		}
	}
	if err := l.lock(ctx, oids, names, hold+time.Second); err != nil {
		return err
	}
	if err := s.bounds(ctx, l.conn, &l.Bounds); err != nil {
		return err
	}
	l.Reach = reachable(l.LSN)
	l.Version = serverVersion(l.conn.PgConn())
	encoding := l.conn.PgConn().ParameterStatus("server_encoding")
	l.UTF8 = encoding == "UTF8" || encoding == "SQL_ASCII"
	for _, oid := range oids {
		t, err := tables(ctx, l.conn, oid)
		switch {
		case err != nil:
			return err
		case len(t) == 0:
		case quoted(&t[0].Relation) != names[oid]: // renamed before the lock, which another table has now
			l.Locked = append(l.Locked, oid)
		default:
			l.Tables = append(l.Tables, t[0])
		}
	}
	return nil
}

// lock begins the transaction and locks the tables against DDL, before the snapshot is taken. Those that fail to be locked are left out.
func (l *Look) lock(ctx context.Context, oids []uint32, names map[uint32]string, limit time.Duration) error {
	begin := fmt.Sprintf("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; "+
		"SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %[1]d", limit.Milliseconds())
	for {
		if _, err := l.conn.PgConn().Exec(ctx, begin).ReadAll(); err != nil {
			return fmt.Errorf("begin to look: %w", err)
		}
		failed, err := l.lockAll(ctx, oids, names)
		if failed == 0 {
			return err
		}
		delete(names, failed)
		if !undefined(err) {
			l.Locked = append(l.Locked, failed)
		}
		if _, err := l.conn.Exec(ctx, "ROLLBACK"); err != nil { // an error ends the transaction, so all begins anew
			return err
		}
	}
}

// lockAll locks the tables in turn; failed is the first that somebody else locks, or that exists no more.
func (l *Look) lockAll(ctx context.Context, oids []uint32, names map[uint32]string) (failed uint32, err error) {
	for _, oid := range oids {
		if names[oid] == "" {
			continue
		}
		_, err := l.conn.Exec(ctx, "LOCK TABLE ONLY "+names[oid]+" IN ACCESS SHARE MODE NOWAIT")
		var pg *pgconn.PgError
		switch {
		case err == nil:
		case undefined(err) || errors.As(err, &pg) && pg.Code == "55P03":
			return oid, err
		default:
			return 0, fmt.Errorf("lock %s for reading: %w", names[oid], err)
		}
	}
	return 0, nil
}

// Rows asks one question within the snapshot and hands out each row's values in PostgreSQL's text form; they are valid until the next.
func (l *Look) Rows(ctx context.Context, sql string, row func([][]byte) error) error {
	rows, err := l.conn.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.RawValues()); err != nil {
			return err
		}
	}
	return rows.Err()
}

// reachable is the position at which the stream stops by itself when the log ends at l: before a page's header, not after it.
func reachable(l change.LSN) change.LSN {
	if l%pageSize < pageHeader {
		l -= l % pageSize
	}
	return l
}

// Quoted is a table's name as SQL needs it.
func (t *Table) Quoted() string { return quoted(&t.Relation) }
