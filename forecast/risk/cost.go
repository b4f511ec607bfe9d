package risk

import (
	"math"
	"time"

	"foreshadow/forecast"
)

// Rates are what a server does in a second. The defaults are about half of what one core of a small virtual machine did with everything in
// memory, and its whole rate for indexes of random text (package agent/rates measures them). A server whose tables are not in memory is slower, one
// with parallel workers faster: Factor is how far off the hold times are taken to be, each way, at the 10 % and 90 % points.
type Rates struct {
	Scan    float64 // bytes read and checked
	Lookup  float64 // rows looked up in another table
	Rewrite float64 // bytes of rows written anew
	Index   float64 // index entries sorted and written, over the binary logarithm of the rows
	Change  float64 // rows updated or deleted one by one
	Copy    float64 // bytes of files copied
	Replay  float64 // bytes of write-ahead log that a replica applies
	Factor  float64
	// Measured is when; zero for the shipped rates.
	Measured time.Time
}

// DefaultRates are those without a measurement on the primary's own hardware.
var DefaultRates = Rates{Scan: 300e6, Lookup: 1e6, Rewrite: 60e6, Index: 8e6, Change: 25e3, Copy: 200e6, Replay: 60e6, Factor: 3}

// instant is what any change of the catalog takes, in seconds.
const instant = 0.01

// cost is what an effect takes of a server: seconds of work, and bytes on disk and in the write-ahead log.
type cost struct{ seconds, disk, wal float64 }

func (c cost) add(o cost) cost { return cost{c.seconds + o.seconds, c.disk + o.disk, c.wal + o.wal} }

// costOf is an effect's cost at a size.
func (r Rates) costOf(e Effect, t Table, rows, factor float64) cost {
	heap, index, toast := t.Heap*factor, t.Index*factor, t.Toast*factor
	indexes := float64(len(e.Relation.Indexes))
	build := rows * math.Log2(max(rows, 2)) / r.Index
	oneIndex := rows * 24
	if indexes > 0 {
		oneIndex = index / indexes
	}
	c := cost{seconds: instant}
	switch {
	case e.Rewrite:
		c.seconds += heap/r.Rewrite + toast/r.Copy + indexes*build
		c.disk, c.wal = heap+index+toast, heap+index+toast
	case e.Copy:
		c.seconds += (heap + toast) / r.Copy
		c.disk, c.wal = heap+toast, heap+toast
	case e.Changes:
		c.seconds += rows / r.Change
		c.disk, c.wal = heap+index, 2*(heap+index)
	case e.Scan || e.Builds > 0:
		c.seconds += float64(max(e.Repeats, 1)) * heap / r.Scan
		if e.Check {
			c.seconds += rows / r.Lookup
		}
		c.seconds += float64(e.Builds) * build
		c.disk, c.wal = float64(e.Builds)*oneIndex, float64(e.Builds)*oneIndex
	}
	return c
}

// quantiles is a cost at the 10 %, 50 % and 90 % points of a table's size, without what the rates themselves may be off.
func (r Rates) quantiles(e Effect, t Table, day int) (q [3]cost) {
	rows, factor := t.at(day)
	for i, s := range [][2]float64{{rows.P10, factor.P10}, {rows.P50, factor.P50}, {rows.P90, factor.P90}} {
		q[i] = r.costOf(e, t, s[0], s[1])
	}
	return q
}

// spread widens seconds by what the rates may be off.
func (r Rates) spread(low, mid, high float64) forecast.Quantiles {
	return forecast.Quantiles{P10: low / r.Factor, P50: mid, P90: high * r.Factor}
}
