package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"foreshadow/cluster/raftnode"
	"foreshadow/cluster/state"
	"foreshadow/sql/sqlerr"
)

// What one agent asks another.
const (
	askApply = "apply" // commit this command; the leader only
	askRead  = "read"  // an index that holds everything committed until now; the leader only
	askIndex = "index" // how far have you applied
	askAudit = "audit" // the hash of your audit entry number Seq
)

// question is a message to another agent.
type question struct {
	Ask   string `json:"ask"`
	Entry []byte `json:"entry,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
}

// answer is what comes back. Problem is one of the words below; Text goes with problemBad.
type answer struct {
	Index   uint64        `json:"index,omitempty"`
	Outcome state.Outcome `json:"outcome"`
	Seq     uint64        `json:"seq,omitempty"`
	Hash    string        `json:"hash,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Text    string        `json:"text,omitempty"`
}

// Problems of an answer.
const (
	problemNotLeader = "not_leader" // nothing was done
	problemUnknown   = "unknown"    // it may have been done
	problemBad       = "bad"        // nothing was done and nothing will be
)

// errBad is a command that no leader will ever take.
var errBad = errors.New("the command was refused")

// attempt bounds one try to reach the leader, so that one that hangs is not waited for when another has taken over.
const attempt = 5 * time.Second

// caller is a command that only one agent may send.
type caller interface{ Caller() string }

// submit commits a command wherever the leader is, once, however often it has to be sent: all tries carry one operation id. When it
// returns, this agent has applied it. A refusal of the state machine comes back as *sqlerr.Error.
func (n *Node) submit(ctx context.Context, c state.Command) (state.Outcome, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.Wait)
		defer cancel()
	}
	entry, err := state.Encode(state.Envelope{Op: randomID(), Command: c})
	if err != nil {
		return state.Outcome{}, err
	}
	a, err := n.askLeader(ctx, question{Ask: askApply, Entry: entry})
	if err != nil {
		return state.Outcome{}, err
	}
	if err := n.raft.WaitApplied(ctx, a.Index); err != nil {
		return a.Outcome, sqlerr.From(err)
	}
	return a.Outcome, refused(a.Outcome.Refusal)
}

// askLeader asks whoever leads, again and again until ctx ends.
func (n *Node) askLeader(ctx context.Context, q question) (answer, error) {
	unknown := false
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		try, cancel := context.WithTimeout(ctx, attempt)
		a, err := n.askOnce(try, q)
		cancel()
		switch {
		case err == nil:
			return a, nil
		case errors.Is(err, errBad):
			return a, sqlerr.New(sqlerr.Internal, "%s", err.Error())
		case errors.Is(err, raftnode.ErrUnknown):
			unknown = true
		}
		n.opts.Log.Debug("a question to the leader is asked again", "ask", q.Ask, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return a, noAnswer(ctx, unknown && q.Ask == askApply)
		}
	}
}

// noAnswer is the error of a wait that ended: cancelled by the user, or no leader; and whether the command may still take effect.
func noAnswer(ctx context.Context, unknown bool) error {
	if errors.Is(ctx.Err(), context.Canceled) && !unknown {
		return sqlerr.From(ctx.Err())
	}
	if unknown {
		return sqlerr.New(sqlerr.TransactionUnknown, "the agents did not confirm the decision in time; it may still take effect").
			WithHint("Look at foreshadow.requests before you repeat it.")
	}
	return sqlerr.New(sqlerr.CannotConnectNow, "the agents have no leader at the moment, so nothing can be decided").
		WithHint("A majority of the agents must run and reach one another; see foreshadow.cluster_members.")
}

// askOnce asks the leader this agent knows of, itself perhaps.
func (n *Node) askOnce(ctx context.Context, q question) (answer, error) {
	var a answer
	leader := n.raft.Leader()
	switch {
	case n.raft.Leading() || leader == n.opts.ID:
		a = n.lead(ctx, n.opts.ID, q)
	case leader == "":
		return a, raftnode.ErrNotLeader
	default:
		var err error
		if a, err = n.ask(ctx, leader, q); err != nil {
			return a, err
		}
	}
	switch a.Problem {
	case "":
		return a, nil
	case problemNotLeader:
		return a, raftnode.ErrNotLeader
	case problemUnknown:
		return a, raftnode.ErrUnknown
	}
	return a, fmt.Errorf("%w: %s", errBad, a.Text)
}

