// Package rates measures what the host's hardware does in a second of schema changes, on a private PostgreSQL with tables of its own.
// The command `foreshadow calibrate` calls it, and the agent reads what it kept. It never touches the primary; the rates hold for it
// where it runs on the same hardware with its tables in memory.
package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/postgres"
	"foreshadow/forecast/risk"
)

// Options say where the private server lives for the time of measuring, and how many rows its table has; zero is half a million, with which
// every change takes longer than the noise.
type Options struct {
	Dir, BinDir, OSUser string
	Rows                int
}

// factor is how far off measured rates are taken to be: less than those of another machine.
const factor = 2

// parents are the rows that foreign keys are looked up in.
const parents = 100_000

// settings keep the disk out of it, as far as PostgreSQL can, and parallel workers, which a busy server has none to spare of.
var settings = map[string]string{"shared_buffers": "256MB", "max_wal_size": "8GB", "maintenance_work_mem": "64MB", "max_parallel_maintenance_workers": "0",
	"autovacuum": "off", "jit": "off"}

// Measure makes a server, times one change of each class and removes the server. each is told every rate as it is known.
func Measure(ctx context.Context, o Options, each func(name string, perSecond float64)) (r risk.Rates, err error) {
	if o.Rows == 0 {
		o.Rows = 500_000
	}
	s, err := postgres.Create(ctx, postgres.Options{Dir: o.Dir, BinDir: o.BinDir, OSUser: o.OSUser, Settings: settings})
	if err != nil {
		return r, fmt.Errorf("make a server to measure on: %w", err)
	}
	defer func() { err = errors.Join(err, s.Destroy(context.WithoutCancel(ctx))) }()
	if err := s.Start(ctx); err != nil {
		return r, fmt.Errorf("start a server to measure on: %w", err)
	}
	conn, err := pgx.Connect(ctx, s.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		return r, fmt.Errorf("connect to the server to measure on: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	r, err = measure(ctx, conn, float64(o.Rows), each)
	return r, err
}

// tries is how often each change is timed; the fastest counts, as it was disturbed least.
const tries = 3

// measure times the changes, inside the session, and takes each back.
func measure(ctx context.Context, conn *pgx.Conn, rows float64, each func(string, float64)) (risk.Rates, error) {
	r := risk.DefaultRates
	for _, sql := range []string{
		fmt.Sprintf(`CREATE TABLE parent AS SELECT generate_series(1, %d) AS id`, parents),
		`ALTER TABLE parent ADD PRIMARY KEY (id)`,
		fmt.Sprintf(`CREATE TABLE child AS SELECT i AS id, 1 + i %% %d AS parent, md5(i::text) AS code, now() AS at, i %% 1000 AS kind
			FROM generate_series(1, %.0f) i ORDER BY random()`, parents, rows),
		`VACUUM ANALYZE child`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return r, fmt.Errorf("fill tables to measure on: %w", err)
		}
	}
	var heap float64
	if err := conn.QueryRow(ctx, "SELECT pg_relation_size('child')").Scan(&heap); err != nil {
		return r, fmt.Errorf("measure a table: %w", err)
	}
	for _, c := range []struct {
		name, sql string
		amount    float64
		rate      *float64
	}{
		{"bytes scanned", "ALTER TABLE child ADD CHECK (id > 0)", heap, &r.Scan},
		{"rows looked up", "ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent", rows, &r.Lookup},
		{"bytes rewritten", "ALTER TABLE child ALTER COLUMN kind TYPE bigint", heap, &r.Rewrite},
		{"index entries x log2(rows)", "CREATE INDEX ON child (code)", rows * math.Log2(rows), &r.Index},
		{"rows updated", "UPDATE child SET kind = kind + 1", rows, &r.Change},
	} {
		fastest := math.Inf(1)
		for range tries {
			took, err := timed(ctx, conn, c.sql)
			if err != nil {
				return r, fmt.Errorf("measure %s: %w", c.name, err)
			}
			fastest = min(fastest, took.Seconds())
		}
		*c.rate = c.amount / fastest
		each(c.name, *c.rate)
	}
	speed := r.Rewrite / risk.DefaultRates.Rewrite // what is not measured is taken to go along
	r.Copy, r.Replay = r.Copy*speed, r.Replay*speed
	r.Factor, r.Measured = factor, time.Now().UTC()
	return r, nil
}

// timed runs a change in a transaction that is rolled back.
func timed(ctx context.Context, conn *pgx.Conn, sql string) (time.Duration, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // what it changed is in the way
	began := time.Now()
	_, err = tx.Exec(ctx, sql)
	return time.Since(began), err
}

// file is where a data folder keeps its rates.
func file(dir string) string { return filepath.Join(dir, "rates.json") }

// Write keeps rates in a data folder.
func Write(dir string, r risk.Rates) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write rates: %w", err)
	}
	tmp := file(dir) + ".new"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write rates: %w", err)
	}
	if err := os.Rename(tmp, file(dir)); err != nil {
		return fmt.Errorf("write rates: %w", err)
	}
	return nil
}

// Read gives the rates that a data folder keeps, or the shipped ones where none were measured.
func Read(dir string) (risk.Rates, error) {
	text, err := os.ReadFile(file(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return risk.DefaultRates, nil
	}
	if err != nil {
		return risk.DefaultRates, fmt.Errorf("read rates: %w", err)
	}
	r := risk.DefaultRates
	if err := json.Unmarshal(text, &r); err != nil {
		return risk.DefaultRates, fmt.Errorf("read rates in %s: %w", file(dir), err)
	}
	for _, v := range []float64{r.Scan, r.Lookup, r.Rewrite, r.Index, r.Change, r.Copy, r.Replay, r.Factor} {
		if !(v > 0) || math.IsInf(v, 0) {
			return risk.DefaultRates, fmt.Errorf("read rates in %s: a rate is not above zero", file(dir))
		}
	}
	return r, nil
}
