package sampler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestActivityKeepsTheBusiest(t *testing.T) {
	t.Parallel()
	a := &activity{top: 2}
	score := map[string]float64{}
	var b *batch
	for _, now := range []map[string]float64{
		{"web": 5, "batch": 2, "psql-1": 1},
		{"web": 3, "psql-2": 1, "psql-3": 1, "other": 1},
	} {
		b = &batch{at: time.Unix(0, 0)}
		a.emit(b, "activity.user", score, now)
	}
	want := map[string]float64{"activity.user:web": 3, "activity.user:batch": 0, "activity.user:other": 3}
	if diff := cmp.Diff(want, values(b.samples)); diff != "" {
		t.Error(diff)
	}
	for range 20_000 {
		a.emit(&batch{}, "activity.user", score, nil)
	}
	if len(score) > 0 {
		t.Errorf("names that are gone are kept: %v", score)
	}
}
