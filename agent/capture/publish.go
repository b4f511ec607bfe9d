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
// A table of which only some columns or rows are published is refused. fresh says that a table was added that was not published before;
// adding is called before each one that is added or refused.
func (s *Source) Publish(ctx context.Context, all []Table, adding func(*Table) error) (refused map[uint32]string, fresh bool, err error) {
	refused = map[uint32]string{}
	err = s.with(ctx, func(c *pgx.Conn) error {
		full, err := s.publication(ctx, c, s.o.Publication, true)
		if err != nil {
			return err
		}
		inserts, err := s.publication(ctx, c, s.o.Publication+"_inserts", false)
		if err != nil {
			return err
		}
		for i := range all {
			t := &all[i]
			in, out := s.o.Publication, s.o.Publication+"_inserts"
			has, had := full.all[t.Relation.OID], inserts.all[t.Relation.OID]
			if !t.Identified() {
				in, out, has, had = out, in, had, has
			}
			if had { // out of the wrong one first: an UPDATE could be failing
				if err := alter(ctx, c, out, "DROP", t); err != nil {
					refused[t.Relation.OID] = err.Error()
				}
			}
			partial := full.partial[t.Relation.OID] || inserts.partial[t.Relation.OID]
			if has && !partial {
				continue
			}
			if err := adding(t); err != nil {
				return err
			}
			if partial {
				refused[t.Relation.OID] = fmt.Sprintf("publication %q has a column list or a row filter for it", in)
				continue
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

// published are the tables in a publication; partial ones only with some of their columns or rows.
type published struct{ all, partial map[uint32]bool }

const (
	optionsSQL = "SELECT pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication WHERE pubname = $1"
	partialSQL = "SELECT r.prrelid::int8 FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = $1 " +
		"AND (to_jsonb(r) ->> 'prattrs' IS NOT NULL OR to_jsonb(r) ->> 'prqual' IS NOT NULL)"
	memberSQL = "SELECT c.oid::int8 FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname " +
		"JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename WHERE p.pubname = $1"
)

// ErrUnfit says that a publication, made by somebody else, leaves changes out or harms the primary.
var ErrUnfit = errors.New("the publication cannot be followed")

// fit sees whether a publication exists and publishes what it must: changes by leaf, all of them or, for tables without an identity, inserts only.
func fit(ctx context.Context, c *pgx.Conn, name string, all bool) (exists bool, err error) {
	var root, inserts, updates, deletes, truncates bool
	err = c.QueryRow(ctx, optionsSQL, name).Scan(&root, &inserts, &updates, &deletes, &truncates)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read publication %q: %w", name, err)
	case root || !inserts || !truncates || updates != all || deletes != all:
		return true, fmt.Errorf("%w: %q has other options than it needs: %s", ErrUnfit, name, refit(name, all))
	}
	return true, nil
}

// options are what a publication publishes.
func options(all bool) string {
	if all {
		return "insert, update, delete, truncate"
	}
	return "insert, truncate"
}

// refit is the statement that mends a publication.
func refit(name string, all bool) string {
	return fmt.Sprintf("ALTER PUBLICATION %s SET (publish = '%s', publish_via_partition_root = false);", pgx.Identifier{name}.Sanitize(), options(all))
}

// publication makes a publication when it is missing and gives the tables in it.
func (s *Source) publication(ctx context.Context, c *pgx.Conn, name string, all bool) (in published, err error) {
	exists, err := fit(ctx, c, name, all)
	if err != nil {
		return in, err
	}
	if !exists {
		sql := fmt.Sprintf("CREATE PUBLICATION %s WITH (publish = '%s')", pgx.Identifier{name}.Sanitize(), options(all))
		if _, err := c.Exec(ctx, sql); err != nil {
			return in, fmt.Errorf("create publication %q: %w", name, err)
		}
	}
	if in.all, err = members(ctx, c, memberSQL, name); err == nil {
		in.partial, err = members(ctx, c, partialSQL, name)
	}
	return in, err
}

func members(ctx context.Context, c *pgx.Conn, sql, name string) (map[uint32]bool, error) {
	rows, err := c.Query(ctx, sql, name)
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
