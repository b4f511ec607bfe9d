package cluster

import (
	"context"
	"errors"
	"time"

	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// ErrUndecided is returned (wrapped) by an Executor that can tell neither that the work is done nor that nothing of it is left. It is
// called again under the same fence.
var ErrUndecided = errors.New("the outcome of the work is not decided")

// Pauses of the reconcile loop: between looks when nothing changed, and after a claim that was refused or an undecided execution.
const (
	lookAgain = 2 * time.Second
	calmDown  = time.Second
)

// reconcile looks for requests of this agent after every change: approved ones are claimed, claimed ones are carried out, those of an
// earlier life of the agent too.
func (n *Node) reconcile(ctx context.Context) {
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		if n.opts.Executor != nil {
			for _, r := range n.due() {
				n.work.Go(func() {
					defer n.finished(r.ID)
					n.carryOut(ctx, r)
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-t.C:
		}
	}
}

// due gives the requests to begin with now and marks them as taken.
func (n *Node) due() []state.Request {
	var all []state.Request
	n.fsm.read(func(s *state.State) { all = s.Work(n.opts.ID) })
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, at := range n.calmed {
		if time.Since(at) >= calmDown {
			delete(n.calmed, id)
		}
	}
	var out []state.Request
	for _, r := range all {
		if _, calm := n.calmed[r.ID]; !n.busy[r.ID] && !calm {
			n.busy[r.ID] = true
			out = append(out, r)
		}
	}
	return out
}

// finished lets a request be looked at again, a little later: most have reached their end by then.
func (n *Node) finished(id uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.busy, id)
	n.calmed[id] = time.Now()
}

// carryOut claims a request and has it executed. Whatever it learned before is read again from the leader: a copy that lags could hold
// a request as claimed that was done, and undone by another, long ago.
func (n *Node) carryOut(ctx context.Context, r state.Request) {
	log := n.opts.Log.With("request", r.ID, "kind", string(r.Kind))
	if r.Phase == state.Approved {
		if _, err := n.submit(ctx, &state.Claim{ID: r.ID, Agent: n.opts.ID}); err != nil {
			log.Info("a request was not claimed", "error", err)
			return
		}
	}
	r, err := n.Show(ctx, r.ID)
	if err != nil || (r.Phase != state.Executing && r.Phase != state.Indeterminate) {
		return
	}
	if state.HashOf(&r, n.ClusterID()) != r.Hash {
		log.Error("a claimed request does not match its hash and is not executed")
		return
	}
	log.Info("a request is carried out", "fence", r.Fence, "again", r.Phase == state.Indeterminate)
	receipt, err := n.execute(ctx, r)
	if ctx.Err() != nil {
		return // the agent stops; the next start goes on under the same fence
	}
	if errors.Is(err, ErrUndecided) {
		log.Warn("the outcome of a request is not decided yet and is looked at again", "error", err)
		return
	}
	var c state.Command = &state.Complete{ID: r.ID, Fence: r.Fence, Agent: n.opts.ID, Receipt: receipt}
	if err != nil {
		log.Warn("a request failed", "error", err)
		c = &state.Fail{ID: r.ID, Fence: r.Fence, Agent: n.opts.ID, Reason: sqlerr.From(err).Message}
	}
	n.report(ctx, c)
}

// execute runs the executor and keeps the claim alive meanwhile.
func (n *Node) execute(ctx context.Context, r state.Request) (string, error) {
	alive, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(state.LeaseTTL.Duration() / 4)
		defer t.Stop()
		for {
			select {
			case <-alive.Done():
				return
			case <-t.C:
			}
			_, _ = n.submit(alive, &state.Renew{ID: r.ID, Fence: r.Fence, Agent: n.opts.ID}) // the next one comes soon
		}
	}()
	receipt, err := n.opts.Executor.Execute(ctx, r)
	cancel()
	<-done
	return receipt, err
}

// report tells the cluster how it ended, as long as it takes.
func (n *Node) report(ctx context.Context, c state.Command) {
	for ctx.Err() == nil {
		_, err := n.submit(ctx, c)
		switch sqlerr.Code(err) {
		case "":
			return
		case sqlerr.CannotConnectNow, sqlerr.TransactionUnknown, sqlerr.QueryCanceled:
			n.opts.Log.Warn("the end of a request is reported again", "error", err)
		default:
			n.opts.Log.Error("the end of a request was not accepted", "error", err)
			return
		}
	}
}
