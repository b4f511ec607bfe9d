package raftnode

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// FSM is what the entries are applied to. The node calls Apply, Snapshot and Restore from one goroutine at a time; Index at any time.
type FSM interface {
	// Apply runs one committed entry. An error means that the node must not go on.
	Apply(index uint64, entry []byte) (any, error)
	Snapshot() ([]byte, error)
	Restore(snapshot []byte) error
	// Index is the index of the last entry applied, also after Restore.
	Index() uint64
}

// fsmAdapter is the library's view of an FSM. After an error it applies nothing more and gives no snapshot.
type fsmAdapter struct {
	fsm    FSM
	fatal  func(error)
	halted error

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when the index moves
}

// newFSMAdapter wraps an FSM.
func newFSMAdapter(f FSM, fatal func(error)) *fsmAdapter {
	return &fsmAdapter{fsm: f, fatal: fatal, changed: make(chan struct{})}
}

// Apply runs one entry, or ends the process.
func (a *fsmAdapter) Apply(l *raft.Log) any {
	if a.halted != nil {
		return a.halted
	}
	res, err := a.fsm.Apply(l.Index, l.Data)
	if err != nil {
		a.halted = err
		a.fatal(err)
		return err
	}
	a.broadcast()
	return res
}

// Snapshot copies the state, which is small, while nothing is applied.
func (a *fsmAdapter) Snapshot() (raft.FSMSnapshot, error) {
	if a.halted != nil {
		return nil, a.halted
	}
	b, err := a.fsm.Snapshot()
	if err != nil {
		return nil, err
	}
	return snapshot(b), nil
}

// Restore replaces the state.
func (a *fsmAdapter) Restore(r io.ReadCloser) error {
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read a snapshot: %w", err)
	}
	if err := a.fsm.Restore(b); err != nil {
		return err
	}
	a.broadcast()
	return nil
}

// broadcast wakes everyone who waits for an index.
func (a *fsmAdapter) broadcast() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.changed)
	a.changed = make(chan struct{})
}

// wait returns when everything up to an index is applied.
func (a *fsmAdapter) wait(ctx context.Context, index uint64) error {
	for {
		a.mu.Lock()
		ch := a.changed
		a.mu.Unlock()
		if a.fsm.Index() >= index {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// snapshot is a state's bytes on their way to the disk.
type snapshot []byte

// Persist writes the bytes.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(s); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("write a snapshot: %w", err)
	}
	return sink.Close()
}

// Release has nothing to free.
func (s snapshot) Release() {}
