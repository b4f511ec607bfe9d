package engine

import (
	"context"
	"encoding/json"
	"sync"

	"foreshadow/sql/rewrite"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// requestChannel brings the changes of governance's requests to those who LISTEN to it.
const requestChannel = "foreshadow_requests"

// maxHeard bounds what a client that never comes back from its transaction can make us keep.
const maxHeard = 1000

// listener follows governance's requests for one session while its client listens. LISTEN and UNLISTEN themselves are the mirror's, which knows
// what a transaction makes of them.
type listener struct {
	touched bool // a LISTEN or UNLISTEN has been seen since the last look
	stop    func()

	mu     sync.Mutex
	heard  []session.Notification
	notify func()
}

var _ session.Notifier = (*querySession)(nil)

// OnNotify keeps whom to tell.
func (s *querySession) OnNotify(f func()) {
	s.listener.mu.Lock()
	defer s.listener.mu.Unlock()
	s.listener.notify = f
}

// Notifications gives the requests' changes and what the mirror's own channels have brought. What anybody else sends by the requests' channel is
// left out.
func (s *querySession) Notifications() []session.Notification {
	s.listener.mu.Lock()
	out := s.listener.heard
	s.listener.heard = nil
	s.listener.mu.Unlock()
	for _, n := range s.mirror.Notifications() {
		if n.Channel != requestChannel {
			out = append(out, n)
		}
	}
	return out
}

// checkNotify keeps clients from sending what only governance may, and notes what changes the list of channels.
func (s *querySession) checkNotify(q *rewrite.Query) error {
	channel, ok := q.Notified()
	if ok && channel == requestChannel {
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for channel \"%s\"", channel).
			WithHint("The agent itself tells there of the requests that change.")
	}
	s.listener.touched = s.listener.touched || q.Listens()
	return nil
}

// followListening starts or stops to follow the requests after LISTEN or UNLISTEN has taken effect.
func (s *querySession) followListening(ctx context.Context) error {
	l := &s.listener
	if !l.touched || s.mirror.TxStatus() != 'I' || s.e.o.Governance == nil {
		return nil
	}
	l.touched = false
	found, err := s.mirror.Query(ctx, "SELECT 1 FROM pg_catalog.pg_listening_channels() c WHERE c = $1", requestChannel)
	if err != nil {
		return err
	}
	switch {
	case len(found) == 0:
		l.close()
	case l.stop == nil:
		l.follow(s.e.o.Governance)
	}
	return s.mirror.Sync(ctx)
}

// follow hears every change until close.
func (l *listener) follow(g Governance) {
	ctx, cancel := context.WithCancel(context.Background())
	events, done := g.Watch(ctx), make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			l.hear(e)
		}
	}()
	l.stop = func() { cancel(); <-done }
}

// close ends the following.
func (l *listener) close() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// hear keeps a change and says that there is one.
func (l *listener) hear(e RequestEvent) {
	payload, err := json.Marshal(struct {
		ID     int64  `json:"id"`
		State  string `json:"state"`
		Kind   string `json:"kind"`
		Target string `json:"target"`
		Missed bool   `json:"missed,omitempty"`
	}{e.ID, e.State, e.Kind, e.Target, e.Missed})
	if err != nil {
		return // strings and numbers always become JSON
	}
	l.mu.Lock()
	if len(l.heard) < maxHeard {
		l.heard = append(l.heard, session.Notification{Channel: requestChannel, Payload: string(payload)})
	}
	notify := l.notify
	l.mu.Unlock()
	if notify != nil {
		notify()
	}
}
