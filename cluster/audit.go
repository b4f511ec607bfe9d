package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"foreshadow/cluster/state"
)

// AuditReport is the answer to VERIFY AUDIT: the chain of this agent recomputed, and the other agents' chains compared with it.
type AuditReport struct {
	Entries  uint64
	Head     string // hash of the last entry
	OK       bool
	BrokenAt uint64 // sequence number of the first wrong entry, 0 if none
	Problem  string // "" if OK
	Agree    []string
	Differ   []string
	Silent   []string // agents that could not be asked
}

// VerifyAudit recomputes the audit chain and every request's hash, and asks each other agent for its hash at the same place.
func (n *Node) VerifyAudit(ctx context.Context) (AuditReport, error) {
	if err := n.barrier(ctx); err != nil {
		return AuditReport{}, err
	}
	var v state.Verification
	n.fsm.read(func(s *state.State) { v = s.Verify() })
	r := AuditReport{Entries: v.Entries, Head: v.Head, BrokenAt: v.BrokenAt, OK: v.Err == nil}
	if v.Err != nil {
		r.Problem = v.Err.Error()
	}
	own := n.Audit(0)
	answers := n.askAll(ctx, question{Ask: askAudit, Seq: v.Entries})
	for _, p := range n.opts.Peers {
		a, ok := answers[p.ID]
		switch {
		case p.ID == n.opts.ID:
		case !ok:
			r.Silent = append(r.Silent, p.ID)
		case a.Seq <= uint64(len(own)) && (a.Seq == 0 || own[a.Seq-1].Hash == a.Hash):
			r.Agree = append(r.Agree, p.ID)
		default:
			r.Differ = append(r.Differ, p.ID)
		}
	}
	slices.Sort(r.Differ)
	if len(r.Differ) > 0 && r.OK {
		r.OK = false
		r.Problem = fmt.Sprintf("the audit log of %s differs from this agent's", strings.Join(r.Differ, ", "))
	}
	return r, nil
}

// auditAt gives this agent's hash at an entry, or at its last one when it has fewer. The hash is recomputed from the first entry.
func (n *Node) auditAt(seq uint64) answer {
	entries := n.Audit(0)
	entries = entries[:min(seq, uint64(len(entries)))]
	if bad, err := state.VerifyChain(entries); err != nil {
		return answer{Seq: bad, Hash: "broken"}
	}
	if len(entries) == 0 {
		return answer{}
	}
	last := entries[len(entries)-1]
	return answer{Seq: last.Seq, Hash: last.Hash}
}
