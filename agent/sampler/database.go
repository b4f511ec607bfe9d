package sampler

import (
	"context"
	_ "embed"
	"fmt"
	"time"
)

//go:embed sql/database.sql
var databaseSQL string

// rates names the counters of database.sql in order; each becomes a rate.
var rates = []string{
	"db.commits", "db.rollbacks", "db.rows_returned", "db.rows_fetched", "db.rows_inserted", "db.rows_updated", "db.rows_deleted",
	"db.blocks_read", "db.blocks_hit", "db.temp_bytes", "db.deadlocks", "db.wal_bytes", "db.checkpoints",
}

// gauges names the columns of database.sql after the counters.
var gauges = []string{"db.connections", "db.max_connections", "limit.xid_age"}

// database remembers the last reading of the counters.
type database struct {
	before []float64
	at     time.Time
}

// readDatabase reads pg_stat_database, the write-ahead log's position, connections and the age of the oldest transaction.
func (s *Sampler) readDatabase(ctx context.Context, b *batch) error {
	values := make([]float64, len(rates)+len(gauges))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	checkpoints := "checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"
	if s.major() >= 17 {
		checkpoints = "num_timed + num_requested FROM pg_stat_checkpointer"
	}
	if err := s.conn.QueryRow(ctx, fmt.Sprintf(databaseSQL, checkpoints)).Scan(into...); err != nil {
		return fmt.Errorf("read pg_stat_database: %w", err)
	}
	s.database.emit(b, values[:len(rates)])
	for i, name := range gauges {
		b.add(name, values[len(rates)+i], "")
	}
	return nil
}

// major is the server's major version.
func (s *Sampler) major() int {
	var major int
	_, _ = fmt.Sscan(s.conn.PgConn().ParameterStatus("server_version"), &major) // 17.2, 15.14 (Debian ...), 18beta1
	return major
}

// emit turns counters into rates; a counter that fell was reset, so what it shows is all new.
func (d *database) emit(b *batch, now []float64) {
	before, seconds := d.before, b.at.Sub(d.at).Seconds()
	d.before, d.at = now, b.at
	if before == nil || seconds <= 0 {
		return
	}
	growths := map[string]float64{}
	for i, name := range rates {
		growth := now[i] - before[i]
		if growth < 0 {
			growth = now[i]
			if name == "db.wal_bytes" {
				continue // another server or timeline: its position says nothing about a rate
			}
		}
		growths[name] = growth
		b.add(name, growth/seconds, "")
	}
	if asked := growths["db.blocks_hit"] + growths["db.blocks_read"]; asked > 0 {
		b.add("db.cache_hits", growths["db.blocks_hit"]/asked, "")
	}
}
