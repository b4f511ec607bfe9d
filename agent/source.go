package agent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/config"
)

// SourceDSN adds the password from its file to the connection string.
func SourceDSN(s config.Source) (string, error) {
	if s.PasswordFile == "" {
		return s.DSN, nil
	}
	text, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password of the primary: %w", err)
	}
	return withPassword(s.DSN, strings.TrimRight(string(text), "\r\n"))
}

// withPassword works on both forms of a connection string.
func withPassword(dsn, password string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'", nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the primary's connection string is not a valid URL")
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// systemIdentifier names the primary in requests; it is empty until the primary was seen once.
func (a *Agent) systemIdentifier() string {
	state, err := a.shadow.State(context.Background())
	if err != nil {
		return ""
	}
	return state.Identity.SystemID
}

// withoutPassword says where a connection string leads, and nothing else of it.
func withoutPassword(dsn string) string {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "not a connection string"
	}
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s", c.Host, c.Port, c.User, c.Database)
}
