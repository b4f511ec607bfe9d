package predict

import (
	"context"
	"fmt"
	"math"
	"time"

	"foreshadow/forecast"
)

// Expectations are told by minute, from counts by slice: so the first can be told half a minute after watching began.
const (
	bucket     = time.Minute
	slice      = 10 * time.Second
	perBucket  = int(bucket / slice)
	minSlices  = 3
	fromMinute = 5 // with so many whole minutes, minutes are compared and no longer slices
)

// expecting remembers since when changes are seen and the last minute that expectations were stored for.
type expecting struct{ since, told time.Time }

// Expect stores how many changes of each table the coming minute should bring, before it begins: only then is a surprise one.
// Run calls it several times a minute; all but the first call in a minute have nothing to do.
func (r *Runner) Expect(ctx context.Context) error {
	r.watching.Lock()
	defer r.watching.Unlock()
	now := r.o.Clock().UTC()
	e := &r.changes
	if e.since.IsZero() {
		e.since = now
	}
	coming := now.Truncate(bucket).Add(bucket)
	if !coming.After(e.told) {
		return nil
	}
	end, window := now.Truncate(slice), r.Params().Buckets*perBucket // the slice under way is not complete
	counts, err := r.o.Store.ChangeCounts(ctx, end.Add(-time.Duration(window)*slice), slice)
	if err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	relations, err := r.o.Store.Relations(ctx)
	if err != nil {
		return fmt.Errorf("read relations: %w", err)
	}
	from := e.since.Truncate(slice).Add(slice) // the first whole slice that we watched, or that captured changes tell of
	for _, c := range counts {
		if at := c.At.Truncate(slice).Add(slice); at.Before(from) {
			from = at
		}
	}
	complete := min(int(end.Sub(from)/slice), window)
	if complete < minSlices {
		return nil
	}
	r.mu.Lock()
	run := int64(0)
	if r.last != nil {
		run = r.last.run.ID
	}
	r.mu.Unlock()
	seen := trailing(counts, end, complete)
	out := make([]forecast.Expectation, 0, len(relations))
	for _, rel := range relations {
		level, half := perMinute(seen[rel.OID], complete)
		out = append(out, forecast.Expectation{OID: rel.OID, Bucket: coming, RunID: run, Expected: level, Lo: max(0, level-half), Hi: level + half})
	}
	if len(out) > 0 {
		if err := r.o.Store.SaveExpectations(ctx, out); err != nil {
			return fmt.Errorf("save expectations: %w", err)
		}
	}
	e.told = coming
	return nil
}

// trailing lays the counts of each table out in the n slices before end, oldest first. A table without changes has no row.
func trailing(counts []forecast.ChangeBucket, end time.Time, n int) map[uint32][]float64 {
	out := map[uint32][]float64{}
	for _, c := range counts {
		i := n - int(math.Ceil(float64(end.Sub(c.At))/float64(slice)))
		if i < 0 || i >= n {
			continue
		}
		if out[c.OID] == nil {
			out[c.OID] = make([]float64, n)
		}
		out[c.OID][i] += float64(c.Inserts + c.Updates + c.Deletes)
	}
	return out
}

// perMinute expects a minute's changes from the slices before it: by whole minutes when there are enough, which also shows how minutes
// differ, otherwise as six slices that come independently.
func perMinute(slices []float64, n int) (level, half float64) {
	if slices == nil {
		slices = make([]float64, n)
	}
	minutes := n / perBucket
	if minutes < fromMinute {
		level, half = expect(slices)
		return level * float64(perBucket), half * math.Sqrt(float64(perBucket))
	}
	sums := make([]float64, minutes)
	for i, v := range slices[n-minutes*perBucket:] {
		sums[i/perBucket] += v
	}
	return expect(sums)
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
