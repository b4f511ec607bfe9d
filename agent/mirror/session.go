package mirror

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Session is one client's backend in the mirror. Prepare and Execute are sent without Sync, so that Sync ends the
// implicit transaction exactly where the client's does. After an error the backend is synchronised at once, as nothing
// else could follow. One goroutine uses a session; only Cancel and Close may be called beside it.
type Session struct {
	mirror   *Mirror
	role     string
	database string
	params   map[string]string // of the startup message

	mu       sync.Mutex
	be       *backend // nil while moved away from an old server and not needed since
	saved    []setting
	tx       byte // of the last ReadyForQuery
	dirty    bool // something was sent since the last Sync
	epoch    int  // grows when the backend's prepared statements are lost
	txEpoch  int  // grows when the backend's portals are lost
	serial   int
	stmts    map[string]*statement
	asked    map[string]string // the engine's own questions: text to statement name
	custom   map[string]bool   // custom settings seen in statements, which pg_settings does not list
	active   *rows             // the result whose rows are under way on the wire
	status   map[string]string
	notices  []*sqlerr.Error
	heard    []session.Notification
	dead     *sqlerr.Error
	cancelMu sync.Mutex // guards running, which Cancel reads without mu
	running  *backend
}

// newSession opens the first backend; its errors are FATAL for the client.
func newSession(ctx context.Context, m *Mirror, g *generation, role, database string, params map[string]string) (*Session, error) {
	s := &Session{mirror: m, role: role, database: database, params: params, tx: 'I',
		stmts: map[string]*statement{}, asked: map[string]string{}, custom: map[string]bool{asOfSetting: true}, status: map[string]string{}}
	b, err := dial(ctx, g, role, database, params, s)
	if err != nil {
		return nil, err
	}
	s.setBackend(b)
	return s, nil
}

// setBackend makes a backend the one that runs, also for Cancel.
func (s *Session) setBackend(b *backend) {
	s.be = b
	s.cancelMu.Lock()
	s.running = b
	s.cancelMu.Unlock()
}

// Prepare has PostgreSQL parse and analyse one statement. The name is for Execute and Deallocate; fields is nil for a statement without rows.
func (s *Session) Prepare(ctx context.Context, sql string, oids []uint32) (name string, params []uint32, fields []result.Field, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return "", nil, nil, err
	}
	name = s.nextName("s")
	st := &statement{sql: sql, wire: name, oids: oids}
	if err := s.prepare(st); err != nil {
		return "", nil, nil, err
	}
	s.stmts[name] = st
	s.noteSettings(sql)
	return name, st.params, st.fields, nil
}

// Execute binds and runs a prepared statement. Its first rows, or its end, have been read when it returns: a statement
// without rows has taken effect, and an early error is returned here.
func (s *Session) Execute(ctx context.Context, name string, params [][]byte, formats, resultFormats []int16) (result.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	r, err := s.execute(name, params, formats, resultFormats)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Check is Execute of name as soon as PostgreSQL has found that the role may run the statement check, of which nothing is run: a portal's
// executor looks at the privileges when it starts. Both take the same values.
func (s *Session) Check(ctx context.Context, check, name string, params [][]byte, formats []int16) (result.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	checked, err := s.ready(check)
	if err != nil {
		return nil, err
	}
	if _, err := s.ready(name); err != nil { // before the messages of the check, as it may ask something itself
		return nil, err
	}
	portal := s.nextName("c")
	s.send(&pgproto3.Bind{DestinationPortal: portal, PreparedStatement: checked.wire, ParameterFormatCodes: formats, Parameters: params},
		&pgproto3.Close{ObjectType: 'P', Name: portal})
	r, err := s.execute(name, params, formats, nil)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Deallocate forgets a prepared statement; the backend hears of it with the next message.
func (s *Session) Deallocate(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stmts[name]
	delete(s.stmts, name)
	if st != nil && s.be != nil && s.dead == nil && st.epoch == s.epoch {
		s.be.fe.Send(&pgproto3.Close{ObjectType: 'S', Name: st.wire})
	}
}

// Sync ends the implicit transaction. It costs nothing when nothing was sent since the last one.
func (s *Session) Sync(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty || s.dead != nil || s.be == nil {
		return nil
	}
	defer s.watch(ctx)()
	if err := s.settle(nil); err != nil {
		return err
	}
	if !s.dirty { // settling met an error and synchronised
		return nil
	}
	return s.sync()
}

// Fail puts an open transaction into the failed state, as an error in a statement would; outside a transaction block it only ends the implicit one.
func (s *Session) Fail(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.watch(ctx)()
	if s.dead != nil || s.be == nil || s.tx == 'E' || (s.tx == 'I' && !s.dirty) {
		return nil
	}
	if err := s.settle(nil); err != nil {
		return err
	}
	s.send(&pgproto3.Parse{Query: "fail"}, &pgproto3.Flush{})
	if err := s.flush(); err != nil {
		return err
	}
	_, err := s.receive() // a syntax error is the answer we want
	if s.dead != nil {
		return err
	}
	return nil
}

// TxStatus is I, T or E. Statements that begin or end a transaction are known of as soon as they have run.
func (s *Session) TxStatus() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tx
}

// Status is a copy of the parameters that the server has reported: server_version, TimeZone, IntervalStyle, ...
func (s *Session) Status() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.status)
}

