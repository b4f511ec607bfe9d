package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// EnvBin names the environment variable that points at the directory of PostgreSQL's binaries.
const EnvBin = "FORESHADOW_PG_BIN"

// errNotFound tells the user how to get PostgreSQL.
var errNotFound = errors.New("no PostgreSQL server binaries found: install them (Debian: apt-get install postgresql) or set " + EnvBin + " to the directory that holds initdb and postgres")

// FindBinDir finds the server binaries: the environment variable, then the newest of the distribution's, then PATH.
func FindBinDir() (string, error) {
	if dir := os.Getenv(EnvBin); dir != "" {
		if !hasServer(dir) {
			return "", fmt.Errorf("%s=%s does not hold initdb and postgres", EnvBin, dir)
		}
		return dir, nil
	}
	best, bestMajor := "", 0
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "pgsql-"))
			if n > bestMajor && hasServer(dir) {
				best, bestMajor = dir, n
			}
		}
	}
	if best != "" {
		return best, nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && hasServer(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	return "", errNotFound
}

// hasServer says whether a directory can make and run a server.
func hasServer(dir string) bool {
	for _, tool := range []string{"initdb", "postgres"} {
		if st, err := os.Stat(filepath.Join(dir, tool)); err != nil || st.IsDir() {
			return false
		}
	}
	return true
}

// versionWords finds the major version in "postgres (PostgreSQL) 15.18 (Debian ...)", also in those of betas.
var versionWords = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// version asks the binary itself, as directories may be named anyhow.
func version(binDir string) (major int, full string, err error) {
	out, err := exec.Command(filepath.Join(binDir, "postgres"), "--version").Output()
	if err != nil {
		return 0, "", fmt.Errorf("ask %s for its version: %w", binDir, err)
	}
	m := versionWords.FindStringSubmatch(string(out))
	if m == nil {
		return 0, "", fmt.Errorf("unknown version of PostgreSQL: %q", strings.TrimSpace(string(out)))
	}
	major, err = strconv.Atoi(m[1])
	return major, strings.TrimSpace(string(out)), err
}

// Major is the major version of the server binaries in a directory.
func Major(binDir string) (int, error) {
	major, _, err := version(binDir)
	return major, err
}

// Command is a PostgreSQL tool (psql, pg_dump, ...) that finds this server by its environment and runs as the server's
// OS user in the root directory, so relative paths mean nothing to it. A tool missing beside the server is looked up in PATH.
func (s *Server) Command(ctx context.Context, tool string, args ...string) *exec.Cmd {
	path := filepath.Join(s.opts.BinDir, tool)
	if _, err := os.Stat(path); err != nil {
		path = tool
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.Env = append(s.account.environ(), "PGHOST="+s.opts.SocketDir, "PGPORT="+strconv.Itoa(s.Port()), "PGUSER="+Superuser, "PGDATABASE=postgres")
	cmd.SysProcAttr = s.account.attributes()
	return cmd
}
