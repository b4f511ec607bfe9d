package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"foreshadow/agent/change"
)

// Status is what comparisons have shown since the agent started.
type Status struct {
	At        time.Time     // when the last comparison of all tables ended; zero is never
	LSN       change.LSN    // the first of its snapshots: what had been committed until then is compared
	Took      time.Duration // how long it ran
	Differing int64         // rows that differ, by every table's last comparison
	Message   string        // which tables differ; empty if none does

	different map[uint32]Result
}

// Status tells how the last comparisons ended. It shows no rows.
func (v *Verifier) Status() Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.status
	var list []Result
	for _, r := range s.different {
		list = append(list, r)
		s.Differing += r.Differing
	}
	slices.SortFunc(list, func(a, b Result) int { return cmp.Compare(a.Relation, b.Relation) })
	var words []string
	for _, r := range list {
		words = append(words, fmt.Sprintf("%s differs from the primary in %d rows", r.Relation, r.Differing))
	}
	s.Message, s.different = strings.Join(words, "; "), nil
	return s
}

// note remembers a table's last comparison, and has a difference logged.
func (v *Verifier) note(r Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch r.State {
	case Different:
		v.status.different[r.OID] = r
		v.o.Log.Error("a table of the shadow differs from the primary", "table", r.Relation, "rows", r.Differing, "lsn", r.LSN.String(), "hint", Remedy)
	case Equal:
		delete(v.status.different, r.OID)
	case NotVerified:
	}
}

// Run compares all tables every so often, until ctx ends.
func (v *Verifier) Run(ctx context.Context) error {
	if v.o.Interval <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-v.o.Ready:
	}
	for wait := v.o.Delay; ; wait = v.o.Interval {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := v.Verify(ctx, nil, func(Result) error { return nil }); err != nil && ctx.Err() == nil {
			v.o.Log.Warn("the shadow could not be compared with the primary", "error", err, "again_in", v.o.Interval)
		}
	}
}

// finish notes that all tables have been compared.
func (v *Verifier) finish(all []Result, took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &v.status
	s.At, s.LSN, s.Took = time.Now(), 0, took
	there := map[uint32]bool{}
	equal := 0
	for _, r := range all {
		there[r.OID] = true
		if r.State == Equal {
			equal++
		}
		if r.LSN > 0 && (s.LSN == 0 || r.LSN < s.LSN) {
			s.LSN = r.LSN
		}
	}
	maps.DeleteFunc(s.different, func(oid uint32, _ Result) bool { return !there[oid] })
	v.o.Log.Info("the shadow was compared with the primary", "tables", len(all), "equal", equal, "different", len(s.different), "took", took)
}
