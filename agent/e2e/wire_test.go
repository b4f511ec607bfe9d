package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
	"foreshadow/pgwire"
	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
	"foreshadow/sql/engine"
)

// onlyWire bounds TestWire to the files whose names contain this.
var onlyWire = flag.String("wire", "", "run only the wire scripts whose names contain this")

// TestWire sends the same bytes to the primary and to the agent and compares the answers message by message. The golden files hold what
// PostgreSQL answers; where the agent's answer is another, both are shown: PostgreSQL's lines after -, the agent's after +.
func TestWire(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", setupSQL)
	addr := serveWire(t, newEngine(t, engine.Options{Sources: stack(t, pg)}))
	files, err := filepath.Glob("testdata/wire/*.wire")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		if !strings.Contains(file, *onlyWire) {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			p := &pair{primary: dialPrimary(t, pg), agent: dialWire(t, addr)}
			datadriven.RunTest(t, file, p.run)
		})
	}
}

// scramLogins lets the reader in with a password.
type scramLogins struct{ *engine.Engine }

// wirePassword is the reader's.
const wirePassword = "correct horse"

func (scramLogins) Verifier(context.Context, string) (string, error) {
	return auth.VerifierWith(wirePassword, []byte("0123456789abcdef"), 64), nil
}

// serveWire runs a server in front of an engine until the test ends.
func serveWire(t testing.TB, e *engine.Engine) string {
	t.Helper()
	s, err := pgwire.New(pgwire.Options{Addr: "127.0.0.1:0", AllowPlain: true, Handler: scramLogins{e}, Secret: []byte("secret"), Iterations: 64})
	if err != nil {
		t.Fatal(err)
	}
	during(t, s.Run)
	return s.Addr().String()
}

func dialPrimary(t *testing.T, pg *pgtest.Server) *wiretest.Client {
	t.Helper()
	config, err := pgconn.ParseConfig(pg.DSN("reader", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	network, addr := pgconn.NetworkAddress(config.Host, config.Port)
	return login(t, network, addr)
}

func dialWire(t *testing.T, addr string) *wiretest.Client {
	t.Helper()
	return login(t, "tcp", addr)
}

// login connects the reader.
func login(t *testing.T, network, addr string) *wiretest.Client {
	t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	c := wiretest.NewClient(nc)
	messages, err := c.Start(wiretest.Login{Params: map[string]string{"user": "reader", "database": "postgres", "TimeZone": "UTC"}, Password: wirePassword})
	if err != nil {
		t.Fatal(messages, err)
	}
	return c
}

// pair is the two connections of one golden file.
type pair struct{ primary, agent *wiretest.Client }

// run does one command: send [until=MESSAGE].
func (p *pair) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd != "send" {
		d.Fatalf(t, "no command is called %s", d.Cmd)
	}
	until := ""
	d.MaybeScanArgs(t, "until", &until)
	want, err := p.primary.Send(d.Input, until)
	if err != nil {
		d.Fatalf(t, "primary: %v\n%s", err, strings.Join(want, "\n"))
	}
	got, err := p.agent.Send(d.Input, until)
	if err != nil {
		got = append(got, fmt.Sprint(err))
	}
	return differences(want, got)
}

// differences writes two lists of lines as one, with what only one of them has after - or +.
func differences(a, b []string) string {
	var out strings.Builder
	for len(a) > 0 || len(b) > 0 {
		if len(a) > 0 && len(b) > 0 && a[0] == b[0] {
			out.WriteString(a[0] + "\n")
			a, b = a[1:], b[1:]
			continue
		}
		skipA, skipB := meet(a, b)
		for _, line := range a[:skipA] {
			out.WriteString("- " + line + "\n")
		}
		for _, line := range b[:skipB] {
			out.WriteString("+ " + line + "\n")
		}
		a, b = a[skipA:], b[skipB:]
	}
	return out.String()
}

// meet finds the nearest line that both lists have.
func meet(a, b []string) (skipA, skipB int) {
	for sum := range len(a) + len(b) {
		for i := range min(sum, len(a)-1) + 1 {
			if j := sum - i; i < len(a) && j < len(b) && a[i] == b[j] {
				return i, j
			}
		}
	}
	return len(a), len(b)
}

// TestDifferences holds how two answers are shown as one.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"x y z", "x y z", "x|y|z|"}, {"x y z", "x z", "x|- y|z|"}, {"x z", "x y z", "x|+ y|z|"}, {"x y z", "x w z", "x|- y|+ w|z|"}, {"", "x", "+ x|"}, {"x", "", "- x|"},
	} {
		got := strings.ReplaceAll(differences(strings.Fields(c.a), strings.Fields(c.b)), "\n", "|")
		if got != c.want {
			t.Errorf("%q and %q: %q", c.a, c.b, got)
		}
	}
}
