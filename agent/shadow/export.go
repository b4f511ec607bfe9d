package shadow

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// parquetForm is how history is written: version 2's encodings leave little for zstd to do, so its cheapest level gives the smaller file too, and columns with
// more than some thousand different values are not looked through for a dictionary. A row group is held in memory until it is written, so its bytes are bounded.
const parquetForm = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 4096, ROW_GROUP_SIZE_BYTES 33554432"

// export writes the rows of a SELECT to a Parquet file in the segments' folder and makes it durable. It counts only when a manifest or the journal names it.
func (d *DB) export(c *conn, name, sql string) (*file, error) {
	f := &file{Name: name}
	rows, err := c.rows(fmt.Sprintf("COPY (%s) TO %s (%s, USE_TMP_FILE false)", sql, quote(filepath.Join(d.segments, name+".new")), parquetForm))
	if err == nil {
		f.Rows = rows[0][0].(int64)
		d.onStep("written")
		err = settle(d.segments, f)
	}
	if err != nil {
		_ = os.Remove(filepath.Join(d.segments, name+".new"))
		_ = os.Remove(filepath.Join(d.segments, name))
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return f, nil
}

// exportCopy writes the rows of a finished copy, before anything changes them.
func (d *DB) exportCopy(oid uint32, g *gen) (*file, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close()
	return d.export(c, fmt.Sprintf("copy-%d-%s.parquet", oid, rand.Text()[:12]), fmt.Sprintf("SELECT %s FROM b%d_%d", g.outward("lo"), oid, g.N))
}

// discard removes a file that nothing names.
func (d *DB) discard(f *file) { _ = os.Remove(filepath.Join(d.segments, f.Name)) }

// outward lists a generation's columns as Parquet can hold them, and others behind them. Only an interval loses something there: it goes in its three parts.
func (g *gen) outward(more ...string) string {
	var cols []string
	for i, typ := range g.Types {
		c := fmt.Sprintf("c%d", i)
		if typ == "INTERVAL" {
			c = fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN {'months': (date_part('year', %[1]s) * 12 + date_part('month', %[1]s))::INTEGER, 'days': date_part('day', %[1]s)::INTEGER, "+
				"'us': date_part('hour', %[1]s)::BIGINT * 3600000000 + date_part('minute', %[1]s)::BIGINT * 60000000 + date_part('microseconds', %[1]s)::BIGINT} END AS %[1]s", c)
		}
		cols = append(cols, c)
	}
	return strings.Join(append(cols, more...), ", ")
}

// inward reads what outward wrote.
func (g *gen) inward(more ...string) string {
	var cols []string
	for i, typ := range g.Types {
		c := fmt.Sprintf("c%d", i)
		if typ == "INTERVAL" {
			c = fmt.Sprintf("to_months(%[1]s.months) + to_days(%[1]s.days) + to_microseconds(%[1]s.us) AS %[1]s", c)
		}
		cols = append(cols, c)
	}
	return strings.Join(append(cols, more...), ", ")
}

// parquet is the table function that reads a file of the segments' folder.
func (d *DB) parquet(f file) string {
	return "read_parquet(" + quote(filepath.Join(d.segments, f.Name)) + ")"
}
