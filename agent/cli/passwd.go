package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/term"

	"foreshadow/agent/config"
	"foreshadow/pgwire/auth"
	"foreshadow/sql/sqlerr"
)

type passwdCommand struct {
	Login   string `arg:"" help:"Name that the person or tool connects with."`
	File    string `help:"Users file." default:"users" placeholder:"FILE"`
	Account string `help:"Account whose approvals this login gives; none for reading logins."`
	Person  string `help:"The person behind the login; the login itself when empty."`
	Role    string `help:"Role of the primary whose privileges the login has; the login itself when empty."`
}

// Help is shown by --help.
func (passwdCommand) Help() string {
	return `The file holds SCRAM-SHA-256 verifiers, never passwords. The agent reads it at its first start; afterwards
credentials live in the agents' replicated state, and a login changes its own password with \password in psql.
On a terminal the password is asked for twice; otherwise one line is read from standard input.`
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.@-]*$`)

// Run writes the login's line, replacing an earlier one.
func (c passwdCommand) Run(t terminal) error {
	for _, word := range []string{c.Login, c.Account, c.Person, c.Role} {
		if !plainWord.MatchString(word) {
			return sqlerr.New(sqlerr.InvalidName, "%q may hold only letters, digits and _ . @ -", word)
		}
	}
	password, err := askPassword(t)
	if err != nil {
		return err
	}
	user := config.User{Login: c.Login, Verifier: auth.Verifier(password), Account: c.Account, Person: c.Person, Role: c.Role}
	return replaceUser(c.File, user)
}

func askPassword(t terminal) (string, error) {
	in, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(t.in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read password: %w", err)
		}
		return notEmpty(strings.TrimRight(line, "\r\n"))
	}
	fmt.Fprint(t.err, "Enter new password: ")
	first, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(t.err)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	fmt.Fprint(t.err, "Enter it again: ")
	second, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(t.err)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	if string(first) != string(second) {
		return "", errors.New("the two passwords differ")
	}
	return notEmpty(string(first))
}

func notEmpty(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	return password, nil
}

// replaceUser rewrites the users file through a new file, so that a crash leaves the old or the new one, readable by its owner only.
func replaceUser(name string, user config.User) error {
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read users file: %w", err)
	}
	if _, err := config.ReadUsers(strings.NewReader(string(text))); err != nil {
		return err
	}
	var lines []string
	replaced := false
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == user.Login {
			line, replaced = user.String()+"\n", true
		}
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	if !replaced {
		lines = append(lines, user.String())
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".users-*")
	if err != nil {
		return fmt.Errorf("write users file: %w", err)
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.WriteString(strings.Join(lines, "\n") + "\n"); err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write users file: %w", err)
	}
	return nil
}
