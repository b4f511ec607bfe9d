package predict

import (
	"testing"
	"time"

	"foreshadow/forecast"
)

func TestChangesAreExpectedBeforeTheyHappen(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("busy", 100)
	f.table("quiet", 100)
	r := newRunner(t, f)
	saved := map[uint32]map[time.Time]forecast.Expectation{100: {}, 101: {}}
	for minute := range 12 {
		for range 4 { // Run looks several times a minute
			f.now = f.now.Add(15 * time.Second)
			before := len(f.expectations)
			if err := r.Expect(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, e := range f.expectations[before:] {
				if !e.Bucket.After(f.now) {
					t.Errorf("at %v the bucket of %v was expected", f.now, e.Bucket)
				}
				if _, twice := saved[e.OID][e.Bucket]; twice {
					t.Errorf("the bucket of %v was expected twice", e.Bucket)
				}
				saved[e.OID][e.Bucket] = e
			}
		}
		if minute == 0 && len(f.expectations) != 2 {
			t.Errorf("after a minute %d expectations were told, want one for each table", len(f.expectations))
		}
		for k := range 6 {
			at := f.now.Truncate(time.Minute).Add(-time.Minute + time.Duration(k)*10*time.Second)
			f.changes = append(f.changes, forecast.ChangeBucket{OID: 100, At: at, Updates: int64(9 + (minute+k)%3)})
		}
	}
	late := noon.Add(12 * time.Minute)
	if e, ok := saved[100][late]; !ok || e.Expected < 50 || e.Expected > 70 || e.Lo > 55 || e.Hi < 65 || e.Lo < 0 {
		t.Errorf("busy: %+v, %v", e, ok)
	}
	if e, ok := saved[101][late]; !ok || e.Expected != 0 || e.Lo != 0 {
		t.Errorf("quiet: %+v, %v", e, ok)
	}
}

func TestOneBurstDoesNotRaiseTheLevelMuch(t *testing.T) {
	t.Parallel()
	values := make([]float64, 30)
	for i := range values {
		values[i] = 20 + float64(i%4)
	}
	before, _ := expect(values)
	values[29] = 10_000
	after, half := expect(values)
	if after > before*1.1 || half > 30 {
		t.Errorf("level %v, after a burst %v with half width %v", before, after, half)
	}
	if level, half := expect(make([]float64, 5)); level != 0 || half != 0 {
		t.Errorf("of nothing: %v, %v", level, half)
	}
}
