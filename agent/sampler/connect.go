package sampler

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// session are the settings of the one connection: it cannot write, cannot wait for locks and cannot run long.
var session = map[string]string{
	"application_name":                    "foreshadow_sampler",
	"default_transaction_read_only":       "on",
	"statement_timeout":                   "2000",
	"lock_timeout":                        "100",
	"idle_in_transaction_session_timeout": "5000",
	"TimeZone":                            "UTC",
	"jit":                                 "off",
}

// connect makes sure that there is a connection; it is false while the primary cannot be reached.
func (s *Sampler) connect(ctx context.Context) bool {
	if s.conn != nil && !s.conn.IsClosed() {
		return true
	}
	now := s.o.Clock()
	if now.Before(s.connectAt) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	config, err := pgx.ParseConfig(s.o.DSN)
	if err == nil {
		for name, value := range session {
			config.RuntimeParams[name] = value
		}
		s.conn, err = pgx.ConnectConfig(ctx, config)
	}
	if err != nil {
		s.conn = nil
		s.connectErr++
		s.connectAt = now.Add(backoff(s.o.Interval, s.connectErr))
		if s.connectErr == 1 && ctx.Err() == nil {
			s.o.Log.Warn("the primary cannot be sampled and is tried again", "error", err)
		}
		return false
	}
	if s.connectErr > 0 {
		s.o.Log.Info("the primary is sampled again")
	}
	s.connectErr = 0
	return true
}

// disconnect closes the connection, if there is one.
func (s *Sampler) disconnect() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
	s.conn = nil
}
