package sampler

import (
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// BenchmarkRound is what one full round of readings takes on a server with 200 tables and a few hundred statements.
func BenchmarkRound(b *testing.B) {
	pg := pgtest.Start(b)
	pg.Exec(b, "postgres", `CREATE EXTENSION pg_stat_statements`)
	pg.Exec(b, "postgres", `DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, a int)', i);
		EXECUTE format('INSERT INTO t%s (a) SELECT g FROM generate_series(1, 100) g', i); END LOOP; END $$`)
	now := time.Unix(1_800_000_000, 0)
	s, err := New(Options{DSN: pg.DSN("postgres", "postgres"), Store: &memory{}, Clock: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.disconnect)
	for b.Loop() {
		now = now.Add(time.Hour)
		if err := s.Sample(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
