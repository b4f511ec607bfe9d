package verify

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
)

// Bounds of what is fetched and shown of rows that differ.
const (
	maxFetched = 100_000 // rows of a side in the buckets that are fetched
	maxNamed   = 5       // rows in the text
	maxShown   = 8       // columns of a row without a key
	maxText    = 60      // characters of a value
)

// found is a row that one side has more often than the other.
type found struct {
	primary, shadow int64
	columns         []uint64 // the hash of each column's value
	shown           []string // the key's values, or the first columns'
}

// differences of a table: how many rows differ, and the first of them in words.
type differences struct {
	count int64
	more  bool // some were not looked at
	named []string
}

// text words the differences.
func (d *differences) text() string {
	s := strings.Join(d.named, "; ")
	if rest := d.count - int64(len(d.named)); rest > 0 {
		s += fmt.Sprintf("; and %d more", rest)
	}
	if d.more {
		s += ", at least"
	}
	return s
}

// name fetches the buckets that differ from both sides and finds the rows that do.
func (v *Verifier) name(ctx context.Context, l *capture.Look, j *job, side *shadowSide, sums []sum) error {
	wanted, n := map[uint64]bool{}, int64(0)
	for i := range sums {
		if sums[i] == j.primary[i] {
			continue
		}
		if n += max(sums[i].rows, j.primary[i].rows); n > maxFetched && len(wanted) > 0 {
			j.diff.more = true
			break
		}
		wanted[uint64(i)] = true
	}
	if len(wanted) == 0 {
		return nil
	}
	rel := &j.table.Relation
	rows := map[uint64]*found{}
	key := keyColumns(rel)
	shown := shownColumns(rel, key)
	if err := fetchPrimary(ctx, l, j, shown, wanted, rows); err != nil {
		return err
	}
	err := side.rows(ctx, func(r *shadowRow) {
		if !wanted[r.hash&(buckets-1)] {
			return
		}
		f := rows[r.hash]
		if f == nil {
			f = &found{}
			for _, value := range r.values {
				f.columns = append(f.columns, side.hash.value(value, 0))
			}
			for _, i := range shown {
				f.shown = append(f.shown, shorten(r.values[i]))
			}
			rows[r.hash] = f
		}
		f.shadow += r.times
	})
	if err != nil {
		return err
	}
	j.diff.add(rel, key, shown, rows)
	return nil
}

// keyColumns are those of a table's key; none means that rows have no key.
func keyColumns(rel *change.Relation) []int {
	var out []int
	for i, c := range rel.Columns {
		if c.Key {
			out = append(out, i)
		}
	}
	return out
}

// shownColumns are those by which a row is named: its key, or the first columns of a row without one.
func shownColumns(rel *change.Relation, key []int) []int {
	if key != nil {
		return key
	}
	first := make([]int, min(maxShown, len(rel.Columns)))
	for i := range first {
		first[i] = i
	}
	return first
}

// fetchPrimary reads the primary's rows of some buckets, in the snapshot of their checksums: no values but those shown, only their hashes.
func fetchPrimary(ctx context.Context, l *capture.Look, j *job, shown []int, wanted map[uint64]bool, rows map[uint64]*found) error {
	columns := names(j.table.Relation.Columns)
	items := []string{rowSQL(columns, l.UTF8) + " AS h"}
	for _, c := range columns {
		items = append(items, hashSQL(c, "0", l.UTF8))
	}
	for _, i := range shown {
		c := pgx.Identifier{columns[i]}.Sanitize()
		items = append(items, fmt.Sprintf("CASE WHEN %s IS DISTINCT FROM NULL THEN left(concat(%[1]s), %d) END", c, maxText+1))
	}
	list := make([]string, 0, len(wanted))
	for b := range wanted {
		list = append(list, strconv.FormatUint(b, 10))
	}
	sql := fmt.Sprintf("SELECT * FROM (SELECT %s FROM ONLY %s%s OFFSET 0) t WHERE h & %d = ANY ('{%s}')", strings.Join(items, ", "),
		j.table.Quoted(), j.piece.onPrimary(&j.table), buckets-1, strings.Join(list, ","))
	return l.Rows(ctx, sql, func(r [][]byte) error {
		hashes := make([]uint64, 1+len(columns))
		for i := range hashes {
			n, err := strconv.ParseInt(string(r[i]), 10, 64)
			if err != nil {
				return fmt.Errorf("the primary gave the hash %q", r[i])
			}
			hashes[i] = uint64(n)
		}
		f := rows[hashes[0]]
		if f == nil {
			f = &found{columns: hashes[1:]}
			for _, value := range r[len(hashes):] {
				f.shown = append(f.shown, shorten(value))
			}
			rows[hashes[0]] = f
		}
		f.primary++
		return nil
	})
}

// shorten makes a value's text fit to be shown; nil is NULL.
func shorten(value []byte) string {
	if value == nil {
		return "NULL"
	}
	if r := []rune(string(value)); len(r) > maxText {
		return string(r[:maxText]) + "..."
	}
	return string(value)
}

// add pairs the two sides' rows by their keys, if they have one, and words what differs.
func (d *differences) add(rel *change.Relation, key, shown []int, rows map[uint64]*found) {
	pairs := map[string][]*found{}
	for hash, f := range rows {
		if f.primary == f.shadow {
			continue
		}
		var of []byte
		for _, i := range key {
			of = binary.BigEndian.AppendUint64(of, f.columns[i])
		}
		if key == nil {
			of = binary.BigEndian.AppendUint64(of, hash)
		}
		pairs[string(of)] = append(pairs[string(of)], f)
	}
	all := make([][]*found, 0, len(pairs))
	for _, p := range pairs {
		slices.SortFunc(p, func(a, b *found) int { return cmp.Compare(b.primary-b.shadow, a.primary-a.shadow) })
		all = append(all, p)
		if d.count++; len(p) == 1 {
			d.count += max(p[0].primary-p[0].shadow, p[0].shadow-p[0].primary) - 1
		}
	}
	slices.SortFunc(all, func(a, b []*found) int {
		return cmp.Or(cmp.Compare(len(a[0].shown[0]), len(b[0].shown[0])), slices.Compare(a[0].shown, b[0].shown))
	})
	columns := names(rel.Columns)
	for _, p := range all[:min(len(all), max(0, maxNamed-len(d.named)))] {
		d.named = append(d.named, word(p, columns, shown))
	}
}

// word names one row and says how its sides differ.
func word(p []*found, columns []string, shown []int) string {
	key := make([]string, len(shown))
	for i, c := range shown {
		key[i] = columns[c]
	}
	f := p[0]
	row := fmt.Sprintf("(%s)=(%s): ", strings.Join(key, ", "), strings.Join(f.shown, ", "))
	switch last := p[len(p)-1]; {
	case len(p) > 1 && f.primary > f.shadow && last.shadow > last.primary:
		var differ []string
		for i := range columns {
			if f.columns[i] != last.columns[i] {
				differ = append(differ, columns[i])
			}
		}
		return row + "differs in " + strings.Join(differ, ", ")
	case f.shadow == 0 && f.primary == 1:
		return row + "only on the primary"
	case f.primary == 0 && f.shadow == 1:
		return row + "only in the shadow"
	}
	return row + fmt.Sprintf("%d times on the primary, %d times in the shadow", f.primary, f.shadow)
}
