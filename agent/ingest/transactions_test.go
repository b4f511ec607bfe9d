package ingest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/pgtest"
)

// The cases of how changes come together in transactions.
var transactionCases = map[string]func(*stage){
	"savepoints": (*stage).savepoints, "interleaved": (*stage).interleaved, "prepared": (*stage).preparedTransactions, "origins": (*stage).origins,
	"messages": (*stage).messages, "streamed messages": (*stage).streamedMessages,
}

// savepoints rolls back parts of transactions at several depths, in small ones and in one that is streamed.
func (s *stage) savepoints() {
	s.setUp("CREATE TABLE sav (id int PRIMARY KEY, v text)", "sav")
	for i, rows := range []int{3, 2000} {
		row := func(n int) string {
			return fmt.Sprintf("INSERT INTO sav SELECT %d + g, repeat('v%d ', 50) FROM generate_series(1, %d) g; ", i*1_000_000+n*10_000, n, rows)
		}
		s.do("BEGIN; " + row(1) + "SAVEPOINT a; " + row(2) + "SAVEPOINT b; " + row(3) + "SAVEPOINT c; " + row(4) + "ROLLBACK TO c; " + row(5) + "RELEASE c; ROLLBACK TO b; " + row(6) +
			"SAVEPOINT d; UPDATE sav SET v = 'lost'; DELETE FROM sav; ROLLBACK TO d; UPDATE sav SET v = v || '!' WHERE id % 2 = 0; ROLLBACK TO a; " + row(7) + "SAVEPOINT e; " + row(8) + "RELEASE e; COMMIT")
		s.do("BEGIN; DELETE FROM sav WHERE id % 3 = 0; SAVEPOINT a; SAVEPOINT b; " + row(9) + "RELEASE b; ROLLBACK TO a; COMMIT")
		s.do("BEGIN; SAVEPOINT a; " + row(9) + "ROLLBACK TO a; ROLLBACK")
		// a subtransaction for each row, every other one of which fails
		s.do(fmt.Sprintf(`DO $$ BEGIN FOR n IN 1..%d LOOP BEGIN INSERT INTO sav VALUES (%d + n, repeat('w', 100)); IF n %% 2 = 0 THEN RAISE 'no'; END IF; EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$`,
			min(rows, 500), i*1_000_000+900_000))
	}
}

// interleaved runs several large transactions at once, each of which is streamed in pieces; one of them is rolled back, and they commit in another order.
func (s *stage) interleaved() {
	s.setUp("CREATE TABLE itl (id int PRIMARY KEY, v text); INSERT INTO itl SELECT g, 'old' FROM generate_series(1, 40) g", "itl")
	sessions := make([]*pgx.Conn, 4)
	each := func(sql func(i int) string) {
		var g sync.WaitGroup
		for i, c := range sessions {
			g.Go(func() {
				if _, err := c.Exec(s.t.Context(), sql(i), pgx.QueryExecModeSimpleProtocol); err != nil {
					s.t.Error(err)
				}
			})
		}
		g.Wait()
	}
	for i := range sessions {
		sessions[i] = s.pg.Conn(s.t, "postgres")
	}
	each(func(int) string { return "BEGIN" })
	for n := range 5 {
		each(func(i int) string {
			return fmt.Sprintf("INSERT INTO itl SELECT %d + g, repeat('s%d', 100) FROM generate_series(1, 600) g; UPDATE itl SET v = 'by %[2]d in %d' WHERE id %% 4 = %[2]d AND id <= 40; SAVEPOINT s; "+
				"INSERT INTO itl SELECT %[1]d + g, repeat('r%[2]d', 100) FROM generate_series(601, 1200) g; %[4]s TO s", (i+1)*100_000+n*10_000, i, n, []string{"ROLLBACK", "ROLLBACK", "RELEASE s; SAVEPOINT s; ROLLBACK"}[n%3])
		})
		s.catchUp()
	}
	for _, i := range []int{2, 0, 3, 1} {
		if _, err := sessions[i].Exec(s.t.Context(), []string{"COMMIT", "COMMIT", "COMMIT", "ROLLBACK"}[i]); err != nil {
			s.t.Fatal(err)
		}
		s.do()
	}
}

// preparedTransactions prepares transactions, large and small, and commits or rolls them back later; the agent is told of them only then.
func (s *stage) preparedTransactions() {
	s.setUp("CREATE TABLE prp (id int PRIMARY KEY, v text)", "prp")
	for i, rows := range []int{2, 3000} {
		name := func(n int) string { return fmt.Sprintf("'prp %d %d'", i, n) }
		for n := range 3 {
			s.do(fmt.Sprintf("BEGIN; INSERT INTO prp SELECT %d + g, repeat('p', 100) FROM generate_series(1, %d) g; SAVEPOINT s; DELETE FROM prp; ROLLBACK TO s; PREPARE TRANSACTION %s", (i*3+n+1)*10_000, rows, name(n)))
		}
		s.do("INSERT INTO prp VALUES (" + fmt.Sprint(-i) + ", 'between')")
		s.do("COMMIT PREPARED " + name(1))
		s.do("ROLLBACK PREPARED "+name(0), "UPDATE prp SET v = 'u' WHERE id % 2 = 0")
		s.do("COMMIT PREPARED " + name(2))
	}
}

// origins makes changes that are marked as another server's, as a subscriber's are.
func (s *stage) origins() {
	s.setUp("CREATE TABLE ori (id int PRIMARY KEY, v text); SELECT pg_replication_origin_create('elsewhere')", "ori")
	session := "SELECT pg_replication_origin_session_setup('elsewhere'); BEGIN; SELECT pg_replication_origin_xact_setup('0/1234', now()); "
	s.do(session + "INSERT INTO ori VALUES (1, 'a'), (2, 'b'); UPDATE ori SET v = 'c' WHERE id = 1; COMMIT")
	s.do(session + "INSERT INTO ori SELECT g, repeat('large', 50) FROM generate_series(10, 3000) g; COMMIT")
}

