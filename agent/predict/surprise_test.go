package predict

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
)

// traffic writes changes of some tables into a shadow, minute by minute.
type traffic struct {
	t     *testing.T
	store *shadow.DB
	rels  []*change.Relation
	lsn   change.LSN
	next  int
}

// send stores n changes of one table as transactions of a hundred, spread over a minute.
func (tr *traffic) send(minute time.Time, table int, op change.Op, n int) {
	tr.t.Helper()
	for i := 0; i < n; i += 100 {
		tr.lsn += 10
		tx := change.Tx{XID: uint32(tr.lsn), CommitLSN: tr.lsn, EndLSN: tr.lsn + 1, CommitTime: minute.Add(time.Duration(i) * time.Minute / time.Duration(n)), Last: true}
		for k := i; k < min(i+100, n); k++ {
			tr.next++
			c := change.Change{Op: op, Relation: tr.rels[table], Seq: int64(k - i)}
			row := []change.Value{{State: change.Set, Text: fmt.Append(nil, tr.next)}}
			if op == change.Delete {
				c.Before = row
			} else {
				c.After = row
			}
			tx.Changes = append(tx.Changes, c)
		}
		if err := tr.store.Append(tr.t.Context(), []change.Tx{tx}); err != nil {
			tr.t.Fatal(err)
		}
	}
}

// TestSurpriseFindsWhatWasInjected holds that, in an hour of traffic with its own ups and downs, a mass delete and a burst of ten times
// the usual inserts are the two most surprising minutes, although a busier table changes more in every minute.
func TestSurpriseFindsWhatWasInjected(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { injected(t, seed) })
	}
}

func injected(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	store, err := shadow.Open(shadow.Options{Dir: t.TempDir(), MemoryLimit: "512MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tr := &traffic{t: t, store: store}
	for i, name := range []string{"orders", "sessions", "events"} {
		rel := &change.Relation{OID: uint32(i + 1), Schema: "public", Name: name, Identity: change.IdentityDefault, Columns: []change.Column{{Name: "id", TypeOID: 20, TypMod: -1, Key: true}}}
		tr.rels = append(tr.rels, rel)
		l, err := store.Load(t.Context(), rel, 1, noon, nil)
		if err == nil {
			err = l.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	now := noon
	r, err := New(Options{Store: store, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for minute := range 60 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		for table, usual := range []int{40, 15, 400} {
			if table == 0 && minute == 50 {
				usual *= 10
			}
			tr.send(at, table, change.Insert, max(0, int(float64(usual)*(1+0.15*rnd.NormFloat64()))))
		}
		if minute == 35 {
			tr.send(at, 1, change.Delete, 900)
		}
		now = at.Add(45 * time.Second) // what comes later in the minute is not looked at
		if err := r.Expect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := store.Query(t.Context(), shadow.Query{SQL: "SELECT relation || ' ' || date_diff('minute', TIMESTAMPTZ '" + noon.Format(time.RFC3339) + "', bucket) FROM (" +
		source(t, store, "foreshadow.change_profile") + ") WHERE surprise IS NOT NULL ORDER BY surprise DESC LIMIT 2"})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]bool{}
	for {
		b, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len {
			got[string(b.Columns[0].Bytes[i])] = true
		}
	}
	if !got["public.sessions 35"] || !got["public.orders 50"] {
		t.Errorf("the most surprising minutes are %v", got)
	}
}

func source(t *testing.T, store *shadow.DB, name string) string {
	t.Helper()
	sql, err := store.Source(t.Context(), shadow.Ref{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return sql
}
