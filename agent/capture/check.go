package capture

import (
	"context"
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

// Check looks at what the primary lacks to be captured with this slot and publication. An error means only that it could not look.
func (s *Source) Check(ctx context.Context) (found []Finding, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		for _, check := range []func(context.Context, *pgx.Conn) ([]Finding, error){s.checkServer, s.checkSlot, s.checkRole, s.checkPublications, s.checkTables} {
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

// checkPublications looks at publications of our names that are there already. Those of others are none of our business.
func (s *Source) checkPublications(ctx context.Context, c *pgx.Conn) (found []Finding, err error) {
	rows, err := c.Query(ctx, "SELECT pubname::text, puballtables, pg_has_role(pubowner, 'USAGE') FROM pg_publication WHERE pubname = ANY ($1) ORDER BY 1", []string{s.o.Publication, s.o.Publication + "_inserts"})
	if err != nil {
		return nil, err
	}
	var name string
	var all, owned bool
	_, err = pgx.ForEachRow(rows, []any{&name, &all, &owned}, func() error {
		quoted := pgx.Identifier{name}.Sanitize()
		if all {
			found = append(found, Finding{Error, fmt.Sprintf("publication %q is FOR ALL TABLES: UPDATE and DELETE fail on tables without a replica identity", name),
				"DROP PUBLICATION " + quoted + "; -- it is made again, table by table"})
		}
		if !owned {
			found = append(found, Finding{Warning, fmt.Sprintf("publication %q belongs to another role: the agent cannot put new tables into it", name),
				"ALTER PUBLICATION " + quoted + " OWNER TO " + pgx.Identifier{c.Config().User}.Sanitize() + "; -- as a superuser"})
		}
		return nil
	})
	return found, err
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
