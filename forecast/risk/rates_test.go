package risk_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/forecast/risk"
)

// BenchmarkRates times one change of each class on tables of two sizes, on a server of its own, and gives what risk.Rates wants: the rate on the larger
// table, and by how much the default says too much time (above 1) or too little. Times are those inside the session.
func BenchmarkRates(b *testing.B) {
	s := pgtest.Start(b, "shared_buffers=512MB", "max_wal_size=8GB", "maintenance_work_mem=64MB", "max_parallel_maintenance_workers=0", "autovacuum=off")
	conn := s.Conn(b, "postgres")
	seconds := func(sql string) float64 {
		began := time.Now()
		if _, err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
		return time.Since(began).Seconds()
	}
	for _, rows := range []float64{300_000, 1_200_000} {
		b.Run(fmt.Sprintf("rows=%.0f", rows), func(b *testing.B) {
			seconds(`DROP TABLE IF EXISTS child, parent; CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 100000)`)
			seconds(fmt.Sprintf(`CREATE TABLE child AS SELECT i AS id, 1 + i %% 100000 AS parent, md5(i::text) AS code, now() AS at, i %% 1000 AS kind
				FROM generate_series(1, %.0f) i ORDER BY random(); ANALYZE child`, rows))
			var heap float64
			if err := conn.QueryRow(b.Context(), "SELECT pg_relation_size('child')").Scan(&heap); err != nil {
				b.Fatal(err)
			}
			def := risk.DefaultRates
			for _, c := range []struct {
				name, sql    string
				amount, rate float64
			}{
				{"scan", "ALTER TABLE child ADD CHECK (id > 0)", heap, def.Scan},
				{"lookup", "ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent", rows, def.Lookup},
				{"rewrite", "ALTER TABLE child ALTER COLUMN kind TYPE bigint", heap, def.Rewrite},
				{"index-int", "CREATE INDEX ON child (id)", rows * math.Log2(rows), def.Index},
				{"index-text", "CREATE INDEX ON child (code)", rows * math.Log2(rows), def.Index},
				{"change", "UPDATE child SET kind = kind + 1", rows, def.Change},
			} {
				took := seconds(c.sql)
				b.ReportMetric(c.amount/took/1e6, c.name+"-M/s")
				b.ReportMetric(c.amount/c.rate/took, c.name+"-said/took")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
