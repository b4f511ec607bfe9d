package shadow

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"foreshadow/agent/change"
	"foreshadow/sql/types"
)

// BenchmarkMillionRowSelect measures how fast batches of a million rows of ten columns come out.
func BenchmarkMillionRowSelect(b *testing.B) {
	d := start(b, b.TempDir())
	defer d.Close()
	sql := "SELECT i::INTEGER, i * 7, (i % 100)::SMALLINT, i::DOUBLE / 3, (i / 4)::DECIMAL(12,2), 'customer name ' || i, md5(i::VARCHAR), i % 3 = 0, " +
		"TIMESTAMPTZ '2026-01-01' + to_seconds(i), DATE '2026-01-01' + (i % 365)::INTEGER FROM range(1000000) t(i)"
	if err := d.w.exec("CREATE TABLE million AS " + sql); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := d.Query(b.Context(), Query{SQL: "SELECT * FROM million"})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			batch, err := r.Next(b.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += batch.Len
		}
		r.Close()
		if n != 1_000_000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.N)*1e6/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkAppend measures how fast a load like pgbench's is stored: three updates and an insert in each transaction, a batch of 2,500 of them at a time.
// Folding is part of it, as in a running agent. It prints what a change costs on disk, with everything folded and sealed.
func BenchmarkAppend(b *testing.B) {
	const keys, batch, batches = 100_000, 2_500, 16
	var changes, file, segments int
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		d := start(b, dir)
		account := &change.Relation{OID: 1, Schema: "public", Name: "accounts", Identity: change.IdentityDefault, Columns: []change.Column{
			{Name: "aid", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1}, {Name: "bid", TypeOID: types.Int4, TypMod: -1, AttNum: 2},
			{Name: "abalance", TypeOID: types.Int4, TypMod: -1, AttNum: 3}, {Name: "filler", TypeOID: types.BPChar, TypMod: 88, AttNum: 4}}}
		history := &change.Relation{OID: 2, Schema: "public", Name: "history", Identity: change.IdentityNothing, Columns: account.Columns[1:]}
		filler := strings.Repeat(" ", 84)
		rows := make([][]change.Value, keys)
		for i := range rows {
			rows[i] = row(strconv.Itoa(i), "1", "0", filler)
		}
		load(b, d, account, 1, rows...)
		load(b, d, history, 1)
		fileBefore, segmentsBefore := onDisk(b, d, dir)
		lsn, r := change.LSN(10), rand.New(rand.NewPCG(1, 1))
		b.StartTimer()
		for range batches {
			txs := make([]change.Tx, batch)
			for i := range txs {
				lsn += 100
				tx := change.Tx{XID: uint32(lsn), CommitLSN: lsn, EndLSN: lsn + 1, CommitTime: stamp(lsn), Last: true}
				for k := range 3 {
					n := strconv.Itoa(r.IntN(keys))
					tx.Changes = append(tx.Changes, change.Change{Op: change.Update, Relation: account, Seq: int64(k), After: row(n, "1", n, filler)})
				}
				tx.Changes = append(tx.Changes, change.Change{Op: change.Insert, Relation: history, Seq: 3, After: row("1", "17", filler[:22])})
				txs[i] = tx
			}
			if err := d.Append(b.Context(), txs); err != nil {
				b.Fatal(err)
			}
			changes += 4 * batch
		}
		b.StopTimer()
		fileAfter, segmentsAfter := onDisk(b, d, dir)
		file, segments = file+fileAfter-fileBefore, segments+segmentsAfter-segmentsBefore
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(changes)/b.Elapsed().Seconds(), "changes/s")
	b.ReportMetric(float64(file)/float64(changes), "file-bytes/change")
	b.ReportMetric(float64(segments)/float64(changes), "segment-bytes/change")
}

// onDisk is how many bytes the DuckDB file and the segments have when everything is folded, settled and sealed.
func onDisk(b *testing.B, d *DB, dir string) (file, segments int) {
	b.Helper()
	source(b, d, Ref{OID: 1})
	if err := d.Seal(); err != nil {
		b.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.w.exec("CHECKPOINT"); err != nil {
		b.Fatal(err)
	}
	used, _, err := one[int64](d.w, "SELECT used_blocks * block_size FROM pragma_database_size()")
	if err != nil {
		b.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "segments"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			segments += int(info.Size())
		}
	}
	return int(used), segments
}
