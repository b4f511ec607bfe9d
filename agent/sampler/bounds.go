package sampler

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/gauges.sql
var gaugesSQL string

//go:embed sql/partitions.sql
var partitionsSQL string

//go:embed sql/checks.sql
var checksSQL string

// readBounds reads what the schema and the server allow: ends of partitions, bounds of check constraints, ages at which freezing is forced.
func (s *Sampler) readBounds(ctx context.Context, b *batch) error {
	names := []string{"limit.mxid_age", "limit.xid_freeze", "limit.mxid_freeze", "limit.table_bytes"}
	values := make([]float64, len(names))
	if err := s.conn.QueryRow(ctx, gaugesSQL).Scan(&values[0], &values[1], &values[2], &values[3]); err != nil {
		return fmt.Errorf("read limits: %w", err)
	}
	for i, name := range names {
		b.add(name, values[i], "")
	}
	if err := s.readPartitions(ctx, b); err != nil {
		return fmt.Errorf("read partitions: %w", err)
	}
	rows, err := s.conn.Query(ctx, checksSQL, s.o.MaxObjects)
	if err != nil {
		return fmt.Errorf("read check constraints: %w", err)
	}
	var table, column, expr string
	bounds := map[string]float64{}
	var order []string
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &expr}, func() error {
		for _, c := range checks(expr, column) {
			id := "key.check_" + c.side + ":" + table + "." + column
			before, again := bounds[id]
			if !again {
				order = append(order, id)
			}
			if !again || (c.side == "lower") == (c.bound > before) { // the narrower one counts
				bounds[id] = c.bound
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read check constraints: %w", err)
	}
	for _, id := range order {
		b.add(id, bounds[id], "")
	}
	return nil
}

func (s *Sampler) readPartitions(ctx context.Context, b *batch) error {
	rows, err := s.conn.Query(ctx, partitionsSQL, s.o.MaxObjects)
	if err != nil {
		return err
	}
	var table, column string
	var timed, rest bool
	var end *float64
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &timed, &end, &rest}, func() error {
		if end == nil || math.IsInf(*end, 0) {
			return nil
		}
		name, others := "key.partition_end:", 0.0
		if timed {
			name = "key.partition_until:"
		}
		if rest {
			others = 1
		}
		b.add(name+table+"."+column, *end, "")
		b.add("key.partition_default:"+table+"."+column, others, "")
		return nil
	})
	return err
}

// check is one bound that a constraint puts on a column: upper, lower or length.
type check struct {
	side  string
	bound float64
}

// comparison is a column, or its length, against a constant, as PostgreSQL writes a check constraint.
var comparison = regexp.MustCompile(`^(length|char_length)?\(*("(?:[^"]|"")+"|\w+)\)*(?:::[a-z ]+)?\)* (<=|<|>=|>) \(*'?([^'()]+)'?(?:\)*(?:::[a-z ]+)?)*$`)

// checks reads the bounds from a constraint's expression, as far as it joins comparisons by AND; dates are seconds since 1970.
func checks(expr, column string) []check {
	if strings.Contains(expr, " OR ") {
		return nil
	}
	var out []check
	for _, part := range strings.Split(expr, " AND ") {
		part = strings.TrimLeft(strings.TrimSpace(part), "(")
		m := comparison.FindStringSubmatch(part)
		if m == nil || strings.ReplaceAll(strings.Trim(m[2], `"`), `""`, `"`) != column {
			continue
		}
		bound, ok := constant(m[4])
		if !ok {
			continue
		}
		side := "upper"
		switch {
		case m[3][0] == '>' && m[1] != "":
			continue // a least length
		case m[3][0] == '>':
			side = "lower"
		case m[1] != "":
			side = "length"
		}
		out = append(out, check{side, bound})
	}
	return out
}

// constant reads a number or a point in time.
func constant(text string) (float64, bool) {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04:05Z07"} {
		if at, err := time.Parse(layout, text); err == nil {
			return float64(at.Unix()), true
		}
	}
	return 0, false
}
