package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/postgres"
)

// dev is a running `foreshadow dev`, a process of its own.
type dev struct {
	dir, port, primary string
	cmd                *exec.Cmd
	ready, ended       chan struct{}
	mu                 sync.Mutex
	output             strings.Builder
}

// startDev runs the agent beside its own throw-away primary filled with testdata/shop.sql unless args say otherwise, and waits until it is ready.
func startDev(t testing.TB, dir string, args ...string) *dev {
	t.Helper()
	if dir == "" {
		dir = openDir(t)
	}
	if len(args) == 0 {
		args = []string{"--init", "testdata/shop.sql"}
	}
	d := &dev{dir: dir, ready: make(chan struct{}), ended: make(chan struct{})}
	d.cmd = exec.Command("foreshadow", append([]string{"dev", "--data-dir", dir, "--listen", "127.0.0.1:0"}, args...)...)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = &locked{d: d}
	started := make(chan error)
	go func() { // the kernel sends the parent-death signal when the thread that forked ends, so that thread is kept
		runtime.LockOSThread()
		started <- d.cmd.Start()
		d.read(out)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop(t) })
	select {
	case <-d.ready:
	case <-d.ended:
		t.Fatalf("the agent ended:\n%s", d.text())
	case <-time.After(2 * time.Minute):
		t.Fatalf("the agent did not get ready:\n%s", d.text())
	}
	return d
}

// openDir is a temporary folder that PostgreSQL's account can enter.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "foreshadow-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

var portIn = regexp.MustCompile(`^connect .*port=(\d+)`)

func (d *dev) read(out io.Reader) {
	defer close(d.ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		d.mu.Lock()
		d.output.WriteString(line + "\n")
		if m := portIn.FindStringSubmatch(line); m != nil {
			d.port = m[1]
		}
		if rest, ok := strings.CutPrefix(line, "primary "); ok {
			d.primary = rest
		}
		d.mu.Unlock()
		if line == "ready" {
			close(d.ready)
		}
	}
}

// locked collects the log beside the output.
type locked struct{ d *dev }

func (l *locked) Write(p []byte) (int, error) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.d.output.Write(p)
}

func (d *dev) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.String()
}

// stop ends the agent as Ctrl-C does and fails the test if it does not end cleanly.
func (d *dev) stop(t testing.TB) {
	if d.cmd.ProcessState != nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	done := make(chan error, 1)
	go func() { <-d.ended; done <- d.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the agent did not stop cleanly: %v\n%s", err, d.text())
		}
	case <-time.After(time.Minute):
		_ = d.cmd.Process.Kill()
		t.Errorf("the agent did not stop within a minute:\n%s", d.text())
	}
	if t.Failed() {
		t.Logf("the agent's output:\n%s", d.text())
	}
}

// kill ends the agent and its servers at once, as a power cut would the process.
func (d *dev) kill(t testing.TB) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	_ = d.cmd.Wait()
}

func (d *dev) password(t testing.TB, login string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "pgpass"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 5 && f[3] == login {
			return f[4]
		}
	}
	t.Fatalf("no password of %s", login)
	return ""
}

// psql runs the real psql through the agent and returns what it printed.
func (d *dev) psql(t testing.TB, login, database string, args ...string) (string, error) {
	t.Helper()
	bin, err := postgres.FindBinDir()
	if err != nil {
		t.Fatal(err)
	}
	conn := fmt.Sprintf("host=127.0.0.1 port=%s dbname=%s user=%s sslmode=require", d.port, database, login)
	cmd := exec.Command(filepath.Join(bin, "psql"), append([]string{"-X", "-v", "ON_ERROR_STOP=1", "-P", "pager=off", conn}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSFILE="+filepath.Join(d.dir, "pgpass"))
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// value is one bare result through psql.
func (d *dev) value(t testing.TB, login, database, sql string) string {
	t.Helper()
	out, err := d.psql(t, login, database, "-At", "-c", sql)
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return out
}

// url is a connection string for drivers.
func (d *dev) url(t testing.TB, login, database string) string {
	t.Helper()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(login, d.password(t, login)), Host: "127.0.0.1:" + d.port, Path: database, RawQuery: "sslmode=require"}
	return u.String()
}

// connect is a pgx connection through the agent.
func (d *dev) connect(t testing.TB, login, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url(t, login, database))
	if err != nil {
		t.Fatalf("connect as %s: %v", login, err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// onPrimary runs SQL on the primary itself.
func (d *dev) onPrimary(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// eventually polls until the condition holds.
func eventually(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
}
