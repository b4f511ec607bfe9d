package sampler

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/statements.sql
var statementsSQL string

//go:embed sql/texts.sql
var textsSQL string

const extensionSQL = `SELECT quote_ident(n.nspname), string_to_array(e.extversion, '.')::int[] >= '{1,8}' FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`

// counters are what pg_stat_statements counts for one statement since its entry was made.
type counters struct{ calls, timeMs, rows, blocks, wal float64 }

// minus is the growth since an earlier reading. A count that fell means a reset or an entry that was evicted and made anew: what it shows is all new.
func (c counters) minus(before counters) counters {
	if c.calls < before.calls {
		return c
	}
	return counters{c.calls - before.calls, max(c.timeMs-before.timeMs, 0), max(c.rows-before.rows, 0), max(c.blocks-before.blocks, 0), max(c.wal-before.wal, 0)}
}

func (c counters) plus(d counters) counters {
	return counters{c.calls + d.calls, c.timeMs + d.timeMs, c.rows + d.rows, c.blocks + d.blocks, c.wal + d.wal}
}

// statements turns counters into rates. Every entry is read each time, so a statement that was not there before is new since then.
type statements struct {
	top     int
	log     *slog.Logger
	missing bool // said already that the extension is missing
	before  map[int64]counters
	at      time.Time
	score   map[int64]float64 // execution time and calls, fading, by which the top is chosen
	texts   map[int64]string
}

// readStatements reads pg_stat_statements. Without the extension it warns once and looks again at a slow pace.
func (s *Sampler) readStatements(ctx context.Context, b *batch) error {
	st := s.statements
	var schema string
	var modern bool
	err := s.conn.QueryRow(ctx, extensionSQL).Scan(&schema, &modern)
	if errors.Is(err, pgx.ErrNoRows) {
		if !st.missing {
			st.missing = true
			s.o.Log.Warn("pg_stat_statements is not installed in the source database; there is no load for single statements",
				"remedy", "CREATE EXTENSION pg_stat_statements, with shared_preload_libraries = 'pg_stat_statements'")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up pg_stat_statements: %w", err)
	}
	column, wal := "total_exec_time", "s.wal_bytes"
	if !modern {
		column, wal = "total_time", "0"
	}
	now, err := readCounters(ctx, s.conn, fmt.Sprintf(statementsSQL, schema, column, wal))
	if err != nil {
		return fmt.Errorf("read pg_stat_statements: %w", err)
	}
	growth, elapsed := st.advance(now, b.at)
	if elapsed <= 0 {
		return nil
	}
	top := st.rank(growth)
	if err := st.learnTexts(ctx, s.conn, fmt.Sprintf(textsSQL, schema), top); err != nil {
		return fmt.Errorf("read statement texts: %w", err)
	}
	st.emit(b, growth, top, elapsed)
	return nil
}

func readCounters(ctx context.Context, conn *pgx.Conn, query string) (map[int64]counters, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	out := map[int64]counters{}
	var id int64
	var c counters
	_, err = pgx.ForEachRow(rows, []any{&id, &c.calls, &c.timeMs, &c.rows, &c.blocks, &c.wal}, func() error {
		out[id] = c
		return nil
	})
	return out, err
}

// advance remembers a reading and gives each statement's growth since the one before; elapsed is 0 for the first.
func (st *statements) advance(now map[int64]counters, at time.Time) (map[int64]counters, float64) {
	before, since := st.before, at.Sub(st.at).Seconds()
	st.before, st.at = now, at
	if before == nil || since <= 0 {
		return nil, 0
	}
	growth := make(map[int64]counters, len(now))
	for id, c := range now {
		growth[id] = c.minus(before[id])
	}
	return growth, since
}

// rank chooses the statements with series of their own. The score fades slowly, so that the choice does not flicker; the unknown statement 0 is never chosen.
func (st *statements) rank(growth map[int64]counters) map[int64]bool {
	for id := range st.score {
		if _, there := growth[id]; !there {
			delete(st.score, id)
			delete(st.texts, id)
		}
	}
	ids := make([]int64, 0, len(growth))
	for id, g := range growth {
		st.score[id] = 0.98*st.score[id] + g.timeMs + 0.1*g.calls
		if id != 0 && st.score[id] > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Or(cmp.Compare(st.score[b], st.score[a]), cmp.Compare(a, b)) })
	top := map[int64]bool{}
	for _, id := range ids[:min(len(ids), st.top)] {
		top[id] = true
	}
	return top
}

// learnTexts reads the texts of statements that are new among the top; reading texts is what costs in pg_stat_statements.
func (st *statements) learnTexts(ctx context.Context, conn *pgx.Conn, query string, top map[int64]bool) error {
	var unknown []int64
	for id := range top {
		if _, known := st.texts[id]; !known {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	rows, err := conn.Query(ctx, query, unknown)
	if err != nil {
		return err
	}
	var id int64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		st.texts[id] = normalise(text)
		return nil
	})
	return err
}

// emit writes the rates of the top statements, of all others together, and of everything.
func (st *statements) emit(b *batch, growth map[int64]counters, top map[int64]bool, seconds float64) {
	var total, other counters
	for id, g := range growth {
		total = total.plus(g)
		if !top[id] {
			other = other.plus(g)
			continue
		}
		addRates(b, strconv.FormatInt(id, 10), g, seconds, st.texts[id])
	}
	addRates(b, "other", other, seconds, "all statements without a series of their own")
	b.add("load.total_calls", total.calls/seconds, "")
	b.add("load.total_time_ms", total.timeMs/seconds, "")
}

func addRates(b *batch, object string, c counters, seconds float64, text string) {
	b.add("load.calls:"+object, c.calls/seconds, text)
	b.add("load.time_ms:"+object, c.timeMs/seconds, text)
	b.add("load.rows:"+object, c.rows/seconds, text)
	b.add("load.blocks:"+object, c.blocks/seconds, text)
	b.add("load.wal_bytes:"+object, c.wal/seconds, text)
}

// normalise folds white space and takes literals out of what PostgreSQL does not normalise itself: a utility statement may hold a password.
func normalise(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	first, _, _ := strings.Cut(strings.ToUpper(text), " ")
	switch first {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE":
		return text
	}
	if i := strings.IndexAny(text, "'$"); i >= 0 {
		return text[:i] + "..."
	}
	return text
}
