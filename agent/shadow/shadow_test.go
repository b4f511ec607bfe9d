package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// start opens a shadow in a folder of the test's.
func start(t testing.TB, dir string) *DB {
	t.Helper()
	d, err := Open(Options{Dir: dir, MemoryLimit: "1GB", Threads: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// row makes values of texts; "~" is NULL, "=" an unchanged large value, "-" one that was not sent.
func row(texts ...string) []change.Value {
	out := make([]change.Value, len(texts))
	for i, s := range texts {
		switch s {
		case "~":
		case "=":
			out[i].State = change.Unchanged
		case "-":
			out[i].State = change.NotSent
		default:
			out[i] = change.Value{Text: []byte(s), State: change.Set}
		}
	}
	return out
}

// stamp is the commit time of a position in these tests.
func stamp(lsn change.LSN) time.Time { return time.Date(2026, 1, 1, 0, 0, int(lsn), 0, time.UTC) }

func put(t testing.TB, d *DB, lsn change.LSN, changes ...change.Change) {
	t.Helper()
	for i := range changes {
		changes[i].Seq = int64(i)
	}
	tx := change.Tx{XID: uint32(lsn), CommitLSN: lsn, EndLSN: lsn + 1, CommitTime: stamp(lsn), Changes: changes, Last: true}
	if err := d.Append(t.Context(), []change.Tx{tx}); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, d *DB, rel *change.Relation, lsn change.LSN, rows ...[]change.Value) {
	t.Helper()
	for {
		l, err := d.Load(t.Context(), rel, lsn, stamp(lsn), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err = l.Row(r); err != nil {
				break
			}
		}
		if errors.Is(err, ErrAsText) {
			l.Abort()
			continue
		}
		if err == nil {
			err = l.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

// ask gives a query's rows as text, cells joined by |.
func ask(t testing.TB, d *DB, sql string) string {
	t.Helper()
	r, err := d.Query(t.Context(), Query{SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Close()
	var lines []string
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return strings.Join(lines, "\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len {
			var cells []string
			for j := range b.Columns {
				v := plain(&b.Columns[j], i)
				if v == nil {
					v = "~"
				}
				cells = append(cells, fmt.Sprint(v))
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
	}
}

func source(t testing.TB, d *DB, ref Ref) string {
	t.Helper()
	s, err := d.Source(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shows(t testing.TB, d *DB, ref Ref, want ...string) {
	t.Helper()
	got := ask(t, d, "SELECT * FROM ("+source(t, d, ref)+") ORDER BY 1, 2")
	if got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func items() *change.Relation {
	return &change.Relation{OID: 10, Schema: "public", Name: "items", Identity: change.IdentityDefault, Columns: []change.Column{
		{Name: "id", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1},
		{Name: "body", TypeOID: types.Text, TypMod: -1, AttNum: 2},
		{Name: "n", TypeOID: types.Int8, TypMod: -1, AttNum: 3},
	}}
}

func TestChangesAndTimeTravel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := start(t, dir)
	rel := items()
	load(t, d, rel, 10, row("1", "one", "1"), row("2", "two", "~"))
	shows(t, d, Ref{OID: 10}, "1|one|1", "2|two|~")
	put(t, d, 20, change.Change{Op: change.Insert, Relation: rel, After: row("3", "three", "3")},
		change.Change{Op: change.Update, Relation: rel, After: row("1", "=", "11")})
	put(t, d, 30, change.Change{Op: change.Update, Relation: rel, Before: row("3", "-", "-"), After: row("4", "=", "4")},
		change.Change{Op: change.Delete, Relation: rel, Before: row("2", "-", "-")})
	shows(t, d, Ref{OID: 10}, "1|one|11", "4|three|4")
	put(t, d, 40, change.Change{Op: change.Truncate, Relation: rel}, change.Change{Op: change.Insert, Relation: rel, After: row("4", "new", "5")})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = start(t, dir)
	defer d.Close()
	shows(t, d, Ref{OID: 10}, "4|new|5")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 10}}, "1|one|1", "2|two|~")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 25}}, "1|one|11", "2|two|~", "3|three|3")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{Time: stamp(30)}}, "1|one|11", "4|three|4")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 40}}, "4|new|5")
	for _, at := range []AsOf{{LSN: 9}, {LSN: 1000}, {Time: stamp(9)}, {Time: time.Now().Add(time.Hour)}} {
		if _, err := d.Source(t.Context(), Ref{OID: 10, AsOf: at}); sqlerr.Code(err) != sqlerr.SnapshotTooOld {
			t.Errorf("as of %v: %v", at, err)
		}
	}
	got := ask(t, d, "SELECT lsn, seq, transaction_type, primary_key, before, after, unknown_columns FROM ("+source(t, d, Ref{Name: "change_log"})+") ORDER BY lsn, seq")
	want := `20|0|insert|{"id": 3}|~|{"id": 3, "body": "three", "n": 3}|~
20|1|update|{"id": 1}|~|{"id": 1, "body": "one", "n": 11}|~
30|0|update|{"id": 4}|{"id": 3}|{"id": 4, "body": "three", "n": 4}|~
30|1|delete|{"id": 2}|{"id": 2}|~|~
40|0|truncate|~|~|~|~
40|1|insert|{"id": 4}|~|{"id": 4, "body": "new", "n": 5}|~`
	if got != want {
		t.Errorf("change log:\n%s", got)
	}
	for _, v := range []string{"change_profile", "capture_gaps", "tables", "series", "series_points", "volume_forecast", "load_forecast", "limits_forecast", "forecast_runs"} {
		ask(t, d, source(t, d, Ref{Name: v}))
	}
}

