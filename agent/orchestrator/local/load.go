package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"foreshadow/sql/sqlerr"
)

// psqlError finds PostgreSQL's errors in psql's verbose output.
var psqlError = regexp.MustCompile(`(?m)^(?:psql:[^\n]*? )?(?:ERROR|FATAL):  ([0-9A-Z]{5}): (.*)$`)

// Load runs a file of a dump through psql, which alone understands the meta-commands that newer dumps hold. strict ends at
// the first error and returns it with its SQLSTATE; otherwise errors are only logged. An empty path is nothing to do.
func (s *Server) Load(ctx context.Context, database, path string, strict bool) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path) // read by us: the server's OS user may not be allowed to
	if err != nil {
		return err
	}
	defer f.Close()
	args := []string{"-X", "-q", "-U", Owner, "-d", database, "-v", "VERBOSITY=verbose"}
	if strict {
		args = append(args, "-v", "ON_ERROR_STOP=1")
	}
	cmd := s.pg.Command(ctx, "psql", append(args, "-f", "-")...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = f, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	found := psqlError.FindAllStringSubmatch(stderr.String(), -1)
	if !strict && s.opts.Log != nil {
		for _, m := range found {
			s.opts.Log.Debug("a statement of a dump was refused", "code", m[1], "error", m[2])
		}
	}
	switch {
	case err == nil || (!strict && len(found) > 0):
		return nil
	case len(found) > 0:
		e := sqlerr.New(found[0][1], "%s", found[0][2])
		if _, detail, ok := strings.Cut(stderr.String(), "DETAIL:  "); ok {
			detail, _, _ = strings.Cut(detail, "\n")
			e = e.WithDetail("%s", detail)
		}
		return e
	}
	return fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(stderr.String()))
}
