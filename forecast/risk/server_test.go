package risk_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"

	"foreshadow/agent/pgtest"
	"foreshadow/forecast/risk"
	"foreshadow/sql/sqlerr"
)

// schemaChange is one line of testdata/ddl.sql.
type schemaChange struct {
	sql          string
	since, until int
	alone, utc   bool
}

var bracket = regexp.MustCompile(`^\[([a-z0-9 ]+)\] `)

// readChanges reads testdata/ddl.sql.
func readChanges(t *testing.T) []schemaChange {
	t.Helper()
	file, err := os.ReadFile("testdata/ddl.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out []schemaChange
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := schemaChange{until: 99}
		for m := bracket.FindStringSubmatch(line); m != nil; m = bracket.FindStringSubmatch(line) {
			word, number, _ := strings.Cut(m[1], " ")
			n, _ := strconv.Atoi(number)
			switch word {
			case "since":
				c.since = n
			case "until":
				c.until = n
			case "alone":
				c.alone = true
			case "utc":
				c.utc = true
			default:
				t.Fatalf("unknown word in %s", line)
			}
			line = line[len(m[0]):]
		}
		c.sql = line
		out = append(out, c)
	}
	return out
}

// seen is what a server did to a relation: the strongest lock, and the work.
type seen struct {
	lock  risk.Lock
	files bool // its files were replaced
	built int  // indexes of it that were built
	read  bool // rows were read
	kind  string
}

// server is a primary with the test's schema.
type server struct {
	*pgtest.Server
	major int
	conn  *pgx.Conn
}

// TestServerAgrees runs every schema change on a real server and compares the locks that its backend holds, the files that were replaced, the
// indexes that were built and the tables that were read with what the rules say.
func TestServerAgrees(t *testing.T) {
	t.Parallel()
	major := pgtest.Major(t)
	settings := []string{"timezone=Europe/Berlin"}
	if major >= 15 {
		settings = append(settings, "allow_in_place_tablespaces=on")
	}
	s := &server{Server: pgtest.Start(t, settings...), major: major}
	schema, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	s.CreateDatabase(t, "shop")
	s.Exec(t, "shop", "CREATE ROLE somebody; CREATE SCHEMA other; GRANT CREATE ON SCHEMA public TO somebody; CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler")
	if major >= 15 {
		s.Exec(t, "postgres", "CREATE TABLESPACE elsewhere LOCATION ''")
	}
	s.Exec(t, "shop", string(schema))
	s.conn = s.Conn(t, "shop")
	s.scripts(t)
	changes, tried := readChanges(t), 0
	for _, c := range changes {
		if major < c.since || major > c.until || major < 15 && strings.HasSuffix(c.sql, "elsewhere") {
			continue
		}
		tried++
		if err := s.compare(t, c); err != nil {
			t.Errorf("%s\n%v", c.sql, err)
		}
	}
	t.Logf("PostgreSQL %d: %d of %d schema changes compared", major, tried, len(changes))
}

// scripts holds what is said of scripts against testdata/scripts.test.
func (s *server) scripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/scripts.test", func(t *testing.T, d *datadriven.TestData) string {
		script, err := risk.Parse(d.Input)
		if err != nil {
			return told(err)
		}
		steps, err := script.Classify(s.catalog(t, script))
		if err != nil {
			return told(err)
		}
		var out strings.Builder
		for _, step := range steps {
			fmt.Fprintf(&out, "%d %s\n", step.Group, step.Command)
			for _, e := range step.Effects {
				fmt.Fprintf(&out, "  %s on %s: %s, blocks %s\n", e.Lock, e.Relation.Name, e.Work(), e.Lock.Blocks())
			}
			for _, b := range step.Breaks {
				fmt.Fprintf(&out, "  breaks %s %s: %s\n", b.Relation.Name, b.Column, b.How)
			}
			if step.Fails != "" {
				fmt.Fprintf(&out, "  fails: %s\n", step.Fails)
			}
			for _, n := range step.Notes {
				fmt.Fprintf(&out, "  note: %s\n", n)
			}
			for _, sql := range step.Safer {
				fmt.Fprintf(&out, "  safer: %s\n", sql)
			}
		}
		return out.String()
	})
}

// told is an error as a user sees it.
func told(err error) string {
	e := sqlerr.From(err)
	return fmt.Sprintf("%s at %d: %s\nhint: %s\n", e.Code, e.Position, e.Message, e.Hint)
}