// Each hour is the mean of its samples and counts once, whatever the number of samples in it.
func TestLoadByHourOfWeek(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	calls := forecast.Series{ID: "load.calls:1", Kind: "load", Object: "1", Measure: "calls", Unit: "1/s", Step: time.Hour}
	sunday := time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)
	var samples []forecast.Sample
	for _, s := range []struct {
		after time.Duration
		value float64
	}{{0, 1}, {10 * time.Minute, 3}, {time.Hour, 10}, {7 * 24 * time.Hour, 4}} {
		samples = append(samples, forecast.Sample{Series: calls, At: sunday.Add(s.after), Value: s.value})
	}
	if err := d.AppendSamples(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	got := ask(t, d, "SELECT series, day_of_week, hour_of_day, mean, p50, hours FROM ("+source(t, d, Ref{Name: "load_by_hour_of_week"})+") ORDER BY 2, 3")
	if want := "load.calls:1|1|0|10|10|1\nload.calls:1|7|23|3|3|2"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnknownIsSaid(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	load(t, d, rel, 10)
	put(t, d, 20, change.Change{Op: change.Update, Relation: rel, After: row("1", "=", "11")})
	got := ask(t, d, "SELECT after, unknown_columns FROM ("+source(t, d, Ref{Name: "change_log"})+")")
	if got != `{"id": 1, "n": 11}|body` {
		t.Error(got)
	}
	if got := ask(t, d, "SELECT note FROM ("+source(t, d, Ref{Name: "tables"})+")"); got != "1 large values of its changes are not known" {
		t.Error(got)
	}
}

func TestNoKey(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	rel.Identity = change.IdentityFull
	for i := range rel.Columns {
		rel.Columns[i].Key = true
	}
	same := row("1", "x", "~")
	load(t, d, rel, 10, same, same, same)
	put(t, d, 20, change.Change{Op: change.Delete, Relation: rel, Before: same})
	put(t, d, 30, change.Change{Op: change.Insert, Relation: rel, After: same}, change.Change{Op: change.Insert, Relation: rel, After: row("5", "y", "1")})
	put(t, d, 40, change.Change{Op: change.Update, Relation: rel, Before: same, After: row("2", "=", "1")}, change.Change{Op: change.Delete, Relation: rel, Before: same})
	shows(t, d, Ref{OID: 10}, "1|x|~", "2|x|1", "5|y|1")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 20}}, "1|x|~", "1|x|~")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 30}}, "1|x|~", "1|x|~", "1|x|~", "5|y|1")
}

