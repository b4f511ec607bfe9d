package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// answers sends a startup packet and says whether the server is past "starting up". Any other answer, also a refusal, counts.
func answers(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	body := []byte("user\x00" + Superuser + "\x00database\x00postgres\x00\x00")
	msg := binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))
	msg = binary.BigEndian.AppendUint32(msg, 3<<16)
	if _, err := conn.Write(append(msg, body...)); err != nil {
		return false
	}
	b := make([]byte, 512)
	n, err := conn.Read(b)
	if err != nil || n == 0 {
		return false
	}
	if b[0] == 'E' {
		return !bytes.Contains(b[:n], []byte("C57P03\x00"))
	}
	_, _ = conn.Write([]byte{'X', 0, 0, 0, 4})
	return b[0] == 'R'
}

// EndStray ends a server that an earlier process of ours left running on the same data directory; two on one directory would be refused.
func (s *Server) EndStray(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(s.opts.Dir, "postmaster.pid"))
	if err != nil {
		return nil // none: the usual case
	}
	pid, err := strconv.Atoi(strings.SplitN(string(b), "\n", 2)[0])
	if err != nil || pid <= 1 {
		return nil
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != s.opts.Dir {
		return nil // a stale file; PostgreSQL checks it itself
	}
	s.opts.Log.Warn("a server of an earlier run still holds the data directory and is stopped", "pid", pid)
	_ = syscall.Kill(pid, syscall.SIGINT)
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if waitGone(soon, pid) {
		return nil
	}
	children := frozenChildren(pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	if !waitGone(ctx, pid) {
		return fmt.Errorf("stop the earlier server %d: %w", pid, ctx.Err())
	}
	return nil
}

// frozenChildren stops a process and then lists its children: one that it forked in between would be missed and keep its memory.
func frozenChildren(pid int) []int {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	poll(ctx, func() bool {
		_, ppid, state := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		return ppid < 0 || state == 'T' || state == 'Z' || state == 'X'
	})
	return childrenOf(pid)
}

// childrenOf lists the direct children of a process; PostgreSQL has no grandchildren that hold its memory.
func childrenOf(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var out []int
	for _, path := range stats {
		pid, ppid, _ := readStat(path)
		if ppid == parent {
			out = append(out, pid)
		}
	}
	return out
}

// readStat takes pid, parent and state from a /proc stat file; the command name may hold spaces and parentheses.
func readStat(path string) (pid, ppid int, state byte) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, -1, 'X'
	}
	end := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[end+1:]))
	if end < 0 || len(fields) < 2 {
		return 0, -1, 'X'
	}
	pid, _ = strconv.Atoi(strings.SplitN(string(b), " ", 2)[0])
	ppid, _ = strconv.Atoi(fields[1])
	return pid, ppid, fields[0][0]
}

// waitGone waits until a process has ended; a zombie has. It says false when the context ended first.
func waitGone(ctx context.Context, pid int) bool {
	return poll(ctx, func() bool {
		_, ppid, state := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		return ppid < 0 || state == 'Z' || state == 'X'
	})
}

// poll asks every few milliseconds until the answer is yes; it says false when the context ended first.
func poll(ctx context.Context, done func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
