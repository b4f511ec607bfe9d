package pgwire

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// goneEvery is how often a connection is asked whether its client is still there while a statement runs.
const goneEvery = time.Second

// watch cancels what runs for a client that has gone, which would otherwise be noticed at the next write only. It ends with the connection.
func (c *conn) watch(done <-chan struct{}) {
	socket, ok := c.raw.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	tick := time.NewTicker(goneEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if hungUp(raw) {
				c.cancel()
			}
		}
	}
}

// hungUp asks the kernel, as PostgreSQL does for client_connection_check_interval: what the client sent before may still wait to be read.
func hungUp(raw syscall.RawConn) bool {
	gone := false
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		gone = err == nil && n > 0
	})
	return err == nil && gone
}