func TestShapes(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	load(t, d, rel, 10, row("1", "one", "1"), row("2", "two", "2"))
	put(t, d, 20, change.Change{Op: change.Delete, Relation: rel, Before: row("1", "-", "-")})
	fill := "7.50"
	next := items()
	next.Columns = []change.Column{next.Columns[0], next.Columns[2], {Name: "price", TypeOID: types.Numeric, TypMod: 4 + 10<<16 + 2, AttNum: 4, Missing: &fill}}
	next.Columns[1].Name = "amount" // renamed
	put(t, d, 30, change.Change{Op: change.Insert, Relation: next, After: row("3", "3", "1.25")})
	shows(t, d, Ref{OID: 10}, "2|2|750", "3|3|125")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 10}}, "1|1|750", "2|2|750")
	put(t, d, 40, change.Change{Op: change.Insert, Relation: next, After: row("4", "4", "NaN")})
	shows(t, d, Ref{OID: 10}, "2|2|7.50", "3|3|1.25", "4|4|NaN")
	retyped := items()
	retyped.Columns = append([]change.Column{}, next.Columns...)
	retyped.Columns[1].TypeOID = types.Text
	put(t, d, 50, change.Change{Op: change.Insert, Relation: retyped, After: row("5", "five", "5")})
	if _, err := d.Source(t.Context(), Ref{OID: 10}); sqlerr.Code(err) != sqlerr.ObjectNotInState {
		t.Error(err)
	}
	if _, err := d.Load(t.Context(), retyped, 60, stamp(60), &Filter{LSN: 60, Xmin: 50, Xmax: 50}); !errors.Is(err, ErrUnseen) {
		t.Error(err)
	}
	load(t, d, retyped, 60, row("5", "five", "5"))
	shows(t, d, Ref{OID: 10}, "5|five|5")
	shows(t, d, Ref{OID: 10, AsOf: AsOf{LSN: 40}}, "2|2|7.50", "3|3|1.25", "4|4|NaN")
}

// TestParts holds that a transaction in parts is seen only whole, and that what was stored is not stored again.
func TestParts(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	load(t, d, rel, 10)
	part := func(from, n int, last bool) change.Tx {
		tx := change.Tx{XID: 7, CommitLSN: 20, EndLSN: 21, CommitTime: stamp(20), Last: last}
		for i := from; i < from+n; i++ {
			tx.Changes = append(tx.Changes, change.Change{Op: change.Insert, Relation: rel, After: row(fmt.Sprint(i), "x", "1"), Seq: int64(i)})
		}
		return tx
	}
	put(t, d, 15, change.Change{Op: change.Insert, Relation: rel, After: row("-1", "x", "1")})
	app := func(tx change.Tx) {
		t.Helper()
		if err := d.Append(t.Context(), []change.Tx{tx}); err != nil {
			t.Fatal(err)
		}
	}
	app(part(0, 150_000, false))
	shows(t, d, Ref{OID: 10}, "-1|x|1")
	if err := d.Advance(t.Context(), 19); err == nil {
		t.Error("a position was said to be stored while a transaction is open")
	}
	d.Abort()
	shows(t, d, Ref{OID: 10}, "-1|x|1")
	app(part(0, 150_000, false))
	early := source(t, d, Ref{OID: 10}) // of a statement that sees the rows only when the transaction has ended
	app(part(150_000, 1000, true))
	if got := ask(t, d, "SELECT count(*) FROM ("+early+")"); got != "151001" {
		t.Errorf("%s rows of a transaction were seen without the others", got)
	}
	app(part(0, 150_000, false))
	app(part(150_000, 1000, true))
	if got := ask(t, d, "SELECT count(*) FROM ("+source(t, d, Ref{OID: 10})+")"); got != "151001" {
		t.Error(got)
	}
	if got := ask(t, d, "SELECT count(*), count(DISTINCT (lsn, seq)) FROM log"); got != "151001|151001" {
		t.Error(got)
	}
}

