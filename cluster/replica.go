package cluster

import (
	"context"
	"sync"

	"foreshadow/cluster/state"
)

// replica is this agent's copy of the replicated state: the state machine behind a lock, as raftnode wants it.
type replica struct {
	mu       sync.RWMutex
	s        *state.State
	watchers map[chan Event]bool // true: an event was dropped
	changed  func()
}

// Event is a request that changed, as it stands after the change. Missed means that the watcher was too slow and events before this
// one were dropped: it should read what it needs.
type Event struct {
	Request state.Request
	Missed  bool
}

// newReplica makes an empty copy; changed is called after requests changed, and must not block.
func newReplica(changed func()) *replica {
	return &replica{s: state.New(), watchers: map[chan Event]bool{}, changed: changed}
}

// Apply runs one entry and tells the watchers.
func (r *replica) Apply(index uint64, entry []byte) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	res, err := r.s.Apply(index, entry)
	if err != nil {
		return nil, err
	}
	for _, id := range res.Changed {
		req, refusal := r.s.Request(id)
		if refusal == nil {
			r.tell(req)
		}
	}
	r.changed()
	return res, nil
}

// tell sends an event to every watcher that has room.
func (r *replica) tell(req state.Request) {
	for ch, missed := range r.watchers {
		select {
		case ch <- Event{Request: req, Missed: missed}:
			r.watchers[ch] = false
		default:
			r.watchers[ch] = true
		}
	}
}

// Snapshot gives the state's bytes.
func (r *replica) Snapshot() ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.s.Snapshot()
}

// Restore replaces the state, after its audit chain and hashes were verified.
func (r *replica) Restore(b []byte) error {
	s, err := state.Restore(b)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s = s
	for ch := range r.watchers {
		r.watchers[ch] = true
	}
	r.changed()
	return nil
}

// Index is the index of the last entry applied.
func (r *replica) Index() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.s.Index()
}

// read looks at the state; f must not keep it.
func (r *replica) read(f func(*state.State)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f(r.s)
}

// watch registers a watcher until ctx ends, when its channel is closed.
func (r *replica) watch(ctx context.Context) <-chan Event {
	ch := make(chan Event, 128)
	r.mu.Lock()
	r.watchers[ch] = false
	r.mu.Unlock()
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, ch)
		close(ch)
	})
	return ch
}
