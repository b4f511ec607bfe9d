package sampler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newStatements(top int) *statements {
	return &statements{top: top, texts: map[int64]string{}, score: map[int64]float64{}}
}

func TestCountersSurviveResetAndEviction(t *testing.T) {
	t.Parallel()
	st := newStatements(10)
	at := time.Unix(1000, 0)
	if growth, elapsed := st.advance(map[int64]counters{1: {calls: 100}, 2: {calls: 50}}, at); growth != nil || elapsed != 0 {
		t.Fatal("the first reading must give no growth")
	}
	growth, elapsed := st.advance(map[int64]counters{1: {calls: 130}, 3: {calls: 7}}, at.Add(10*time.Second))
	if diff := cmp.Diff(map[int64]counters{1: {calls: 30}, 3: {calls: 7}}, growth, cmp.AllowUnexported(counters{})); diff != "" || elapsed != 10 {
		t.Fatalf("elapsed %v, growth: %s", elapsed, diff)
	}
	growth, _ = st.advance(map[int64]counters{1: {calls: 4}, 2: {calls: 9}}, at.Add(20*time.Second))
	if growth[1].calls != 4 || growth[2].calls != 9 {
		t.Fatalf("after a reset and a return: %v", growth)
	}
}

func TestTailIsAddedUp(t *testing.T) {
	t.Parallel()
	st := newStatements(2)
	growth := map[int64]counters{0: {calls: 1000, timeMs: 1000}, 1: {calls: 10, timeMs: 90, wal: 500}, 2: {calls: 5, timeMs: 80}, 3: {calls: 20, timeMs: 1}, 4: {calls: 10}}
	top := st.rank(growth)
	if diff := cmp.Diff(map[int64]bool{1: true, 2: true}, top); diff != "" {
		t.Fatal(diff)
	}
	b := &batch{at: time.Unix(0, 0)}
	st.emit(b, growth, top, 10)
	got := map[string]float64{}
	for _, s := range b.samples {
		got[s.Series.ID] = s.Value
	}
	for id, want := range map[string]float64{
		"load.calls:1": 1, "load.wal_bytes:1": 50, "load.time_ms:2": 8, "load.calls:other": 103, "load.total_calls": 104.5, "load.total_time_ms": 117.1,
	} {
		if got[id] != want {
			t.Errorf("%s = %v, want %v", id, got[id], want)
		}
	}
}

func TestTextsHoldNoLiterals(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"select *\n\tfrom t where a = $1":           "select * from t where a = $1",
		"ALTER ROLE x PASSWORD 'secret' VALID":      "ALTER ROLE x PASSWORD ...",
		"CREATE USER y   PASSWORD $$secret$$":       "CREATE USER y PASSWORD ...",
		"VACUUM (ANALYZE) orders":                   "VACUUM (ANALYZE) orders",
		"COPY t FROM '/etc/passwd' (DELIMITER ',')": "COPY t FROM ...",
	} {
		if got := normalise(in); got != want {
			t.Errorf("normalise(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for fails := range 50 {
		d := backoff(10*time.Second, fails)
		if d < last || d > maxBackoff {
			t.Fatalf("after %d failures: %v", fails, d)
		}
		last = d
	}
	if last != maxBackoff {
		t.Fatalf("it ends at %v", last)
	}
}
