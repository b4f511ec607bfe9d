package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Publish makes the publications name the given tables: those with a replica identity with all their changes, the others with their inserts only,
// because publishing their updates would make the application's UPDATE and DELETE fail. It returns why a table could not be published, by OID.
// fresh says that a table was added that was not published before; adding is called before each one.
func (s *Source) Publish(ctx context.Context, all []Table, adding func(*Table) error) (refused map[uint32]string, fresh bool, err error) {
	refused = map[uint32]string{}
	err = s.with(ctx, func(c *pgx.Conn) error {
		full, err := s.publication(ctx, c, s.o.Publication, "insert, update, delete, truncate")
		if err != nil {
			return err
		}
		inserts, err := s.publication(ctx, c, s.o.Publication+"_inserts", "insert, truncate")
		if err != nil {
			return err
		}
		for i := range all {
			t := &all[i]
			in, out := s.o.Publication, s.o.Publication+"_inserts"
			has, had := full[t.Relation.OID], inserts[t.Relation.OID]
			if !t.Identified() {
				in, out, has, had = out, in, had, has
			}
			if had { // out of the wrong one first: an UPDATE could be failing
				if err := alter(ctx, c, out, "DROP", t); err != nil {
					refused[t.Relation.OID] = err.Error()
				}
			}
			if has {
				continue
			}
			if err := adding(t); err != nil {
				return err
			}
			if err := alter(ctx, c, in, "ADD", t); err != nil {
				refused[t.Relation.OID] = err.Error()
				continue
			}
			fresh = true
		}
		return nil
	})
	return refused, fresh, err
}

// alter adds or drops one table, without those that inherit from it, which come by themselves.
func alter(ctx context.Context, c *pgx.Conn, publication, verb string, t *Table) error {
	_, err := c.Exec(ctx, fmt.Sprintf("ALTER PUBLICATION %s %s TABLE ONLY %s", pgx.Identifier{publication}.Sanitize(), verb, quoted(&t.Relation)))
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return errors.New(pg.Message)
	}
	return err
}

// publication makes a publication when it is missing and gives the tables in it.
func (s *Source) publication(ctx context.Context, c *pgx.Conn, name, publish string) (map[uint32]bool, error) {
	var exists bool
	if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", name).Scan(&exists); err != nil {
		return nil, err
	}
	if !exists {
		sql := fmt.Sprintf("CREATE PUBLICATION %s WITH (publish = '%s')", pgx.Identifier{name}.Sanitize(), publish)
		if _, err := c.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("create publication %q: %w", name, err)
		}
	}
	rows, err := c.Query(ctx, "SELECT c.oid::int8 FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname "+
		"JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename WHERE p.pubname = $1", name)
	if err != nil {
		return nil, fmt.Errorf("read publication %q: %w", name, err)
	}
	in := map[uint32]bool{}
	oids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, oid := range oids {
		in[uint32(oid)] = true
	}
	return in, err
}

// WaitOlder waits until every transaction that runs now has ended. A transaction that began before its table was published
// may have made changes that the stream leaves out; a copy made after this wait sees them.
func (s *Source) WaitOlder(ctx context.Context) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		var until int64
		if err := c.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8").Scan(&until); err != nil {
			return err
		}
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var oldest int64
			if err := c.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8").Scan(&oldest); err != nil {
				return err
			}
			if oldest >= until {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
}
