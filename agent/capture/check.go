package capture

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Level says how much a finding matters.
type Level string

// Capture cannot run safely with an Error; a Warning makes it worse or leaves something out.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Finding is something the primary lacks, with the SQL that mends it.
type Finding struct {
	Level  Level
	What   string
	Remedy string
}

// Check looks at what the primary lacks to be captured. An error means only that it could not look.
func Check(ctx context.Context, dsn string) ([]Finding, error) {
	s, err := New(Options{DSN: dsn})
	if err != nil {
		return nil, err
	}
	return s.Check(ctx)
}

// Check looks at what the primary lacks to be captured with this slot and publication.
func (s *Source) Check(ctx context.Context) (found []Finding, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		for _, check := range []func(context.Context, *pgx.Conn) ([]Finding, error){s.checkServer, s.checkRole, s.checkPublications, s.checkTables} {
			f, err := check(ctx, c)
			if err != nil {
				return fmt.Errorf("check source: %w", err)
			}
			found = append(found, f...)
		}
		return nil
	})
	return found, err
}

// Blocking says whether capture could not run safely.
func Blocking(found []Finding) bool {
	for _, f := range found {
		if f.Level == Error {
			return true
		}
	}
	return false
}

const serverSQL = `SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int8, current_setting('max_wal_senders')::int8,
	(SELECT count(*) FROM pg_replication_slots WHERE slot_name <> $1), (SELECT count(*) FROM pg_stat_replication), current_setting('server_version_num')::int8,
	pg_is_in_recovery(), EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'), current_setting('max_slot_wal_keep_size')`

