// Package pgwire serves the PostgreSQL protocol, version 3: it listens, proves who a client is, reads messages, calls a session and
// writes what comes back. The process starts it; the SQL engine is behind its Handler interface.
// It must not know SQL (DEALLOCATE of a name that only the protocol knows is the one exception), nor DuckDB, nor the mirror.
package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"foreshadow/sql/session"
)

// Handler is what a connection needs from the rest of the agent. Its methods are called by many connections at once.
type Handler interface {
	// Verifier gives a login's stored verifier in PostgreSQL's form; "" means that there is no such login.
	Verifier(ctx context.Context, user string) (verifier string, err error)
	// Connect opens a session for a client that has proved who it is. Its errors end the connection.
	Connect(ctx context.Context, s session.Startup) (session.Session, error)
}

// Options of a Server. Limits of 0 have defaults.
type Options struct {
	// Addr is host:port, or the path of a unix socket, which may be a folder: then the socket is .s.PGSQL.5432 in it, as clients expect.
	Addr string
	// TLS is required, except on a unix socket or with AllowPlain.
	TLS *tls.Config
	// AllowPlain lets clients on the loopback interface connect without TLS.
	AllowPlain bool
	Handler    Handler
	Log        *slog.Logger

	// Secret makes up the salts of users who do not exist; it should be the same after a restart. nil: random.
	Secret []byte
	// Iterations is what users who do not exist seem to have; it must be what real verifiers have. 0: auth.Iterations.
	Iterations int

	MaxConnections int           // authenticated or not; 0: 200
	MaxMessage     int           // bytes of one message after authentication; 0: 16 MiB
	StartupTimeout time.Duration // from accept to the proved password; 0: 30 s
	WriteTimeout   time.Duration // how long a client may take to accept 64 KiB; 0: 10 min
	DrainTimeout   time.Duration // how long running statements may go on at stop; 0: 5 s
}

// The limits that are no option: PostgreSQL has the first one too.
const (
	maxStartup       = 10_000
	maxBeforeAuth    = 8_000
	flushSize        = 64 << 10
	readChunk        = 64 << 10
	defaultMaxConns  = 200
	defaultMaxLength = 16 << 20
)

// withDefaults checks the options and fills in what is 0.
func (o Options) withDefaults() (Options, error) {
	if o.Handler == nil {
		return o, errors.New("pgwire needs a handler")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = defaultMaxConns
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = defaultMaxLength
	}
	for _, d := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{{&o.StartupTimeout, 30 * time.Second}, {&o.WriteTimeout, 10 * time.Minute}, {&o.DrainTimeout, 5 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.otherwise
		}
	}
	return o, nil
}