// messages sends logical messages, within transactions and without, which stand in the log once and in their place.
func (s *stage) messages() {
	s.setUp("CREATE TABLE msg (id int PRIMARY KEY)", "msg")
	s.do("BEGIN; SELECT pg_logical_emit_message(true, 'msg', 'first \"quoted\"\n\té'); INSERT INTO msg VALUES (1); SELECT pg_logical_emit_message(false, 'msg', 'at once'); SELECT pg_logical_emit_message(true, 'msg', 'last'); COMMIT")
	s.do("BEGIN; SELECT pg_logical_emit_message(true, 'msg', 'lost'); SELECT pg_logical_emit_message(false, 'msg', 'kept'); ROLLBACK")
	s.do("BEGIN; SELECT pg_logical_emit_message(true, 'msg', '\\x00ff'::bytea); SAVEPOINT s; SELECT pg_logical_emit_message(true, 'msg', 'rolled back'); ROLLBACK TO s; SELECT pg_logical_emit_message(true, 'msg', ''); COMMIT")
	s.do("SELECT pg_logical_emit_message(true, 'foreshadow.ddl', 'no JSON')")
	want := []string{
		`message|-|{"prefix": "msg", "content": "at once"}`, `message|+|{"prefix": "msg", "content": "first \"quoted\"\n\té"}`, `message|+|{"prefix": "msg", "content": "last"}`,
		`message|-|{"prefix": "msg", "content": "kept"}`, `message|+|{"prefix": "msg", "bytes": "\x00ff"}`, `message|+|{"prefix": "msg", "content": ""}`,
	}
	want[4] = strings.Replace(want[4], `\x`, `\\x`, 1)
	check := func(s *stage) {
		got := s.log("transaction_type, CASE WHEN relation IS NULL AND primary_key IS NULL AND before IS NULL AND (commit_time IS NULL) = (xid IS NULL) THEN CASE WHEN xid IS NULL THEN '-' ELSE '+' END ELSE 'wrong' END, after",
			"after->>'prefix' = 'msg'")
		if d := differ(got, want); d != "" {
			s.t.Errorf("messages in the log: %s\n%s", d, strings.Join(got, "\n"))
		}
	}
	check(s)
	s.later = check
	if got := s.log("after->>'content'", "after->>'prefix' = 'foreshadow.ddl' AND transaction_type = 'message'"); len(got) != 1 || got[0] != "no JSON" {
		s.t.Errorf("a message with the prefix of the event trigger that is not its own: %q", got)
	}
	// the row's change stands between the transaction's messages
	if got := s.log("transaction_type", "xid = (SELECT max(xid) FROM ("+s.source("change_log")+") WHERE relation = 'public.msg')"); strings.Join(got, " ") != "message insert message" {
		s.t.Errorf("the transaction's changes: %q", got)
	}
}

// streamedMessages sends messages in a transaction that is streamed.
func (s *stage) streamedMessages() {
	s.setUp("CREATE TABLE msl (id int PRIMARY KEY, v text)", "msl")
	fill := func(n int) string {
		return fmt.Sprintf("INSERT INTO msl SELECT %d + g, repeat('m', 100) FROM generate_series(1, 2000) g; ", n*10_000)
	}
	say := func(what string, within bool) string {
		return fmt.Sprintf("SELECT pg_logical_emit_message(%v, 'msl', '%s'); ", within, what)
	}
	s.do("BEGIN; " + say("one", true) + fill(1) + say("two", true) + say("at once", false) + "SAVEPOINT s; " + fill(2) + say("rolled back", true) + fill(3) + "ROLLBACK TO s; " + say("three", true) + fill(4) +
		say("four "+strings.Repeat("x", 100_000), true) + "COMMIT")
	got := strings.Join(s.log("left(after->>'content', 5)", "after->>'prefix' = 'msl'"), ", ")
	if want := "at on, one, two, three, four "; got != want {
		s.t.Errorf("messages in the log: %q, want %q", got, want)
	}
}

// TestPreparedOverRestart holds that what a prepared transaction changed comes with its end, whenever the agent runs, and that it holds nothing up until then.
func TestPreparedOverRestart(t *testing.T) {
	t.Parallel()
	pg, dir := pgtest.Start(t, "max_prepared_transactions=10"), t.TempDir()
	pg.Exec(t, "postgres", accSchema)
	a := run(t, pg, dir)
	prepare := func(name, sql string) {
		t.Helper()
		pg.Exec(t, "postgres", "BEGIN; "+sql+"; PREPARE TRANSACTION '"+name+"'")
	}
	prepare("seen", "UPDATE acc SET v = v + 1 WHERE id = 1")
	prepare("undone", "DELETE FROM acc WHERE id = 2")
	a.catchUp()
	a.stop()
	prepare("missed", "UPDATE acc SET v = v + 10 WHERE id = 3")
	prepare("ended", "INSERT INTO acc VALUES (1000, 1)")
	pg.Exec(t, "postgres", "COMMIT PREPARED 'ended'")
	a = run(t, pg, dir)
	a.catchUp()
	a.same("acc")
	before := a.remember()
	a.stop()
	pg.Exec(t, "postgres", "COMMIT PREPARED 'seen'")
	pg.Exec(t, "postgres", "ROLLBACK PREPARED 'undone'")
	a = run(t, pg, dir)
	pg.Exec(t, "postgres", "COMMIT PREPARED 'missed'")
	a.catchUp()
	a.same("acc")
	a.still(before)
	a.gapless()
}
