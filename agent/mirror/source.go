package mirror

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The questions to the primary.
var (
	//go:embed fingerprint.sql
	fingerprintSQL string
	//go:embed activity.sql
	activitySQL string
	//go:embed source_roles.sql
	sourceRoles string
	//go:embed source_members.sql
	sourceMembers string
	//go:embed source_database.sql
	sourceDatabase string
)

// source is what a build reads from the primary by SQL; the rest is pg_dump's.
type source struct {
	fingerprint string
	roles       []role
	members     []member
	databases   []database
}

// role is one role of the primary, without password or settings.
type role struct {
	oid, name              string
	super, inherit, bypass bool
}

// member says that one role belongs to another.
type member struct {
	group, member string
	admin         bool
}

// database is what pg_dump leaves out of a plain dump.
type database struct {
	name, oid, owner, collate, ctype string
	provider, locale, rules          string // of the collation, unless it is the C library's
	hasACL                           bool
	acl                              []string // grantee:privilege, the grantee empty for PUBLIC
	settings                         []string // name=value, of a few harmless settings
	unreadable                       []string // relations we may not SELECT from; pg_dump could not lock them
	sizes                            []byte   // of its relations, as JSON
}

// connect opens a connection to one database of the primary.
func connect(ctx context.Context, o Options, db string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(o.SourceDSN)
	if err != nil {
		return nil, errors.New("read the source's connection string: it is not valid")
	}
	cfg.Database = db
	cfg.ConnectTimeout = 10 * time.Second
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.RuntimeParams["application_name"] = "foreshadow mirror"
	cfg.RuntimeParams["statement_timeout"] = "60000"
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the primary: %w", err)
	}
	return conn, nil
}

// readSource asks all questions. The fingerprint is taken first: a change during the dump is then seen as a change after it.
func readSource(ctx context.Context, o Options) (*source, error) {
	src := &source{}
	var err error
	if src.fingerprint, err = fingerprint(ctx, o); err != nil {
		return nil, err
	}
	for i, name := range o.Databases {
		conn, err := connect(ctx, o, name)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			err = src.readRoles(ctx, conn)
		}
		if err == nil {
			err = src.readDatabase(ctx, conn, name)
		}
		_ = conn.Close(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the primary's catalogs: %w", err)
		}
	}
	return src, nil
}

// readRoles reads roles and memberships.
func (src *source) readRoles(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, sourceRoles)
	if err != nil {
		return err
	}
	src.roles, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r role, err error) {
		err = row.Scan(&r.oid, &r.name, &r.super, &r.inherit, &r.bypass)
		return r, err
	})
	if err != nil {
		return err
	}
	if rows, err = conn.Query(ctx, sourceMembers); err != nil {
		return err
	}
	src.members, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m member, err error) {
		err = row.Scan(&m.group, &m.member, &m.admin)
		return m, err
	})
	return err
}

// readDatabase reads one database's properties.
func (src *source) readDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	d := database{name: name}
	err := conn.QueryRow(ctx, sourceDatabase).Scan(&d.oid, &d.owner, &d.collate, &d.ctype, &d.provider, &d.locale, &d.rules, &d.hasACL, &d.acl, &d.settings, &d.unreadable)
	if err == nil {
		err = conn.QueryRow(ctx, sourceSizes).Scan(&d.sizes)
	}
	src.databases = append(src.databases, d)
	return err
}

// fingerprint reads the state of the primary's schemas as one string.
func fingerprint(ctx context.Context, o Options) (string, error) {
	var all []string
	for _, name := range o.Databases {
		conn, err := connect(ctx, o, name)
		if err != nil {
			return "", err
		}
		var print string
		err = conn.QueryRow(ctx, fingerprintSQL).Scan(&print)
		_ = conn.Close(ctx)
		if err != nil {
			return "", fmt.Errorf("look at the primary's schema: %w", err)
		}
		all = append(all, print)
	}
	return strings.Join(all, " "), nil
}

// dumpCommand is pg_dump on one database of the primary, without a schema foreshadow of the primary's own, whose place
// ours takes. The password travels in the environment, not on the command line.
func dumpCommand(ctx context.Context, o Options, db database, args ...string) (*exec.Cmd, error) {
	path, err := tool(o, "pg_dump")
	if err != nil {
		return nil, err
	}
	dsn, password, err := splitPassword(o.SourceDSN, db.name)
	if err != nil {
		return nil, err
	}
	args = append(args, "--schema-only", "--no-publications", "--no-subscriptions", "--no-security-labels", "--no-tablespaces", "-N", "foreshadow", "--lock-wait-timeout=10000", "-d", dsn)
	for _, rel := range db.unreadable {
		args = append(args, "-T", rel)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	if cmd.Env = cmd.Environ(); password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	return cmd, nil
}

// splitPassword takes the password out of a connection string and names another database in it.
func splitPassword(dsn, db string) (string, string, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		u, err := url.Parse(dsn)
		if err != nil {
			return "", "", errors.New("read the source's connection string: it is not a valid URL")
		}
		password, _ := u.User.Password()
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
		q := u.Query()
		if q.Get("password") != "" {
			password = q.Get("password")
			q.Del("password")
		}
		u.RawQuery = q.Encode()
		u.Path = "/" + db
		return u.String(), password, nil
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", "", errors.New("read the source's connection string: it is not valid")
	}
	kept := keywordPassword.ReplaceAllString(dsn, " ")
	return kept + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(db) + "'", cfg.Password, nil
}
