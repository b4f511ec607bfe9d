package sampler

import (
	"strings"
	"time"

	"foreshadow/forecast"
)

// kind is one row of the table of series: what every series of that name measures.
type kind struct {
	kind, measure, unit, text string
	step                      time.Duration
}

const day = 24 * time.Hour

// kinds is the table of all series that are sampled or imported. Kinds load and host are rates or gauges, averaged over a step;
// volume and limit are levels, of which the last one in a step counts. A new series is one row here.
var kinds = map[string]kind{
	"load.calls":            {"load", "calls", "1/s", "calls per second of a statement", time.Hour},
	"load.time_ms":          {"load", "time_ms", "ms/s", "execution time per second of a statement", time.Hour},
	"load.rows":             {"load", "rows", "1/s", "rows per second returned or changed by a statement", time.Hour},
	"load.blocks":           {"load", "blocks", "1/s", "shared blocks per second touched by a statement", time.Hour},
	"load.total_calls":      {"load", "calls", "1/s", "calls per second of all statements", time.Hour},
	"load.total_time_ms":    {"load", "time_ms", "ms/s", "execution time per second of all statements", time.Hour},
	"db.commits":            {"load", "commits", "1/s", "transactions committed per second", time.Hour},
	"db.rollbacks":          {"load", "rollbacks", "1/s", "transactions rolled back per second", time.Hour},
	"db.rows_returned":      {"load", "rows_returned", "1/s", "rows read by scans per second", time.Hour},
	"db.rows_fetched":       {"load", "rows_fetched", "1/s", "rows fetched by index scans per second", time.Hour},
	"db.rows_inserted":      {"load", "rows_inserted", "1/s", "rows inserted per second", time.Hour},
	"db.rows_updated":       {"load", "rows_updated", "1/s", "rows updated per second", time.Hour},
	"db.rows_deleted":       {"load", "rows_deleted", "1/s", "rows deleted per second", time.Hour},
	"db.blocks_read":        {"load", "blocks_read", "1/s", "blocks read from outside shared buffers per second", time.Hour},
	"db.blocks_hit":         {"load", "blocks_hit", "1/s", "blocks found in shared buffers per second", time.Hour},
	"db.temp_bytes":         {"load", "temp_bytes", "bytes/s", "temporary files written per second", time.Hour},
	"db.deadlocks":          {"load", "deadlocks", "1/s", "deadlocks per second", time.Hour},
	"db.wal_bytes":          {"load", "wal_bytes", "bytes/s", "write-ahead log written per second", time.Hour},
	"db.connections":        {"load", "connections", "connections", "connections of all databases", time.Hour},
	"db.max_connections":    {"limit", "max_connections", "connections", "connections that ordinary users may open", day},
	"host.cpu":              {"host", "cpu", "share", "share of the host's processors in use", time.Hour},
	"host.memory_used":      {"host", "memory_used", "bytes", "memory in use on the host", time.Hour},
	"host.memory_total":     {"limit", "memory_total", "bytes", "memory of the host", day},
	"host.disk_free":        {"host", "disk_free", "bytes", "free space on the data disk", time.Hour},
	"host.disk_total":       {"limit", "disk_total", "bytes", "size of the data disk", day},
	"volume.rows":           {"volume", "rows", "rows", "rows of a table", day},
	"volume.rows_created":   {"volume", "rows_created", "rows", "rows of a table back in time, by the days on which they were created", day},
	"volume.heap_bytes":     {"volume", "heap_bytes", "bytes", "a table's own file, without TOAST", day},
	"volume.index_bytes":    {"volume", "index_bytes", "bytes", "all indexes of a table", day},
	"volume.toast_bytes":    {"volume", "toast_bytes", "bytes", "large values of a table, with their index", day},
	"volume.live_rows":      {"volume", "live_rows", "rows", "rows of a table as the statistics estimate them", day},
	"volume.rows_inserted":  {"volume", "rows_inserted", "rows", "rows ever inserted since the statistics were reset", day},
	"volume.rows_deleted":   {"volume", "rows_deleted", "rows", "rows ever deleted since the statistics were reset", day},
	"key.last":              {"limit", "key_last", "ids", "the last value of an integer key or sequence", day},
	"key.first":             {"limit", "key_first", "ids", "the first value of a sequence", day},
	"key.max":               {"limit", "key_max", "ids", "the largest value that a key's type or sequence allows", day},
	"key.check_upper":       {"limit", "check_upper", "", "the upper bound that check constraints put on a column", day},
	"key.check_lower":       {"limit", "check_lower", "", "the lower bound that check constraints put on a column", day},
	"key.check_length":      {"limit", "check_length", "characters", "the greatest length that check constraints allow a column", day},
	"key.column_max":        {"limit", "column_max", "", "the largest value of a column, or the length of the longest", day},
	"key.column_min":        {"limit", "column_min", "", "the smallest value of a column", day},
	"key.column_nulls":      {"limit", "column_nulls", "rows", "rows without a value in a column", day},
	"key.partition_end":     {"limit", "partition_end", "", "the number at which the last range of a partitioned table ends", day},
	"key.partition_until":   {"limit", "partition_until", "s", "the time at which the last range of a partitioned table ends, since 1970", day},
	"key.partition_default": {"limit", "partition_default", "", "1 when a partitioned table has a default partition", day},
	"limit.mxid_age":        {"limit", "mxid_age", "multixacts", "age of the oldest multixact of all databases", time.Hour},
	"limit.xid_freeze":      {"limit", "xid_freeze", "transactions", "age at which autovacuum freezes in any case", day},
	"limit.mxid_freeze":     {"limit", "mxid_freeze", "multixacts", "age at which autovacuum freezes in any case", day},
	"limit.table_bytes":     {"limit", "table_bytes", "bytes", "the largest size of a table's file", day},
	"limit.xid_age":         {"limit", "xid_age", "transactions", "age of the oldest unfrozen transaction of all databases", time.Hour},
	"lock.readers":          {"load", "readers", "s", "age of the oldest transaction that holds a table", time.Hour},
	"lock.writers":          {"load", "writers", "s", "age of the oldest transaction that writes to a table", time.Hour},
	"lock.snapshot":         {"load", "snapshot", "s", "age of the oldest snapshot of the database", time.Hour},
	"load.wal_bytes":        {"load", "wal_bytes", "bytes/s", "write-ahead log per second written by a statement", time.Hour},
	"activity.user":         {"load", "active_sessions", "s/s", "seconds per second that sessions of a user are at work", time.Hour},
	"activity.application":  {"load", "active_sessions", "s/s", "seconds per second that sessions of an application are at work", time.Hour},
	"activity.total":        {"load", "active_sessions", "s/s", "seconds per second that all sessions are at work", time.Hour},
	"db.checkpoints":        {"load", "checkpoints", "1/s", "checkpoints per second, timed and requested", time.Hour},
	"db.cache_hits":         {"load", "cache_hits", "blocks/block", "share of the blocks asked for that were found in shared buffers", time.Hour},
	"host.disk_read":        {"host", "disk_read", "bytes/s", "read from the host's disks per second", time.Hour},
	"host.disk_written":     {"host", "disk_written", "bytes/s", "written to the host's disks per second", time.Hour},
	"host.network_in":       {"host", "network_in", "bytes/s", "received by the host per second, without its own loop", time.Hour},
	"host.network_out":      {"host", "network_out", "bytes/s", "sent by the host per second, without its own loop", time.Hour},
	"volume.dead_rows":      {"volume", "dead_rows", "rows", "rows of a table that no one can see and vacuum has not removed yet, as the statistics estimate them", day},
	"volume.bloat_bytes":    {"volume", "bloat_bytes", "bytes", "pages of a table's own file beyond those that its live rows would fill, by the statistics of its columns", day},
}

// Describe fills in the words of a series from its ID, such as load.total_calls or volume.heap_bytes:public.orders.
// It is false for a name that no row of the table knows.
func Describe(id string) (forecast.Series, bool) {
	name, object, _ := strings.Cut(id, ":")
	k, ok := kinds[name]
	if !ok {
		return forecast.Series{}, false
	}
	if object == "" {
		object, _, _ = strings.Cut(name, ".")
	}
	return forecast.Series{
		ID: id, Kind: k.kind, Object: object, Measure: k.measure, Unit: k.unit, Source: "sample", Text: k.text, Step: k.step,
	}, true
}

// batch gathers the samples of one round.
type batch struct {
	at      time.Time
	samples []forecast.Sample
}

// add appends one value; text replaces the general description when it is not empty.
func (b *batch) add(id string, value float64, text string) {
	s, ok := Describe(id)
	if !ok {
		panic("sampler: series " + id + " has no row in the table")
	}
	if text != "" {
		s.Text = text
	}
	b.samples = append(b.samples, forecast.Sample{Series: s, At: b.at, Value: value})
}
