package verify

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/ingest"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// patience bounds every wait for something new to happen; a loaded machine is slow.
const patience = 60 * time.Second

// world is a primary, an agent's capture of it, and a verifier.
type world struct {
	t     testing.TB
	pg    *pgtest.Server
	store *shadow.DB
	in    *ingest.Ingest
	v     *Verifier
}

// start captures a server's database postgres, after some SQL.
func start(t testing.TB, pg *pgtest.Server, sql string, o Options) *world {
	t.Helper()
	return startKeeping(t, pg, sql, shadow.Limit{}, o)
}

// startKeeping is start with a limit on what is kept of the past.
func startKeeping(t testing.TB, pg *pgtest.Server, sql string, keep shadow.Limit, o Options) *world {
	t.Helper()
	pg.Exec(t, "postgres", sql)
	looked := make(chan struct{})
	log := slog.New(&firstLook{Handler: slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}), looked: looked})
	dir := t.TempDir()
	store, err := shadow.Open(shadow.Options{Dir: dir, MemoryLimit: "2GB", Threads: 2, Direct: -1, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.New(capture.Options{DSN: pg.DSN("postgres", "postgres"), Spool: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := ingest.New(ingest.Options{Name: "test", Source: src, Store: store, Watch: watch, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = in.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Source, o.Store, o.Log, o.Ready = src, store, log, in.Ready()
	o.Reached = func() change.LSN { return in.Status().Received }
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, pg: pg, store: store, in: in, v: v}
	w.until("every table is copied", func() bool {
		select {
		case <-in.Ready():
			return in.Status().State == "streaming"
		default:
			return false
		}
	})
	select { // a session's first look comes at once, the next one never
	case <-looked:
	case <-time.After(patience):
		t.Fatal("timed out waiting until the catalog is looked at")
	}
	return w
}

// firstLook passes on warnings, and tells when capture has looked at the catalog.
type firstLook struct {
	slog.Handler
	looked chan struct{}
	once   sync.Once
}

func (h *firstLook) Enabled(context.Context, slog.Level) bool { return true }

func (h *firstLook) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "the catalog may have changed" {
		h.once.Do(func() { close(h.looked) })
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !f(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("timed out waiting until %s: %+v", what, w.in.Status())
		}
	}
}

func (w *world) exec(sql string) {
	w.t.Helper()
	w.pg.Exec(w.t, "postgres", sql)
}

// watch is so long that capture does not notice in a test that a publication was changed: it would copy the table again.
const watch = time.Hour

// hidden runs SQL that the stream does not bring, because the table is out of its publication meanwhile: in one transaction, so that nobody sees it missing.
func (w *world) hidden(publication, table, sql string) {
	w.t.Helper()
	w.exec(fmt.Sprintf("ALTER PUBLICATION %[1]s DROP TABLE %[2]s; %[3]s; ALTER PUBLICATION %[1]s ADD TABLE %[2]s", publication, table, sql))
}

// verify gives the result of every table, by name.
func (w *world) verify() map[string]Result {
	w.t.Helper()
	out := map[string]Result{}
	if err := w.v.Verify(w.t.Context(), nil, func(r Result) error {
		out[strings.TrimPrefix(r.Relation, "public.")] = r
		return nil
	}); err != nil {
		w.t.Fatalf("verify: %+v", err)
	}
	return out
}

// want holds what a table's comparison comes to.
func (w *world) want(table string, state State, differing int64, detail string) {
	w.t.Helper()
	if r := w.verify()[table]; r.State != state || r.Differing != differing || r.Detail != detail {
		w.t.Errorf("%s: %+v, want %s, %d rows: %s", table, r, state, differing, detail)
	}
}

var repeat = flag.Int("repeat", 12, "how many comparisons run under load")

const loadSQL = `CREATE TABLE acc (id int PRIMARY KEY, n bigint, v text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE dup (a int, b text); ALTER TABLE dup REPLICA IDENTITY FULL;
CREATE TABLE moved (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE moved_1 PARTITION OF moved FOR VALUES FROM (0) TO (50);
CREATE TABLE moved_2 PARTITION OF moved FOR VALUES FROM (50) TO (100);
CREATE TABLE wide (id int PRIMARY KEY, big text, f float8, x int);
CREATE TABLE many (id bigint PRIMARY KEY, v int);
INSERT INTO acc SELECT g, 0, 'v' FROM generate_series(1, 200) g; INSERT INTO dup SELECT g % 3, 'x' FROM generate_series(1, 30) g;
INSERT INTO moved SELECT g, g % 100, 'm' FROM generate_series(1, 200) g;
INSERT INTO wide SELECT g, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 200)), random(), 0 FROM generate_series(1, 50) g;
INSERT INTO many SELECT g, g FROM generate_series(1, 3000) g`

// loads are the statements of the load, each with two small numbers.
var loads = []string{
	"UPDATE acc SET n = n + 1, v = repeat('v', $2 %% 9) WHERE id = $1 * 10 + $2 %% 10", "INSERT INTO acc (id, n) VALUES ($1 * 10 + $2 %% 7, $2) ON CONFLICT DO NOTHING",
	"DELETE FROM acc WHERE id = $1 * 10 + $2 %% 7", "INSERT INTO dup VALUES ($1 %% 3, 'x')", "DELETE FROM dup WHERE ctid = (SELECT ctid FROM dup WHERE a = $1 %% 3 LIMIT 1 FOR UPDATE SKIP LOCKED)",
	"UPDATE dup SET b = 'y' WHERE ctid = (SELECT ctid FROM dup WHERE a = $1 %% 3 LIMIT 1 FOR UPDATE SKIP LOCKED)", "UPDATE moved SET k = (k + 50) %% 100 WHERE id = $1 * 10 + $2 %% 10",
	"UPDATE wide SET x = x + 1, f = random() WHERE id = $1", "UPDATE many SET v = v + 1 WHERE id BETWEEN $1 * 100 AND $1 * 100 + $2",
}

// load writes until the test ends, some of it without waiting for the disk, so that commits become visible in another order than the log's.
func (w *world) load(ctx context.Context, workers int) *sync.WaitGroup {
	var running sync.WaitGroup
	for n := range workers {
		running.Go(func() {
			c := w.pg.Conn(w.t, "postgres")
			r := rand.New(rand.NewPCG(uint64(n), 7))
			if n%2 == 0 {
				_, _ = c.Exec(ctx, "SET synchronous_commit = off")
			}
			for ctx.Err() == nil {
				tx, err := c.Begin(ctx)
				if err != nil {
					return
				}
				for range 1 + r.IntN(3) {
					sql := strings.ReplaceAll(loads[r.IntN(len(loads))], "%%", "%")
					sql = strings.NewReplacer("$1", fmt.Sprint(r.IntN(30)), "$2", fmt.Sprint(r.IntN(30))).Replace(sql)
					if _, err = tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
						break // a deadlock or a moved row
					}
				}
				if err != nil || r.IntN(20) == 0 {
					_ = tx.Rollback(ctx)
				} else {
					_ = tx.Commit(ctx)
				}
			}
		})
	}
	return &running
}

// TestLoad holds that nothing differs while many sessions write: on every comparison, of every table.
func TestLoad(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "fsync=on", "logical_decoding_work_mem=64kB")
	w := start(t, pg, loadSQL, Options{Piece: 700})
	ctx, stop := context.WithCancel(t.Context())
	running := w.load(ctx, 8)
	defer running.Wait()
	defer stop()
	before := w.in.Status().Transactions
	for n := range *repeat {
		for name, r := range w.verify() {
			if r.State != Equal {
				t.Errorf("comparison %d: %s: %+v", n, name, r)
			}
		}
	}
	w.until("the load was captured", func() bool { return w.in.Status().Transactions > before })
	t.Logf("%d comparisons, %d transactions", *repeat, w.in.Status().Transactions-before)
	if s := w.v.Status(); s.At.IsZero() || s.LSN == 0 || s.Message != "" {
		t.Errorf("status: %+v", s)
	}
}

// TestShortRetention holds that nothing differs where the past expires, but for its last second, while tables are compared.
func TestShortRetention(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	w := startKeeping(t, pg, loadSQL, shadow.Limit{Age: time.Millisecond}, Options{Piece: 700})
	ctx, stop := context.WithCancel(t.Context())
	running := w.load(ctx, 4)
	defer running.Wait()
	defer stop()
	running.Go(func() {
		for tick := time.Tick(250 * time.Millisecond); ctx.Err() == nil; <-tick {
			if err := w.store.Expire(ctx, time.Now().Add(9*time.Second)); err != nil && ctx.Err() == nil {
				t.Errorf("expire: %v", err)
			}
		}
	})
	for n := range *repeat {
		for name, r := range w.verify() {
			if r.State == Different {
				t.Errorf("comparison %d: %s: %+v", n, name, r)
			}
		}
	}
	stop()
	running.Wait()
	for name, r := range w.verify() {
		if r.State != Equal {
			t.Errorf("at rest: %s: %+v", name, r)
		}
	}
}

// TestFound holds that every kind of difference is found and named.
func TestFound(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	w := start(t, pg, `CREATE TABLE k (id int PRIMARY KEY, v text, n numeric, gone int, gen int GENERATED ALWAYS AS (id) STORED); ALTER TABLE k DROP COLUMN gone;
		INSERT INTO k SELECT g, 'value ' || g, g / 7.0 FROM generate_series(1, 1000) g;
		CREATE TABLE nokey (a int, b text); ALTER TABLE nokey REPLICA IDENTITY FULL; INSERT INTO nokey VALUES (1, 'x'), (1, 'x'), (2, NULL);
		CREATE TABLE parts (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
		CREATE TABLE pair (a text, b int, v char(5), PRIMARY KEY (a, b)); INSERT INTO pair VALUES ('x', 1, 'one');
		CREATE TABLE whole (id int PRIMARY KEY, v text, n int); ALTER TABLE whole REPLICA IDENTITY FULL; INSERT INTO whole VALUES (1, 'x', 1), (2, 'y', 2);
		CREATE TABLE empty (id int PRIMARY KEY)`, Options{})
	for name, r := range w.verify() {
		if r.State != Equal {
			t.Errorf("%s before anything was hidden: %+v", name, r)
		}
	}
	w.hidden("foreshadow", "k", "UPDATE k SET v = 'value 5oo' WHERE id = 500")
	w.want("k", Different, 1, "(id)=(500): differs in v")
	w.hidden("foreshadow", "k", "UPDATE k SET v = 'value 500', n = 1.10 WHERE id = 500; DELETE FROM k WHERE id = 7; INSERT INTO k (id) VALUES (1001)")
	w.want("k", Different, 3, "(id)=(7): only in the shadow; (id)=(500): differs in n; (id)=(1001): only on the primary")
	w.exec("UPDATE k SET n = 1.10 WHERE id = 500; INSERT INTO k VALUES (7, 'value 7', 1.00000000000000000000)")
	w.want("k", Different, 2, "(id)=(7): 1 times on the primary, 2 times in the shadow; (id)=(1001): only on the primary")
	w.hidden("foreshadow", "nokey", "INSERT INTO nokey VALUES (1, 'x'), (3, ''); DELETE FROM nokey WHERE a = 2")
	w.want("nokey", Different, 3, "(a, b)=(1, x): 3 times on the primary, 2 times in the shadow; (a, b)=(2, NULL): only in the shadow; (a, b)=(3, ): only on the primary")
	w.hidden("foreshadow", "whole", "UPDATE whole SET v = 'z' WHERE id = 2")
	w.want("whole", Different, 1, "(id)=(2): differs in v")
	w.hidden("foreshadow", "parts_1", "INSERT INTO parts VALUES (5, 1)")
	w.want("parts_1", Different, 1, "(id, k)=(5, 1): only on the primary")
	w.hidden("foreshadow", "pair", "UPDATE pair SET v = NULL")
	w.want("pair", Different, 1, "(a, b)=(x, 1): differs in v")
	w.hidden("foreshadow", "k", "UPDATE k SET v = v || '!'")
	if r := w.verify()["k"]; r.Differing != 1001 || !strings.HasSuffix(r.Detail, "; and 996 more") {
		t.Errorf("all rows changed: %+v", r)
	}
	if s := w.v.Status(); s.Differing != 1001+3+1+1+1 || !strings.Contains(s.Message, "public.k differs from the primary in 1001 rows; public.nokey") {
		t.Errorf("status: %+v", s)
	}
	w.exec("DROP TABLE k, nokey, whole, parts, pair")
	w.until("the other tables are gone", func() bool { return len(w.verify()) == 1 })
	if s := w.v.Status(); s.Differing != 0 || s.Message != "" {
		t.Errorf("status without the tables: %+v", s)
	}
}

// TestTypes compares the extremes of every ordinary type, as they were copied and as they were streamed, whatever the database's own settings.
func TestTypes(t *testing.T) {
	t.Parallel()
	var sql [2]string
	for i, name := range []string{"types", "values"} {
		b, err := os.ReadFile("../ingest/testdata/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		sql[i] = string(b)
	}
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "ALTER DATABASE postgres SET datestyle = 'German'; ALTER DATABASE postgres SET intervalstyle = 'sql_standard'; "+
		"ALTER DATABASE postgres SET bytea_output = 'escape'; ALTER DATABASE postgres SET extra_float_digits = -5; ALTER DATABASE postgres SET timezone = 'Asia/Kathmandu'")
	pg.Exec(t, "postgres", sql[0])
	w := start(t, pg, sql[1], Options{})
	w.want("kinds", Equal, 0, "")
	w.exec(sql[1])
	w.exec("UPDATE kinds SET i4 = 7, num2 = 1.5 WHERE id % 2 = 1")
	w.want("kinds", Equal, 0, "")
	w.hidden("foreshadow", "kinds", "UPDATE kinds SET comp = NULL, f8 = 0 WHERE id IN (2, 5)")
	w.want("kinds", Different, 2, "(id)=(2): differs in f8, comp; (id)=(5): differs in f8")
}

// TestPieces holds that the pieces of a large table cover it, and that a difference in one is found.
func TestPieces(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	w := start(t, pg, `CREATE TABLE large (v text, id bigint PRIMARY KEY); CREATE TABLE other (a text PRIMARY KEY, b int NOT NULL); CREATE INDEX ON other (b);
		INSERT INTO large SELECT 'v', g * g - 1000 FROM generate_series(1, 1000) g; INSERT INTO other SELECT g::text, g / 300 FROM generate_series(1, 1000) g;
		UPDATE pg_class SET reltuples = 2000000 WHERE relname IN ('large', 'other')`, Options{Piece: 300})
	equal := w.verify()
	for _, name := range []string{"large", "other"} {
		if r := equal[name]; r.State != Equal || r.Rows != 1000 || r.Chunks < 900 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	w.hidden("foreshadow", "large", "INSERT INTO large VALUES ('new', -5000), ('new', 5000000); DELETE FROM large WHERE id = 500 * 500 - 1000")
	w.want("large", Different, 3, "(id)=(-5000): only on the primary; (id)=(249000): only in the shadow; (id)=(5000000): only on the primary")
	w.hidden("foreshadow", "other", "DELETE FROM other WHERE b = 1")
	if r := w.verify()["other"]; r.State != Different || r.Differing != 300 || r.Rows != 700 {
		t.Errorf("other: %+v", r)
	}
}

// TestNotVerified holds what is said of tables whose rows are not known, and that they are never called equal.
func TestNotVerified(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	w := start(t, pg, `CREATE TABLE inserts (a int); INSERT INTO inserts VALUES (1); CREATE TABLE ok (id int PRIMARY KEY); CREATE TABLE slow (id text PRIMARY KEY);
		CREATE TABLE none ()`, Options{Hold: 20 * time.Second})
	got := w.verify()
	for name, detail := range map[string]string{"inserts": "it has no replica identity: only its inserts are captured", "none": "it has no columns"} {
		if r := got[name]; r.State != NotVerified || r.Detail != detail || r.LSN != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if got["ok"].State != Equal {
		t.Errorf("ok: %+v", got["ok"])
	}
	c := pg.Conn(t, "postgres")
	if _, err := c.Exec(t.Context(), "BEGIN; LOCK TABLE ok IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	w.want("ok", NotVerified, 0, "somebody keeps it locked on the primary")
	if _, err := c.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	w.want("ok", Equal, 0, "")
}

// TestStops holds that a comparison ends at once when it is cancelled, on the primary too, and that it says when the primary cannot be asked.
func TestStops(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	w := start(t, pg, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1500000)`, Options{})
	running := func() bool {
		return len(pg.Query(t, "postgres", "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT h &%' AND state = 'active'")) > 0
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.v.Verify(ctx, nil, func(Result) error { return nil }) }()
	w.until("the primary computes", running)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	w.until("the primary has stopped", func() bool { return !running() })
	if err := pg.Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	err := w.v.Verify(t.Context(), nil, func(Result) error { return nil })
	if sqlerr.Code(err) != sqlerr.ConnectionFailure {
		t.Errorf("without the primary: %v", err)
	}
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestHiddenCommit compares while a commit is in the log and captured, but not visible on the primary, because it waits for a standby, and later commits
// are visible. Where rows have no key, one of those took out a row that is equal to the invisible one's.
func TestHiddenCommit(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "synchronous_standby_names=nobody", "synchronous_commit=local")
	w := start(t, pg, `CREATE TABLE k (id int PRIMARY KEY, v text); INSERT INTO k VALUES (1, 'old');
		CREATE TABLE nokey (a int, b text); ALTER TABLE nokey REPLICA IDENTITY FULL; INSERT INTO nokey VALUES (1, 'x'), (2, 'y')`, Options{})
	captured := func(what string, n int64, f func()) {
		before := w.in.Status().Changes
		f()
		w.until(what, func() bool { return w.in.Status().Changes == before+n })
	}
	waiting := pg.Conn(t, "postgres")
	done := make(chan error, 1)
	captured("the waiting commit is captured", 4, func() {
		go func() {
			_, err := waiting.Exec(t.Context(), "SET synchronous_commit = on; INSERT INTO k VALUES (2, 'hidden'); UPDATE k SET v = 'new'; INSERT INTO nokey VALUES (1, 'x')", pgx.QueryExecModeSimpleProtocol)
			done <- err
		}()
		w.until("the commit waits", func() bool {
			return len(pg.Query(t, "postgres", "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) == 1
		})
	})
	captured("the later commit is captured", 2, func() {
		w.exec("INSERT INTO k VALUES (3, 'later'); DELETE FROM nokey WHERE a = 1")
	})
	if rows := pg.Query(t, "postgres", "SELECT id FROM k"); len(rows) != 2 {
		t.Fatalf("the primary shows %v", rows)
	}
	hidden := w.verify()
	if k, n := hidden["k"], hidden["nokey"]; k.State != Equal || k.Rows != 2 || n.State != Equal || n.Rows != 1 {
		t.Errorf("with a hidden commit: %+v, %+v", k, n)
	}
	w.exec("ALTER SYSTEM SET synchronous_standby_names = ''")
	w.exec("SELECT pg_reload_conf()")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	visible := w.verify()
	if k, n := visible["k"], visible["nokey"]; k.State != Equal || k.Rows != 3 || n.State != Equal || n.Rows != 2 {
		t.Errorf("with all commits visible: %+v, %+v", k, n)
	}
}
