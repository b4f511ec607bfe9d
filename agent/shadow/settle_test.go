package shadow

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"foreshadow/agent/change"
)

// TestAside makes the same random changes in a shadow that changes its tables in place and in one that keeps newer rows beside them,
// and compares the table as it is and at every earlier position.
func TestAside(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var dbs [2]*DB
			for i := range dbs {
				d, err := Open(Options{Dir: t.TempDir(), MemoryLimit: "256MB", Threads: 1, Direct: []int64{1 << 40, -1}[i], Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				load(t, d, items(), 10, row("1", "first", "0"), row("2", "second", "0"), row("3", "third", "0"))
				dbs[i] = d
			}
			rnd := rand.New(rand.NewPCG(seed, 1))
			live := map[int]bool{1: true, 2: true, 3: true}
			for lsn := change.LSN(20); lsn < 60; lsn++ {
				changes := program(rnd, live)
				for _, d := range dbs {
					put(t, d, lsn, changes...)
				}
				if rnd.IntN(3) == 0 {
					foldBoth(t, dbs[:])
				}
				if rnd.IntN(6) == 0 {
					settleItems(t, dbs[1])
				}
			}
			for at := change.LSN(10); at < 60; at++ {
				compare(t, dbs, AsOf{LSN: at})
			}
			compare(t, dbs, AsOf{})
		})
	}
}

// program makes a transaction of a few changes of items, by a model of the keys that live.
func program(rnd *rand.Rand, live map[int]bool) []change.Change {
	rel := items()
	var out []change.Change
	if rnd.IntN(25) == 0 {
		clear(live)
		out = append(out, change.Change{Op: change.Truncate, Relation: rel})
	}
	for range 1 + rnd.IntN(5) {
		id, to := 1+rnd.IntN(12), 1+rnd.IntN(12)
		now := row(fmt.Sprint(id), fmt.Sprint("body ", rnd.IntN(1000)), fmt.Sprint(rnd.IntN(1000)))
		switch {
		case !live[id]:
			live[id] = true
			out = append(out, change.Change{Op: change.Insert, Relation: rel, After: now})
		case rnd.IntN(3) == 0:
			live[id] = false
			out = append(out, change.Change{Op: change.Delete, Relation: rel, Before: row(fmt.Sprint(id), "-", "-")})
		case rnd.IntN(3) == 0 && !live[to]:
			live[id], live[to] = false, true
			now[0].Text = []byte(fmt.Sprint(to))
			now[1].State = change.Unchanged
			out = append(out, change.Change{Op: change.Update, Relation: rel, Before: row(fmt.Sprint(id), "-", "-"), After: now})
		default:
			out = append(out, change.Change{Op: change.Update, Relation: rel, After: now})
		}
	}
	return out
}

func foldBoth(t *testing.T, dbs []*DB) {
	t.Helper()
	for _, d := range dbs {
		source(t, d, Ref{OID: items().OID})
	}
}

func settleItems(t *testing.T, d *DB) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.transact(func() error { return d.settle(d.tables[items().OID]) }); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, dbs [2]*DB, at AsOf) {
	t.Helper()
	var got [2]string
	for i, d := range dbs {
		got[i] = ask(t, d, "SELECT * FROM ("+source(t, d, Ref{OID: items().OID, AsOf: at})+") ORDER BY 1, 2, 3")
	}
	if got[0] != got[1] {
		t.Fatalf("at %v the tables differ: in place\n%s\naside\n%s", at, got[0], got[1])
	}
}
