package mirror_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/mirror"
	"foreshadow/sql/sqlerr"
)

// state checks the transaction state.
func state(t testing.TB, s *mirror.Session, want byte) {
	t.Helper()
	if got := s.TxStatus(); got != want {
		t.Errorf("transaction status %c, want %c", got, want)
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	for name, test := range map[string]func(*testing.T, *fixture){
		"transactions": transactions, "implicit transactions": implicit, "describe": describe, "errors": wholeErrors, "streams": streams,
		"interleaved": interleaved, "held too much": heldTooMuch, "cancel": cancels, "deadline": timeouts, "questions": questions, "copy": copies,
		"discard": discards, "privileges": privileges, "lockdown": lockdown, "startup": startup, "status": statuses, "close": closes, "portals": portals, "after failures": afterFailures,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

func transactions(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	state(t, s, 'I')
	if _, tag, err := do(t, s, "BEGIN"); err != nil || tag != "BEGIN" {
		t.Fatal(tag, err)
	}
	state(t, s, 'T') // before any Sync
	must(t, s, "SET LOCAL foreshadow.as_of = 'yesterday'")
	must(t, s, "SAVEPOINT a")
	fails(t, s, "22012", "SELECT 1/0")
	state(t, s, 'E')
	fails(t, s, "25P02", "SELECT 1")
	must(t, s, "ROLLBACK TO a")
	state(t, s, 'T')
	if got := must(t, s, "SELECT current_setting('foreshadow.as_of')"); got[0][0] != "yesterday" {
		t.Errorf("as_of is %v", got)
	}
	if err := s.Fail(deadline(t)); err != nil {
		t.Fatal(err)
	}
	state(t, s, 'E')
	fails(t, s, "25P02", "SELECT 1")
	if _, tag, err := do(t, s, "COMMIT"); err != nil || tag != "ROLLBACK" {
		t.Errorf("tag %q, %v", tag, err)
	}
	state(t, s, 'I')
	if got := must(t, s, "SELECT current_setting('foreshadow.as_of', true)"); got[0][0] != "" {
		t.Errorf("as_of survived the rollback: %v", got)
	}
	must(t, s, "COMMIT")
	if n := s.Notices(); len(n) != 1 || n[0].Code != "25P01" || n[0].Severity != "WARNING" {
		t.Errorf("notices %v", n)
	}
}

func implicit(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	if _, _, err := do(t, s, "SET work_mem = '5MB'"); err != nil { // no Sync: the next error undoes it
		t.Fatal(err)
	}
	fails(t, s, "42703", "SELECT nope")
	if got := must(t, s, "SHOW work_mem"); got[0][0] != "4MB" {
		t.Errorf("work_mem is %v", got)
	}
	must(t, s, "SET work_mem = '5MB'")
	fails(t, s, "42703", "SELECT nope")
	if got := must(t, s, "SHOW work_mem"); got[0][0] != "5MB" {
		t.Errorf("work_mem is %v", got)
	}
	if err := s.Fail(deadline(t)); err != nil {
		t.Fatal(err)
	}
	state(t, s, 'I')
}

func describe(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	_, params, fields, err := s.Prepare(deadline(t), "SELECT o.total, o.id + $1, mail FROM orders o JOIN customers c ON customer = c.id WHERE at > $2", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(params) != 2 || params[0] != 20 || params[1] != 1184 {
		t.Errorf("params %v", params)
	}
	table := f.primary.Query(t, "shop", "SELECT 'orders'::regclass::oid")[0][0]
	got := must(t, s, "SELECT 'orders'::regclass::oid")[0][0]
	if got != table || fields[0].Name != "total" || fields[0].TypeOID != 1700 || fields[0].TypMod != 12<<16|2+4 || fields[0].AttNum != 3 {
		t.Errorf("field %+v, orders is %s and %s", fields[0], got, table)
	}
	if fields[1].Name != "?column?" || fields[1].TableOID != 0 || fields[1].TypeSize != 8 {
		t.Errorf("field %+v", fields[1])
	}
	if _, _, fields, err := s.Prepare(deadline(t), "SET work_mem = '4MB'", nil); err != nil || fields != nil {
		t.Errorf("fields %v, %v", fields, err)
	}
}

func wholeErrors(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	e := fails(t, s, "42703", "SELECT totl FROM orders")
	if e.Position != 8 || !strings.Contains(e.Hint, "orders.total") || e.Severity != "ERROR" {
		t.Errorf("%+v", e)
	}
	e = fails(t, s, "23514", "SELECT 'x'::email")
	if e.Constraint != "email_check" || e.DataType != "email" || e.Schema != "public" {
		t.Errorf("%+v", e)
	}
	if _, err := s.Execute(deadline(t), "never", nil, nil, nil); sqlerr.Code(err) != "26000" {
		t.Error(err)
	}
	fails(t, s, "22P02", "SELECT $1::int", "x")
	must(t, s, "SELECT $1::int", "7")
}

func streams(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	rows, tag, err := do(t, s, "SELECT g, NULL, '' FROM generate_series(1, 30000) g")
	if err != nil || tag != "SELECT 30000" || len(rows) != 30000 || rows[29999][0] != "30000" || rows[5][1] != "NULL" || rows[5][2] != "" {
		t.Errorf("%d rows, tag %q, %v", len(rows), tag, err)
	}
	wide := must(t, s, "SELECT repeat('x', 300000) FROM generate_series(1, 20)")
	if len(wide) != 20 || len(wide[19][0]) != 300000 {
		t.Errorf("%d wide rows", len(wide))
	}
	ctx := deadline(t)
	name, _, _, err := s.Prepare(ctx, "SELECT $1::int8", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(ctx, name, [][]byte{{0, 0, 0, 0, 0, 0, 1, 1}}, []int16{1}, []int16{1})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(ctx, r); err != nil || got[0][0] != "\x00\x00\x00\x00\x00\x00\x01\x01" {
		t.Errorf("binary: %q %v", got, err)
	}
}

func interleaved(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	name, _, _, err := s.Prepare(ctx, "SELECT g FROM generate_series(1, $1::int) g", nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Execute(ctx, name, [][]byte{[]byte("10000")}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Execute(ctx, name, [][]byte{[]byte("9000")}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	third, err := s.Execute(ctx, name, [][]byte{[]byte("9000")}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := third.Next(ctx); err != nil {
		t.Fatal(err)
	}
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := readAll(ctx, second)
	if err != nil || len(b) != 9000 || b[8999][0] != "9000" {
		t.Errorf("second: %d, %v", len(b), err)
	}
	a, err := readAll(ctx, first)
	if err != nil || len(a) != 10000 || a[9999][0] != "10000" || first.Tag() != "SELECT 10000" {
		t.Errorf("first: %d, %v", len(a), err)
	}
	if _, err := third.Next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("closed: %v", err)
	}
}

func portals(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	open := func() interface {
		readTo(context.Context) (int, error)
	} {
		name, _, _, err := s.Prepare(ctx, "SELECT g FROM generate_series(1, 20000) g", nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Execute(ctx, name, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return counted{t, func(ctx context.Context) (int, error) { rows, err := readAll(ctx, r); return len(rows), err }}
	}
	r := open()
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.readTo(ctx); sqlerr.Code(err) != "34000" {
		t.Errorf("a portal outlived the Sync: %v", err)
	}
	must(t, s, "BEGIN")
	r = open()
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := r.readTo(ctx); err != nil || n != 20000 {
		t.Errorf("in a transaction: %d %v", n, err)
	}
	must(t, s, "ROLLBACK")
}

// counted counts the rows of a result.
type counted struct {
	t  *testing.T
	fn func(context.Context) (int, error)
}

func (c counted) readTo(ctx context.Context) (int, error) { return c.fn(ctx) }

func heldTooMuch(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	name, _, _, err := s.Prepare(ctx, "SELECT repeat('x', 100000) FROM generate_series(1, 2000)", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Execute(ctx, name, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := do(t, s, "SELECT 1"); err != nil || got[0][0] != "1" {
		t.Errorf("the other statement: %v %v", got, err)
	}
	if _, err := readAll(ctx, r); sqlerr.Code(err) != sqlerr.OutOfMemory {
		t.Errorf("got %v", err)
	}
	must(t, s, "SELECT 1")
}

// waitBusy polls until a backend runs this statement.
func waitBusy(t *testing.T, watcher *mirror.Session, sql string) {
	eventually(t, func() bool {
		return len(must(t, watcher, "SELECT 1 FROM pg_stat_activity WHERE query = $1 AND state = 'active'", sql)) == 1
	})
}

// eventually polls a condition.
func eventually(t testing.TB, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

func cancels(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	must(t, s, "BEGIN")
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		admin := f.session(t, "boss")
		waitBusy(t, admin, "SELECT pg_sleep(101)")
		s.Cancel()
	}()
	fails(t, s, "57014", "SELECT pg_sleep(101)")
	<-stop
	state(t, s, 'E')
	must(t, s, "ROLLBACK")
	must(t, s, "SELECT 1")
}

func timeouts(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx, cancel := context.WithTimeout(deadline(t), 50*time.Millisecond)
	defer cancel()
	name, _, _, err := s.Prepare(deadline(t), "SELECT pg_sleep(100)", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Execute(ctx, name, nil, nil, nil); sqlerr.Code(err) != "57014" {
		t.Error(err)
	}
	must(t, s, "SELECT 1")
}

func questions(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	must(t, s, "SET search_path = pg_temp, public")
	for range 3 {
		row, err := s.QueryRow(ctx, "SELECT to_regclass($1)::text, current_setting('search_path'), NULL", "orders")
		if err != nil || *row[0] != "orders" || *row[1] != "pg_temp, public" || row[2] != nil {
			t.Fatal(row, err)
		}
	}
	if row, err := s.QueryRow(ctx, "SELECT 1 WHERE false"); err != nil || row != nil {
		t.Error(row, err)
	}
	if err := s.Sync(ctx); err != nil {
		t.Error(err)
	}
	must(t, s, "DISCARD ALL")
	if _, err := s.QueryRow(ctx, "SELECT to_regclass($1)::text, current_setting('search_path'), NULL", "orders"); err != nil {
		t.Error(err)
	}
	must(t, s, "BEGIN")
	fails(t, s, "22012", "SELECT 1/0")
	if _, err := s.QueryRow(ctx, "SELECT 1"); sqlerr.Code(err) != "25P02" {
		t.Error(err)
	}
	state(t, s, 'E')
}

func copies(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	rows, tag, err := do(t, s, "COPY (SELECT g, NULL FROM generate_series(1, 3000) g) TO STDOUT")
	if err != nil || tag != "COPY 3000" || len(rows) != 3000 || rows[2999][0] != "3000\t\\N\n" {
		t.Errorf("%d rows, %q, %v", len(rows), tag, err)
	}
	if err := s.Sync(deadline(t)); err != nil {
		t.Fatal(err)
	}
	must(t, s, "BEGIN READ WRITE")
	must(t, s, "CREATE TEMP TABLE taken (a int)")
	fails(t, s, sqlerr.FeatureNotSupported, "COPY taken FROM STDIN")
	state(t, s, 'E')
	must(t, s, "ROLLBACK")
}

func discards(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	name, _, _, err := s.Prepare(ctx, "SELECT 42", nil)
	if err != nil {
		t.Fatal(err)
	}
	must(t, s, "DEALLOCATE ALL")
	r, err := s.Execute(ctx, name, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(ctx, r); err != nil || got[0][0] != "42" {
		t.Error(got, err)
	}
}

// afterFailures runs statements that were prepared before a failure.
func afterFailures(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	ctx := deadline(t)
	var names []string
	for _, sql := range []string{"SELECT 1", "SELECT 2"} {
		name, _, _, err := s.Prepare(ctx, sql, nil)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := s.Fail(ctx); err != nil {
		t.Fatal(err)
	}
	must(t, s, "BEGIN")
	fails(t, s, "22012", "SELECT 1/0")
	for _, name := range names {
		if _, err := s.Execute(ctx, name, nil, nil, nil); sqlerr.Code(err) != "25P02" {
			t.Errorf("in the failed transaction: %v", err)
		}
	}
	must(t, s, "ROLLBACK")
	for i, name := range names {
		r, err := s.Execute(ctx, name, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(ctx, r); err != nil || got[0][0] != strconv.Itoa(i+1) {
			t.Error(got, err)
		}
	}
}

func privileges(t *testing.T, f *fixture) {
	clerk, spy := f.session(t, "clerk"), f.session(t, "spy")
	must(t, clerk, "EXPLAIN SELECT * FROM orders") // through its membership in reader
	must(t, clerk, "EXPLAIN SELECT * FROM orders WHERE id = $1", "7")
	fails(t, clerk, "42501", "EXPLAIN SELECT * FROM secret")
	fails(t, spy, "42501", "EXPLAIN SELECT * FROM orders")
	must(t, f.session(t, "boss"), "EXPLAIN SELECT * FROM secret")
	if got := must(t, clerk, "SELECT row_security_active('rls')"); got[0][0] != "t" {
		t.Error("row security is not seen")
	}
	if got := must(t, f.session(t, "boss"), "SELECT row_security_active('rls')"); got[0][0] != "f" {
		t.Error("a superuser of the primary bypasses row security")
	}
}

func lockdown(t *testing.T, f *fixture) {
	for _, role := range []string{"boss", "spy", "maker", "postgres"} {
		s := f.session(t, role)
		for _, sql := range []string{
			"SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/tmp/x'",
			"SET SESSION AUTHORIZATION foreshadow_mirror", "SET ROLE foreshadow_mirror", "SET ROLE pg_execute_server_program",
			"SET temp_file_limit = -1",
		} {
			fails(t, s, "42501", sql)
		}
		fails(t, s, "25006", "CREATE TABLE x (a int)")
		must(t, s, "BEGIN READ WRITE")
		fails(t, s, "42501", "CREATE ROLE evil SUPERUSER")
		must(t, s, "ROLLBACK")
		must(t, s, "BEGIN READ WRITE")
		fails(t, s, "42501", "GRANT pg_execute_server_program TO spy")
		must(t, s, "ROLLBACK")
	}
	if _, err := f.Session(deadline(t), "foreshadow_mirror", nil); sqlerr.Code(err) != "28000" {
		t.Errorf("the superuser got in: %v", err)
	}
}

func startup(t *testing.T, f *fixture) {
	ctx := deadline(t)
	for want, params := range map[string]map[string]string{
		"3D000": {"database": "nope"}, "22023": {"TimeZone": "Moon"}, "42704": {"no_such_setting": "1"},
	} {
		if _, err := f.Session(ctx, "clerk", params); sqlerr.Code(err) != want || sqlerr.From(err).Severity != "FATAL" {
			t.Errorf("%v: %v", params, err)
		}
	}
	if _, err := f.Session(ctx, "nobody", nil); sqlerr.Code(err) != "28000" || f.HasRole("nobody") || !f.HasRole("clerk") {
		t.Error(err)
	}
}

func statuses(t *testing.T, f *fixture) {
	s, err := f.Session(deadline(t), "clerk", map[string]string{"TimeZone": "Asia/Tokyo", "options": "-c search_path=public"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st := s.Status()
	for name, want := range map[string]string{"TimeZone": "Asia/Tokyo", "IntervalStyle": "postgres", "is_superuser": "off", "session_authorization": "clerk", "server_encoding": "UTF8"} {
		if st[name] != want {
			t.Errorf("%s is %q", name, st[name])
		}
	}
	must(t, s, "SET IntervalStyle = 'iso_8601'")
	if s.Status()["IntervalStyle"] != "iso_8601" {
		t.Error("a change was not reported")
	}
}

func closes(t *testing.T, f *fixture) {
	s := f.session(t, "clerk")
	name, _, _, err := s.Prepare(deadline(t), "SELECT pg_sleep(102)", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := s.Execute(context.Background(), name, nil, nil, nil); ended <- err }()
	waitBusy(t, f.session(t, "boss"), "SELECT pg_sleep(102)")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ran on")
	}
	if _, _, err := do(t, s, "SELECT 1"); sqlerr.Code(err) != "08006" {
		t.Error(err)
	}
}
