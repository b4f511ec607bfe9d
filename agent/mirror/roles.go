package mirror

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// dangerous are the built-in roles whose members could reach this host's files and programs, or other sessions.
var dangerous = map[string]bool{
	"pg_read_server_files": true, "pg_write_server_files": true, "pg_execute_server_program": true, "pg_signal_backend": true,
	"pg_create_subscription": true, "pg_use_reserved_connections": true, "pg_checkpoint": true, "pg_signal_autovacuum_worker": true,
}

// rolesSQL makes the primary's roles. A superuser becomes a role that may read everything but change nothing of the
// server; nobody may create roles, as in older versions that is a way to the dangerous ones. There are no passwords:
// who comes here has been authenticated by us. With oids the server must be in its binary-upgrade mode.
func rolesSQL(src *source, oids bool) string {
	var b strings.Builder
	for _, r := range src.roles {
		if r.name == adminRole {
			continue
		}
		if oids {
			fmt.Fprintf(&b, "SELECT pg_catalog.binary_upgrade_set_next_pg_authid_oid('%s'::pg_catalog.oid);\n", roleOID(r))
		}
		fmt.Fprintf(&b, "CREATE ROLE %s NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION LOGIN%s%s;\n", ident(r.name),
			option(r.inherit, "INHERIT"), option(r.bypass || r.super, "BYPASSRLS"))
	}
	for _, r := range src.roles {
		if r.super && r.name != adminRole {
			fmt.Fprintf(&b, "GRANT pg_read_all_data, pg_read_all_settings, pg_read_all_stats TO %s;\n", ident(r.name))
		}
	}
	for _, m := range src.members {
		if dangerous[m.group] || m.group == adminRole || m.member == adminRole {
			continue
		}
		fmt.Fprintf(&b, "GRANT %s TO %s", ident(m.group), ident(m.member))
		if m.admin && !strings.HasPrefix(m.group, "pg_") {
			b.WriteString(" WITH ADMIN OPTION")
		}
		b.WriteString(";\n")
	}
	return b.String()
}

// roleOID keeps the primary's number; its first superuser, number 10 everywhere, gets another, as ours has that one.
func roleOID(r role) string {
	if r.oid == "10" {
		return fmt.Sprint(firstOID - 10)
	}
	return r.oid
}

// option writes a role option or its opposite.
func option(on bool, word string) string {
	if on {
		return " " + word
	}
	return " NO" + word
}

// ident quotes a name.
func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// roleNames lists the mirrored roles.
func roleNames(src *source) []string {
	var out []string
	for _, r := range src.roles {
		if r.name != adminRole {
			out = append(out, r.name)
		}
	}
	slices.Sort(out)
	return out
}

// databaseSQL gives a database its owner, privileges and harmless settings.
func databaseSQL(d database) []string {
	out := []string{fmt.Sprintf("ALTER DATABASE %s OWNER TO %s", ident(d.name), ident(d.owner))}
	if d.hasACL {
		out = append(out, fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", ident(d.name)))
		for _, item := range d.acl {
			i := strings.LastIndexByte(item, ':')
			to := "PUBLIC"
			if item[:i] != "" {
				to = ident(item[:i])
			}
			out = append(out, fmt.Sprintf("GRANT %s ON DATABASE %s TO %s", item[i+1:], ident(d.name), to))
		}
	}
	for _, kv := range d.settings {
		name, value, _ := strings.Cut(kv, "=")
		if name == "search_path" { // a list, quoted by PostgreSQL already
			out = append(out, fmt.Sprintf("ALTER DATABASE %s SET search_path = %s", ident(d.name), value))
			continue
		}
		out = append(out, fmt.Sprintf("ALTER DATABASE %s SET %s = %s", ident(d.name), ident(name), literal(value)))
	}
	return out
}
