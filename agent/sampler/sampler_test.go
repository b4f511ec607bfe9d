package sampler

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/forecast"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// memory is a Store that remembers everything.
type memory struct{ samples []forecast.Sample }

func (m *memory) AppendSamples(_ context.Context, s []forecast.Sample) error {
	m.samples = append(m.samples, s...)
	return nil
}

// find gives the last sample whose series' text or ID holds the words.
func (m *memory) find(prefix, words string) *forecast.Sample {
	for i := len(m.samples) - 1; i >= 0; i-- {
		if s := &m.samples[i]; strings.HasPrefix(s.Series.ID, prefix) && (strings.Contains(s.Series.Text, words) || strings.Contains(s.Series.ID, words)) {
			return s
		}
	}
	return nil
}

// steps is a clock that the test moves.
type steps struct{ now time.Time }

func (c *steps) Now() time.Time { return c.now }

func start(t *testing.T, dsn string) (*Sampler, *memory, *steps, *bytes.Buffer) {
	t.Helper()
	store, clock, log := &memory{}, &steps{time.Unix(1_800_000_000, 0)}, &bytes.Buffer{}
	s, err := New(Options{DSN: dsn, Store: store, Clock: clock.Now, Log: slog.New(slog.NewTextHandler(log, nil)), DiskPath: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.disconnect)
	return s, store, clock, log
}

func round(t *testing.T, s *Sampler, c *steps, after time.Duration) {
	t.Helper()
	c.now = c.now.Add(after)
	if err := s.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSamplesRealServer(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE EXTENSION pg_stat_statements`)
	pg.Exec(t, "postgres", `CREATE ROLE watcher LOGIN; GRANT pg_monitor, pg_read_all_data TO watcher`)
	pg.Exec(t, "postgres", `CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, doc text);
		CREATE SEQUENCE child_seq START 2000000000;
		CREATE TABLE "Child" (id int PRIMARY KEY DEFAULT nextval('child_seq'), parent_id int REFERENCES parent);
		CREATE TABLE natural_key (no smallint PRIMARY KEY);
		INSERT INTO parent (doc) SELECT repeat(md5(g::text), 300) FROM generate_series(1, 200) g;
		INSERT INTO "Child" (parent_id) SELECT 1 + g % 200 FROM generate_series(1, 500) g;
		INSERT INTO natural_key VALUES (77);
		ANALYZE`)
	known := func(what, condition string) { // a session tells what it did when it ends, a little after its client
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); pg.Query(t, "postgres", `SELECT count(*) FROM pg_stat_user_tables WHERE `+condition)[0][0] != "1"; {
			if time.Now().After(deadline) {
				t.Fatalf("the statistics do not know of the %s", what)
			}
		}
	}
	known("inserted rows", `relname = 'Child' AND n_tup_ins = 500`)
	s, store, clock, log := start(t, pg.DSN("watcher", "postgres"))
	round(t, s, clock, 0)
	conn := pg.Conn(t, "postgres")
	for i := range 30 {
		if _, err := conn.Exec(t.Context(), `SELECT count(*) FROM parent WHERE id > $1`, i); err != nil {
			t.Fatal(err)
		}
	}
	if pg.Version() >= 15 {
		_, err := conn.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`)
		if err != nil {
			t.Fatal(err)
		}
	} else {
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		known("calls", `relname = 'parent' AND seq_scan + idx_scan >= 530`) // the 500 are of the foreign key
	}
	round(t, s, clock, 10*time.Second)
	if got := store.find("load.calls:", "FROM parent WHERE id"); got == nil || got.Value != 3 {
		t.Errorf("30 calls in 10 s: %+v", got)
	}
	if got := store.find("load.total_calls", ""); got == nil || got.Value < 3 {
		t.Errorf("total calls: %+v", got)
	}
	if store.find("load.calls:", "pg_relation_size") != nil || store.find("load.calls:", "pg_stat_database") != nil {
		t.Error("the sampler's own statements are part of the load")
	}
	for id, want := range map[string]float64{
		"key.last:public.Child.id": 2_000_000_499, "key.max:public.Child.id": 1<<31 - 1, "key.first:public.Child.id": 2_000_000_000,
		"key.last:public.natural_key.no": 77, "key.max:public.natural_key.no": 32767, "key.last:public.parent.id": 200,
		"volume.live_rows:public.Child": 500, "volume.live_rows:public.parent": 200, "volume.rows_inserted:public.Child": 500,
	} {
		if got := store.find(id, ""); got == nil || got.Value != want {
			t.Errorf("%s: got %+v, want %v", id, got, want)
		}
	}
	for _, id := range []string{"volume.heap_bytes:public.parent", "volume.index_bytes:public.parent", "volume.toast_bytes:public.parent",
		"db.wal_bytes", "db.connections", "db.max_connections", "limit.xid_age", "host.cpu", "host.memory_used", "host.disk_free",
		"db.checkpoints", "db.cache_hits", "activity.total", "activity.user:other", "volume.dead_rows:public.parent"} {
		if got := store.find(id, ""); got == nil || got.Value < 0 || strings.Contains(id, "bytes:") && got.Value == 0 {
			t.Errorf("%s: got %+v", id, got)
		}
	}
	locksAreSampled(t, pg, s, store, clock)
	if diff := cmp.Diff([]forecast.Reference{{Child: "public.Child", Parent: "public.parent"}}, s.References()); diff != "" {
		t.Error(diff)
	}
	if _, err := s.conn.Exec(t.Context(), `CREATE TABLE written (a int)`); err == nil {
		t.Error("the sampler's session can write")
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

// locksAreSampled holds two tables in a transaction: one that is read, one that is written to.
func locksAreSampled(t *testing.T, pg *pgtest.Server, s *Sampler, store *memory, clock *steps) {
	t.Helper()
	tx, err := pg.Conn(t, "postgres").BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO natural_key SELECT 1 FROM parent LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	round(t, s, clock, 10*time.Second)
	for id, held := range map[string]bool{"lock.readers:public.parent": true, "lock.writers:public.parent": false, "lock.readers:public.natural_key": true,
		"lock.writers:public.natural_key": true, "lock.snapshot": true} {
		if got := store.find(id, ""); got == nil || got.Value > 0 != held {
			t.Errorf("%s: got %+v, held %v", id, got, held)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	round(t, s, clock, 10*time.Second)
	for _, id := range []string{"lock.readers:public.parent", "lock.writers:public.natural_key"} {
		if got := store.find(id, ""); got == nil || got.Value != 0 {
			t.Errorf("%s at rest: got %+v", id, got)
		}
	}
}

func TestMissingExtensionIsSaidOnce(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	s, store, clock, log := start(t, pg.DSN("postgres", "postgres"))
	for range 5 {
		round(t, s, clock, 10*time.Second)
	}
	if n := strings.Count(log.String(), "pg_stat_statements is not installed"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
	if store.find("db.commits", "") == nil || store.find("load.", "") != nil {
		t.Error("the other readings must go on without it")
	}
}

func TestLockedTableAndLostPrimary(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE free (a int); CREATE TABLE held (a int)`)
	s, store, clock, log := start(t, pg.DSN("postgres", "postgres"))
	conn := pg.Conn(t, "postgres")
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	round(t, s, clock, 0)
	if store.find("volume.heap_bytes:public.free", "") == nil || store.find("volume.heap_bytes:public.held", "") != nil {
		t.Error("a locked table must be left out, and only it")
	}
	if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := pg.Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		round(t, s, clock, 10*time.Second)
	}
	if n := strings.Count(log.String(), "cannot be sampled"); n != 1 {
		t.Errorf("said %d times that the primary is away: %s", n, log)
	}
	if err := pg.Server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(store.samples)
	round(t, s, clock, 2*maxBackoff)
	round(t, s, clock, 2*maxBackoff)
	if got := store.find("volume.heap_bytes:public.held", ""); got == nil || len(store.samples) == before {
		t.Errorf("after its return the primary is not sampled: %s", log)
	}
}

func TestFailingReadingBacksOff(t *testing.T) {
	t.Parallel()
	s, _, clock, _ := start(t, "host=/nowhere")
	calls := 0
	s.collectors = []*collector{{name: "broken", every: 10 * time.Second, local: true, read: func(context.Context, *batch) error {
		calls++
		return errors.New("broken")
	}}}
	for range 100 {
		round(t, s, clock, 10*time.Second)
	}
	if calls < 3 || calls > 12 {
		t.Errorf("%d attempts in 100 rounds", calls)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{DSN: "host=x"}); err == nil {
		t.Error("no store was accepted")
	}
	if _, err := New(Options{Store: &memory{}, DSN: "password=hunter2 port=x"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad DSN: %v", err)
	}
}
