package agent

import (
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"foreshadow/agent/config"
)

// TestSettingNames wants every setting shown under the name that it has as a flag.
func TestSettingNames(t *testing.T) {
	t.Parallel()
	var s config.Settings
	k, err := kong.New(&s)
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for _, f := range k.Model.Flags {
		flags[f.Name] = true
	}
	delete(flags, "help")
	walkSettings(reflect.ValueOf(s), "", func(name, _ string) {
		flag := strings.ReplaceAll(name, ".", "-")
		if !flags[flag] {
			t.Errorf("setting %q is no flag", name)
		}
		delete(flags, flag)
	})
	if len(flags) > 0 {
		t.Errorf("flags that are not shown: %v", flags)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"host=h user=u dbname=d":             `host=h user=u dbname=d password='it''s \\ \'x\''`,
		"postgres://u@h:1/d?sslmode=disable": "postgres://u:it%27s%20%5C%20%27x%27@h:1/d?sslmode=disable",
	} {
		want = strings.Replace(want, "it''s", `it\'s`, 1)
		if got, err := withPassword(dsn, `it's \ 'x'`); err != nil || got != want {
			t.Errorf("withPassword(%q) = %s, %v, want %s", dsn, got, err, want)
		}
	}
	if got := withoutPassword("postgres://u:secret@h:1/d"); got != "host=h port=1 user=u dbname=d" {
		t.Errorf("withoutPassword: %s", got)
	}
}
