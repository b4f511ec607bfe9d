package shadow

import "testing"

// TestExportIsBounded writes 200 MB of wide rows to Parquet with less memory than they have.
func TestExportIsBounded(t *testing.T) {
	dir := t.TempDir()
	opened := func(limit string) *DB {
		d, err := Open(Options{Dir: dir, MemoryLimit: limit, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const rows = 48_000
	d := opened("2GB")
	err := d.w.exec("CREATE TABLE wide AS SELECT i, repeat(md5(i::VARCHAR), 128) AS s FROM range($1) t(i)", rows)
	if err == nil {
		err = d.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	d = opened("200MB")
	defer d.Close()
	c, err := d.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	f, err := d.export(c, "wide.parquet", "FROM wide")
	if err != nil {
		t.Fatal(err)
	}
	if f.Rows != rows {
		t.Errorf("%d rows were written", f.Rows)
	}
}
