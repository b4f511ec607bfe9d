package predict

import (
	"context"
	"fmt"
	"math"
	"time"

	"foreshadow/forecast"
)

// The buckets of expected changes: their length, how many are needed before anything is expected, and how many ahead are told.
const (
	bucket     = time.Minute
	minBuckets = 3
	ahead      = 2
)

// expecting remembers since when changes are seen and up to which bucket expectations were stored.
type expecting struct {
	since time.Time
	until map[uint32]time.Time
}

// Expect stores how many changes of each table the next minutes should bring, before they begin: only then is a surprise one.
// Run calls it; it is cheap when there is nothing new to say.
func (r *Runner) Expect(ctx context.Context) error {
	r.watching.Lock()
	defer r.watching.Unlock()
	now := r.o.Clock().UTC()
	e := &r.changes
	if e.until == nil {
		e.since, e.until = now, map[uint32]time.Time{}
	}
	end := now.Truncate(bucket) // the bucket under way is not complete
	window := r.Params().Buckets
	counts, err := r.o.Store.ChangeCounts(ctx, end.Add(-time.Duration(window)*bucket), bucket)
	if err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	relations, err := r.o.Store.Relations(ctx)
	if err != nil {
		return fmt.Errorf("read relations: %w", err)
	}
	seen := trailing(counts, end, window)
	from := e.since.Truncate(bucket).Add(bucket) // the first whole bucket that we watched
	if first, ok := seen.first(); ok && first.Before(from) {
		from = first
	}
	complete := min(int(end.Sub(from)/bucket), window)
	if complete < minBuckets {
		return nil
	}
	run := int64(0)
	r.mu.Lock()
	if r.last != nil {
		run = r.last.run.ID
	}
	r.mu.Unlock()
	var out []forecast.Expectation
	for _, rel := range relations {
		level, half := expect(seen[rel.OID].tail(window, complete))
		for k := 1; k <= ahead; k++ {
			at := end.Add(time.Duration(k) * bucket)
			if !at.After(e.until[rel.OID]) {
				continue
			}
			e.until[rel.OID] = at
			out = append(out, forecast.Expectation{OID: rel.OID, Bucket: at, RunID: run, Expected: level, Lo: max(0, level-half), Hi: level + half})
		}
	}
	if len(out) == 0 {
		return nil
	}
	if err := r.o.Store.SaveExpectations(ctx, out); err != nil {
		return fmt.Errorf("save expectations: %w", err)
	}
	return nil
}

// counted is the changes of one table by bucket, oldest first, ending with the last complete bucket.
type counted struct {
	values []float64
	first  time.Time // the first bucket with a change
}

// tail is the last complete buckets; a table without changes has zeros.
func (c *counted) tail(window, complete int) []float64 {
	if c == nil {
		return make([]float64, complete)
	}
	return c.values[window-complete:]
}

// byTable is the trailing buckets of every table that changed.
type byTable map[uint32]*counted

// first is the first bucket in which anything changed.
func (b byTable) first() (time.Time, bool) {
	var first time.Time
	for _, c := range b {
		if first.IsZero() || c.first.Before(first) {
			first = c.first
		}
	}
	return first, !first.IsZero()
}

// trailing lays the counts out in the window of buckets that ends at end.
func trailing(counts []forecast.ChangeBucket, end time.Time, window int) byTable {
	out := byTable{}
	for _, c := range counts {
		i := window - int(math.Ceil(float64(end.Sub(c.At))/float64(bucket)))
		if i < 0 || i >= window {
			continue
		}
		t := out[c.OID]
		if t == nil {
			t = &counted{values: make([]float64, window), first: c.At}
			out[c.OID] = t
		}
		t.values[i] += float64(c.Inserts + c.Updates + c.Deletes)
		if c.At.Before(t.first) {
			t.first = c.At
		}
	}
	return out
}

// expect is the level of trailing counts, with outliers cut, and the half width of its 95 % interval: never less than that of
// counts that come by chance (Poisson), and wider while there are few.
func expect(values []float64) (level, half float64) {
	median := forecast.Median(values)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - median)
	}
	spread := 1.4826 * forecast.Median(deviations)
	bound := 3 * max(spread, math.Sqrt(max(median, 1)))
	var sum, squares float64
	for _, v := range values {
		v = min(max(v, median-bound), median+bound)
		sum += v
		squares += v * v
	}
	n := float64(len(values))
	level = sum / n
	variance := max(squares/n-level*level, 0) * n / (n - 1)
	sd := math.Sqrt(max(variance, spread*spread, level))
	return level, 1.96 * sd * math.Sqrt(1+1/n) * (1 + 2/n)
}
