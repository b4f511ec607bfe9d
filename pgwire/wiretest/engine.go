// Package wiretest holds what tests of the protocol share: a scripted engine that needs no database, the text form of messages that
// golden files use, and a client that goes through the startup. Only tests use it; it must not grow SQL of its own.
package wiretest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// Engine is a pgwire.Handler whose sessions understand a handful of commands in place of SQL; see commands.go.
type Engine struct {
	Verifiers map[string]string
	// Open makes the session; nil means a scripted one.
	Open func(context.Context, session.Startup) (session.Session, error)

	mu       sync.Mutex
	Startups []session.Startup
	sessions map[*Session]bool
	Live     atomic.Int64 // sessions, statements and portals that are not closed
	Waiting  atomic.Int64 // sessions in a wait
}

// Verifier looks a login up.
func (e *Engine) Verifier(_ context.Context, user string) (string, error) {
	return e.Verifiers[user], nil
}

// Connect opens a scripted session; the database "missing" does not exist.
func (e *Engine) Connect(ctx context.Context, s session.Startup) (session.Session, error) {
	e.mu.Lock()
	e.Startups = append(e.Startups, s)
	e.mu.Unlock()
	if s.Database == "missing" {
		return nil, sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", s.Database)
	}
	if e.Open != nil {
		return e.Open(ctx, s)
	}
	e.Live.Add(1)
	opened := &Session{
		engine: e, tx: 'I', cancelled: make(chan struct{}, 1),
		status: map[string]string{"TimeZone": "UTC", "DateStyle": "ISO, MDY", "server_version": "15.0"},
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions == nil {
		e.sessions = map[*Session]bool{}
	}
	e.sessions[opened] = true
	return opened, nil
}

// tell sends a notification to every session.
func (e *Engine) tell(payload string) {
	var notify []func()
	e.mu.Lock()
	for s := range e.sessions {
		s.heard = append(s.heard, session.Notification{Channel: "news", Payload: payload})
		if s.notify != nil {
			notify = append(notify, s.notify)
		}
	}
	e.mu.Unlock()
	for _, f := range notify {
		f()
	}
}

// LastStartup is what the newest session was told about its client.
func (e *Engine) LastStartup() session.Startup {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.Startups) == 0 {
		return session.Startup{}
	}
	return e.Startups[len(e.Startups)-1]
}

// Session is a scripted session.
type Session struct {
	engine    *Engine
	status    map[string]string
	notices   []*sqlerr.Error
	tx        byte
	cancelled chan struct{}
	heard     []session.Notification
	notify    func()
}

var _ session.Notifier = (*Session)(nil)

// OnNotify keeps whom to tell.
func (s *Session) OnNotify(f func()) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	s.notify = f
}

// Notifications takes them away.
func (s *Session) Notifications() []session.Notification {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	out := s.heard
	s.heard = nil
	return out
}

// Status is what set has changed.
func (s *Session) Status() map[string]string {
	m := map[string]string{}
	for k, v := range s.status {
		m[k] = v
	}
	return m
}

// Parse splits at semicolons. The word "syntax" anywhere is an error.
func (s *Session) Parse(_ context.Context, sql string) ([]session.Text, error) {
	if at := strings.Index(sql, "syntax"); at >= 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near %q", "syntax").At(at + 1)
	}
	var texts []session.Text
	offset := 0
	for part := range strings.SplitSeq(sql, ";") {
		if trimmed := strings.TrimSpace(part); trimmed != "" {
			texts = append(texts, session.Text{SQL: trimmed, Offset: offset + strings.Index(part, trimmed)})
		}
		offset += len(part) + 1
	}
	return texts, nil
}

// Sync ends the implicit transaction.
func (s *Session) Sync(context.Context) error { return nil }

// Fail puts an open block into its failed state.
func (s *Session) Fail(context.Context) error {
	if s.tx == 'T' {
		s.tx = 'E'
	}
	return nil
}

// TxStatus is what begin, commit and errors have made of it.
func (s *Session) TxStatus() byte { return s.tx }

// Notices takes them away.
func (s *Session) Notices() []*sqlerr.Error {
	n := s.notices
	s.notices = nil
	return n
}

// Proxy is nil: scripted sessions are not on an instance.
func (s *Session) Proxy() *session.Proxy { return nil }

// Cancel ends a wait.
func (s *Session) Cancel() {
	select {
	case s.cancelled <- struct{}{}:
	default:
	}
}

// Close counts.
func (s *Session) Close() error {
	s.engine.mu.Lock()
	delete(s.engine.sessions, s)
	s.engine.mu.Unlock()
	s.engine.Live.Add(-1)
	return nil
}

// Prepare reads the command.
func (s *Session) Prepare(_ context.Context, t session.Text, oids []uint32) (session.Statement, error) {
	words := strings.Fields(t.SQL)
	if s.tx == 'E' && words[0] != "rollback" {
		return nil, sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	if words[0] == "bad" {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", "bad").At(t.Offset + 1)
	}
	st := &statement{session: s, words: words, params: oids, offset: t.Offset}
	if words[0] == "param" && len(oids) == 0 {
		for _, w := range words[1:] {
			oid, err := strconv.ParseUint(w, 10, 32)
			if err != nil {
				return nil, sqlerr.New(sqlerr.InvalidText, "not a type: %s", w)
			}
			st.params = append(st.params, uint32(oid))
		}
	}
	s.engine.Live.Add(1)
	return st, nil
}
