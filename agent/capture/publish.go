package capture

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Published is what Publish found and did.
type Published struct {
	Refused map[uint32]string // why a table could not be published
	Members map[uint32]Member // of every given table
}

// Member is a table's place in a publication. Its key is another one whenever the table may have been out of it for a while, and empty when it is out.
type Member struct {
	Key   string
	Moved bool // from one of our publications to the other, missing nothing
}

// Publish makes the publications name the given tables: those with a replica identity with all their changes, the others with their inserts only,
// because publishing their updates would make the application's UPDATE and DELETE fail.
func (s *Source) Publish(ctx context.Context, all []Table) (p Published, err error) {
	p = Published{Refused: map[uint32]string{}, Members: make(map[uint32]Member, len(all))}
	err = s.with(ctx, func(c *pgx.Conn) error {
		full, inserts, err := s.publications(ctx, c)
		if err != nil {
			return err
		}
		moved, changed := map[uint32]bool{}, false
		for i := range all {
			t, oid := &all[i], all[i].Relation.OID
			in, out := s.o.Publication, s.o.Publication+"_inserts"
			has, had := full[oid], inserts[oid]
			if !t.Identified() {
				in, out, has, had = out, in, had, has
			}
			if has.whole && had.key == "" {
				continue
			}
			changed = true
			if err := place(ctx, c, t, in, out, has, had); err != nil {
				p.Refused[oid] = err.Error()
				continue
			}
			moved[oid] = had.whole && has.key == ""
		}
		if changed {
			if full, inserts, err = s.publications(ctx, c); err != nil {
				return err
			}
		}
		for i := range all {
			oid, in := all[i].Relation.OID, full
			if !all[i].Identified() {
				in = inserts
			}
			p.Members[oid] = Member{Key: in[oid].key, Moved: moved[oid]}
		}
		return nil
	})
	return p, err
}

// place puts a table into one publication and out of the other, at once, so that no change falls between. Where it cannot be put in, it is at least
// put out, because the application's UPDATE could be failing.
func place(ctx context.Context, c *pgx.Conn, t *Table, in, out string, has, had membership) error {
	drop := fmt.Sprintf("ALTER PUBLICATION %s DROP TABLE ONLY %s; ", pgx.Identifier{out}.Sanitize(), quoted(&t.Relation))
	sql := ""
	if had.key != "" {
		sql += drop
	}
	if has.key != "" && !has.whole && has.direct {
		sql += fmt.Sprintf("ALTER PUBLICATION %s DROP TABLE ONLY %s; ", pgx.Identifier{in}.Sanitize(), quoted(&t.Relation))
	}
	if !has.whole {
		sql += fmt.Sprintf("ALTER PUBLICATION %s ADD TABLE ONLY %s", pgx.Identifier{in}.Sanitize(), quoted(&t.Relation))
	}
	_, err := c.PgConn().Exec(ctx, sql).ReadAll() // one transaction
	if err != nil && had.key != "" && !has.whole {
		_, _ = c.PgConn().Exec(ctx, drop).ReadAll()
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return errors.New(pg.Message)
	}
	return err
}

// membership is how a publication names a table.
type membership struct {
	key    string
	whole  bool // with all columns and rows
	direct bool // by itself, not as a partition
}

//go:embed publish.sql
var publishSQL string

//go:embed publication.sql
var publicationSQL string

// publications makes our publications where they are missing, sets them right where somebody changed them, and gives their tables.
func (s *Source) publications(ctx context.Context, c *pgx.Conn) (full, inserts map[uint32]membership, err error) {
	if full, err = s.publication(ctx, c, s.o.Publication, "insert, update, delete, truncate"); err != nil {
		return nil, nil, err
	}
	inserts, err = s.publication(ctx, c, s.o.Publication+"_inserts", "insert, truncate")
	return full, inserts, err
}

func (s *Source) publication(ctx context.Context, c *pgx.Conn, name, publish string) (map[uint32]membership, error) {
	var all, right bool
	var schemas []string
	err := c.QueryRow(ctx, publicationSQL, name, publish).Scan(&all, &right, &schemas)
	verb := "ALTER PUBLICATION %s SET (publish = '%s', publish_via_partition_root = false)"
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		verb = "CREATE PUBLICATION %s WITH (publish = '%s')"
	case err != nil:
		return nil, fmt.Errorf("read publication %q: %w", name, err)
	case all:
		return nil, fmt.Errorf("publication %q is FOR ALL TABLES, which makes UPDATE and DELETE fail on tables without a replica identity: drop it, it is made again table by table", name)
	}
	if !right {
		if _, err := c.Exec(ctx, fmt.Sprintf(verb, pgx.Identifier{name}.Sanitize(), publish)); err != nil {
			return nil, fmt.Errorf("set up publication %q: %w", name, err)
		}
	}
	if len(schemas) > 0 { // with them come tables without a replica identity, whose UPDATE and DELETE fail
		for i := range schemas {
			schemas[i] = pgx.Identifier{schemas[i]}.Sanitize()
		}
		sql := fmt.Sprintf("ALTER PUBLICATION %s DROP TABLES IN SCHEMA %s", pgx.Identifier{name}.Sanitize(), strings.Join(schemas, ", "))
		if _, err := c.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("set up publication %q: %w", name, err)
		}
	}
	rows, err := c.Query(ctx, publishSQL, name)
	if err != nil {
		return nil, fmt.Errorf("read publication %q: %w", name, err)
	}
	in := map[uint32]membership{}
	var oid int64
	var m membership
	_, err = pgx.ForEachRow(rows, []any{&oid, &m.key, &m.whole, &m.direct}, func() error {
		in[uint32(oid)] = m
		return nil
	})
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
