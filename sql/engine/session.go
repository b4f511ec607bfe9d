package engine

import (
	"context"
	"sync"

	"foreshadow/sql/ast"
	"foreshadow/sql/parse"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// querySession is a session on a source. One goroutine uses it, except for Cancel.
type querySession struct {
	e      *Engine
	source *Source
	login  Login
	mirror MirrorSession
	shown  map[int64]string // hashes of the requests that this session has been shown
	begun  bool             // a statement has run since the last Sync

	names    names // cursors and prepared statements over the shadow
	listener listener

	relations knownRelations
	idle      []*shadowStatement // closed ones, the oldest first

	mu      sync.Mutex
	running *job // the shadow query or own statement under way
	notices []*sqlerr.Error
}

// job is work of ours that Cancel interrupts.
type job struct{ cancel context.CancelFunc }

var _ session.Session = (*querySession)(nil)

func newQuerySession(e *Engine, src *Source, login Login, m MirrorSession) *querySession {
	return &querySession{e: e, source: src, login: login, mirror: m, shown: map[int64]string{}, names: newNames()}
}

// checkStartup refuses a session whose startup message sets foreshadow.as_of to what is no moment.
func (s *querySession) checkStartup(ctx context.Context, params map[string]string) error {
	if params["options"] == "" && params[asOfSetting] == "" {
		return nil
	}
	_, _, err := s.setting(ctx)
	if err != nil && sqlerr.From(err).Code == sqlerr.InvalidParameterValue {
		return err
	}
	return s.mirror.Sync(ctx) // whether the moment is known is a question of the tables
}

var _ session.Failer = (*querySession)(nil)

// Fail makes the transaction see an error that the protocol's side found by itself.
func (s *querySession) Fail(ctx context.Context) error { return s.mirror.Fail(ctx) }

func (s *querySession) Proxy() *session.Proxy     { return nil }
func (s *querySession) Status() map[string]string { return s.mirror.Status() }
func (s *querySession) TxStatus() byte            { return s.mirror.TxStatus() }

// Sync ends the implicit transaction, and with it the cursors that live no longer than their transaction.
func (s *querySession) Sync(ctx context.Context) error {
	s.begun = false
	if err := s.mirror.Sync(ctx); err != nil {
		return err
	}
	if err := s.sweepCursors(ctx); err != nil {
		return err
	}
	return s.followListening(ctx)
}

// Notices gives the mirror's notices and then our own.
func (s *querySession) Notices() []*sqlerr.Error {
	out := append(s.mirror.Notices(), s.notices...)
	s.notices = nil
	return out
}

// Cancel interrupts whatever runs: the mirror's statement, a shadow query or a statement of our own.
func (s *querySession) Cancel() {
	s.interrupt()
	s.mirror.Cancel()
}

// Close interrupts what runs and ends the backend.
func (s *querySession) Close() error {
	s.interrupt()
	s.listener.close()
	s.names.close()
	return s.mirror.Close()
}

// interrupt ends the work of ours that is under way.
func (s *querySession) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.cancel()
	}
}

// begin makes a job the one that Cancel interrupts.
func (s *querySession) begin(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = j
}

// end takes a job from Cancel, unless another has begun since.
func (s *querySession) end(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == j {
		s.running = nil
	}
}

// cancellable makes a context that Cancel ends; the returned function must be called when the work is over.
func (s *querySession) cancellable(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	j := &job{cancel}
	s.begin(j)
	return ctx, func() {
		s.end(j)
		cancel()
	}
}

// maxText bounds a query string whoever answers it: parsing takes memory and time in proportion, and cannot be interrupted.
const maxText = 256 << 10

// tooLong is PostgreSQL's code for a statement beyond a limit.
func tooLong(sql string) error {
	if len(sql) <= maxText {
		return nil
	}
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is longer than %d bytes", maxText)
}

// Parse splits a query string and checks the syntax of all of it.
func (s *querySession) Parse(ctx context.Context, sql string) ([]session.Text, error) {
	if err := tooLong(sql); err != nil {
		return nil, s.fail(ctx, err)
	}
	texts, err := parse.Split(sql)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return texts, nil
}

// Prepare routes one statement: our own, a query over shadow relations, or one for the mirror.
func (s *querySession) Prepare(ctx context.Context, t session.Text, paramOIDs []uint32) (session.Statement, error) {
	st, err := s.prepare(ctx, t, paramOIDs)
	if err != nil {
		return nil, s.fail(ctx, parse.Shift(err, t.Offset))
	}
	return st, nil
}

func (s *querySession) prepare(ctx context.Context, t session.Text, paramOIDs []uint32) (session.Statement, error) {
	if err := tooLong(t.SQL); err != nil {
		return nil, err
	}
	parsed, err := parse.Statement(t.SQL)
	if err != nil {
		return nil, err
	}
	switch st := parsed.(type) {
	case ast.Empty:
		return &ownStatement{s: s}, nil
	case ast.Postgres:
		return s.preparePostgres(ctx, t, paramOIDs, nil)
	default:
		return s.prepareOwn(st, t)
	}
}

// fail makes the transaction see an error that the mirror has not raised itself.
func (s *querySession) fail(ctx context.Context, err error) error {
	e := sqlerr.From(err)
	if ferr := s.mirror.Fail(ctx); ferr != nil {
		s.e.o.Log.Debug("mirror session could not be failed", "error", ferr)
	}
	return e
}

// notice is sent to the client before the statement's end.
func (s *querySession) notice(n *sqlerr.Error) { s.notices = append(s.notices, n) }

// column is a result column of a statement of our own.
func column(name string, oid uint32, size int16) result.Field {
	return result.Field{Name: name, TypeOID: oid, TypeSize: size, TypMod: -1}
}
