package mirror

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"foreshadow/agent/postgres"
)

// dumpFiles writes the plain files for predictive instances: roles, and pg_dump's two sections for each database.
func (g *generation) dumpFiles(ctx context.Context, o Options, src *source) error {
	restore, err := tool(o, "pg_restore")
	if err != nil {
		return err
	}
	if err := os.WriteFile(g.file("roles.sql"), []byte(rolesSQL(src, false)), 0o644); err != nil {
		return err
	}
	for i, db := range src.databases {
		cmd, err := dumpCommand(ctx, o, db, "-Fc")
		if err != nil {
			return err
		}
		archive, err := output(cmd)
		if err != nil {
			return fmt.Errorf("dump the schema of %q: %w", db.name, err)
		}
		for _, section := range []string{"pre", "post"} {
			cmd := exec.CommandContext(ctx, restore, "--section="+section+"-data", "-f", "-")
			cmd.Dir, cmd.Stdin = "/", bytes.NewReader(archive)
			sql, err := output(cmd)
			if err != nil {
				return fmt.Errorf("read the dump of %q: %w", db.name, err)
			}
			sql = []byte(strings.Join(keptUnits(string(sql)), ""))
			if err := os.WriteFile(g.file(fmt.Sprintf("%d.%s.sql", i, section)), sql, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// tool is the path of a PostgreSQL tool; one that does not stand with the server is looked up in PATH.
func tool(o Options, name string) (string, error) {
	bin := o.BinDir
	if bin == "" {
		var err error
		if bin, err = postgres.FindBinDir(); err != nil {
			return "", err
		}
	}
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err != nil {
		return name, nil
	}
	return path, nil
}

// output runs a tool and gives its output; its complaints go into the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaints.String()))
	}
	return out.Bytes(), nil
}

// dumps gives the schema of each database as pg_upgrade wants it: every object is preceded by calls that give it the
// primary's OID, and dropped columns are made and dropped again, so that column numbers agree too. Such a dump reads the
// sequences; where the agent's role may not, it is an ordinary dump and the OIDs are new at each refresh.
func (g *generation) dumps(ctx context.Context, o Options, src *source) ([]string, error) {
	out, err := dumpAll(ctx, o, src, "--binary-upgrade")
	if err == nil {
		g.info.OIDsKept = true
		return out, nil
	}
	g.warn("OIDs are not those of the primary: grant the agent's role SELECT on all sequences (%v)", err)
	return dumpAll(ctx, o, src)
}

// dumpAll dumps each database as plain SQL.
func dumpAll(ctx context.Context, o Options, src *source, args ...string) ([]string, error) {
	var out []string
	for _, db := range src.databases {
		cmd, err := dumpCommand(ctx, o, db, args...)
		if err != nil {
			return nil, err
		}
		sql, err := output(cmd)
		if err != nil {
			return nil, fmt.Errorf("dump the schema of %q: %w", db.name, err)
		}
		out = append(out, string(sql))
	}
	return out, nil
}

// The shape of a plain dump.
var (
	unitHeader   = regexp.MustCompile(`(?m)^--\n-- Name: .*; Type: (.*); Schema: .*; Owner: .*\n--\n`)
	restrictLine = regexp.MustCompile(`(?m)^\\(?:un)?restrict .*\n`)
	// frozenXID sets a table's transaction horizon to the primary's, which means nothing here and would upset vacuum.
	frozenXID = regexp.MustCompile(`UPDATE pg_catalog\.pg_class\s+SET relfrozenxid = [^;]*;\n`)
)

// leftOut are the kinds of objects that would act on the world outside or hold secrets.
var leftOut = map[string]bool{
	"EVENT TRIGGER": true, "PUBLICATION": true, "PUBLICATION TABLE": true, "PUBLICATION TABLES IN SCHEMA": true, "SUBSCRIPTION": true, "USER MAPPING": true,
}

// keptUnits cuts a dump into its entries. Each is run in one implicit transaction, so that it exists as a whole or not at all.
func keptUnits(dump string) []string {
	dump = restrictLine.ReplaceAllString(dump, "")
	heads := unitHeader.FindAllStringSubmatchIndex(dump, -1)
	if len(heads) == 0 {
		return []string{dump}
	}
	out := []string{dump[:heads[0][0]]}
	for i, h := range heads {
		end := len(dump)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		kind := dump[h[2]:h[3]]
		if leftOut[kind] || kind == "COMMENT" && strings.Contains(dump[h[0]:h[1]], "Name: EVENT TRIGGER") {
			continue
		}
		out = append(out, frozenXID.ReplaceAllString(dump[h[0]:end], ""))
	}
	return out
}

// warn notes that something of the primary is not mirrored as it is.
func (g *generation) warn(format string, args ...any) {
	g.info.Warnings = append(g.info.Warnings, fmt.Sprintf(format, args...))
}
