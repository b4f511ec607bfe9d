package mirror_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"foreshadow/agent/mirror"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/postgres"
	"foreshadow/sql/catalog"
	"foreshadow/sql/sqlerr"
)

func TestRefreshAfterSchemaChange(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	idle, busy, gone := f.session(t, "clerk"), f.session(t, "clerk"), f.session(t, "spy")
	for _, sql := range []string{"SET search_path = public, pg_temp", "SET foreshadow.as_of = 'then'", "SET work_mem = '7MB'", "SET TimeZone = 'Asia/Tokyo'",
		"PREPARE mine AS SELECT count(*) FROM orders", "LISTEN news"} {
		must(t, idle, sql)
	}
	ctx := deadline(t)
	prepared, _, _, err := idle.Prepare(ctx, "SELECT current_setting('work_mem'), 'mood'::regtype::oid", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := idle.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	mood := must(t, busy, "SELECT 'mood'::regtype::oid")
	must(t, busy, "BEGIN")
	must(t, busy, "SELECT 1")

	f.primary.Exec(t, "shop", "CREATE TABLE added (a int); ALTER TABLE orders ADD COLUMN note text; CREATE ROLE fresh; GRANT SELECT ON secret TO reader; DROP OWNED BY spy; DROP ROLE spy")
	changed := time.Now()
	eventually(t, func() bool {
		s := f.session(t, "clerk")
		defer s.Close()
		return must(t, s, "SELECT to_regclass('added')")[0][0] == "added"
	})
	t.Logf("the schema change was seen after %v", time.Since(changed))
	if got := must(t, busy, "SELECT to_regclass('added')"); got[0][0] != pgtest.Null {
		t.Error("a transaction moved in the middle")
	}
	must(t, busy, "COMMIT")
	if got := must(t, busy, "SELECT to_regclass('added')"); got[0][0] != "added" {
		t.Error("the session did not move after its transaction")
	}
	if got := must(t, busy, "SELECT 'mood'::regtype::oid"); got[0][0] != mood[0][0] {
		t.Errorf("the type's OID changed from %v to %v", mood, got)
	}
	must(t, busy, "EXPLAIN SELECT note FROM orders, secret")
	if got := must(t, idle, "SELECT current_setting('search_path'), current_setting('foreshadow.as_of'), current_setting('TimeZone')"); strings.Join(got[0], "|") != "public, pg_temp|then|Asia/Tokyo" {
		t.Errorf("settings after the move: %v", got)
	}
	must(t, idle, "EXECUTE mine")
	if got := must(t, idle, "SELECT * FROM pg_listening_channels()"); got[0][0] != "news" {
		t.Error("LISTEN was lost")
	}
	r, err := idle.Execute(ctx, prepared, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(ctx, r); err != nil || got[0][0] != "7MB" {
		t.Error(got, err)
	}
	if err := idle.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	fails(t, gone, "28000", "SELECT 1") // its role is no more
	if !f.HasRole("fresh") || f.HasRole("spy") {
		t.Error("roles are not those of the primary")
	}
}

func TestNothingIsRebuiltWithoutNeed(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	before, err := f.SchemaDump("shop")
	if err != nil {
		t.Fatal(err)
	}
	f.primary.Exec(t, "shop", "CREATE TEMP TABLE x (a int); TRUNCATE orders; REFRESH MATERIALIZED VIEW daily; INSERT INTO secret VALUES (1); ANALYZE; SELECT nextval('orders_id_seq')")
	f.primary.Exec(t, "shop", "VACUUM FULL orders")
	if err := f.Refresh(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if after, err := f.SchemaDump("shop"); err != nil || after != before {
		t.Errorf("rebuilt: %v %v", after, err)
	}
	f.primary.Exec(t, "shop", "REVOKE SELECT ON orders FROM reader")
	if err := f.Refresh(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if after, err := f.SchemaDump(""); err != nil || after == before {
		t.Errorf("not rebuilt: %v %v", after, err)
	}
	fails(t, f.session(t, "clerk"), "42501", "EXPLAIN SELECT * FROM orders")
}

func TestServesWithoutThePrimary(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	s := f.session(t, "clerk")
	if err := f.primary.Kill(); err != nil {
		t.Fatal(err)
	}
	must(t, s, "EXPLAIN SELECT * FROM orders")
	if err := f.Refresh(deadline(t)); err == nil {
		t.Error("refreshed from a dead primary")
	}
	f.stop()
	fails(t, s, "57P01", "SELECT 1")
	f.opts.CatalogSQL = strings.Replace(catalog.SQL, "foreshadow.change_log (", "foreshadow.change_log (newer int, ", 1)
	f.run(t) // the agent, of a newer version, restarts while the primary is down
	must(t, f.session(t, "clerk"), "SELECT newer FROM foreshadow.change_log")
	must(t, f.session(t, "clerk"), "EXPLAIN SELECT * FROM orders")
	if err := f.primary.Start(deadline(t)); err != nil {
		t.Fatal(err)
	}
	f.primary.Exec(t, "shop", "CREATE TABLE added (a int)")
	eventually(t, func() bool {
		s := f.session(t, "clerk")
		defer s.Close()
		return must(t, s, "SELECT to_regclass('added')")[0][0] == "added"
	})
	if left, _ := filepath.Glob(f.opts.Dir + "/generation-*"); len(left) > 2 {
		t.Errorf("left over: %v", left)
	}
}

// TestHostRestart holds that a server which was running when the host went down is not trusted, and one that had been stopped is.
func TestHostRestart(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	generation := func() string {
		left, err := filepath.Glob(f.opts.Dir + "/generation-*")
		if err != nil || len(left) != 1 {
			t.Fatalf("%v %v", left, err)
		}
		return left[0]
	}
	mark := filepath.Join(generation(), "mark") // goes with what is built anew
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	otherBoot := func() {
		f.stop()
		file := filepath.Join(generation(), "info.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`"Boot": "[^"]*"`).ReplaceAll(text, []byte(`"Boot": "another"`))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	otherBoot()
	f.run(t)
	if _, err := os.Stat(mark); err != nil {
		t.Error("a server that had been stopped is not used")
	}
	otherBoot()
	if err := os.WriteFile(filepath.Join(generation(), "data", "postmaster.pid"), []byte("999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.run(t)
	if _, err := os.Stat(mark); err == nil {
		t.Error("a server that the host took down with it is used")
	}
	must(t, f.session(t, "clerk"), "EXPLAIN SELECT * FROM orders")
}

func TestServerThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	s := f.session(t, "clerk")
	pid, err := strconv.Atoi(must(t, s, "SELECT pg_backend_pid()")[0][0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil { // PostgreSQL then restarts itself
		t.Fatal(err)
	}
	fails(t, s, "57P01", "SELECT 1")
	fails(t, s, "57P01", "SELECT 1")
	eventually(t, func() bool {
		s, err := f.Session(deadline(t), "clerk", nil)
		if err == nil {
			_ = s.Close()
		}
		return err == nil
	})
}

func TestSchemaFilesBuildAnInstance(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	dump, err := f.SchemaDump("shop")
	if err != nil {
		t.Fatal(err)
	}
	p := pgtest.Start(t)
	p.CreateDatabase(t, "next")
	for _, path := range []string{dump.Roles, dump.PreData, dump.PostData} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "secret'") || strings.Contains(string(b), " SUPERUSER") {
			t.Errorf("%s holds a password or a superuser", path)
		}
		b = []byte(strings.Replace(string(b), `CREATE ROLE "postgres"`, `-- `, 1))
		p.Exec(t, "next", string(b))
	}
	if got := p.Query(t, "next", "SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"); got[0][0] != "6" {
		t.Errorf("constraints: %v", got)
	}
}

// TestRarerKindsAreNoticed makes, one after the other, objects of kinds that no change of a table comes with.
func TestRarerKindsAreNoticed(t *testing.T) {
	t.Parallel()
	f := start(t, shop)
	s := f.session(t, "postgres")
	for _, c := range []struct{ change, question string }{
		{"CREATE STATISTICS together ON customer, total FROM orders", "SELECT 1 FROM pg_statistic_ext WHERE stxname = 'together'"},
		{"CREATE OPERATOR <=> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)", "SELECT 1 FROM pg_operator WHERE oprname = '<=>'"},
		{"CREATE CAST (bool AS money) WITH INOUT", "SELECT 1 FROM pg_cast WHERE castsource = 'bool'::regtype AND casttarget = 'money'::regtype"},
		{"CREATE COLLATION plain (LOCALE = 'C')", "SELECT 1 FROM pg_collation WHERE collname = 'plain'"},
		{"CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple)", "SELECT 1 FROM pg_ts_config WHERE cfgname = 'ours'"},
		{"ALTER TEXT SEARCH CONFIGURATION ours DROP MAPPING FOR email",
			"SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_ts_config_map m JOIN pg_ts_config c ON c.oid = mapcfg WHERE cfgname = 'ours' AND maptokentype = 4)"},
	} {
		f.primary.Exec(t, "shop", c.change)
		eventually(t, func() bool { return len(must(t, s, c.question)) == 1 })
	}
}

func TestMissingTypeBecomesText(t *testing.T) {
	t.Parallel()
	p := pgtest.Start(t)
	p.CreateDatabase(t, "shop")
	bin, err := postgres.FindBinDir()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(bin, "pg_config"), "--pkglibdir").Output()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "hstore.so"))
	if err != nil {
		t.Fatal(err)
	}
	dir := pgtest.Dir(t)
	away := filepath.Join(dir, "away.so")
	if err := os.WriteFile(away, lib, 0o755); err != nil {
		t.Fatal(err)
	}
	p.Exec(t, "shop", strings.ReplaceAll(`CREATE TYPE pairs;
		CREATE FUNCTION pairs_in(cstring) RETURNS pairs AS 'LIB', 'hstore_in' LANGUAGE c STRICT IMMUTABLE;
		CREATE FUNCTION pairs_out(pairs) RETURNS cstring AS 'LIB', 'hstore_out' LANGUAGE c STRICT IMMUTABLE;
		CREATE TYPE pairs (INPUT = pairs_in, OUTPUT = pairs_out, INTERNALLENGTH = -1, STORAGE = extended);
		CREATE TABLE things (id int PRIMARY KEY, p pairs, ps pairs[]); CREATE VIEW v AS SELECT p FROM things; CREATE TABLE fine (a int);`, "LIB", away))
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(t), SourceDSN: p.DSN("postgres", "shop"), CatalogSQL: catalog.SQL,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}}
	f.run(t)
	if w := strings.Join(f.Warnings(), "\n"); !strings.Contains(w, "type public.pairs is text here") {
		t.Errorf("warnings: %s", w)
	}
	s := f.session(t, "postgres")
	for _, q := range []string{"SELECT atttypid FROM pg_attribute WHERE attrelid = 'things'::regclass AND attnum > 0 ORDER BY attnum", "SELECT 'v'::regclass::oid, 'fine'::regclass::oid"} {
		if got, want := must(t, s, q), p.Query(t, "shop", q); !equal(got, want) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	must(t, s, "SELECT p, ps FROM things")
}

func TestUnprivilegedSourceRole(t *testing.T) {
	t.Parallel()
	p := pgtest.Start(t)
	p.CreateDatabase(t, "shop")
	p.Exec(t, "shop", shop+"; CREATE ROLE agent LOGIN; GRANT SELECT ON orders, customers TO agent")
	f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(t), SourceDSN: p.DSN("agent", "shop"), CatalogSQL: catalog.SQL,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}}
	f.run(t)
	if w := strings.Join(f.Warnings(), "\n"); !strings.Contains(w, "public.secret is left out") {
		t.Errorf("warnings: %s", w)
	}
	s := f.session(t, "clerk")
	must(t, s, "EXPLAIN SELECT * FROM orders")
	fails(t, s, "42P01", "SELECT * FROM secret")
}

func TestNoPrimaryYet(t *testing.T) {
	t.Parallel()
	m, err := mirror.New(mirror.Options{Dir: pgtest.Dir(t), SourceDSN: "host=/nowhere user=x dbname=y password=hidden", CatalogSQL: catalog.SQL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	if _, err := m.Session(ctx, "x", nil); sqlerr.Code(err) != "57P03" {
		t.Error(err)
	}
	if err := m.Refresh(ctx); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := mirror.New(mirror.Options{}); err == nil {
		t.Error("empty options were taken")
	}
}
