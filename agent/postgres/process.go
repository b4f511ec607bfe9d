package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// logFile takes the server's messages, in the data directory.
const logFile = "server.log"

// maxLog is how much of an old log is kept at a start.
const maxLog = 8 << 20

// process is one running postmaster.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has been waited for
	err  error         // how it ended; valid once done is closed
}

// Start runs the server and waits until it accepts connections. When it does not come up, the error holds the log's last lines.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.alive() {
		return errors.New("the server is running already")
	}
	if err := s.EndStray(ctx); err != nil {
		return err
	}
	if err := s.writeSettings(); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := s.ownDir(s.opts.SocketDir); err != nil {
		return fmt.Errorf("make socket directory: %w", err)
	}
	logged, err := s.openLog()
	if err != nil {
		return fmt.Errorf("open server log: %w", err)
	}
	defer logged.Close()
	cmd := exec.Command(filepath.Join(s.opts.BinDir, "postgres"), append([]string{"-D", s.opts.Dir}, s.opts.Args...)...)
	cmd.Dir = s.opts.Dir
	cmd.Env = s.account.environ()
	cmd.Stdout, cmd.Stderr = logged, logged
	cmd.SysProcAttr = s.account.attributes()
	// SIGQUIT is PostgreSQL's immediate stop: its children end and its shared memory is freed.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	p, err := launch(cmd)
	if err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.proc = p
	if err := s.waitReady(ctx, p); err != nil {
		s.killTree(p)
		s.proc = nil
		return fmt.Errorf("start postgres in %q: %w: %s", s.opts.Dir, err, s.LogTail(12))
	}
	return nil
}

// launch starts the command on a thread that lives as long as it does: the kernel sends the parent-death signal when
// the thread that forked ends, not only when the process does.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := keepOpenFiles()
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	return p, <-started
}

// alive says whether the postmaster has not been waited for yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// waitReady polls the socket until the server answers a startup packet or ends.
func (s *Server) waitReady(ctx context.Context, p *process) error {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers(s.socketFile()) {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Running says whether the postmaster lives.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && s.proc.alive()
}

// Done is closed when the running postmaster ends, however it ends. It is closed at once when none runs.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return s.proc.done
}

// PID is the postmaster's, 0 when none runs.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || !s.proc.alive() {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Stop ends the server: fast breaks off its clients, otherwise it waits for them. When the context ends first, the
// server is stopped by force and the context's error is returned. A server that is not running is no error.
func (s *Server) Stop(ctx context.Context, fast bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.proc
	if p == nil {
		return nil
	}
	sig := syscall.SIGTERM
	if fast {
		sig = syscall.SIGINT
	}
	_ = p.cmd.Process.Signal(sig) // an ended process is what we want
	var err error
	select {
	case <-p.done:
	case <-ctx.Done():
		err = fmt.Errorf("stop postgres: %w", ctx.Err())
		s.killTree(p)
	}
	s.proc = nil
	os.RemoveAll(s.opts.SocketDir)
	return err
}

// Kill ends the postmaster with SIGKILL as a crash would, and returns when its children are gone, so that it can be started again.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	s.killTree(s.proc)
	s.proc = nil
	return nil
}

// killTree kills the postmaster and then its children, which would otherwise go on until they notice.
func (s *Server) killTree(p *process) {
	children := frozenChildren(p.cmd.Process.Pid)
	_ = p.cmd.Process.Kill()
	<-p.done
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	for _, child := range children {
		waitGone(context.Background(), child)
	}
}

// openLog opens the server's log for appending, after dropping one that has grown large.
func (s *Server) openLog() (*os.File, error) {
	path := filepath.Join(s.opts.Dir, logFile)
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if st, err := os.Stat(path); err == nil && st.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

// LogTail gives the last lines of the server's log, joined by " | ".
func (s *Server) LogTail(lines int) string {
	f, err := os.Open(filepath.Join(s.opts.Dir, logFile))
	if err != nil {
		return ""
	}
	defer f.Close()
	b := make([]byte, 16<<10)
	start := int64(0)
	if st, err := f.Stat(); err == nil && st.Size() > int64(len(b)) {
		start = st.Size() - int64(len(b))
	}
	n, _ := f.ReadAt(b, start)
	return tail(strings.ToValidUTF8(string(b[:n]), "?"), lines)
}
