package state

import "fmt"

// AuditEntry is one link of the audit chain: who did what at which log index. Hash covers every field and the hash before it.
type AuditEntry struct {
	Seq     uint64 `json:"seq"`
	Index   uint64 `json:"index"`
	At      Millis `json:"at"`
	Actor   string `json:"actor"`
	Action  string `json:"action"`
	Request uint64 `json:"request,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Prev    string `json:"prev"`
	Hash    string `json:"hash"`
}

// sum computes what Hash has to be.
func (e *AuditEntry) sum() string {
	var c canon
	c.text("foreshadow/audit/v1")
	c.number(e.Seq)
	c.number(e.Index)
	c.number(uint64(e.At))
	c.text(e.Actor)
	c.text(e.Action)
	c.number(e.Request)
	c.text(e.Detail)
	c.text(e.Prev)
	return c.sum()
}

// audit appends an entry to the chain.
func (x *step) audit(actor, action string, request uint64, detail string) {
	e := AuditEntry{
		Seq: uint64(len(x.d.Audit)) + 1, Index: x.index, At: x.d.Clock, Actor: actor, Action: action, Request: request, Detail: detail,
	}
	if n := len(x.d.Audit); n > 0 {
		e.Prev = x.d.Audit[n-1].Hash
	}
	e.Hash = e.sum()
	x.d.Audit = append(x.d.Audit, e)
}

// VerifyChain checks a run of entries from the first: numbers without a gap, each hash right and chained to the one before.
// It returns the sequence number of the first wrong entry, and why; 0 means the chain holds.
func VerifyChain(entries []AuditEntry) (uint64, error) {
	prev := ""
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Seq != uint64(i)+1:
			return uint64(i) + 1, fmt.Errorf("entry %d is missing", i+1)
		case e.Prev != prev:
			return e.Seq, fmt.Errorf("entry %d does not continue entry %d", e.Seq, e.Seq-1)
		case e.Hash != e.sum():
			return e.Seq, fmt.Errorf("entry %d was altered", e.Seq)
		}
		prev = e.Hash
	}
	return 0, nil
}
