package ingest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// smallParts make many parts of a table that a test can afford.
const smallParts = 256 << 10

// TestCopyInParts holds that tables of all sizes, copied by several sessions in parts, equal the primary's while they are written to.
func TestCopyInParts(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE large (id bigint PRIMARY KEY, v int, t text); INSERT INTO large SELECT g, g % 100, md5(g::text) FROM generate_series(1, 60000) g;
		CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1);
		CREATE TABLE wide (id int PRIMARY KEY, v int, body text); ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
		INSERT INTO wide SELECT g, g, repeat(md5(g::text), 200) FROM generate_series(1, 500) g;
		CREATE TABLE bare (v text); INSERT INTO bare SELECT md5(g::text) FROM generate_series(1, 20000) g;
		CREATE TABLE whole (a int, b text); ALTER TABLE whole REPLICA IDENTITY FULL; INSERT INTO whole SELECT g % 50, 'x' FROM generate_series(1, 20000) g;
		CREATE TABLE "Odd ""name""" ("k 1" numeric, "k'2" text, n numeric(10,2), small numeric(6,5), big numeric(18,6), PRIMARY KEY ("k 1", "k'2"));
		INSERT INTO "Odd ""name""" SELECT g, g::text, CASE WHEN g = 19000 THEN 'NaN' ELSE g / 3.0 END, (10000 - g) / 70000.0, (10000 - g) * 99999999.123457 / (1 + g % 7)
		FROM generate_series(1, 20000) g`)
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range 2 {
		load.Go(func() { disturb(ctx, t, pg, rand.New(rand.NewPCG(uint64(i), 1)), "large", "wide") })
	}
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: t.TempDir()}, Options{Copies: 3, Part: smallParts})
	a.ready()
	cancel()
	load.Wait()
	a.catchUp()
	for _, table := range []string{"large", "empty", "one", "wide", "bare", "whole", `"Odd ""name"""`} {
		a.same(table)
	}
	for _, o := range a.in.Operations() {
		if o.Phase != "done" || o.Kept != 0 {
			t.Errorf("operation %+v", o)
		}
	}
	if o := a.in.Operations()[0]; o.Object != AllTables || o.Done < 120_000 {
		t.Errorf("all together: %+v", o)
	}
}

// disturb changes random rows of two tables until ctx ends: values, keys, deleted and new rows, with large values unchanged, and space used again.
func disturb(ctx context.Context, t testing.TB, pg *pgtest.Server, r *rand.Rand, large, wide string) {
	for ctx.Err() == nil {
		c, err := pgx.Connect(ctx, pg.DSN("postgres", "postgres"))
		for err == nil && ctx.Err() == nil {
			_, err = c.Exec(ctx, disturbance(r, large, wide))
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
		if c != nil {
			_ = c.Close(context.Background())
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond): // the primary is being started again
		}
	}
}

func disturbance(r *rand.Rand, large, wide string) string {
	m, k := 500+r.IntN(500), r.IntN(500)
	switch r.IntN(9) {
	case 0, 1:
		return fmt.Sprintf("UPDATE %s SET v = v + 1 WHERE id %% %d = %d", large, m, k)
	case 2:
		return fmt.Sprintf("DELETE FROM %s WHERE id %% %d = %d", large, m, k)
	case 3: // the key changes, and everything else with it or not
		return fmt.Sprintf("UPDATE %s SET id = -id WHERE id %% %d = %d", large, m, k)
	case 4:
		return fmt.Sprintf("INSERT INTO %[1]s SELECT (SELECT max(abs(id)) FROM %[1]s) + g, 0, 'new' FROM generate_series(1, 50) g ON CONFLICT DO NOTHING", large)
	case 5: // the key changes and the large value is not sent
		return fmt.Sprintf("UPDATE %s SET id = -id, v = v + 1 WHERE id %% %d = %d", wide, m/10, k/10)
	case 6:
		return fmt.Sprintf("UPDATE %s SET v = v + 1 WHERE id %% %d = %d", wide, m/10, k/10)
	case 7:
		return fmt.Sprintf("UPDATE %s SET body = repeat(md5(random()::text), 200) WHERE id %% %d = %d", wide, m/10, k/10)
	}
	return "VACUUM " + large
}

// interrupt runs an agent process until it has copied so many parts, and kills it. It says whether it came so far before everything was copied.
func interrupt(t testing.TB, pg *pgtest.Server, dir string, parts int) bool {
	t.Helper()
	cmd := agentProcess(t, pg, dir, crashPart+"="+strconv.Itoa(smallParts))
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	lines := bufio.NewScanner(out)
	seen := 0
	for seen < parts && lines.Scan() {
		if strings.Contains(lines.Text(), "a part of a table is copied") {
			seen++
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return seen == parts
}

// TestCopyResumed kills the agent several times in the middle of a large table's copy, while rows change, move and go. The rows must come out right,
// and the parts that were durable must not be read again.
func TestCopyResumed(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2, uint64(time.Now().UnixNano())}
	if s := os.Getenv("FORESHADOW_SEED"); s != "" {
		n, _ := strconv.ParseUint(s, 10, 64)
		seeds = []uint64{n}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			resumed(t, seed)
		})
	}
}

func resumed(t *testing.T, seed uint64) {
	t.Logf("seed: FORESHADOW_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", `CREATE TABLE large (id bigint PRIMARY KEY, v int, t text); INSERT INTO large SELECT g, g % 100, md5(g::text) FROM generate_series(1, 100000) g;
		CREATE TABLE wide (id int PRIMARY KEY, v int, body text); ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
		INSERT INTO wide SELECT g, g, repeat(md5(g::text), 200) FROM generate_series(1, 1000) g`)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { disturb(ctx, t, pg, rand.New(rand.NewPCG(seed, 4)), "large", "wide") })
	for round := range 3 {
		if !interrupt(t, pg, dir, 4+r.IntN(6)) {
			t.Fatalf("round %d: the copy was at its end before the agent was killed", round)
		}
		for range 20 {
			pg.Exec(t, "postgres", disturbance(r, "large", "wide"))
		}
		if round == 1 {
			revive(t, pg)
		}
	}
	read := func() (n int64) {
		n, _ = strconv.ParseInt(pg.Query(t, "postgres", "SELECT seq_tup_read::text FROM pg_stat_user_tables WHERE relname = 'large'")[0][0], 10, 64)
		return n
	}
	cancel()
	load.Wait()
	until(t, "the sessions that wrote have ended and told their statistics", func() bool {
		return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")[0][0] == "0"
	})
	pg.Exec(t, "postgres", "SELECT pg_stat_reset()")
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir}, Options{Part: smallParts})
	a.ready()
	large := a.operation("public.large")
	if large.Kept < 10_000 || !strings.HasPrefix(large.Message, "resumed: ") {
		t.Errorf("%+v", large)
	}
	until(t, "the sessions that copied have ended", func() bool {
		return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'foreshadow' AND xact_start IS NOT NULL")[0][0] == "0"
	})
	if n, want := read(), large.Done-large.Kept; n > want+want/10 {
		t.Errorf("%d rows were read from the table, %d were missing, %d kept", n, want, large.Kept)
	}
	a.catchUp()
	a.same("large")
	a.same("wide")
	t.Logf("%+v", large)
}

func (a *agent) operation(object string) Operation {
	a.t.Helper()
	for _, o := range a.in.Operations() {
		if o.Object == object {
			return o
		}
	}
	a.t.Fatalf("no operation on %s", object)
	return Operation{}
}

// TestCopyBegunAgain holds that a copy that cannot be taken up begins again, and says why; and that one whose sessions the primary ended goes on.
func TestCopyBegunAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, meanwhile, message string }{
		{"nothing", "", "", "resumed: "},
		{"no key", "ALTER TABLE large DROP CONSTRAINT large_pkey", "", "begun again: it has no replica identity"},
		{"whole rows", "ALTER TABLE large REPLICA IDENTITY FULL", "UPDATE large SET v = 7 WHERE id = 3", "begun again: rows without a key were changed meanwhile"},
		{"whole rows unchanged", "ALTER TABLE large REPLICA IDENTITY FULL", "", "resumed: "},
		{"truncated", "", "TRUNCATE large; INSERT INTO large SELECT g, 1, 'a' FROM generate_series(1, 300) g", "begun again: it was rewritten or truncated meanwhile"},
		{"rewritten", "", "VACUUM FULL large", "begun again: it was rewritten or truncated meanwhile"},
		{"type", "", "ALTER TABLE large ALTER v TYPE text USING 'v' || v", "begun again: it was rewritten or truncated meanwhile"},
		{"column", "", "ALTER TABLE large ADD w int DEFAULT 3; UPDATE large SET w = 4 WHERE id < 10", "begun again: its columns were changed meanwhile"},
		{"renamed", "", "ALTER TABLE large RENAME v TO u", "begun again: its columns were changed meanwhile"},
		{"unpublished", "", "ALTER PUBLICATION foreshadow DROP TABLE large; UPDATE large SET v = 7 WHERE id % 10 = 0", "begun again: it was not published all the time"},
		{"primary killed", "", "kill", "resumed: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pg := pgtest.Start(t)
			pg.Exec(t, "postgres", "CREATE TABLE large (id bigint PRIMARY KEY, v int, t text); INSERT INTO large SELECT g, g % 100, md5(g::text) FROM generate_series(1, 100000) g;"+c.before)
			dir := t.TempDir()
			if !interrupt(t, pg, dir, 5) {
				t.Fatal("the copy was at its end before the agent was killed")
			}
			if c.meanwhile == "kill" {
				revive(t, pg)
			} else if c.meanwhile != "" {
				for _, sql := range strings.Split(c.meanwhile, "; ") {
					pg.Exec(t, "postgres", sql)
				}
			}
			a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir}, Options{Part: smallParts})
			a.ready()
			if o := a.operation("public.large"); !strings.HasPrefix(o.Message, c.message) || o.Phase != "done" {
				t.Errorf("%+v", o)
			}
			a.catchUp()
			a.same("large")
		})
	}
}

// TestCopyStopped holds that a copy ends at once when it is told to, and leaves nothing on the primary.
func TestCopyStopped(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "CREATE TABLE large (id bigint PRIMARY KEY, v int, t text); INSERT INTO large SELECT g, g % 100, md5(g::text) FROM generate_series(1, 200000) g")
	dir := t.TempDir()
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir}, Options{Part: smallParts})
	until(t, "some rows are copied", func() bool { ops := a.in.Operations(); return len(ops) > 0 && ops[0].Done > 10_000 })
	if o := a.in.Operations()[0]; o.Phase == "copying" {
		if left, ok := o.ETA(); !ok || left <= 0 {
			t.Errorf("%+v: no time is told", o)
		}
	}
	began := time.Now()
	a.stop()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	until(t, "no session is left", func() bool {
		return pg.Query(t, "postgres", "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'foreshadow'")[0][0] == "0"
	})
	a = launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: dir}, Options{Part: smallParts})
	a.ready()
	if o := a.operation("public.large"); o.Kept == 0 {
		t.Errorf("%+v", o)
	}
	a.catchUp()
	a.same("large")
}

// TestParts holds that what is left of a table has no gaps and no overlaps, and ends open.
func TestParts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	for range 2000 {
		c := &capture.Copied{Whole: change.Extent{File: 7}, Pages: uint32(r.IntN(100)), PageSize: 1 + r.Int64N(20)}
		all := parts(c, nil, 100)
		var done []change.Extent
		for _, e := range all {
			if r.IntN(2) == 0 {
				done = append(done, e)
			}
		}
		c.Pages, c.PageSize = uint32(r.IntN(200)), 1+r.Int64N(20) // as it is later
		left := parts(c, done, 100)
		at := uint32(0)
		for len(done)+len(left) > 0 {
			from := &left
			if len(left) == 0 || len(done) > 0 && done[0].From < left[0].From {
				from = &done
			}
			e := (*from)[0]
			if *from = (*from)[1:]; e.From != at || e.File != 7 || e.To != 0 && e.To <= e.From || e.To == 0 && len(done)+len(left) > 0 {
				t.Fatalf("%+v after %d, then %v and %v", e, at, done, left)
			}
			at = e.To
		}
		if at != 0 {
			t.Fatalf("nobody reads from page %d on", at)
		}
	}
}
