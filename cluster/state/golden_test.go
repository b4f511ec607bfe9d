package state

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// golden runs one file of commands against one state machine, and a second one that is restored from a snapshot after every step and
// must always hold the same bytes.
type golden struct {
	t     *testing.T
	s     *State
	twin  *State
	index uint64
	now   Millis
}

// TestGolden runs every file of testdata: each transition and each refusal stands there as text.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.test")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			g := &golden{s: New(), twin: New(), now: 1_000_000}
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				g.t = t
				return g.run(d)
			})
		})
	}
}

// run does one command of a file.
func (g *golden) run(d *datadriven.TestData) string {
	switch d.Cmd {
	case "show":
		return g.show(number(d, "id"))
	case "audit":
		return g.audit()
	case "state":
		return g.summary()
	case "verify":
		v := g.s.Verify()
		return fmt.Sprintf("entries=%d broken=%d err=%v\n", v.Entries, v.BrokenAt, v.Err)
	case "wait":
		g.now += Millis(number(d, "ms"))
		return g.apply(d, &Tick{})
	}
	return g.apply(d, g.command(d))
}

// apply encodes and applies a command to both machines and prints what happened.
func (g *golden) apply(d *datadriven.TestData, c Command) string {
	g.index++
	entry, err := Encode(Envelope{Op: text(d, "op"), Stamp: g.now, Command: c})
	if err != nil {
		return err.Error() + "\n"
	}
	res, err := g.s.Apply(g.index, entry)
	if err != nil {
		return err.Error() + "\n"
	}
	if _, err := g.twin.Apply(g.index, entry); err != nil {
		g.t.Fatal(err)
	}
	g.compare()
	var b strings.Builder
	if res.Duplicate {
		b.WriteString("again: ")
	}
	if f := res.Refusal; f != nil {
		fmt.Fprintf(&b, "refused %s: %s\n", f.Code, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(&b, "hint: %s\n", f.Hint)
		}
	} else {
		b.WriteString("ok\n")
	}
	for _, id := range res.Changed {
		b.WriteString(g.show(id))
	}
	return b.String()
}

// compare demands that the twin, restored from its own snapshot, has the same bytes.
func (g *golden) compare() {
	a, err := g.s.Snapshot()
	if err != nil {
		g.t.Fatal(err)
	}
	b, err := g.twin.Snapshot()
	if err != nil {
		g.t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		g.t.Fatalf("the twin differs:\n%s\n%s", a, b)
	}
	if g.twin, err = Restore(b); err != nil {
		g.t.Fatal(err)
	}
}

// show prints a request in one line, without its hash: that has a file of its own.
func (g *golden) show(id uint64) string {
	r, refusal := g.s.Request(id)
	if refusal != nil {
		return refusal.Error() + "\n"
	}
	var by []string
	for _, a := range r.Approvals {
		mark := ""
		if a.Revoked {
			mark = "(revoked)"
		}
		by = append(by, a.Login+mark)
	}
	return fmt.Sprintf("request %d %s %s %s by=%s approvals=[%s] missing=[%s] fence=%d message=%q\n",
		r.ID, r.Phase, r.Kind, r.Target, r.Proposer, strings.Join(by, " "), g.s.Missing(id), r.Fence, r.Message)
}

// audit prints the chain without hashes.
func (g *golden) audit() string {
	var b strings.Builder
	for _, e := range g.s.Audit(0) {
		detail := e.Detail
		if i := strings.Index(detail, "hash "); i >= 0 {
			detail = detail[:i+5] + "..."
		}
		fmt.Fprintf(&b, "%d %s %s request=%d %s\n", e.Seq, e.Actor, e.Action, e.Request, detail)
	}
	return b.String()
}

// summary prints what is not a request.
func (g *golden) summary() string {
	var b strings.Builder
	reason, frozen := g.s.Frozen()
	fmt.Fprintf(&b, "clock=%d frozen=%v %s\n", g.s.Clock(), frozen, reason)
	for _, a := range g.s.Accounts() {
		fmt.Fprintf(&b, "account %s epoch=%d\n", a.Name, a.Epoch)
	}
	for _, m := range g.s.Members() {
		fmt.Fprintf(&b, "member %s account=%s person=%s role=%s password=%v\n", m.Login, m.Account, m.Person, m.Role, m.Verifier != "")
	}
	for _, m := range g.s.Models() {
		fmt.Fprintf(&b, "model %s@%s initialized=%v activation=%q params=%v version=%d\n",
			m.Source, m.Agent, m.Initialized, m.Activation, m.Params, g.s.Version(ModelKey(m.Agent, m.Source)))
	}
	for _, in := range g.s.Instances() {
		fmt.Fprintf(&b, "instance %s@%s exists=%v generation=%d request=%d\n", in.Name, in.Agent, in.Exists, in.Generation, in.Request)
	}
	return b.String()
}

