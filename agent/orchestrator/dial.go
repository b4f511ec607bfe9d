package orchestrator

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"foreshadow/agent/orchestrator/local"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// Connection is a client's way into an instance: Proxy is for the session, Cancel for its cancel request.
type Connection struct {
	Proxy  *session.Proxy
	Cancel func()
}

// Dial connects to an instance under a role. params are the client's startup parameters; the ones a client may set are passed on.
// The instance must be ready (57P03, or 55000 when it failed) and have a connection left (53300).
func (o *Orchestrator) Dial(ctx context.Context, name, role string, params map[string]string) (*Connection, error) {
	i, err := o.enter(name)
	if err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() { o.mu.Lock(); i.open--; o.mu.Unlock() })
	if err := o.ensureRunning(ctx, i); err != nil {
		release()
		return nil, sqlerr.New(sqlerr.CannotConnectNow, "predictive instance %q is not running", name).WithDetail("%s", err.Error())
	}
	i.mu.Lock()
	server := i.server
	i.mu.Unlock()
	if server == nil {
		release()
		return nil, unknown(name)
	}
	client, err := server.Dial(ctx, name, role, params)
	if err != nil {
		release()
		return nil, err
	}
	return &Connection{Proxy: &session.Proxy{Conn: &counted{client.Conn, release}, Start: client.Start}, Cancel: client.Cancel}, nil
}

// enter counts a connection in.
func (o *Orchestrator) enter(name string) (*instance, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, ok := o.instances[name]
	switch {
	case !ok:
		return nil, unknown(name)
	case i.record.State == Failed:
		return nil, sqlerr.New(sqlerr.ObjectNotInState, "building predictive instance %q has failed", name).WithDetail("%s", i.record.Message)
	case i.record.State != Ready:
		return nil, sqlerr.New(sqlerr.CannotConnectNow, "predictive instance %q is not ready: %s", name, i.record.State).WithHint("See foreshadow.operations.")
	case i.open >= i.record.Config.NetworkConfiguration.MaxConnections:
		return nil, sqlerr.New(sqlerr.TooManyConnections, "too many connections to predictive instance %q", name)
	}
	i.open++
	return i, nil
}

// counted is a connection that is counted out when it is closed.
type counted struct {
	net.Conn
	release func()
}

// Close may be called more than once.
func (c *counted) Close() error {
	c.release()
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// socketDir is where an instance listens. It is the same after a restart and short enough for a socket's path.
func (o *Orchestrator) socketDir(name string) string {
	dir := filepath.Join(o.opts.Dir, "run", name)
	if len(dir) <= local.LongestSocketDir {
		return dir
	}
	return filepath.Join("/tmp", fmt.Sprintf("fspi-%x", sha256.Sum256([]byte(o.dataDir(name))))[:24])
}
