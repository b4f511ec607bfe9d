package prometheus

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"foreshadow/agent/sampler"
	"foreshadow/forecast"
)

// source is one row of the table of what is read: the query that gives a series of ours, or several of them told apart by labels.
type source struct {
	id     string   // of the series, or what comes before its object
	query  string   // $db, $pg, $node and $fs stand for label matchers
	labels []string // whose values, joined by a dot, are the object
	step   time.Duration
}

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// sources is the table of what is read. Rates and means are over the hour that ends at each point, and belong to it; levels are those at the end of a day.
var sources = []source{
	{"db.commits", `sum(rate(pg_stat_database_xact_commit{$db}[1h]))`, nil, hour},
	{"db.rollbacks", `sum(rate(pg_stat_database_xact_rollback{$db}[1h]))`, nil, hour},
	{"db.rows_returned", `sum(rate(pg_stat_database_tup_returned{$db}[1h]))`, nil, hour},
	{"db.rows_fetched", `sum(rate(pg_stat_database_tup_fetched{$db}[1h]))`, nil, hour},
	{"db.rows_inserted", `sum(rate(pg_stat_database_tup_inserted{$db}[1h]))`, nil, hour},
	{"db.rows_updated", `sum(rate(pg_stat_database_tup_updated{$db}[1h]))`, nil, hour},
	{"db.rows_deleted", `sum(rate(pg_stat_database_tup_deleted{$db}[1h]))`, nil, hour},
	{"db.blocks_read", `sum(rate(pg_stat_database_blks_read{$db}[1h]))`, nil, hour},
	{"db.blocks_hit", `sum(rate(pg_stat_database_blks_hit{$db}[1h]))`, nil, hour},
	{"db.temp_bytes", `sum(rate(pg_stat_database_temp_bytes{$db}[1h]))`, nil, hour},
	{"db.deadlocks", `sum(rate(pg_stat_database_deadlocks{$db}[1h]))`, nil, hour},
	{"db.connections", `sum(avg_over_time(pg_stat_database_numbackends{$pg}[1h]))`, nil, hour}, // of all databases
	{"load.total_calls", `sum(rate(pg_stat_statements_calls_total{$db}[1h]))`, nil, hour},
	{"load.total_time_ms", `1000 * sum(rate(pg_stat_statements_seconds_total{$db}[1h]))`, nil, hour},
	{"load.calls", `sum by (queryid) (rate(pg_stat_statements_calls_total{$db}[1h]))`, []string{"queryid"}, hour},
	{"load.time_ms", `1000 * sum by (queryid) (rate(pg_stat_statements_seconds_total{$db}[1h]))`, []string{"queryid"}, hour},
	{"load.rows", `sum by (queryid) (rate(pg_stat_statements_rows_total{$db}[1h]))`, []string{"queryid"}, hour},
	{"host.cpu", `1 - sum(rate(node_cpu_seconds_total{mode=~"idle|iowait",$node}[1h])) / sum(rate(node_cpu_seconds_total{$node}[1h]))`, nil, hour},
	{"host.memory_used", `sum(avg_over_time(node_memory_MemTotal_bytes{$node}[1h])) - sum(avg_over_time(node_memory_MemAvailable_bytes{$node}[1h]))`, nil, hour},
	{"host.memory_total", `sum(last_over_time(node_memory_MemTotal_bytes{$node}[1h]))`, nil, day},
	{"host.disk_free", `min(avg_over_time(node_filesystem_avail_bytes{$fs}[1h]))`, nil, hour},
	{"host.disk_total", `min(last_over_time(node_filesystem_size_bytes{$fs}[1h]))`, nil, day},
	{"volume.rows", `max by (schemaname, relname) (last_over_time(pg_stat_user_tables_n_live_tup{$db}[1h]))`, []string{"schemaname", "relname"}, day}, // the statistics' estimate
	{"volume.heap_bytes", `max by (schemaname, relname) (last_over_time(pg_stat_user_tables_table_size_bytes{$db}[1h]))`, []string{"schemaname", "relname"}, day},
	{"volume.index_bytes", `max by (schemaname, relname) (last_over_time(pg_stat_user_tables_index_size_bytes{$db}[1h]))`, []string{"schemaname", "relname"}, day},
}

// text is the query with its label matchers.
func (s *source) text(o *Options) string {
	and := func(matchers ...string) string {
		var out []string
		for _, m := range matchers {
			if m != "" {
				out = append(out, m)
			}
		}
		return strings.Join(out, ",")
	}
	text := strings.NewReplacer("$db", and("datname="+strconv.Quote(o.Database), o.Postgres), "$pg", o.Postgres, "$node", o.Node,
		"$fs", and("mountpoint="+strconv.Quote(o.Mountpoint), o.Node)).Replace(s.query)
	return strings.ReplaceAll(text, ",}", "}")
}

// samples turns what was found into samples. A point tells of the step that it ends.
func (s *source) samples(found []series) []forecast.Sample {
	var out []forecast.Sample
	for i := range found {
		id := s.id
		if len(s.labels) > 0 {
			var object []string
			for _, l := range s.labels {
				object = append(object, found[i].Metric[l])
			}
			if slices.Contains(object, "") {
				continue // of an exporter that does not tell them apart
			}
			id += ":" + strings.Join(object, ".")
		}
		words, _ := sampler.Describe(id)
		words.Source = "import"
		for _, v := range found[i].Values {
			if !math.IsNaN(v.v) && !math.IsInf(v.v, 0) {
				out = append(out, forecast.Sample{Series: words, At: v.at.Add(-s.step), Value: v.v})
			}
		}
	}
	return out
}
