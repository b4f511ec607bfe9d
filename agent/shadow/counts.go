package shadow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

// current names a table's current storage and the place of a column in it, after folding.
func (d *DB) current(oid uint32, column string) (base string, at int, typ string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[oid]
	if t == nil || len(t.Gens) == 0 || !t.Synced || t.Dropped != 0 {
		return "", 0, "", sqlerr.New(sqlerr.UndefinedTable, "the table is not captured")
	}
	if !d.open {
		if err := d.foldFor(oid); err != nil {
			return "", 0, "", err
		}
	}
	if column == "" {
		return t.visible(), 0, "", nil
	}
	for i, c := range d.shape(t).Columns {
		if c.Name == column {
			return t.visible(), i, t.gen().Types[i], nil
		}
	}
	return "", 0, "", sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", column)
}

// read runs a small query on a connection of its own.
func (d *DB) read(sql string, args ...any) ([][]any, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.rows(sql, args...)
}

// RowCount counts a table's current rows.
func (d *DB) RowCount(_ context.Context, oid uint32) (int64, error) {
	base, _, _, err := d.current(oid, "")
	if err != nil {
		return 0, err
	}
	rows, err := d.read("SELECT count(*) FROM " + base)
	if err != nil {
		return 0, err
	}
	return rows[0][0].(int64), nil
}

// MaxInt gives the largest value of an integer column, 0 for an empty table.
func (d *DB) MaxInt(_ context.Context, oid uint32, column string) (int64, error) {
	base, i, typ, err := d.current(oid, column)
	if err != nil {
		return 0, err
	}
	if !strings.HasSuffix(typ, "INT") && !strings.HasSuffix(typ, "INTEGER") {
		return 0, sqlerr.New(sqlerr.DatatypeMismatch, "column %q is not an integer", column)
	}
	rows, err := d.read(fmt.Sprintf("SELECT max(c%d)::BIGINT FROM %s", i, base))
	if err != nil {
		return 0, err
	}
	n, _ := rows[0][0].(int64)
	return n, nil
}

// timed says that a DuckDB type holds points in time.
func timed(typ string) bool { return typ == "DATE" || strings.HasPrefix(typ, "TIMESTAMP") }

// DailyCounts counts a table's current rows by the day (UTC) in one of its time columns, from the first day to the last that is not in the future.
func (d *DB) DailyCounts(_ context.Context, oid uint32, column string) (time.Time, []float64, error) {
	base, i, typ, err := d.current(oid, column)
	if err != nil {
		return time.Time{}, nil, err
	}
	if !timed(typ) {
		return time.Time{}, nil, sqlerr.New(sqlerr.DatatypeMismatch, "column %q holds no points in time", column)
	}
	rows, err := d.read(fmt.Sprintf("SELECT c%[1]d::DATE AS day, count(*)::DOUBLE FROM %[2]s WHERE isfinite(c%[1]d) AND c%[1]d::TIMESTAMP <= now()::TIMESTAMP "+
		"AND c%[1]d::DATE > DATE '1900-01-01' GROUP BY day ORDER BY day", i, base))
	if err != nil || len(rows) == 0 {
		return time.Time{}, nil, err
	}
	start := rows[0][0].(time.Time)
	var counts []float64
	for _, r := range rows {
		at := int(r[0].(time.Time).Sub(start) / (24 * time.Hour))
		for len(counts) < at {
			counts = append(counts, 0)
		}
		counts = append(counts, r[1].(float64))
	}
	return start, counts, nil
}

// TimeColumns describes a table's columns of dates and timestamps.
func (d *DB) TimeColumns(_ context.Context, oid uint32) ([]forecast.TimeColumn, error) {
	base, _, _, err := d.current(oid, "")
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	t := d.tables[oid]
	rel, types := *d.shape(t), t.gen().Types
	d.mu.Unlock()
	var out []forecast.TimeColumn
	for i, typ := range types {
		if !timed(typ) {
			continue
		}
		rows, err := d.read(fmt.Sprintf("SELECT count(*), count(*) FILTER (c%[1]d IS NULL), count(*) FILTER (c%[1]d::TIMESTAMP > now()::TIMESTAMP), "+
			"count(DISTINCT c%[1]d::DATE), min(c%[1]d) FILTER (isfinite(c%[1]d))::TIMESTAMP, max(c%[1]d) FILTER (isfinite(c%[1]d))::TIMESTAMP FROM %[2]s", i, base))
		if err != nil {
			return nil, err
		}
		r := rows[0]
		c := forecast.TimeColumn{Name: rel.Columns[i].Name, Rows: r[0].(int64), Nulls: r[1].(int64), Future: r[2].(int64), Days: r[3].(int64)}
		c.First, _ = r[4].(time.Time)
		c.Last, _ = r[5].(time.Time)
		out = append(out, c)
	}
	return out, nil
}

// ChangeCounts counts captured changes by table and bucket of time, in that order.
func (d *DB) ChangeCounts(_ context.Context, since time.Time, bucket time.Duration) ([]forecast.ChangeBucket, error) {
	if since.IsZero() {
		since = time.Unix(0, 0)
	}
	rows, err := d.read("SELECT l.oid, any_value(n.relation), to_timestamp(floor(epoch_us(l.commit_time) / $2) * $2 / 1e6) AS b, count(*) FILTER (op = 1), "+
		"count(*) FILTER (op = 2), count(*) FILTER (op = 3), sum(bytes)::BIGINT FROM log l JOIN (SELECT oid, arg_max(relation, version) AS relation FROM shapes GROUP BY oid) n "+
		"ON n.oid = l.oid WHERE l.commit_time >= $1 GROUP BY l.oid, b ORDER BY l.oid, b", since, bucket.Microseconds())
	if err != nil {
		return nil, err
	}
	out := make([]forecast.ChangeBucket, len(rows))
	for i, r := range rows {
		out[i] = forecast.ChangeBucket{OID: uint32(r[0].(int64)), Relation: r[1].(string), At: r[2].(time.Time),
			Inserts: r[3].(int64), Updates: r[4].(int64), Deletes: r[5].(int64), Bytes: r[6].(int64)}
	}
	return out, nil
}
