package shadow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/types"
)

// BenchmarkTableSize measures what a change costs on tables of growing size: random updates, stored and folded in full batches, as many as it takes to settle the
// largest table more than once; and the time that a reader waits after a hundred of them, most of the time and at worst, which is when a table is being settled.
// The costs of the smallest table are the reference of the ratios.
func BenchmarkTableSize(b *testing.B) {
	const seed, batch, batches = 1, 100_000, 20
	var change1, wait1 time.Duration
	for _, rows := range []int{1_000_000, 10_000_000, 50_000_000} {
		b.Run(fmt.Sprintf("%dM", rows/1_000_000), func(b *testing.B) {
			for b.Loop() {
				d, u := accounts(b, rows, seed)
				began := time.Now()
				for range batches {
					u.update(b, d, batch)
					source(b, d, Ref{OID: u.rel.OID})
				}
				each := time.Since(began) / (batch * batches)
				var waits []time.Duration
				for range 200 {
					u.update(b, d, 100)
					began = time.Now()
					source(b, d, Ref{OID: u.rel.OID})
					waits = append(waits, time.Since(began))
				}
				slices.Sort(waits)
				wait := waits[len(waits)/2]
				if n := ask(b, d, "SELECT count(*), sum(balance) FROM ("+source(b, d, Ref{OID: u.rel.OID})+")"); n != fmt.Sprintf("%d|%d", rows, u.sum) {
					b.Fatalf("the table is %s, want %d|%d", n, rows, u.sum)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
				if rows == 1_000_000 {
					change1, wait1 = each, wait
				}
				b.ReportMetric(float64(each.Nanoseconds())/1e3, "us/change")
				b.ReportMetric(float64(wait.Microseconds())/1e3, "ms/read-after-100-p50")
				b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1e3, "ms/read-after-100-max")
				if change1 > 0 {
					b.ReportMetric(float64(each)/float64(change1), "x-change-at-1M")
					b.ReportMetric(float64(wait)/float64(wait1), "x-read-at-1M")
				}
			}
		})
	}
}

// updates makes random updates of a table of accounts and knows the sum that they come to.
type updates struct {
	rel  *change.Relation
	rows int
	rnd  *rand.Rand
	lsn  change.LSN
	sum  int
	got  map[int]int
}

// accounts opens a shadow with a loaded table of this many rows, whose balances are zero.
func accounts(b *testing.B, rows int, seed uint64) (*DB, *updates) {
	b.Helper()
	d := start(b, b.TempDir())
	rel := &change.Relation{OID: 10, Schema: "public", Name: "accounts", Identity: change.IdentityDefault, Columns: []change.Column{
		{Name: "id", TypeOID: types.Int8, TypMod: -1, Key: true, AttNum: 1},
		{Name: "balance", TypeOID: types.Int8, TypMod: -1, AttNum: 2},
		{Name: "filler", TypeOID: types.Text, TypMod: -1, AttNum: 3},
		{Name: "at", TypeOID: types.TimestampTZ, TypMod: -1, AttNum: 4},
	}}
	load(b, d, rel, 1)
	sql := "INSERT INTO %s SELECT i, 0, 'account of customer ' || hash(i), TIMESTAMPTZ '2026-01-01' + to_seconds(i), 1 FROM range(%d) t(i)"
	if err := d.w.exec(fmt.Sprintf(sql, d.tables[10].base(), rows)); err != nil {
		b.Fatal(err)
	}
	if err := d.w.exec("CHECKPOINT"); err != nil {
		b.Fatal(err)
	}
	return d, &updates{rel: rel, rows: rows, rnd: rand.New(rand.NewPCG(seed, 0)), lsn: 10, got: map[int]int{}}
}

// update stores n changes in transactions of ten.
func (u *updates) update(b *testing.B, d *DB, n int) {
	b.Helper()
	var txs []change.Tx
	for range n / 10 {
		u.lsn += 100
		tx := change.Tx{XID: uint32(u.lsn), CommitLSN: u.lsn, EndLSN: u.lsn + 1, CommitTime: time.Date(2026, 1, 1, 0, 0, 0, int(u.lsn)*1000, time.UTC), Last: true}
		for i := range 10 {
			id, v := u.rnd.IntN(u.rows), u.rnd.IntN(1000)
			u.sum += v - u.got[id]
			u.got[id] = v
			tx.Changes = append(tx.Changes, change.Change{Op: change.Update, Relation: u.rel, Seq: int64(i),
				After: row(fmt.Sprint(id), fmt.Sprint(v), fmt.Sprintf("account of customer %d", id), "2026-02-01 00:00:00+00")})
		}
		txs = append(txs, tx)
	}
	if err := d.Append(b.Context(), txs); err != nil {
		b.Fatal(err)
	}
}
