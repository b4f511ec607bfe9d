package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clusterAgent is one `foreshadow run` of several; dev has what psql and the end of a process need.
type clusterAgent struct {
	*dev
	id, database, dir, users string
}

// configure writes the agent's settings: what init printed, and what each agent beside the same primary must have of its own.
func (a *clusterAgent) configure(t *testing.T, dsn, cluster, passwords string) {
	t.Helper()
	if err := os.Mkdir(a.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(a.dir, "pgpass"), passwords)
	write(t, filepath.Join(a.dir, "primary-password"), "secret of the agent\n")
	write(t, filepath.Join(a.dir, "foreshadow.yaml"), fmt.Sprintf(`source:
  dsn: %q
  password-file: %q
  slot: foreshadow_%s
listen: 127.0.0.1:0
admin-listen: 127.0.0.1:0
data-dir: %q
users-file: %q
shadow: {memory: 256MB}
forecast: {sample-interval: 5s, interval: 1m}
%s`, dsn, filepath.Join(a.dir, "primary-password"), a.id, filepath.Join(a.dir, "data"), a.users, cluster))
}

// launch starts the agent's process; waitReady waits for it.
func (a *clusterAgent) launch(t *testing.T) {
	t.Helper()
	d := &dev{dir: a.dir, ready: make(chan struct{}), ended: make(chan struct{})}
	d.cmd = exec.Command("foreshadow", "run", "--config", filepath.Join(a.dir, "foreshadow.yaml"))
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() { // the kernel sends the parent-death signal when the thread that forked ends, so that thread is kept
		runtime.LockOSThread()
		started <- d.cmd.Start()
		d.readLog(log)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop(t) })
	a.dev = d
}

var readyIn = regexp.MustCompile(`msg=ready addr=127\.0\.0\.1:(\d+)`)

// readLog keeps the log and finds the line that says where clients are served.
func (d *dev) readLog(log io.Reader) {
	defer close(d.ended)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		line := lines.Text()
		d.mu.Lock()
		d.output.WriteString(line + "\n")
		m := readyIn.FindStringSubmatch(line)
		if m != nil {
			d.port = m[1]
		}
		d.mu.Unlock()
		if m != nil {
			close(d.ready)
		}
	}
}

func (a *clusterAgent) waitReady(t *testing.T) {
	t.Helper()
	select {
	case <-a.ready:
	case <-a.ended:
		t.Fatalf("agent %s ended:\n%s", a.id, a.text())
	case <-time.After(2 * time.Minute):
		t.Fatalf("agent %s did not get ready:\n%s", a.id, a.text())
	}
}

// ask proposes a governed statement for this agent and gives its request's number.
func (a *clusterAgent) ask(t *testing.T, login, statement string) string {
	t.Helper()
	id := number.FindString(a.value(t, login, a.database, statement))
	if id == "" {
		t.Fatalf("%s answered no request", statement)
	}
	return id
}

// decide shows a request through this agent and approves what was shown.
func (a *clusterAgent) decide(t *testing.T, login, request string) {
	t.Helper()
	if out, err := a.psql(t, login, a.database, "-c", "SHOW REQUEST "+request, "-c", "APPROVE REQUEST "+request); err != nil {
		t.Fatalf("%s approves %s through agent %s: %v\n%s", login, request, a.id, err, out)
	}
}

// shown is a request's state as all agents have it.
func (a *clusterAgent) shown(t *testing.T, request string) string {
	t.Helper()
	return strings.Split(a.value(t, "alice", a.database, "SHOW REQUEST "+request), "|")[1]
}

// foreshadow runs a command that ends by itself and gives its standard output.
func foreshadow(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("foreshadow", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		var e *exec.ExitError
		_ = errors.As(err, &e)
		t.Fatalf("foreshadow %s: %v\n%s", strings.Join(args, " "), err, e.Stderr)
	}
	return string(out)
}

// agentPorts finds free ports below those that the kernel hands out to connections, since an agent must get its own again after a kill.
func agentPorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // all at the end, so that no port comes twice
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
