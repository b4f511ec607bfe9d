package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"foreshadow/agent/config"
	"foreshadow/pgwire/auth"
)

// devLogins are dev's three logins with their passwords in the clear, which dev alone knows.
type devLogins struct {
	list      []config.User
	passwords map[string]string
}

// devUsers makes the logins, with the passwords of an earlier start when the folder has some.
func devUsers(dir, role string) (devLogins, error) {
	d := devLogins{passwords: map[string]string{}}
	if err := d.readPgpass(filepath.Join(dir, "pgpass")); err != nil {
		return d, err
	}
	for _, u := range []config.User{
		{Login: "alice", Account: "data_owner", Person: "Alice", Role: "alice"},
		{Login: "bob", Account: "platform_owner", Person: "Bob", Role: "bob"},
		{Login: "analyst", Person: "Analyst", Role: role},
	} {
		if d.passwords[u.Login] == "" {
			d.passwords[u.Login] = newPassword()
		}
		u.Verifier = auth.Verifier(d.passwords[u.Login])
		d.list = append(d.list, u)
	}
	return d, nil
}

func (d devLogins) readPgpass(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read pgpass: %w", err)
	}
	defer f.Close()
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		if field := strings.Split(scanner.Text(), ":"); len(field) == 5 {
			d.passwords[field[3]] = field[4]
		}
	}
	return nil
}

// writePgpass writes the passwords in the form that libpq reads.
func (d devLogins) writePgpass(name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("write pgpass: %w", err)
	}
	var text strings.Builder
	for _, u := range d.list {
		fmt.Fprintf(&text, "*:%s:*:%s:%s\n", port, u.Login, d.passwords[u.Login])
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write pgpass: %w", err)
	}
	return nil
}
