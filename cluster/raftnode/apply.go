package raftnode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// ErrNotLeader means that nothing was done: another node leads, or none does.
var ErrNotLeader = errors.New("this agent does not lead the cluster")

// ErrUnknown means that it is not known whether the entry was or will be committed. Ask again with the same operation id.
var ErrUnknown = errors.New("the outcome is not known")

// Apply commits an entry on the leader and returns what the FSM answered, and the entry's index.
// Its error is ErrNotLeader, or one that is ErrUnknown.
func (n *Node) Apply(ctx context.Context, entry []byte) (any, uint64, error) {
	f := n.raft.Apply(entry, 2*time.Second)
	if err := await(ctx, f); err != nil {
		return nil, 0, classify(err)
	}
	if err, ok := f.Response().(error); ok {
		return nil, 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return f.Response(), f.Index(), nil
}

// ReadIndex gives, on the leader, an index that holds everything committed before the call. It commits a barrier, which also proves
// that the node still leads; a linearizable read then waits for the index where it is read.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	if err := await(ctx, n.raft.Barrier(2*time.Second)); err != nil {
		return 0, classify(err)
	}
	return n.fsm.fsm.Index(), nil
}

// await waits for a future no longer than ctx. The library answers every future at the latest when the node stops.
func await(ctx context.Context, f raft.Future) error {
	ch := make(chan error, 1)
	go func() { ch <- f.Error() }()
	select {
	case err := <-ch:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// classify sorts the library's errors into the two kinds that matter to a caller.
func classify(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return ErrNotLeader
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// WaitApplied waits until this node has applied everything up to an index.
func (n *Node) WaitApplied(ctx context.Context, index uint64) error { return n.fsm.wait(ctx, index) }

// Call asks another agent; its Handler answers. An error that is ErrUnknown came after the question may have been read.
func (n *Node) Call(ctx context.Context, id string, request []byte) ([]byte, error) {
	return n.net.call(ctx, id, request)
}

// Leading reports whether this node believes that it leads.
func (n *Node) Leading() bool { return n.raft.State() == raft.Leader }

// Leader is the id of the node that leads as far as this one knows, or "".
func (n *Node) Leader() string {
	_, id := n.raft.LeaderWithID()
	return string(id)
}

// Member is one server of the group.
type Member struct {
	ID, Addr            string
	Voter, Leader, Self bool
}

// Members gives the group as the log has it.
func (n *Node) Members() ([]Member, error) {
	f := n.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, fmt.Errorf("read the raft configuration: %w", err)
	}
	leader := n.Leader()
	var out []Member
	for _, s := range f.Configuration().Servers {
		id := string(s.ID)
		out = append(out, Member{
			ID: id, Addr: n.net.peers[id], Voter: s.Suffrage == raft.Voter, Leader: id == leader, Self: id == n.opts.ID,
		})
	}
	return out, nil
}

// Snapshot writes a snapshot now; Raft does it by itself after so many entries.
func (n *Node) Snapshot() error {
	if err := n.raft.Snapshot().Error(); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	return nil
}