// ask asks one agent.
func (n *Node) ask(ctx context.Context, id string, q question) (answer, error) {
	var a answer
	b, err := json.Marshal(q)
	if err != nil {
		return a, fmt.Errorf("ask agent %q: %w", id, err)
	}
	if b, err = n.raft.Call(ctx, id, b); err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%w: the answer of agent %q cannot be read", raftnode.ErrUnknown, id)
	}
	return a, nil
}

// answer serves another agent. It never asks further: one hop at most.
func (n *Node) answer(ctx context.Context, from string, b []byte) []byte {
	var q question
	a := answer{Problem: problemBad, Text: "the question cannot be read"}
	select {
	case <-n.opened:
		if json.Unmarshal(b, &q) == nil {
			a = n.lead(ctx, from, q)
		}
	case <-ctx.Done():
		a = answer{Problem: problemNotLeader}
	}
	out, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	return out
}

// lead answers a question on this agent.
func (n *Node) lead(ctx context.Context, from string, q question) answer {
	switch q.Ask {
	case askApply:
		e, err := state.Decode(q.Entry)
		if err != nil {
			return answer{Problem: problemBad, Text: err.Error()}
		}
		if c, ok := e.Command.(caller); ok && c.Caller() != from {
			return answer{Problem: problemBad, Text: fmt.Sprintf("agent %q may not speak for agent %q", from, c.Caller())}
		}
		res, index, err := n.commit(ctx, e)
		return answer{Index: index, Outcome: res.Outcome, Problem: problemOf(err)}
	case askRead:
		index, err := n.raft.ReadIndex(ctx)
		return answer{Index: index, Problem: problemOf(err)}
	case askIndex:
		return answer{Index: n.fsm.Index()}
	case askAudit:
		return n.auditAt(q.Seq)
	}
	return answer{Problem: problemBad, Text: "unknown question " + q.Ask}
}

// problemOf names an error of raftnode for an answer.
func problemOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, raftnode.ErrNotLeader):
		return problemNotLeader
	}
	return problemUnknown
}

// commit stamps a command with this agent's time and commits it, if this agent leads. A clock that is far behind, because nothing was
// written for long, is first brought up in the steps that the state machine allows.
func (n *Node) commit(ctx context.Context, e state.Envelope) (state.Result, uint64, error) {
	now := state.At(n.opts.Clock())
	for {
		var clock state.Millis
		n.fsm.read(func(s *state.State) { clock = s.Clock() })
		if clock == 0 || now <= clock+state.MaxJump {
			break
		}
		if _, _, err := n.write(ctx, state.Envelope{Stamp: now, Command: &state.Tick{}}); err != nil {
			return state.Result{}, 0, err
		}
	}
	e.Stamp = now
	return n.write(ctx, e)
}

// write commits a stamped command.
func (n *Node) write(ctx context.Context, e state.Envelope) (state.Result, uint64, error) {
	entry, err := state.Encode(e)
	if err != nil {
		return state.Result{}, 0, err
	}
	res, index, err := n.raft.Apply(ctx, entry)
	if err != nil {
		return state.Result{}, 0, err
	}
	return res.(state.Result), index, nil
}

// barrier waits until this agent has applied everything that was committed anywhere before the call.
func (n *Node) barrier(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, n.opts.Wait)
		defer cancel()
	}
	a, err := n.askLeader(ctx, question{Ask: askRead})
	if err != nil {
		return err
	}
	if err := n.raft.WaitApplied(ctx, a.Index); err != nil {
		return noAnswer(ctx, false)
	}
	return nil
}

// refused turns a refusal into the error the user sees; nil stays nil.
func refused(r *state.Refusal) error {
	if r == nil {
		return nil
	}
	e := sqlerr.New(r.Code, "%s", r.Message)
	e.Hint = r.Hint
	return e
}
