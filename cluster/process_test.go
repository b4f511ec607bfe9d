package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
)

// processEnv holds the options of an agent that is this test binary started again.
const processEnv = "FORESHADOW_TEST_AGENT"

// TestMain is an agent's main when it is started as one.
func TestMain(m *testing.M) {
	if conf := os.Getenv(processEnv); conf != "" {
		if err := agentMain(conf, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// processConf is what an agent's process is told.
type processConf struct {
	ID      string
	Peers   []raftnode.Peer
	TLS     *raftnode.TLS
	Dir     string
	Effects string // folder in which the executor leaves one file for each execution
}

// order is one line on an agent's standard input; reply the line that answers it.
type order struct {
	Do, Login, Hash, Target string
	ID                      uint64
}

// reply answers an order.
type reply struct {
	Request state.Request
	Leader  string
	Report  AuditReport
	Err     string
}

// fileExecutor appends a line to a file named by the request's hash: two lines would be two executions.
type fileExecutor struct{ dir, agent string }

// Execute leaves its mark.
func (e fileExecutor) Execute(_ context.Context, r state.Request) (string, error) {
	f, err := os.OpenFile(filepath.Join(e.dir, r.Hash), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "%s %d\n", e.agent, r.Fence)
	return "marked", closeAfter(f, err)
}

// closeAfter closes a file and keeps the first error.
func closeAfter(f io.Closer, err error) error {
	if e := f.Close(); err == nil {
		return e
	}
	return err
}

// agentMain runs an agent that takes orders until its input ends.
func agentMain(conf string, in io.Reader, out io.Writer) error {
	var c processConf
	if err := json.Unmarshal([]byte(conf), &c); err != nil {
		return err
	}
	n, err := New(Options{
		ID: c.ID, Peers: c.Peers, TLS: c.TLS, Dir: c.Dir, Executor: fileExecutor{c.Effects, c.ID},
		Timing: raftnode.Timing{Heartbeat: 500 * time.Millisecond, Election: 500 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.Run(ctx) })
	lines := bufio.NewScanner(in)
	enc := json.NewEncoder(out)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		if err := enc.Encode(obey(n, o)); err != nil {
			return err
		}
	}
	stop()
	wg.Wait()
	return n.Close()
}

// obey carries out one order.
func obey(n *Node, o order) reply {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var r reply
	var err error
	p := Principal{Login: o.Login}
	switch o.Do {
	case "bootstrap":
		_, err = n.Bootstrap(ctx, genesis)
	case "leader":
		r.Leader = n.Leader()
	case "propose":
		r.Request, err = n.Propose(ctx, p, createRequest("next_quarter", o.Target))
	case "approve":
		r.Request, err = n.Approve(ctx, p, o.ID, o.Hash)
	case "show":
		r.Request, err = n.Show(ctx, o.ID)
	case "audit":
		r.Report, err = n.VerifyAudit(ctx)
	}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

// process is an agent in a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startProcess starts an agent.
func startProcess(t *testing.T, c processConf) *process {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), processEnv+"="+string(b))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// do gives an order and waits for its answer.
func (p *process) do(o order) reply {
	p.t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s: the agent did not answer: %v", o.Do, err)
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// must gives an order that has to succeed.
func (p *process) must(o order) reply {
	p.t.Helper()
	r := p.do(o)
	if r.Err != "" {
		p.t.Fatalf("%s: %s", o.Do, r.Err)
	}
	return r
}

// Three processes; the leader is killed with SIGKILL between the two approvals, and comes back later. The request executes exactly once.
func TestThreeProcesses(t *testing.T) {
	t.Parallel()
	peers := freePeers(t, 3)
	dir := t.TempDir()
	certs := issue(t, filepath.Join(dir, "certs"), peers)
	effects := t.TempDir()
	agents := map[string]*process{}
	conf := func(id string) processConf {
		return processConf{ID: id, Peers: peers, TLS: certs[id], Dir: filepath.Join(dir, id), Effects: effects}
	}
	for _, p := range peers {
		agents[p.ID] = startProcess(t, conf(p.ID))
	}
	agents["agent-1"].must(order{Do: "bootstrap"})
	var leader string
	eventually(t, func() bool { leader = agents["agent-1"].must(order{Do: "leader"}).Leader; return leader != "" })
	var rest []string
	for _, p := range peers {
		if p.ID != leader {
			rest = append(rest, p.ID)
		}
	}
	first, second := agents[rest[0]], agents[rest[1]]

	r := first.must(order{Do: "propose", Login: "analyst", Target: rest[0]}).Request
	agents[leader].must(order{Do: "approve", Login: "alice", ID: r.ID, Hash: r.Hash})
	agents[leader].kill()
	if got := second.do(order{Do: "approve", Login: "alice", ID: r.ID, Hash: r.Hash}); !strings.Contains(got.Err, "42501") {
		t.Fatalf("alice approves again on a survivor: %q", got.Err)
	}
	second.must(order{Do: "approve", Login: "bob", ID: r.ID, Hash: r.Hash})
	eventually(t, func() bool { return second.must(order{Do: "show", ID: r.ID}).Request.Phase == state.Executed })

	// The target dies too and comes back, and so does the old leader: nothing is done again.
	first.kill()
	agents[leader] = startProcess(t, conf(leader))
	agents[rest[0]] = startProcess(t, conf(rest[0]))
	for _, p := range agents {
		eventually(t, func() bool { return p.must(order{Do: "show", ID: r.ID}).Request.Phase == state.Executed })
	}
	eventually(t, func() bool {
		report := agents[leader].must(order{Do: "audit"}).Report
		return report.OK && len(report.Agree) == 2
	})
	mark, err := os.ReadFile(filepath.Join(effects, r.Hash))
	if err != nil || strings.Count(string(mark), "\n") != 1 || !strings.HasPrefix(string(mark), rest[0]+" ") {
		t.Fatalf("executions: %q %v", mark, err)
	}
}
