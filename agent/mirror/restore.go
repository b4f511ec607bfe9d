package mirror

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// lockdownSQL takes away what mirrored users could reach this host through.
//
//go:embed lockdown.sql
var lockdownSQL string

// connectAdmin opens a superuser's connection to the private server, which may write. What it has committed stays when the server is killed.
func (g *generation) connectAdmin(ctx context.Context, role, db string) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig(g.server.DSN(role, db))
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams = map[string]string{"default_transaction_read_only": "off", "statement_timeout": "0", "synchronous_commit": "on"}
	return pgconn.ConnectConfig(ctx, cfg)
}

// restore fills the new server with roles, databases and schemas.
func (g *generation) restore(ctx context.Context, o Options, src *source, dumps []string) error {
	admin, err := g.connectAdmin(ctx, "postgres", "template1")
	if err != nil {
		return err
	}
	if err := run(ctx, admin, "UPDATE pg_catalog.pg_authid SET rolname = '"+adminRole+"' WHERE oid = 10"); err != nil {
		return fmt.Errorf("rename the superuser: %w", err)
	}
	_ = admin.Close(ctx)
	if admin, err = g.connectAdmin(ctx, adminRole, "template1"); err != nil {
		return err
	}
	defer func() { _ = admin.Close(ctx) }()
	g.restoreRoles(ctx, admin, src)
	for i := range src.databases {
		if err := g.createDatabase(ctx, admin, src.databases[i]); err != nil {
			return err
		}
		if err := g.restoreDatabase(ctx, o, src.databases[i], dumps[i]); err != nil {
			return fmt.Errorf("restore the schema of %q: %w", src.databases[i].name, err)
		}
	}
	return nil
}

// restoreRoles makes the roles one statement at a time: one that cannot be made here must not cost the others.
func (g *generation) restoreRoles(ctx context.Context, admin *pgconn.PgConn, src *source) {
	g.info.Roles = roleNames(src)
	for _, sql := range strings.SplitAfter(rolesSQL(src, g.info.OIDsKept), ";\n") {
		if strings.TrimSpace(sql) == "" {
			continue
		}
		if err := run(ctx, admin, sql); err != nil {
			g.warn("a role or membership could not be made: %s: %v", strings.TrimSpace(sql), err)
		}
	}
	for _, r := range src.roles {
		if r.name == adminRole {
			g.warn("role %q is left out: the name is taken in the mirror", adminRole)
		}
	}
}

// createDatabase makes an empty database of the source's name with its collation. When this host lacks that it is one that orders by bytes, and the setting
// foreshadow.missing_collation names the one that is missing: text cannot be ordered then.
func (g *generation) createDatabase(ctx context.Context, admin *pgconn.PgConn, d database) error {
	if err := run(ctx, admin, "DROP DATABASE IF EXISTS "+ident(d.name)); err != nil {
		return err
	}
	create := fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", ident(d.name))
	if g.server.Version() >= 15 && len(d.oid) >= 5 { // numbers below 16384 are PostgreSQL's own
		create += " OID " + d.oid
	}
	err := run(ctx, admin, create+d.collation())
	if err == nil {
		return nil
	}
	missing := cmp.Or(d.locale, d.collate)
	g.warn("%s: collation %q is not to be had here, so text cannot be ordered: %v", d.name, missing, err)
	if err := run(ctx, admin, create+" LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"); err != nil {
		return err
	}
	return run(ctx, admin, fmt.Sprintf("ALTER DATABASE %s SET foreshadow.missing_collation = %s", ident(d.name), literal(missing)))
}

// collation gives the options of CREATE DATABASE.
func (d *database) collation() string {
	sql := " LC_COLLATE " + literal(d.collate) + " LC_CTYPE " + literal(d.ctype)
	switch d.provider {
	case "i":
		sql += " LOCALE_PROVIDER icu ICU_LOCALE " + literal(d.locale)
		if d.rules != "" {
			sql += " ICU_RULES " + literal(d.rules)
		}
	case "b":
		sql += " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + literal(d.locale)
	}
	return sql
}

// restoreDatabase runs the dump's entries, again and again as long as that makes more of them work. What is left over is
// missing something this host does not have.
func (g *generation) restoreDatabase(ctx context.Context, o Options, d database, dump string) error {
	conn, err := g.connectAdmin(ctx, adminRole, d.name)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := run(ctx, conn, sizesSQL); err != nil {
		return fmt.Errorf("take the functions of sizes over: %w", err)
	}
	left, errs := attempt(ctx, conn, keptUnits(dump))
	for len(left) > 0 {
		if conn.IsClosed() {
			return errs[0]
		}
		again, newErrs := attempt(ctx, conn, left)
		if len(again) == len(left) {
			var mended bool
			if again, mended = g.mend(ctx, o, conn, d, again, newErrs); !mended {
				left, errs = again, newErrs
				break
			}
		}
		left, errs = again, newErrs
	}
	for i, unit := range left {
		g.warn("%s: %s: %v", d.name, title(unit), message(errs[i]))
	}
	return nil
}

