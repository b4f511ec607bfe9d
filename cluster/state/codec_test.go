package state

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// entryOf encodes a command or ends the test.
func entryOf(t testing.TB, stamp Millis, c Command) []byte {
	t.Helper()
	b, err := Encode(Envelope{Op: "op", Stamp: stamp, Command: c})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every command number of the table gives a command that knows its number, and comes back from its bytes.
func TestCommandNumbers(t *testing.T) {
	t.Parallel()
	for n, build := range newCommand {
		c := build()
		if c.number() != n {
			t.Errorf("number %d stands for a command that calls itself %d", n, c.number())
		}
		if p, ok := c.(*Propose); ok {
			p.Kind = Unfreeze
		}
		e, err := Decode(entryOf(t, 5, c))
		if err != nil || e.Op != "op" || e.Stamp != 5 || e.Command.number() != n {
			t.Errorf("command %d comes back as %+v, %v", n, e, err)
		}
	}
}

// What a node cannot understand stops it: it never skips an entry that others apply.
func TestUnknownEntriesHalt(t *testing.T) {
	t.Parallel()
	good := entryOf(t, 5, &Tick{})
	for what, entry := range map[string][]byte{
		"unknown command number 999": append([]byte{1, 0x03, 0xE7}, good[3:]...),
		"unknown entry format 9":     append([]byte{9}, good[1:]...),
		"cut short":                  good[:8],
		"unknown field":              bytes.Replace(good, []byte("{}"), []byte(`{"later":1}`), 1),
		"bytes after its end":        append(bytes.Clone(good), "{}"...),
		"unknown kind":               entryOf(t, 5, &Propose{Kind: "GRANT EVERYTHING"}),
	} {
		s := New()
		before, _ := s.Snapshot()
		_, err := s.Apply(1, entry)
		var halt *Halt
		if !errors.As(err, &halt) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := s.Snapshot(); !bytes.Equal(before, after) {
			t.Errorf("%s: the state changed", what)
		}
	}
}

// A snapshot that was tampered with is refused: the audit chain and the request hashes are verified before it is taken.
func TestRestoreVerifies(t *testing.T) {
	t.Parallel()
	s := New()
	for i, c := range []Command{
		&Bootstrap{Cluster: "c", Accounts: [2]string{"a", "b"}, Members: []Member{
			{Login: "alice", Account: "a", Person: "alice"}, {Login: "bob", Account: "b", Person: "bob"},
		}},
		&Propose{By: "alice", Kind: CreateInstance, Target: Target{Agent: "x", Name: "nq"}, Plan: `{"rows":7}`, Nonce: strings.Repeat("0", 32)},
		&Approve{By: "alice", ID: 1},
	} {
		if _, err := s.Apply(uint64(i)+1, mustEncode(t, c)); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(snap); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`\"rows\":7`, `\"rows\":8`},
		{`"actor":"alice"`, `"actor":"amy"`},
		{`"seq":2`, `"seq":3`},
		{`"format":1`, `"format":2`},
		{`"kind":"CREATE`, `"kind":"GRANT`},
		{`{"format"`, `{"later":1,"format"`},
	} {
		bad := bytes.Replace(snap, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, snap) {
			t.Fatalf("%s does not stand in the snapshot", change[0])
		}
		if _, err := Restore(bad); err == nil {
			t.Errorf("%s for %s was restored", change[1], change[0])
		}
	}
}

// mustEncode encodes a command without an operation id.
func mustEncode(t testing.TB, c Command) []byte {
	t.Helper()
	b, err := Encode(Envelope{Stamp: 1000, Command: c})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The canonical bytes are fixed for ever: approvals given under one version must hold under the next.
func TestCanonicalBytes(t *testing.T) {
	t.Parallel()
	r := Request{
		ID: 3, Kind: CreateInstance, Target: Target{Agent: "a1", SystemID: "7", Source: "shop", Name: "nq"}, Statement: "CREATE ...",
		Args: map[string]string{"b": "2", "a": "1"}, Plan: `{"rows":1}`, Base: map[string]uint64{"y": 2, "x": 1}, Proposer: "alice",
		ProposedAt: 1000, ExpiresAt: 2000, Nonce: "n",
	}
	const want = "f160de97a079f26b50653054c2824ae5a846b3da5629d6f8cce4c0145aaf9c21" // computed by an independent program
	if got := HashOf(&r, "c1"); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	for what, change := range map[string]func(*Request){
		"id": func(r *Request) { r.ID++ }, "kind": func(r *Request) { r.Kind = DropInstance }, "agent": func(r *Request) { r.Target.Agent = "a2" },
		"system": func(r *Request) { r.Target.SystemID = "8" }, "source": func(r *Request) { r.Target.Source = "x" },
		"name": func(r *Request) { r.Target.Name = "x" }, "statement": func(r *Request) { r.Statement = "x" },
		"argument": func(r *Request) { r.Args = map[string]string{"b": "2", "a": "3"} }, "plan": func(r *Request) { r.Plan = "{}" },
		"base": func(r *Request) { r.Base = map[string]uint64{"y": 2, "x": 2} }, "proposer": func(r *Request) { r.Proposer = "bob" },
		"time": func(r *Request) { r.ProposedAt++ }, "expiry": func(r *Request) { r.ExpiresAt++ }, "nonce": func(r *Request) { r.Nonce = "m" },
		"shifted": func(r *Request) { r.Target.Source, r.Target.Name = "shopn", "q" },
	} {
		c := r
		change(&c)
		if HashOf(&c, "c1") == want {
			t.Errorf("another %s has the same hash", what)
		}
	}
	if HashOf(&r, "c2") == want {
		t.Error("another cluster has the same hash")
	}
}

// FuzzDecode: no bytes may make a node panic; they are understood or they stop it.
func FuzzDecode(f *testing.F) {
	for _, build := range newCommand {
		f.Add(entryOf(f, 1, build()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New()
		if _, err := s.Apply(1, b); err != nil {
			return
		}
		if v := s.Verify(); v.Err != nil {
			t.Fatal(v.Err)
		}
	})
}
