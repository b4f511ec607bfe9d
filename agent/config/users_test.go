package config

import (
	"strings"
	"testing"
)

func TestUsersFile(t *testing.T) {
	t.Parallel()
	const text = "# logins\nalice SCRAM-SHA-256$1:s$k:v account=data_owner person=Alice\n\nanalyst SCRAM-SHA-256$1:s$k:v\n"
	users, err := ReadUsers(strings.NewReader(text))
	if err != nil || len(users) != 2 {
		t.Fatalf("%v, %v", users, err)
	}
	if users[0].Account != "data_owner" || users[0].Person != "Alice" || users[1].Role != "analyst" {
		t.Errorf("%+v", users)
	}
	for i, want := range []string{"alice SCRAM-SHA-256$1:s$k:v account=data_owner person=Alice", "analyst SCRAM-SHA-256$1:s$k:v"} {
		if users[i].String() != want {
			t.Errorf("String() = %q, want %q", users[i].String(), want)
		}
	}
}

func TestUsersFileRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"alice secret":                           "line 1: want a login",
		"\na SCRAM-SHA-256$x\na SCRAM-SHA-256$x": "line 3: login \"a\" stands twice",
		"a SCRAM-SHA-256$x admin=yes":            "unknown attribute \"admin\"",
	} {
		_, err := ReadUsers(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows what may be a password: %v", err)
		}
	}
}