// together is how many entries are run in one implicit transaction, as long as none of them fails.
const together = 100

// attempt runs the entries, those near one that fails each in an implicit transaction of its own, and returns those that failed, with why.
func attempt(ctx context.Context, conn *pgconn.PgConn, units []string) (left []string, errs []error) {
	for some := range slices.Chunk(units, together) {
		if run(ctx, conn, strings.Join(some, "")) == nil {
			continue
		}
		for _, unit := range some {
			if err := run(ctx, conn, unit); err != nil {
				left, errs = append(left, unit), append(errs, err)
			}
		}
	}
	return left, errs
}

// The complaints about a type that this host cannot have.
var missingType = regexp.MustCompile(`^type "?((?:[^"]|"")+?)"? (?:does not exist|is only a shell)$`)

// mend makes each missing type a domain over text, under the primary's OID, and drops type modifiers from its uses. It
// says whether anything was mended.
func (g *generation) mend(ctx context.Context, o Options, conn *pgconn.PgConn, d database, units []string, errs []error) ([]string, bool) {
	mended := false
	for _, err := range errs {
		m := missingType.FindStringSubmatch(message(err))
		if m == nil || !strings.Contains(m[1], ".") {
			continue
		}
		name := m[1]
		if err := g.textDomain(ctx, o, conn, d, name); err != nil {
			o.Log.Warn("a missing type could not be replaced", "type", name, "error", err)
			continue
		}
		mended = true
		g.warn("%s: type %s is text here: its extension or library is missing on this host", d.name, name)
		modifier := regexp.MustCompile(`(` + regexp.QuoteMeta(name) + `)\([^()]*\)`)
		for i := range units {
			if strings.Contains(units[i], "; Type: TABLE;") || strings.Contains(units[i], "VIEW;") {
				units[i] = modifier.ReplaceAllString(units[i], "$1")
			}
		}
	}
	return units, mended
}

// textDomain creates a domain over text with the OIDs that the type has on the primary.
func (g *generation) textDomain(ctx context.Context, o Options, conn *pgconn.PgConn, d database, name string) error {
	src, err := connect(ctx, o, d.name)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	var oid, array string
	if err := src.QueryRow(ctx, "SELECT oid::text, typarray::text FROM pg_catalog.pg_type WHERE oid = $1::text::regtype", name).Scan(&oid, &array); err != nil {
		return err
	}
	sql := fmt.Sprintf("DROP TYPE IF EXISTS %s CASCADE;\n", name)
	if g.info.OIDsKept {
		sql += fmt.Sprintf("SELECT pg_catalog.binary_upgrade_set_next_pg_type_oid('%s'::pg_catalog.oid);\n", oid)
		sql += fmt.Sprintf("SELECT pg_catalog.binary_upgrade_set_next_array_pg_type_oid('%s'::pg_catalog.oid);\n", array)
	}
	return run(ctx, conn, sql+fmt.Sprintf("CREATE DOMAIN %s AS pg_catalog.text;", name))
}

// furnish adds schema foreshadow and locks the server down; it is in its ordinary mode now.
func (g *generation) furnish(ctx context.Context, o Options, src *source) error {
	for _, d := range src.databases {
		if err := g.furnishDatabase(ctx, o, d); err != nil {
			return err
		}
	}
	return nil
}

// furnishDatabase is furnish for one database.
func (g *generation) furnishDatabase(ctx context.Context, o Options, d database) error {
	conn, err := g.connectAdmin(ctx, adminRole, d.name)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range databaseSQL(d) {
		if err := run(ctx, conn, sql); err != nil {
			g.warn("%s: %s: %v", d.name, sql, message(err))
		}
	}
	if err := run(ctx, conn, o.CatalogSQL); err != nil {
		return fmt.Errorf("create schema foreshadow in %q: %w", d.name, err)
	}
	if err := run(ctx, conn, lockdownSQL); err != nil {
		return fmt.Errorf("lock %q down: %w", d.name, err)
	}
	return g.takeSizes(ctx, conn, d.sizes)
}

// run executes SQL and drops its results.
func run(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, sql).ReadAll()
	return err
}

// title names a dump entry in a warning.
func title(unit string) string {
	if m := regexp.MustCompile(`(?m)^-- Name: (.*); Schema: `).FindStringSubmatch(unit); m != nil {
		return m[1]
	}
	return "the dump's settings"
}

// message is PostgreSQL's own text of an error.
func message(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
