package postgres

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// settingsFile is included by postgresql.conf, so that what a person wrote there stays.
const settingsFile = "foreshadow.conf"

// settingName is what PostgreSQL accepts as a parameter's name.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*$`)

// writeSettings writes the settings and pg_hba.conf before each start.
func (s *Server) writeSettings() error {
	all := map[string]string{
		"unix_socket_directories": s.opts.SocketDir,
		"port":                    strconv.Itoa(s.Port()),
		"listen_addresses":        "",
		"logging_collector":       "off",
		"log_destination":         "stderr",
	}
	if s.opts.Port != 0 {
		all["listen_addresses"] = "127.0.0.1"
	}
	maps.Copy(all, s.opts.Settings)
	if s.opts.Port == 0 {
		all["listen_addresses"] = ""
	}
	var b strings.Builder
	b.WriteString("# Written at each start; changes here are lost.\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !settingName.MatchString(name) || strings.ContainsAny(all[name], "\n\r\x00") {
			return fmt.Errorf("setting %q is not one PostgreSQL could read", name)
		}
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(all[name]))
	}
	if err := s.writeFile(settingsFile, b.String()); err != nil {
		return err
	}
	if err := s.writeFile("pg_hba.conf", strings.TrimRight(s.opts.HBA, "\n")+"\n"); err != nil {
		return err
	}
	return s.includeSettings()
}

// includeSettings makes postgresql.conf read our file last; it does so once.
func (s *Server) includeSettings() error {
	path := filepath.Join(s.opts.Dir, "postgresql.conf")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	line := "include = '" + settingsFile + "'"
	if strings.Contains(string(b), line) {
		return nil
	}
	return s.writeFile("postgresql.conf", string(b)+"\n"+line+"\n")
}

// writeFile replaces a file of the data directory.
func (s *Server) writeFile(name, content string) error {
	path := filepath.Join(s.opts.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	if s.account.other {
		return os.Chown(path, s.account.uid, s.account.gid)
	}
	return nil
}

// randomName is enough to make a directory's name unique and not to be guessed.
func randomName() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
