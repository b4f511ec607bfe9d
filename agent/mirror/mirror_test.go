package mirror_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/mirror"
	"foreshadow/agent/pgtest"
	"foreshadow/sql/catalog"
	"foreshadow/sql/result"
	"foreshadow/sql/sqlerr"
)

// shop is a small schema with most kinds of objects.
const shop = `
CREATE ROLE reader; CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'secret'; CREATE ROLE clerk LOGIN IN ROLE reader;
CREATE ROLE spy LOGIN; GRANT pg_read_server_files, pg_execute_server_program TO spy; CREATE ROLE maker CREATEROLE LOGIN;
CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_trgm; CREATE TABLE attributes (h hstore, name text);
CREATE INDEX ON attributes USING gin (name gin_trgm_ops); CREATE PUBLICATION all_changes FOR ALL TABLES;
CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN email AS text CHECK (VALUE ~ '@');
CREATE TABLE customers (id int PRIMARY KEY, gone int, mail email UNIQUE, m mood DEFAULT 'sad', tags text[]);
ALTER TABLE customers DROP COLUMN gone;
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES customers, total numeric(12,2) CHECK (total >= 0), at timestamptz DEFAULT now());
CREATE TABLE secret (a int); CREATE TABLE rls (a int, who name); ALTER TABLE rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON rls USING (who = current_user);
CREATE INDEX ON orders (at); CREATE VIEW big AS SELECT * FROM orders WHERE total > 100; COMMENT ON TABLE orders IS 'what was bought';
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE FUNCTION body(int) RETURNS int BEGIN ATOMIC SELECT $1; SELECT $1 + 1; END;
CREATE MATERIALIZED VIEW daily AS SELECT date_trunc('day', at) AS day, sum(total) FROM orders GROUP BY 1;
GRANT SELECT ON orders, customers, rls TO reader; INSERT INTO customers VALUES (1, 'a@b', 'glad', NULL);`

// fixture is a primary with a mirror that runs beside it.
type fixture struct {
	*mirror.Mirror
	primary *pgtest.Server
	opts    mirror.Options
	cancel  context.CancelFunc
	done    chan error
}

// deadline is a context that ends a hanging test.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// start makes a primary with a database shop, runs the schema there and mirrors it.
func start(t testing.TB, schema string) *fixture {
	t.Helper()
	p := pgtest.Start(t)
	p.CreateDatabase(t, "shop")
	p.Exec(t, "shop", schema)
	f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(t), SourceDSN: p.DSN("postgres", "shop"), CatalogSQL: catalog.SQL, Poll: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}}
	f.run(t)
	return f
}

