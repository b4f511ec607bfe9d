package config

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func parse(t *testing.T, yaml string, args ...string) (Settings, error) {
	t.Helper()
	var s Settings
	resolver, err := File(strings.NewReader(yaml))
	if err != nil {
		return s, err
	}
	k, err := kong.New(&s, kong.DefaultEnvars("FORESHADOW"), kong.Resolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return s, err
}

func TestPrecedence(t *testing.T) {
	const yaml = "source:\n  dsn: host=file\nlisten: 127.0.0.1:1\nlog:\n  level: debug\ncluster:\n  peers: [a=h:1, b=h:2]\n"
	s, err := parse(t, yaml)
	if err != nil {
		t.Fatal(err)
	}
	if s.Source.DSN != "host=file" || s.Log.Level != "debug" || len(s.Cluster.Peers) != 2 || s.Source.Slot != "foreshadow" {
		t.Errorf("file and defaults: %+v", s)
	}
	t.Setenv("FORESHADOW_SOURCE_DSN", "host=environment")
	if s, _ = parse(t, yaml); s.Source.DSN != "host=environment" {
		t.Errorf("the environment must win over the file: %q", s.Source.DSN)
	}
	if s, _ = parse(t, yaml, "--source-dsn=host=flag"); s.Source.DSN != "host=flag" {
		t.Errorf("the flag must win over the environment: %q", s.Source.DSN)
	}
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	if _, err := parse(t, "source:\n  dns: host=x\n"); err == nil || !strings.Contains(err.Error(), "source.dns") {
		t.Errorf("a misspelt key must be named, got %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := Settings{Source: Source{DSN: "host=h user=u dbname=d", WALBudget: "1GB"}, Instances: Instances{MaxSize: "1GB"}, Shadow: Shadow{MinFree: "1GB"}}
	if err := good.Check(); err != nil {
		t.Errorf("good settings: %v", err)
	}
	for name, change := range map[string]func(*Settings){
		"no primary":                         func(s *Settings) { s.Source.DSN = "" },
		"holds a password":                   func(s *Settings) { s.Source.DSN = "postgres://u:secret@h/d" },
		"holds a password ":                  func(s *Settings) { s.Source.DSN = "host=h password=secret" },
		"go together":                        func(s *Settings) { s.Server.TLSCertFile = "x" },
		"several agents":                     func(s *Settings) { s.Cluster.Peers = []string{"a=b:1"} },
		"not a size":                         func(s *Settings) { s.Instances.MaxSize = "big" },
		"source.wal-budget":                  func(s *Settings) { s.Source.WALBudget = "much" },
		"shadow.min-free":                    func(s *Settings) { s.Shadow.MinFree = "little" },
		"neither an age":                     func(s *Settings) { s.Shadow.Keep = "720h+much" },
		"not of the form schema.table=LIMIT": func(s *Settings) { s.Shadow.KeepTable = []string{"orders=1h"} },
		"not a size;":                        func(s *Settings) { s.Instances.MaxSize = "1kb" },
	} {
		s := good
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("want an error that says %q, got %v", name, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "12": 12, "8kB": 8192, "512MB": 512 << 20, "2 GB": 2 << 30, "1TB": 1 << 40} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GB", "-1", "1.5GB", "1Gb", "99999999999TB"} {
		if _, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) must fail", text)
		}
	}
}