// saferIs runs what is said to be safer, statement after statement in one transaction, and says whether one of them holds up writes for more than a moment.
func (s *server) saferIs(ctx context.Context, t *testing.T, step risk.Step) error {
	t.Helper()
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	before, err := relations(ctx, s.conn)
	if err != nil {
		return err
	}
	filled := map[string]bool{}
	for _, r := range before {
		filled[r.name] = r.kind != "m" // nobody writes to a materialized view
	}
	for _, sql := range step.Safer {
		if strings.HasPrefix(sql, "--") {
			continue
		}
		script, err := risk.Parse(sql)
		if err != nil {
			return fmt.Errorf("  safer: %s: %w", sql, err)
		}
		steps, err := script.Classify(s.catalog(t, script))
		if err != nil {
			return fmt.Errorf("  safer: %s: %w", sql, err)
		}
		for _, one := range steps {
			for _, e := range one.Effects {
				if w := e.Work(); e.Lock.BlocksWrites() && w != "metadata" && filled[e.Relation.Name] {
					return fmt.Errorf("  not safer: %s: %s under %s on %s", sql, w, e.Lock, e.Relation.Name)
				}
			}
		}
		bare := strings.NewReplacer(" CONCURRENTLY", "", "(CONCURRENTLY) ", "", "BEGIN;", "", "COMMIT;", "").Replace(sql)
		if _, err := tx.Exec(ctx, bare); err != nil {
			return fmt.Errorf("  safer: %s: %w", sql, err)
		}
	}
	return nil
}

// compare runs one change and says what differs from the rules.
func (s *server) compare(t *testing.T, c schemaChange) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	zone := "Europe/Berlin"
	if c.utc {
		zone = "UTC"
	}
	if _, err := s.conn.Exec(ctx, "SET TimeZone = '"+zone+"'"); err != nil {
		return err
	}
	script, err := risk.Parse(c.sql)
	if err != nil {
		return err
	}
	catalog := s.catalog(t, script)
	steps, err := script.Classify(catalog)
	if err != nil {
		return err
	}
	if why := steps[0].Fails; why != "" {
		if _, err := s.inTransaction(ctx, c.sql); err == nil {
			return fmt.Errorf("  said to fail (%s), and does not", why)
		}
		return nil
	}
	if err := s.saferIs(ctx, t, steps[0]); err != nil {
		return err
	}
	var got map[string]seen
	if c.alone {
		got, err = s.alone(ctx, t, c.sql, steps[0])
	} else {
		got, err = s.inTransaction(ctx, c.sql)
	}
	if err != nil {
		return err
	}
	return differences(expected(steps[0]), got, c.alone)
}

// catalog asks the server for the facts.
func (s *server) catalog(t *testing.T, script *risk.Script) *risk.Catalog {
	t.Helper()
	relations, types, functions := script.Names()
	var text string
	if err := s.conn.QueryRow(t.Context(), risk.CatalogSQL, relations, types, functions).Scan(&text); err != nil {
		t.Fatalf("read catalog: %v", err)
	}
	c, err := risk.ReadCatalog(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// expected words a step as what should be seen.
func expected(step risk.Step) map[string]seen {
	out := map[string]seen{}
	for _, e := range step.Effects {
		out[e.Relation.Name] = seen{lock: e.Lock, files: e.Rewrite || e.Copy || e.Fresh, built: e.Builds, read: e.Scan || e.Rewrite || e.Builds > 0, kind: e.Relation.Kind}
	}
	return out
}

// differences compares all relations that either side knows. Of indexes only strong locks count, since every statement opens those of its table;
// of reading only that of tables that are not written anew; of locks none below ROW SHARE.
func differences(want, got map[string]seen, lockOnly bool) error {
	var out []string
	names := map[string]bool{}
	for n := range want {
		names[n] = true
	}
	for n := range got {
		names[n] = true
	}
	for n := range names {
		w, g := want[n], got[n]
		index := w.kind == "i" || w.kind == "I" || g.kind == "i" || g.kind == "I"
		least := risk.RowShare
		if index {
			least = risk.ShareUpdateExclusive
		}
		if w.lock < least {
			w.lock = risk.NoLock
		}
		if g.lock < least {
			g.lock = risk.NoLock
		}
		if w.lock != g.lock {
			out = append(out, fmt.Sprintf("  lock on %s: %s by the rules, %s by the server", n, w.lock, g.lock))
		}
		if index || lockOnly {
			continue
		}
		if w.files != g.files {
			out = append(out, fmt.Sprintf("  new files of %s: %v by the rules, %v by the server", n, w.files, g.files))
		}
		if !g.files && w.built != g.built {
			out = append(out, fmt.Sprintf("  indexes built on %s: %d by the rules, %d by the server", n, w.built, g.built))
		}
		if !g.files && w.lock > risk.RowExclusive && w.read != g.read {
			out = append(out, fmt.Sprintf("  rows of %s read: %v by the rules, %v by the server", n, w.read, g.read))
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	return fmt.Errorf("%s", strings.Join(out, "\n"))
}

// The questions about relations of the test's schemas: their files and reads, and the locks that this backend holds on them.
const (
	relationsSQL = `SELECT c.oid, n.nspname || '.' || c.relname, c.relkind::text, coalesce(pg_relation_filenode(c.oid), 0), coalesce(i.indrelid, 0),
       coalesce((SELECT seq_tup_read FROM pg_stat_xact_user_tables s WHERE s.relid = c.oid), 0)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE n.nspname IN ('public', 'other') AND c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I', 'S')`
	locksSQL = `SELECT l.relation, l.mode FROM pg_locks l WHERE l.locktype = 'relation' AND l.granted AND l.pid = pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`
)

type relation struct {
	oid        uint32
	name, kind string
	file       uint32
	table      uint32
	read       int64
}

func relations(ctx context.Context, q *pgx.Conn) (map[uint32]relation, error) {
	rows, err := q.Query(ctx, relationsSQL)
	if err != nil {
		return nil, err
	}
	out := map[uint32]relation{}
	var r relation
	_, err = pgx.ForEachRow(rows, []any{&r.oid, &r.name, &r.kind, &r.file, &r.table, &r.read}, func() error {
		out[r.oid] = r
		return nil
	})
	return out, err
}

// inTransaction runs a change in a transaction and looks at what it holds and did before it is rolled back.
func (s *server) inTransaction(ctx context.Context, sql string) (map[string]seen, error) {
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	before, err := relations(ctx, s.conn)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, sql); err != nil {
		return nil, err
	}
	after, err := relations(ctx, s.conn)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, locksSQL)
	if err != nil {
		return nil, err
	}
	locks := map[uint32]risk.Lock{}
	var oid uint32
	var mode string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &mode}, func() error {
		locks[oid] = max(locks[oid], modes[mode])
		return nil
	}); err != nil {
		return nil, err
	}
	return observed(before, after, locks), nil
}

