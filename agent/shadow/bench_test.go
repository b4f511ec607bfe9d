package shadow

import (
	"errors"
	"io"
	"testing"
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
