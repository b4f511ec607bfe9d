package shadow

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/types"
)

//go:embed testdata/versions.sql
var versionsSQL string

// versioned makes a table with a million keys that each have ten versions; they are written in the form that folding leaves, because
// appending nine million changes takes minutes.
func versioned(b *testing.B, d *DB) {
	b.Helper()
	rel := &change.Relation{OID: 9, Schema: "public", Name: "accounts", Identity: change.IdentityDefault, Columns: []change.Column{
		{Name: "id", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1}, {Name: "balance", TypeOID: types.Int8, TypMod: -1, AttNum: 2},
		{Name: "branch", TypeOID: types.Int4, TypMod: -1, AttNum: 3}, {Name: "owner", TypeOID: types.Text, TypMod: -1, AttNum: 4}}}
	l, err := d.Load(b.Context(), rel, 100, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), nil)
	if err != nil {
		b.Fatal(err)
	}
	for id := range 1_000_000 {
		if err := l.Row(row(strconv.Itoa(id), strconv.Itoa(id%1000), strconv.Itoa(id%100), "owner "+strconv.Itoa(id))); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(l.Commit(), d.w.exec(versionsSQL), d.Advance(b.Context(), 10_000), d.w.exec("CHECKPOINT")); err != nil {
		b.Fatal(err)
	}
	if n := ask(b, d, "SELECT (SELECT count(*) FROM h9_1) + (SELECT count(*) FROM b9_1)"); n != "10000000" {
		b.Fatal(n)
	}
}

// BenchmarkAsOf compares aggregates of a moment in the middle of ten million versions with the same ones of the current table, by the
// medians of alternating runs.
func BenchmarkAsOf(b *testing.B) {
	d := start(b, b.TempDir())
	defer d.Close()
	versioned(b, d)
	took := func(ref Ref, sql string) time.Duration {
		began := time.Now()
		ask(b, d, fmt.Sprintf(sql, source(b, d, ref)))
		return time.Since(began)
	}
	median := func(d []time.Duration) float64 { slices.Sort(d); return d[len(d)/2].Seconds() }
	for _, q := range []struct{ name, sql string }{
		{"count", "SELECT count(*), sum(balance) FROM (%s)"},
		{"filtered", "SELECT branch, avg(balance) FROM (%s) WHERE branch < 20 GROUP BY branch"},
	} {
		for _, m := range []struct {
			name string
			at   AsOf
		}{{"lsn", AsOf{LSN: 4600}}, {"time", AsOf{Time: time.Date(2026, 1, 1, 0, 45, 30, 0, time.UTC)}}} {
			b.Run(q.name+"/"+m.name, func(b *testing.B) {
				var now, past []time.Duration
				for b.Loop() {
					now = append(now, took(Ref{OID: 9}, q.sql))
					past = append(past, took(Ref{OID: 9, AsOf: m.at, Then: true}, q.sql))
				}
				b.ReportMetric(median(past)*1000, "ms-as-of")
				b.ReportMetric(median(now)*1000, "ms-current")
				b.ReportMetric(median(past)/median(now), "x-current")
			})
		}
	}
}