// modes are the locks as pg_locks spells them.
var modes = map[string]risk.Lock{"AccessShareLock": risk.AccessShare, "RowShareLock": risk.RowShare, "RowExclusiveLock": risk.RowExclusive,
	"ShareUpdateExclusiveLock": risk.ShareUpdateExclusive, "ShareLock": risk.Share, "ShareRowExclusiveLock": risk.ShareRowExclusive,
	"ExclusiveLock": risk.Exclusive, "AccessExclusiveLock": risk.AccessExclusive}

// observed holds what was before against what is after. An index under a new OID with an old one's file was taken over, not built.
func observed(before, after map[uint32]relation, locks map[uint32]risk.Lock) map[string]seen {
	files := map[uint32]bool{}
	for _, r := range before {
		files[r.file] = true
	}
	out := map[string]seen{}
	for oid, b := range before {
		a, left := after[oid]
		g := seen{lock: locks[oid], kind: b.kind, read: left && a.read > b.read, files: left && (b.kind == "r" || b.kind == "m") && a.file != b.file}
		for _, i := range after {
			if i.table == oid && i.kind == "i" && !files[i.file] {
				g.built++
			}
		}
		if g != (seen{kind: b.kind}) {
			out[b.name] = g
		}
	}
	return out
}

// alone runs a change outside a transaction against a table that another session holds, so that the lock it waits for can be seen; then it is let go.
func (s *server) alone(ctx context.Context, t *testing.T, sql string, step risk.Step) (map[string]seen, error) {
	t.Helper()
	table := step.Effects[0].Relation
	for _, e := range step.Effects {
		if e.Relation.Table == nil {
			table = e.Relation
		}
	}
	holder, err := s.conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = holder.Rollback(ctx) }()
	if _, err := holder.Exec(ctx, "LOCK TABLE "+table.Name+" IN SHARE UPDATE EXCLUSIVE MODE"); err != nil {
		return nil, err
	}
	runner := s.Conn(t, "shop")
	done := make(chan error, 1)
	go func() {
		_, err := runner.Exec(ctx, sql)
		done <- err
	}()
	got := map[string]seen{}
	for len(got) == 0 {
		var mode string
		err := holder.QueryRow(ctx, "SELECT coalesce(max(mode), '') FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted", table.Name).Scan(&mode)
		if err != nil {
			return nil, err
		}
		if mode != "" {
			got[table.Name] = seen{lock: modes[mode], kind: table.Kind}
		}
		select {
		case err := <-done:
			return nil, fmt.Errorf("ended without waiting: %v", err)
		default:
		}
	}
	if err := holder.Rollback(ctx); err != nil {
		return nil, err
	}
	if err := <-done; err != nil {
		return nil, err
	}
	for _, e := range step.Effects { // one table's lock is seen; the others are by the rules alone
		if e.Relation != table {
			got[e.Relation.Name] = seen{lock: e.Lock, kind: e.Relation.Kind}
		}
	}
	return got, nil
}