// TestInterrupt holds that a cancelled statement ends at once.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	r, err := d.Query(ctx, Query{SQL: "SELECT count(*) FROM range(100000000000) a, range(1000) b"})
	if err == nil {
		_, err = r.Next(ctx)
		r.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Error(err, time.Since(began))
	}
	if _, err := d.Query(t.Context(), Query{SQL: "DELETE FROM log"}); sqlerr.Code(err) != sqlerr.ReadOnlyTransaction {
		t.Error(err)
	}
	five := "5"
	r, err = d.Query(t.Context(), Query{SQL: "SELECT $1::INTEGER + t.a FROM t", Params: []*string{&five},
		Tables: []result.Table{{Name: "t", Columns: []result.TableColumn{{Name: "a", Type: "BIGINT"}}, Rows: [][]any{{int64(2)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil || b.Columns[0].Ints[0] != 7 {
		t.Error(err)
	}
}

// TestLooksAlike holds that of rows without a key the very one is taken out, though DuckDB takes others for equal.
func TestLooksAlike(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := &change.Relation{OID: 1, Schema: "s", Name: "t", Identity: change.IdentityFull,
		Columns: []change.Column{{Name: "f", TypeOID: types.Float8, TypMod: -1, Key: true, AttNum: 1}, {Name: "i", TypeOID: types.Interval, TypMod: -1, Key: true, AttNum: 2}}}
	load(t, d, rel, 10, row("-0", "1 mon"), row("0", "1 mon"), row("0", "1 mon"), row("0", "30 days"), row("NaN", "~"))
	for lsn, r := range [][]change.Value{row("0", "30 days"), row("-0", "1 mon"), row("NaN", "~")} {
		put(t, d, 20+change.LSN(lsn), change.Change{Op: change.Delete, Relation: rel, Before: r})
		ask(t, d, source(t, d, Ref{OID: 1}))
	}
	if got := ask(t, d, "SELECT f, signbit(f), i::VARCHAR FROM ("+source(t, d, Ref{OID: 1})+")"); got != "0|false|1 month\n0|false|1 month" {
		t.Error(got)
	}
}

// TestHeld holds that a change which the copy holds already takes no large value from it, which may be newer, and has its own shape.
func TestHeld(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	l, err := d.Load(t.Context(), rel, 30, stamp(30), &Filter{LSN: 30, Xmin: 25, Xmax: 30, Xip: []uint32{26}})
	if err == nil {
		err = l.Row(row("1", "newer", "30"))
	}
	if err == nil {
		err = l.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	wider := *rel
	wider.Columns = append([]change.Column{{Name: "gone", TypeOID: types.Int4, TypMod: -1, AttNum: 9}}, rel.Columns...)
	put(t, d, 20, change.Change{Op: change.Update, Relation: &wider, After: row("0", "1", "=", "20")})
	put(t, d, 26, change.Change{Op: change.Update, Relation: rel, After: row("1", "=", "26")}) // the copy does not hold this one
	shows(t, d, Ref{OID: rel.OID}, "1|newer|26")
	got := ask(t, d, "SELECT after, unknown_columns FROM ("+source(t, d, Ref{Name: "change_log"})+") ORDER BY lsn")
	if got != `{"gone": 0, "id": 1, "n": 20}|body`+"\n"+`{"id": 1, "body": "newer", "n": 26}|~` {
		t.Error(got)
	}
}

// TestFilterWraps holds that transactions' numbers are compared in a circle, as PostgreSQL does.
func TestFilterWraps(t *testing.T) {
	t.Parallel()
	const top = 1<<32 - 1
	f := &Filter{LSN: 100, Xmin: top - 10, Xmax: 20, Xip: []uint32{top - 10, top, 3, 15}}
	for xid, want := range map[uint32]bool{top - 11: true, 1<<31 + 5: true, top - 10: false, top - 9: true, top: false, 3: false, 4: true, 15: false, 19: true, 20: false, 21: false, 1<<31 - 20: false} {
		if got := f.holds(100, xid); got != want {
			t.Errorf("transaction %d: %v, want %v", xid, got, want)
		}
		if f.holds(101, xid) {
			t.Errorf("transaction %d is held after the copy's position", xid)
		}
	}
	if (*Filter)(nil).holds(1, 3) {
		t.Error("no filter holds a transaction")
	}
}

// TestClockGoesBack holds what a moment is when commit times are not in the log's order: the last commit, by the log's order, whose time is not after it,
// with everything before that. A later moment never shows less.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := items()
	load(t, d, rel, 10)
	clock := map[change.LSN]int{20: 20, 30: 50, 40: 25, 50: 30, 60: 60} // the clock was set back after the second commit
	for lsn := change.LSN(20); lsn <= 60; lsn += 10 {
		tx := change.Tx{XID: uint32(lsn), CommitLSN: lsn, EndLSN: lsn + 1, CommitTime: stamp(change.LSN(clock[lsn])), Last: true,
			Changes: []change.Change{{Op: change.Insert, Relation: rel, After: row(strconv.Itoa(int(lsn)), "~", "0")}}}
		message := change.Tx{CommitLSN: lsn + 5, EndLSN: lsn + 5, Last: true, Changes: []change.Change{{Op: change.Message, After: row("p", "outside")}}}
		if err := d.Append(t.Context(), []change.Tx{tx, message}); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[int]string{19: "0", 20: "1", 24: "1", 25: "3", 29: "3", 30: "4", 49: "4", 50: "4", 59: "4", 60: "5"} {
		moment := stamp(change.LSN(at))
		if got := ask(t, d, "SELECT count(*) FROM ("+source(t, d, Ref{OID: rel.OID, AsOf: AsOf{Time: moment}})+")"); got != want {
			t.Errorf("at %d: %s rows, want %s", at, got, want)
		}
		if at < 20 {
			continue
		}
		lsn, err := d.LSNAt(t.Context(), moment)
		if err != nil || fmt.Sprint(int(lsn)/10-1) != want {
			t.Errorf("at %d: position %d %v", at, lsn, err)
		}
	}
	if _, when, _ := d.Position(t.Context()); !when.Equal(stamp(60)) {
		t.Errorf("the last commit was at %s", when)
	}
}

// TestBytesThatAreNoText holds that bytes that are no UTF-8 are shown, by the tables and the log, and told apart where they identify a row.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	d := start(t, t.TempDir())
	defer d.Close()
	rel := &change.Relation{OID: 77, Schema: "public", Name: "odd", Identity: change.IdentityFull, Columns: []change.Column{{Name: "a", TypeOID: types.Text, TypMod: -1, AttNum: 1, Key: true}}}
	load(t, d, rel, 10, row("\x9c"), row("\x9d"), row("é"))
	put(t, d, 20, change.Change{Op: change.Insert, Relation: rel, After: row("a\xffb \xe2\x82 long enough to lie elsewhere")},
		change.Change{Op: change.Delete, Relation: rel, Before: row("\x9c")})
	if got, want := ask(t, d, "SELECT * FROM ("+source(t, d, Ref{OID: 77})+") ORDER BY 1"), `\235`+"\n"+`a\377b \342\202 long enough to lie elsewhere`+"\né"; got != want {
		t.Errorf("the table has\n%s", got)
	}
	if got := ask(t, d, "SELECT before->>'$.a' FROM log WHERE before IS NOT NULL"); got != `\234` {
		t.Errorf("the log has %q", got)
	}
}