func (s *Source) checkServer(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	var level, keep string
	var slots, senders, usedSlots, usedSenders, version int64
	var standby, statements bool
	if err := c.QueryRow(ctx, serverSQL, s.o.Slot).Scan(&level, &slots, &senders, &usedSlots, &usedSenders, &version, &standby, &statements, &keep); err != nil {
		return nil, err
	}
	add := func(bad bool, l Level, what, remedy string) {
		if bad {
			found = append(found, Finding{l, what, remedy})
		}
	}
	add(version < 130000, Error, fmt.Sprintf("PostgreSQL %d is too old: 13 or newer is needed", version/10000), "-- upgrade the server")
	add(standby, Error, "this server is a standby; capture follows a primary", "-- connect to the primary")
	add(level != "logical", Error, "wal_level is "+level+", logical is needed", "ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server")
	add(usedSlots >= slots, Error, fmt.Sprintf("all %d replication slots are in use", slots), fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d; -- then restart the server", slots+4))
	add(usedSenders >= senders, Error, fmt.Sprintf("all %d WAL senders are in use", senders), fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d; -- then restart the server", senders+4))
	add(keep == "-1", Warning, "max_slot_wal_keep_size is not limited: WAL kept for a stopped agent could fill the disk", "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf();")
	add(!statements, Warning, "extension pg_stat_statements is not installed: query load cannot be forecast",
		"CREATE EXTENSION pg_stat_statements; -- with shared_preload_libraries = 'pg_stat_statements'")
	return found, nil
}

func (s *Source) checkRole(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	var role, db string
	var replication, create bool
	err = c.QueryRow(ctx, "SELECT current_user::text, current_database()::text, rolreplication OR rolsuper, has_database_privilege(current_database(), 'CREATE') "+
		"FROM pg_roles WHERE rolname = current_user").Scan(&role, &db, &replication, &create)
	if err != nil {
		return nil, err
	}
	name := pgx.Identifier{role}.Sanitize()
	if !replication {
		found = append(found, Finding{Error, fmt.Sprintf("role %s may not replicate", name), "ALTER ROLE " + name + " REPLICATION;"})
	}
	if !create {
		found = append(found, Finding{Warning, fmt.Sprintf("role %s may not create the publications in database %s", name, db),
			fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s;", pgx.Identifier{db}.Sanitize(), name)})
	}
	return found, nil
}

// checkPublications looks for a publication of all tables, which makes UPDATE and DELETE fail on tables without a replica identity, and for one that
// leaves changes out.
func (s *Source) checkPublications(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	var all bool
	err = c.QueryRow(ctx, "SELECT puballtables FROM pg_publication WHERE pubname = $1", s.o.Publication).Scan(&all)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	if err == nil && all {
		found = append(found, Finding{Error, fmt.Sprintf("publication %q is FOR ALL TABLES: UPDATE and DELETE fail on tables without a replica identity", s.o.Publication),
			"DROP PUBLICATION " + pgx.Identifier{s.o.Publication}.Sanitize() + "; -- it is made again, table by table"})
	}
	if err != nil {
		return nil, err
	}
	for name, all := range map[string]bool{s.o.Publication: true, s.o.Publication + "_inserts": false} {
		if _, err := fit(ctx, c, name, all); errors.Is(err, ErrUnfit) {
			found = append(found, Finding{Error, fmt.Sprintf("publication %q has other options than capture needs", name), refit(name, all)})
		} else if err != nil {
			return nil, err
		}
		partial, err := members(ctx, c, partialSQL, name)
		if err != nil {
			return nil, err
		}
		if len(partial) > 0 {
			found = append(found, Finding{Warning, fmt.Sprintf("publication %q has column lists or row filters: %d of its tables cannot be captured", name, len(partial)),
				"ALTER PUBLICATION " + pgx.Identifier{name}.Sanitize() + " DROP TABLE ...; -- then ADD TABLE without a list and a filter"})
		}
	}
	return found, nil
}

const tablesSQL = `SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text, c.relrowsecurity, pg_has_role(c.relowner, 'USAGE'),
	(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'f', 'm') AND c.relpersistence <> 't'
	AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'foreshadow') AND n.nspname NOT LIKE 'pg\_%' ORDER BY 2, 3`

func (s *Source) checkTables(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	role := pgx.Identifier{c.Config().User}.Sanitize()
	known, err := tables(ctx, c, 0)
	if err != nil {
		return nil, err
	}
	for i := range known {
		t := &known[i]
		name := quoted(&t.Relation)
		if !t.Readable {
			found = append(found, Finding{Error, "the rows of " + name + " may not be read", "GRANT SELECT ON " + name + " TO " + role + "; -- as its owner"})
		}
		if !t.Identified() {
			found = append(found, Finding{Warning, name + " has no replica identity: only its inserts are captured",
				"ALTER TABLE " + name + " ADD PRIMARY KEY (...); -- or: ALTER TABLE " + name + " REPLICA IDENTITY FULL;"})
		}
	}
	rows, err := c.Query(ctx, tablesSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var oid int64
		var schema, rel, kind, persistence string
		var rls, owned, bypass bool
		if err := rows.Scan(&oid, &schema, &rel, &kind, &persistence, &rls, &owned, &bypass); err != nil {
			return nil, err
		}
		found = append(found, tableFindings(pgx.Identifier{schema, rel}.Sanitize(), role, kind, persistence, rls, owned, bypass)...)
	}
	return found, rows.Err()
}

func tableFindings(name, role, kind, persistence string, rls, owned, bypass bool) (found []Finding) {
	switch {
	case kind == "f" || kind == "m":
		return []Finding{{Warning, name + " is a foreign table or a materialized view: its rows are not in the log", "-- nothing to do; it is left out"}}
	case persistence == "u":
		return []Finding{{Warning, name + " is unlogged: its changes are not in the log", "ALTER TABLE " + name + " SET LOGGED;"}}
	}
	if rls && !bypass {
		found = append(found, Finding{Error, name + " has row-level security: its rows cannot be read whole", "ALTER ROLE " + role + " BYPASSRLS; -- as a superuser"})
	}
	if !owned {
		found = append(found, Finding{Warning, name + " belongs to another role: it cannot be put into the publication by the agent",
			"ALTER PUBLICATION foreshadow ADD TABLE " + name + "; -- as a superuser, or grant its owner's role to the agent's"})
	}
	return found
}