// testWriter writes logs into the test's output.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// run starts the mirror and waits until it serves.
func (f *fixture) run(t testing.TB) {
	t.Helper()
	m, err := mirror.New(f.opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.Mirror, f.cancel, f.done = m, cancel, make(chan error, 1)
	go func(done chan error) { done <- m.Run(ctx) }(f.done)
	t.Cleanup(f.stop)
	select {
	case <-m.Ready():
	case <-deadline(t).Done():
		t.Fatal("the mirror did not get ready")
	}
}

// stop ends the mirror and waits for it; a second call does nothing.
func (f *fixture) stop() {
	f.cancel()
	if f.done != nil {
		<-f.done
		f.done = nil
	}
}

// session opens a session that is closed at the test's end.
func (f *fixture) session(t testing.TB, role string) *mirror.Session {
	t.Helper()
	s, err := f.Session(deadline(t), role, map[string]string{"application_name": "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// do runs one statement and gives its rows as text, "NULL" for NULL, and its tag.
func do(t testing.TB, s *mirror.Session, sql string, args ...string) ([][]string, string, error) {
	t.Helper()
	ctx := deadline(t)
	name, _, _, err := s.Prepare(ctx, sql, nil)
	if err != nil {
		return nil, "", err
	}
	defer s.Deallocate(name)
	params := make([][]byte, len(args))
	for i, a := range args {
		params[i] = []byte(a)
	}
	rows, err := s.Execute(ctx, name, params, nil, nil)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	out, err := readAll(ctx, rows)
	return out, rows.Tag(), err
}

// readAll reads rows to their end.
func readAll(ctx context.Context, rows result.Rows) ([][]string, error) {
	var out [][]string
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range b.Len {
			row := make([]string, len(b.Columns))
			for c := range b.Columns {
				row[c] = string(b.Columns[c].Bytes[i])
				if b.Columns[c].Null(i) {
					row[c] = pgtest.Null
				}
			}
			out = append(out, row)
		}
	}
}

// must runs a simple query string of one statement with its Sync and gives the rows.
func must(t testing.TB, s *mirror.Session, sql string, args ...string) [][]string {
	t.Helper()
	rows, _, err := do(t, s, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if err := s.Sync(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return rows
}

// fails runs a statement that must fail with this SQLSTATE.
func fails(t testing.TB, s *mirror.Session, code, sql string, args ...string) *sqlerr.Error {
	t.Helper()
	_, _, err := do(t, s, sql, args...)
	if err == nil || sqlerr.Code(err) != code {
		t.Errorf("%s: got %v, want %s", sql, err, code)
	}
	if err := s.Sync(deadline(t)); err != nil && sqlerr.Code(err) != "57P01" {
		t.Error(err)
	}
	return sqlerr.From(err)
}

func TestSchemaIsMirrored(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	if w := f.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
	s := f.session(t, "boss")
	for _, sql := range []string{
		"SELECT current_database(), current_user",
		"SELECT oid, relname, relkind, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid",
		"SELECT attrelid, attname, attnum, atttypid, atttypmod, attisdropped FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) ORDER BY 1, 3",
		"SELECT oid, typname, typarray FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY oid",
		"SELECT oid, enumlabel FROM pg_enum ORDER BY oid",
		"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY conname, connamespace, conrelid",
		"SELECT indexrelid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid >= 16384 AND indrelid < 2000000000 ORDER BY 1",
		"SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2",
		"SELECT obj_description('orders'::regclass), pg_get_viewdef('big'::regclass)",
		"SELECT g.rolname, m.rolname FROM pg_auth_members JOIN pg_roles g ON g.oid = roleid JOIN pg_roles m ON m.oid = member WHERE g.rolname = 'reader'",
		"SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'orders'",
	} {
		got := must(t, s, sql)
		f.primary.Exec(t, "shop", "SET ROLE boss")
		want := f.primary.Query(t, "shop", "SET ROLE boss; "+sql)
		if !equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", sql, got, want)
		}
	}
	if got := must(t, s, "SELECT count(*) FROM customers"); got[0][0] != "0" {
		t.Errorf("the mirror holds rows: %v", got)
	}
	if got := must(t, s, "SELECT count(*), min(oid) >= 2000000000 FROM pg_class WHERE relnamespace = 'foreshadow'::regnamespace AND relkind = 'r'"); got[0][0] == "0" || got[0][1] != "t" {
		t.Errorf("schema foreshadow: %v", got)
	}
}

// TestCollations holds that the mirror orders text as the primary does, by ICU or the C library.
func TestCollations(t *testing.T) {
	t.Parallel()
	p := pgtest.Start(t)
	if p.Version() < 15 {
		t.Skip("SKIPPED: before PostgreSQL 15 a database's collation is the C library's")
	}
	p.Exec(t, "postgres", "CREATE DATABASE shop TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn-true' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
	f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(t), SourceDSN: p.DSN("postgres", "shop"), CatalogSQL: catalog.SQL, Poll: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}}
	f.run(t)
	const sql = "SELECT string_agg(v, ' ' ORDER BY v) FROM unnest('{a10,Ä1,a9,b,B}'::text[]) v"
	if got, want := must(t, f.session(t, "postgres"), sql), p.Query(t, "shop", sql); !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// equal compares rows.
func equal(a, b [][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if strings.Join(a[i], "\x00") != strings.Join(b[i], "\x00") {
			return false
		}
	}
	return true
}
