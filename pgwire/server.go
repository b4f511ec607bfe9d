package pgwire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"foreshadow/pgwire/auth"
)

// Server listens on one address.
type Server struct {
	o        Options
	listener net.Listener
	unix     bool
	auth     *auth.Server
	throttle *auth.Throttle

	mu       sync.Mutex
	conns    map[*conn]struct{} // all that are open
	keys     map[uint32]*conn   // by process id, those that can be cancelled
	draining atomic.Bool
	live     atomic.Int64 // past their startup message
	done     sync.WaitGroup
}

// New opens the listener, so that Addr is known before Run.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, auth: auth.NewServer(o.Secret, o.Iterations), throttle: auth.NewThrottle(),
		conns: map[*conn]struct{}{}, keys: map[uint32]*conn{},
	}
	network, addr := "tcp", o.Addr
	if path, ok := strings.CutPrefix(o.Addr, "unix:"); ok || strings.HasPrefix(o.Addr, "/") {
		network, addr = "unix", socketPath(path)
		s.unix = true
		if err := removeStale(addr); err != nil {
			return nil, err
		}
	} else if o.TLS == nil && !o.AllowPlain {
		return nil, errors.New("pgwire needs TLS on a network address")
	}
	if s.listener, err = net.Listen(network, addr); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Addr, err)
	}
	return s, nil
}

// socketPath is the socket file for a path that may be a folder.
func socketPath(path string) string {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return filepath.Join(path, ".s.PGSQL.5432")
	}
	return path
}

// removeStale removes a socket that a dead process left; one that answers is somebody else's.
func removeStale(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	if c, err := net.Dial("unix", path); err == nil {
		return errors.Join(fmt.Errorf("listen on %s: another process serves it", path), c.Close())
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove stale socket: %w", err)
	}
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close stops listening. A server that was run has done so already, which is no error.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

// Run serves until ctx is done, and then stops in two steps: idle connections end at once, running statements have until
// DrainTimeout, then they are cancelled. When it returns, no goroutine of the server is left.
func (s *Server) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	err := s.accept(base)
	if ctx.Err() != nil {
		err = nil
	}
	_ = s.listener.Close()
	s.drain(cancel)
	return err
}

// accept starts a goroutine for each connection until the listener is closed.
func (s *Server) accept(ctx context.Context) error {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("accept: %w", err)
			}
			s.o.Log.Warn("cannot accept a connection", "error", err)
			time.Sleep(50 * time.Millisecond) // out of file descriptors: wait for some to close
			continue
		}
		c := newConn(s, nc)
		if !s.add(c) {
			_ = nc.Close()
			continue
		}
		go func() {
			defer s.done.Done()
			defer s.remove(c)
			c.serve(ctx)
		}()
	}
}

// add keeps a connection for drain. Twice the limit may be open, so that cancel requests and a clear refusal still get through.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() || len(s.conns) >= 2*s.o.MaxConnections+16 {
		return false
	}
	s.conns[c] = struct{}{}
	s.done.Add(1)
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	delete(s.keys, c.id)
}

// drain ends all connections and waits for them.
func (s *Server) drain(cancel context.CancelFunc) {
	s.mu.Lock()
	s.draining.Store(true)
	for c := range s.conns {
		c.wake()
	}
	s.mu.Unlock()
	finished := make(chan struct{})
	go func() {
		s.done.Wait()
		close(finished)
	}()
	timer := time.NewTimer(s.o.DrainTimeout)
	defer timer.Stop()
	select {
	case <-finished:
		return
	case <-timer.C:
	}
	cancel()
	s.mu.Lock()
	left := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range left {
		c.abandon()
		c.cancel()
	}
	<-finished
}

// Connections is how many clients are past their startup message.
func (s *Server) Connections() int { return int(s.live.Load()) }
