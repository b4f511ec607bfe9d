package e2e_test

import (
	"context"
	"embed"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
	"foreshadow/sql/engine"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

//go:embed testdata/corpus.setup.sql testdata/tpch.setup.sql testdata/corpus
var corpusFiles embed.FS

// asked is one statement of the corpus, a paragraph of a file. The words of comment lines before it say what to expect of it:
// error: it fails; refused: the agent alone fails, with 0A000; ties: its ORDER BY does not decide the order of all rows; sums: it sums floats,
// whose last digits depend on the order of summation, which is the plan's.
type asked struct {
	sql   string
	marks map[string]bool
}

func readCorpus(t testing.TB, name string) []asked {
	t.Helper()
	text, err := corpusFiles.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []asked
	for _, paragraph := range strings.Split(string(text), "\n\n") {
		a := asked{marks: map[string]bool{}}
		for _, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			if words, comment := strings.CutPrefix(line, "--"); comment && a.sql == "" {
				for _, w := range strings.Fields(words) {
					a.marks[w] = true
				}
				continue
			}
			a.sql += line + "\n"
		}
		if a.sql = strings.TrimRight(a.sql, ";\n"); a.sql != "" {
			out = append(out, a)
		}
	}
	return out
}

// sides are the two that must answer alike, and how many queries each part of the agent got.
type sides struct {
	primary *pgconn.PgConn
	agent   session.Session
	shadow  realShadow
}

func newSides(t *testing.T, setups ...string) *sides {
	t.Helper()
	pg := pgtest.Start(t)
	for _, name := range setups {
		sql, err := corpusFiles.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		pg.Exec(t, "postgres", string(sql))
	}
	parts := stack(t, pg)
	primary, err := pgconn.Connect(t.Context(), pg.DSN("reader", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Close(context.Background()) })
	s := &sides{primary: primary, agent: connect(t, newEngine(t, engine.Options{Sources: parts}), "reader")}
	s.shadow, _ = parts[0].Shadow.(realShadow)
	return s
}

// set changes a setting on both sides.
func (s *sides) set(t *testing.T, name, value string) {
	t.Helper()
	sql := "SET " + name + " = " + value
	if a := ask(t, s.primary, sql); a.code != "" {
		t.Fatalf("%s: %s", sql, a.err)
	}
	if a := run(t, s.agent, sql); a.code != "" {
		t.Fatalf("%s: %s", sql, a.err)
	}
}

// The ways in which the agent answers.
const (
	byShadow  = "translated"
	byLending = "lent"
	byMirror  = "analysed only" // an error found before anything ran, or a statement without a table
)

// both asks both sides, and says how the agent came to its answer.
func (s *sides) both(t *testing.T, sql string) (want, got answer, way string) {
	t.Helper()
	loans, queries := s.shadow.loans.Load(), s.shadow.queries.Load()
	want, got = ask(t, s.primary, sql), run(t, s.agent, sql)
	switch {
	case s.shadow.loans.Load() > loans:
		return want, got, byLending
	case s.shadow.queries.Load() > queries:
		return want, got, byShadow
	}
	return want, got, byMirror
}

// TestCorpus holds that every statement of the corpus gives the primary's rows, names, types and modifiers, or its error: SQLSTATE, message and position.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := corpusFiles.ReadDir("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	s := newSides(t, "corpus.setup.sql", "tpch.setup.sql")
	total := map[string]int{}
	for _, f := range files {
		paths, zones := []string{"public"}, []string{"UTC", "America/New_York"}
		switch f.Name() {
		case "tpch.sql":
			paths, zones = []string{"tpch", "plain"}, zones[:1]
		case "times.sql": // zones whose rules depend on the release of the zone database, and one that only PostgreSQL knows
			zones = append(zones, "Africa/Casablanca", "Europe/Oslo", "<-03:30>+03:30")
		}
		for _, schema := range paths {
			s.set(t, "search_path", schema)
			for _, zone := range zones {
				s.set(t, "TimeZone", "'"+zone+"'")
				t.Run(strings.Join([]string{f.Name(), schema, path.Base(zone)}, " "), func(t *testing.T) { s.corpus(t, "testdata/corpus/"+f.Name(), total) })
			}
		}
	}
	t.Logf("%v", total)
}

func (s *sides) corpus(t *testing.T, name string, total map[string]int) {
	count := map[string]int{}
	for _, a := range readCorpus(t, name) {
		want, got, way := s.both(t, a.sql)
		diff := a.compare(want, got)
		switch {
		case got.code == sqlerr.FeatureNotSupported && want.code != got.code:
			way = "refused"
		case diff != "":
			way = "wrong"
		case want.code != "":
			way = "same error"
		}
		count[way]++
		total[way]++
		if diff != "" {
			t.Errorf("%s\n%s", a.sql, diff)
		}
	}
	t.Logf("%v", count)
}

// compare says what differs from what is expected, or "".
func (a asked) compare(want, got answer) string {
	if len(want.rows) == 0 && want.code == "" && strings.Contains(a.sql, "lineitem") {
		return "no rows"
	}
	switch {
	case want.code == "" && got.code == sqlerr.FeatureNotSupported && a.marks["refused"]:
		return ""
	case a.marks["refused"]:
		return fmt.Sprintf("not refused: %s %s", got.code, got.err)
	case !a.marks["either"] && (want.code != "") != a.marks["error"]: // of either, the primary's major decides
		return fmt.Sprintf("the primary's error: %q %s", want.code, want.err)
	}
	return differs(want, got, topOrder(a.sql) && !a.marks["ties"], a.marks["sums"])
}

// differs compares two answers, rows as multisets unless they are ordered.
func differs(want, got answer, ordered, sums bool) string {
	switch {
	case want.code != got.code, want.words != got.words, want.at != got.at:
		return fmt.Sprintf("primary: %s %s at %d\n  agent: %s %s at %d", want.code, want.words, want.at, got.code, got.err, got.at)
	case want.code != "":
		return ""
	case !slices.Equal(want.fields, got.fields):
		return fmt.Sprintf("columns\nprimary: %v\n  agent: %v", want.fields, got.fields)
	case !slices.Equal(want.mods, got.mods):
		return fmt.Sprintf("type modifiers\nprimary: %v\n  agent: %v", want.mods, got.mods)
	case len(want.rows) != len(got.rows):
		return fmt.Sprintf("%d rows instead of %d", len(got.rows), len(want.rows))
	}
	if !ordered {
		slices.SortFunc(want.rows, slices.Compare)
		slices.SortFunc(got.rows, slices.Compare)
	}
	for i := range want.rows {
		for j, w := range want.rows[i] {
			if g := got.rows[i][j]; w != g && !(sums && near(want.oids[j], w, g)) {
				return fmt.Sprintf("row %d column %s\nprimary: %s\n  agent: %s", i, want.fields[j], w, g)
			}
		}
	}
	return ""
}

// near allows floats their last digits.
func near(oid uint32, a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return (oid == types.Float8 || oid == types.Float4) && err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y))
}

// topOrder says that a statement has an ORDER BY outside of all parentheses.
func topOrder(sql string) bool {
	depth := 0
	quoted := false
	for i := range len(sql) {
		switch c := sql[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && strings.HasPrefix(sql[i:], "ORDER BY"):
			return true
		}
	}
	return false
}