// text reads an argument, "" if it is not given. A tilde stands for a space.
func text(d *datadriven.TestData, key string) string {
	for _, a := range d.CmdArgs {
		if a.Key == key && len(a.Vals) > 0 {
			return strings.ReplaceAll(strings.Join(a.Vals, ","), "~", " ")
		}
	}
	return ""
}

// number reads an argument, 0 if it is not given.
func number(d *datadriven.TestData, key string) uint64 {
	n, _ := strconv.ParseUint(text(d, key), 10, 64)
	return n
}

// pairs reads an argument of the form (key:value, ...).
func pairs(d *datadriven.TestData, key string) map[string]string {
	m := map[string]string{}
	for _, a := range d.CmdArgs {
		if a.Key == key {
			for _, v := range a.Vals {
				k, val, _ := strings.Cut(v, ":")
				m[k] = strings.ReplaceAll(val, "~", " ")
			}
		}
	}
	return m
}

// command builds the command a line of a file names. Hash and fence are those of the request unless they are given.
func (g *golden) command(d *datadriven.TestData) Command {
	by, id := text(d, "by"), number(d, "id")
	hash := text(d, "hash")
	if r, refusal := g.s.Request(id); hash == "" && refusal == nil {
		hash = r.Hash
	}
	agent, fence := text(d, "agent"), number(d, "fence")
	if r, refusal := g.s.Request(id); fence == 0 && refusal == nil {
		fence = r.Fence
	}
	switch d.Cmd {
	case "bootstrap":
		return bootstrapOf(d)
	case "propose":
		return proposeOf(d)
	case "approve":
		return &Approve{By: by, ID: id, Hash: hash}
	case "reject":
		return &Reject{By: by, ID: id, Reason: text(d, "reason")}
	case "revoke":
		return &Revoke{By: by, ID: id}
	case "withdraw":
		return &Withdraw{By: by, ID: id}
	case "freeze":
		return &Freeze{By: by, Reason: text(d, "reason")}
	case "deactivate":
		return &Deactivate{By: by, Agent: agent, Source: text(d, "source")}
	case "claim":
		return &Claim{ID: id, Agent: agent}
	case "renew":
		return &Renew{ID: id, Agent: agent, Fence: fence}
	case "complete":
		return &Complete{ID: id, Agent: agent, Fence: fence, Receipt: text(d, "receipt")}
	case "fail":
		return &Fail{ID: id, Agent: agent, Fence: fence, Reason: text(d, "reason")}
	case "endinstance":
		return &EndInstance{Agent: agent, Name: text(d, "name"), Reason: text(d, "reason")}
	case "setverifier":
		return &SetVerifier{By: by, Login: text(d, "login"), Verifier: text(d, "verifier")}
	case "setreader":
		return &SetReader{Login: text(d, "login"), Person: text(d, "person"), Role: text(d, "role"), Verifier: text(d, "verifier"), Drop: d.HasArg("drop")}
	}
	panic(errors.New("unknown command " + d.Cmd))
}

// bootstrapOf reads members, one a line: login account person.
func bootstrapOf(d *datadriven.TestData) *Bootstrap {
	c := &Bootstrap{Cluster: "c1", Accounts: [2]string{"platform_owner", "data_owner"}, RequireActivation: d.HasArg("strict")}
	if a := pairs(d, "accounts"); len(a) > 0 {
		keys := sortedKeys(a)
		c.Accounts = [2]string{keys[0], keys[len(keys)-1]}
	}
	for line := range strings.Lines(d.Input) {
		f := append(strings.Fields(line), "", "", "")
		m := Member{Login: f[0], Account: strings.Trim(f[1], "-"), Person: f[2], Role: f[0]}
		if m.Person == "" {
			m.Person = m.Login
		}
		c.Members = append(c.Members, m)
	}
	return c
}

// proposeOf builds a proposal; the kind is written with dashes.
func proposeOf(d *datadriven.TestData) *Propose {
	kind := Kind(strings.ToUpper(strings.ReplaceAll(text(d, "kind"), "-", " ")))
	c := &Propose{
		By: text(d, "by"), Kind: kind, Statement: string(kind), Args: pairs(d, "args"), TTL: Millis(number(d, "ttl")), Nonce: strings.Repeat("0", 32),
		Plan:   text(d, "plan"),
		Target: Target{Agent: text(d, "agent"), SystemID: "7", Source: text(d, "source"), Name: text(d, "name")},
	}
	for k, v := range pairs(d, "base") {
		if c.Base == nil {
			c.Base = map[string]uint64{}
		}
		c.Base[k], _ = strconv.ParseUint(v, 10, 64)
	}
	return c
}
