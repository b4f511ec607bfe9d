package shadow

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
)

// past says which of ten-step moments of table numbers can still be read, the log's first position, and how many closed versions there are.
func past(t *testing.T, d *DB) (oldest change.LSN, first, versions string) {
	t.Helper()
	for at := change.LSN(10); at <= 100; at += 10 {
		_, err := d.Source(t.Context(), Ref{OID: 7, AsOf: AsOf{LSN: at}})
		var se *sqlerr.Error
		switch {
		case err == nil && oldest == 0:
			oldest = at
		case err != nil && (oldest != 0 || !errors.As(err, &se) || se.Code != sqlerr.SnapshotTooOld):
			t.Errorf("as of %d: %v", at, err)
		}
	}
	return oldest, ask(t, d, "SELECT min(lsn) FROM log WHERE oid = 7"), ask(t, d, "SELECT count(*) FROM h7_1")
}

// TestRetention holds that what is older than a table's age, or beyond its size, goes, that a pin keeps it, that a moment outside is refused,
// that the rows as they are stay, and that a rebuild brings nothing back and loses nothing that was kept.
func TestRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Dir: dir, Keep: Limit{Age: time.Second}, KeepTables: map[string]Limit{"public.numbers": {Age: 50 * time.Second}}}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	other := numbers
	other.OID, other.Name = 8, "other"
	load(t, d, &numbers, 1)
	load(t, d, &other, 1)
	for at := change.LSN(10); at <= 100; at += 10 {
		tx := numberedTx(at)
		tx.Changes = append(tx.Changes, change.Change{Op: change.Insert, Relation: &other, After: row(strconv.Itoa(int(at)), "0"), Seq: 2})
		if err := d.Append(t.Context(), []change.Tx{tx}); err != nil {
			t.Fatal(err)
		}
		if err := d.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	rows := ask(t, d, source(t, d, Ref{OID: 7})+" ORDER BY ALL")
	check := func(when string, oldest change.LSN, first, versions string) {
		t.Helper()
		if o, f, v := past(t, d); o != oldest || f != first || v != versions {
			t.Errorf("%s: the past begins at %d, the log at %s, with %s versions; want %d, %s, %s", when, o, f, v, oldest, first, versions)
		}
		if got := ask(t, d, source(t, d, Ref{OID: 7})+" ORDER BY ALL"); got != rows {
			t.Errorf("%s: rows %s", when, got)
		}
	}
	expire := func() {
		t.Helper()
		if err := d.Expire(t.Context(), stamp(105)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Pin(t.Context(), "build", 30); err != nil {
		t.Fatal(err)
	}
	expire()
	check("with a pin", 30, "40", "7")
	if err := d.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	lose := func() {
		t.Helper()
		if err := errors.Join(d.Close(), os.Remove(filepath.Join(dir, fileName))); err != nil {
			t.Fatal(err)
		}
		if d, err = Open(o); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	check("rebuilt with a pin", 30, "40", "7")
	if pins, err := d.Pins(t.Context()); err != nil || len(pins) != 1 || pins[0].LSN != 30 {
		t.Errorf("pins %v, %v", pins, err)
	}
	if err := d.Pin(t.Context(), "late", 10); err == nil {
		t.Error("a position that has expired was pinned")
	}
	if err := d.Unpin(t.Context(), "build"); err != nil {
		t.Fatal(err)
	}
	expire()
	check("without", 50, "60", "5")
	if got := ask(t, d, "SELECT count(*) FROM log WHERE oid = 8"); got != "1" {
		t.Errorf("%s changes of the other table", got)
	}
	lose() // from the checkpoint, whose files are older, and segments
	check("rebuilt", 50, "60", "5")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	o.KeepTables = map[string]Limit{"public.numbers": {Bytes: 150}} // a transaction has about 40
	if d, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	expire()
	check("by size", 70, "80", "3")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	o.KeepTables = map[string]Limit{"public.numbers": {Bytes: 1}}
	if d, err = Open(o); err != nil {
		t.Fatal(err)
	}
	expire()
	check("by size, but for the youngest", 90, "100", "1")
	if got := ask(t, d, "SELECT count(*) FROM log WHERE oid = 8"); got != "1" {
		t.Errorf("%s changes of the other table, younger than ten seconds, past their second", got)
	}
}

// threeVersions is a shadow with a table whose one row was made at 10 and changed at 20 and 30.
func threeVersions(t *testing.T) *DB {
	t.Helper()
	d := start(t, t.TempDir())
	load(t, d, items(), 10, row("1", "a", "1"))
	put(t, d, 20, change.Change{Op: change.Update, Relation: items(), After: row("1", "b", "2")})
	put(t, d, 30, change.Change{Op: change.Update, Relation: items(), After: row("1", "c", "3")})
	return d
}

// TestPinnedMeanwhile holds that a pin that is set after the search for what expires keeps it too.
func TestPinnedMeanwhile(t *testing.T) {
	t.Parallel()
	d := threeVersions(t)
	defer d.Close()
	if err := d.Pin(t.Context(), "instance", 15); err != nil {
		t.Fatal(err)
	}
	if err := d.expireTable(10, Mark{LSN: 25, Time: stamp(25)}); err != nil {
		t.Fatal(err)
	}
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 15}}, "1|a|1")
}

// TestReadMeanwhile holds that what somebody has planned to read does not expire before it is read, and expires afterwards.
func TestReadMeanwhile(t *testing.T) {
	t.Parallel()
	d := threeVersions(t)
	defer d.Close()
	for name, plan := range map[string]func(context.Context) (string, error){
		"as of": func(ctx context.Context) (string, error) { return d.Source(ctx, Ref{OID: 10, AsOf: AsOf{LSN: 15}}) },
		"since": func(ctx context.Context) (string, error) {
			return d.Source(ctx, Ref{OID: 10, AsOf: AsOf{LSN: 30}, Since: AsOf{LSN: 15}, Versions: true})
		},
		"before": func(ctx context.Context) (string, error) { return d.Diff(ctx, 10, AsOf{LSN: 15}, AsOf{LSN: 30}) },
	} {
		reading, done := d.Reading(t.Context())
		sql, err := plan(reading)
		if err != nil {
			t.Fatal(err)
		}
		sql = "FROM (" + sql + ") ORDER BY ALL"
		want := ask(t, d, sql)
		if err := d.expireTable(10, Mark{LSN: 25, Time: stamp(25)}); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, d, sql); got != want || want == "" {
			t.Errorf("%s: %q, expired %q", name, want, got)
		}
		done()
	}
	reading, done := d.ReadingFrom(t.Context(), 25)
	defer done()
	if _, err := d.Source(reading, Ref{OID: 10, AsOf: AsOf{LSN: 28}}); err != nil {
		t.Fatal(err)
	}
	if err := d.expireTable(10, Mark{LSN: 25, Time: stamp(25)}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Source(t.Context(), Ref{OID: 10, AsOf: AsOf{LSN: 15}}); sqlerr.Code(err) != sqlerr.SnapshotTooOld {
		t.Errorf("what nobody reads any more: %v", err)
	}
}