// Notices takes away the notices and warnings that have come since the last call.
func (s *Session) Notices() []*sqlerr.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.notices
	s.notices = nil
	return out
}

// Notifications takes away what the channels that the session listens to have brought since the last call. They come with the answers to
// statements only.
func (s *Session) Notifications() []session.Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.heard
	s.heard = nil
	return out
}

// hear keeps a notification.
func (s *Session) hear(m *pgproto3.NotificationResponse) {
	if len(s.heard) < maxNotices {
		s.heard = append(s.heard, session.Notification{PID: m.PID, Channel: m.Channel, Payload: m.Payload})
	}
}

// Cancel interrupts what runs now. It may be called from any goroutine and returns when the server has sent the signal.
func (s *Session) Cancel() {
	s.cancelMu.Lock()
	b := s.running
	s.cancelMu.Unlock()
	if b != nil {
		b.cancel()
	}
}

// Close ends the backend, also one that is busy.
func (s *Session) Close() error {
	s.mirror.forget(s)
	if !s.mu.TryLock() {
		s.cancelMu.Lock()
		b := s.running
		s.cancelMu.Unlock()
		if b != nil {
			b.cancel()
			_ = b.conn.SetReadDeadline(time.Now().Add(cancelGrace)) // the request may have come too early
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.be != nil {
		s.be.close()
		s.setBackend(nil)
	}
	s.dead = sqlerr.New(sqlerr.ConnectionFailure, "the session is closed")
	return nil
}

// watch cancels the backend when the context ends, and gives the connection up if even that gets no answer. The
// returned function ends the watch; no cancel request of this call is under way after it.
func (s *Session) watch(ctx context.Context) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	handled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(handled)
		s.cancelMu.Lock()
		b := s.running
		s.cancelMu.Unlock()
		if b != nil {
			_ = b.conn.SetReadDeadline(time.Now().Add(cancelGrace))
			b.cancel()
		}
	})
	return func() {
		if stop() {
			return
		}
		<-handled
		if s.be != nil {
			_ = s.be.conn.SetReadDeadline(time.Time{})
		}
	}
}

// nextName gives statements and portals names that no client would choose.
func (s *Session) nextName(kind string) string {
	s.serial++
	return "foreshadow_" + kind + strconv.Itoa(s.serial)
}

// noteSettings remembers names of custom settings, which PostgreSQL does not list, so that a move can carry their values.
func (s *Session) noteSettings(sql string) {
	if !strings.ContainsRune(sql, '.') {
		return
	}
	for _, m := range customSetting.FindAllStringSubmatch(sql, -1) {
		s.custom[strings.ToLower(m[1]+m[2])] = true
	}
}
