package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// User is one login of the users file. Account is set for approvers only; Role is the primary's role whose privileges the login has.
// Person tells people from logins: two logins of one person can never approve the same request.
type User struct {
	Login, Verifier, Account, Person, Role string
}

// ReadUsers reads the users file: one login a line, `login verifier [account=A] [person=P] [role=R]`; # begins a comment.
func ReadUsers(r io.Reader) ([]User, error) {
	var users []User
	seen := map[string]bool{}
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		u, err := parseUser(fields)
		if err == nil && seen[u.Login] {
			err = fmt.Errorf("login %q stands twice", u.Login)
		}
		if err != nil {
			return nil, fmt.Errorf("users file, line %d: %w", n, err)
		}
		seen[u.Login] = true
		users = append(users, u)
	}
	return users, scanner.Err()
}

func parseUser(fields []string) (User, error) {
	if len(fields) < 2 || !strings.HasPrefix(fields[1], "SCRAM-SHA-256$") {
		return User{}, fmt.Errorf("want a login and its SCRAM-SHA-256 verifier; foreshadow passwd writes them")
	}
	u := User{Login: fields[0], Verifier: fields[1], Person: fields[0], Role: fields[0]}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "account":
			u.Account = value
		case "person":
			u.Person = value
		case "role":
			u.Role = value
		default:
			return User{}, fmt.Errorf("unknown attribute %q; known are account, person and role", key)
		}
	}
	return u, nil
}

// String gives the user's line of the file.
func (u User) String() string {
	line := u.Login + " " + u.Verifier
	for _, a := range []struct{ key, value, usual string }{{"account", u.Account, ""}, {"person", u.Person, u.Login}, {"role", u.Role, u.Login}} {
		if a.value != a.usual && a.value != "" {
			line += " " + a.key + "=" + a.value
		}
	}
	return line
}
