package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/engine"
)

// expiring is a shadow whose past expires whenever somebody has planned to read it.
type expiring struct {
	realShadow
	t *testing.T
}

func (e expiring) expire() {
	if err := e.db.Expire(e.t.Context(), time.Now().Add(time.Hour)); err != nil {
		e.t.Error(err)
	}
}

func (e expiring) Source(ctx context.Context, ref engine.Ref) (string, error) {
	defer e.expire()
	return e.realShadow.Source(ctx, ref)
}

func (e expiring) Diff(ctx context.Context, oid uint32, before, after engine.AsOf) (string, error) {
	defer e.expire()
	return e.realShadow.Diff(ctx, oid, before, after)
}

// TestExpiresMeanwhile holds that a statement shows the whole of a past that expires between its planning and its query.
func TestExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "CREATE TABLE items (id int PRIMARY KEY, v text); INSERT INTO items VALUES (1, 'a')")
	db, err := shadow.Open(shadow.Options{Dir: t.TempDir(), Keep: shadow.Limit{Age: time.Millisecond}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	load(t, pg, db, "public", "items")
	st, err := db.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range st.Tables {
		for i, v := range []string{"b", "c"} {
			at := change.LSN(20 + 10*i)
			after := []change.Value{{State: change.Set, Text: []byte("1")}, {State: change.Set, Text: []byte(v)}}
			tx := change.Tx{XID: uint32(at), CommitLSN: at, EndLSN: at + 1, CommitTime: time.Now(), Last: true,
				Changes: []change.Change{{Op: change.Update, Relation: &table.Relation, After: after}}}
			if err := db.Append(t.Context(), []change.Tx{tx}); err != nil {
				t.Fatal(err)
			}
		}
	}
	parts := sources(mirrored(t, pg), db)
	slow := expiring{parts[0].Shadow.(realShadow), t}
	parts[0].Shadow = slow
	s := connect(t, newEngine(t, engine.Options{Sources: parts}), "postgres")
	for sql, want := range map[string]string{
		"SELECT v FROM items FOR SYSTEM_TIME AS OF '0/5'":                                                  "a",
		"SELECT i.v || j.v FROM items FOR SYSTEM_TIME AS OF '0/5' i, items FOR SYSTEM_TIME AS OF '0/14' j": "ab",
		"SELECT array_agg(v) FROM items FOR SYSTEM_TIME AS OF '0/5'":                                       "{a}",
		"SELECT string_agg(v, '' ORDER BY v) FROM items FOR SYSTEM_TIME BETWEEN '0/5' AND '0/1E'":          "abc",
		"SELECT before->>'v', after->>'v' FROM foreshadow.diff('items', '0/5', '0/14')":                    "a b",
	} {
		a := run(t, s, sql)
		if got := fmt.Sprint(a.rows); got != "[["+want+"]]" {
			t.Errorf("%s: %s %s %s, want %s", sql, got, a.code, a.err, want)
		}
	}
	slow.expire()
	if a := run(t, s, "SELECT v FROM items FOR SYSTEM_TIME AS OF '0/5'"); a.code != "72000" {
		t.Errorf("when nobody reads, nothing expires: %+v", a)
	}
}
