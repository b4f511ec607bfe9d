package e2e_test

import (
	"flag"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// The flags of the random queries: how long they run, and the seed of the first one.
var (
	queriesFor  = flag.Duration("queries", 0, "how long to run random queries; 0 runs a few hundred")
	queriesSeed = flag.Uint64("queries-seed", 1, "the first query's seed; 0 takes the time")
)

// zones are the time zones, by the seed.
var zones = []string{"'UTC'", "'America/New_York'", "'Asia/Kolkata'", "'America/Havana'"}

// maxDifferent is after how many different answers a run ends.
const maxDifferent = 25

// TestRandomQueries runs random statements on the primary and through the agent. Answers must be alike, rows and errors; the agent may also refuse.
func TestRandomQueries(t *testing.T) {
	t.Parallel()
	seed := *queriesSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	s := newSides(t, "corpus.setup.sql")
	s.set(t, "statement_timeout", "'5s'")
	count := map[string]int{}
	began := time.Now()
	for n := 0; time.Since(began) < *queriesFor || *queriesFor == 0 && n < 400; n, seed = n+1, seed+1 {
		g := &gen{r: rand.New(rand.NewPCG(seed, 0))}
		tree := g.statement()
		sql := tree.String()
		s.set(t, "TimeZone", zones[seed%uint64(len(zones))])
		want, got, way := s.both(t, sql)
		kind := verdict(sql, want, got)
		count[kind]++
		count[way]++
		if kind == failsElse {
			t.Logf("seed %d: %s, %s instead of %s %s", seed, got.code, got.words, want.code, want.words)
		}
		if kind != different {
			continue
		}
		small := s.smaller(t, tree)
		want, got, _ = s.both(t, small)
		if data[want.code[:min(2, len(want.code))]] && got.code == "" && elsewhere(small) {
			count[different]--
			count[failsElse]++
			t.Logf("seed %d: only the primary fails: %s %s\n%s", seed, want.code, want.words, small)
			continue
		}
		t.Errorf("replay: make queries DURATION=1s SEED=%d\n%s\nsmaller: %s\n%s", seed, sql, small, differs(want, got, topOrder(small), false))
		if count[different] >= maxDifferent {
			break
		}
	}
	t.Logf("seeds up to %d in %s: %v", seed, time.Since(began).Round(time.Second), count)
}

// unsigned writes 0 for -0: which of the two stands for a group or comes from a sum is the plan's.
func unsigned(a answer) answer {
	for _, row := range a.rows {
		for i := range row {
			if row[i] == "-0" && (a.oids[i] == types.Float4 || a.oids[i] == types.Float8) {
				row[i] = "0"
			}
		}
	}
	return a
}

// choosing are the words of statements that show one of several numerics that are equal, of whatever scale: 1.0 or 1.00.
var choosing = regexp.MustCompile(`\b(DISTINCT|UNION|INTERSECT|EXCEPT|GROUP BY|LIMIT|OFFSET|ORDER BY|max\(|min\()`)

// scaleless writes numerics without zeros at the end.
func scaleless(a answer) answer {
	for _, row := range a.rows {
		for i := range row {
			if a.oids[i] == types.Numeric && strings.Contains(row[i], ".") {
				row[i] = strings.TrimRight(strings.TrimRight(row[i], "0"), ".")
			}
		}
	}
	return a
}

// elsewhere says that a statement has a part that a plan may run for other rows, or not at all.
func elsewhere(sql string) bool {
	for _, word := range []string{" WHERE ", " JOIN ", "WITH ", "LIMIT", "(SELECT "} {
		if strings.Contains(sql, word) {
			return true
		}
	}
	return false
}

// The verdicts on a pair of answers.
const (
	equalAnswers = "equal"
	equalErrors  = "equal errors"
	refused      = "refused"
	timedOut     = "timed out"
	failsElse    = "another value fails" // which value is computed first, and which never, is the plan's
	different    = "different"
)

// data are the classes of errors that values lead to.
var data = map[string]bool{"21": true, "22": true}

// verdict says how two answers to a statement compare.
func verdict(sql string, want, got answer) string {
	switch {
	case want.code == sqlerr.QueryCanceled || got.code == sqlerr.QueryCanceled:
		return timedOut
	case got.code == sqlerr.FeatureNotSupported && (want.code != got.code || want.words != got.words):
		return refused
	case differs(unsigned(want), unsigned(got), topOrder(sql), false) == "":
	case want.code == "" && got.code == "" && choosing.MatchString(sql) && differs(scaleless(want), scaleless(got), topOrder(sql), false) == "":
	case data[got.code[:min(2, len(got.code))]] && (want.code == "" || data[want.code[:2]]):
		return failsElse
	default:
		return different
	}
	if want.code != "" {
		return equalErrors
	}
	return equalAnswers
}

// smaller replaces and leaves out parts of a statement while the answers still differ in the same way.
func (s *sides) smaller(t *testing.T, tree *node) string {
	t.Helper()
	want, got, _ := s.both(t, tree.String())
	codes := [2]string{want.code, got.code}
	tries := 400
	keeps := func() bool {
		tries--
		sql := tree.String()
		w, g, _ := s.both(t, sql)
		return verdict(sql, w, g) == different && codes == [2]string{w.code, g.code}
	}
	for again := true; again && tries > 0; {
		again = false
		visitNodes(tree, func(n *node) {
			for _, r := range n.reductions() {
				if tries <= 0 || len(r.String()) >= len(n.String()) {
					continue
				}
				old := n.replaced
				if n.replaced = r; keeps() {
					again = true
					return
				}
				n.replaced = old
			}
		})
	}
	return tree.String()
}

// visitNodes calls f for what is printed of a tree, from the root.
func visitNodes(n *node, f func(*node)) {
	f(n)
	for n.replaced != nil {
		n = n.replaced
		f(n)
	}
	for _, k := range n.kids {
		visitNodes(k, f)
	}
}

// reductions are what may stand in a node's place: nothing, or an expression of its kind.
func (n *node) reductions() []*node {
	if n.optional {
		return []*node{leaf("", "")}
	}
	if n.kind == "" {
		return nil
	}
	out := []*node{leaf(n.kind, "NULL"), leaf(n.kind, literals[n.kind][0])}
	for _, k := range n.kids {
		visitNodes(k, func(below *node) {
			if below.kind == n.kind && below.replaced == nil && len(out) < 12 {
				out = append(out, below)
			}
		})
	}
	return out
}
