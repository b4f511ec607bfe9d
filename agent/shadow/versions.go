package shadow

import (
	"fmt"
	"strings"

	"foreshadow/agent/change"
	"foreshadow/sql/sqlerr"
	"foreshadow/sql/types"
)

// validity are the columns that follow a table's own in VERSIONS BETWEEN.
var validity = rowset{
	names: []string{"valid_from", "valid_to", "valid_from_lsn", "valid_to_lsn"},
	types: []string{"TIMESTAMPTZ", "TIMESTAMPTZ", "UBIGINT", "UBIGINT"},
}

// versions gives every version of a table's rows that was valid at some time of an interval, with its validity. The columns are those of
// the interval's end. The current versions have no end; those that were current when the columns changed end there for who asks in the old shape.
func (d *DB) versions(t *table, ref Ref) (rowset, error) {
	from, to, i, err := d.interval(t, ref)
	if err != nil {
		return rowset{}, err
	}
	shape := d.shapeOf(t, i)
	last, ended := d.through(t, i)
	r := named(shape, &t.Gens[last-1])
	parts := []string{fmt.Sprintf("SELECT %s, lo, coalesce(hi, %s)::UBIGINT AS hi FROM (%s) WHERE lo <= %d AND (hi IS NULL OR hi > %d AND hi > lo)",
		strings.Join(numberedColumns(len(r.names)), ", "), ended, d.remaining(t, last), uint64(to), uint64(from))}
	for n := range last {
		g := &t.Gens[n]
		if t.left(g.N) <= from {
			continue
		}
		cols, err := d.carried(t, g, shape, &r)
		if err != nil {
			return r, err
		}
		parts = append(parts, fmt.Sprintf("SELECT %s, lo, hi FROM h%d_%d WHERE lo <= %d AND hi > %d", cols, t.OID, g.N, uint64(to), uint64(from)))
	}
	cols := make([]string, len(r.names))
	for k, name := range r.names {
		cols[k] = fmt.Sprintf("v.c%d AS %s, ", k, ident(types.Column(name)))
	}
	r.sql = fmt.Sprintf("WITH m AS (%s) SELECT %sf.at AS valid_from, u.at AS valid_to, v.lo AS valid_from_lsn, v.hi AS valid_to_lsn FROM (%s) v "+
		"ASOF LEFT JOIN m f ON v.lo >= f.lsn ASOF LEFT JOIN m u ON v.hi >= u.lsn", t.times(), strings.Join(cols, ""), strings.Join(parts, " UNION ALL "))
	if to < from {
		r.sql += " WHERE false"
	}
	r.names, r.types = append(r.names, validity.names...), append(r.types, validity.types...)
	return r, nil
}

// remaining is the SELECT of a generation's versions that are not in its history: with an hi if they ended and are not settled.
func (d *DB) remaining(t *table, n int) string {
	if n == t.gen().N && t.Pending > 0 {
		return d.present(t)
	}
	return fmt.Sprintf("SELECT *, NULL::UBIGINT AS hi FROM b%d_%d", t.OID, n)
}

// numberedColumns lists c0, c1, ...
func numberedColumns(n int) []string {
	cols := make([]string, n)
	for k := range cols {
		cols[k] = fmt.Sprintf("c%d", k)
	}
	return cols
}

// interval gives an interval's positions and the epoch at its end, if the table's rows are known all the time. It is empty when it ends
// before it begins: a time and a position are compared by the commits between them.
func (d *DB) interval(t *table, ref Ref) (from, to change.LSN, i int, err error) {
	if to, i, err = d.within(t, ref.AsOf); err != nil {
		return 0, 0, 0, err
	}
	since := ref.Since
	if since == (AsOf{}) {
		since.LSN = t.Since
	}
	for k := range t.Gaps {
		if g := &t.Gaps[k]; (ref.AsOf == (AsOf{}) || !ref.AsOf.upTo(g.From)) && !since.from(g.To) {
			return 0, 0, 0, d.notKnown(t, g)
		}
	}
	if from, err = d.moment(t, since); err != nil || from <= to && !ref.backwards() {
		return from, to, i, err
	}
	if ref.backwards() {
		return to + 1, to, i, nil
	}
	n, _, err := one[int64](d.w, "SELECT count(*) FROM log WHERE lsn > $1 AND lsn <= $2", uint64(to), uint64(from))
	if n == 0 {
		from = to
	}
	return from, to, i, err
}

// backwards says that an interval of two times, or of two positions, ends before it begins.
func (r *Ref) backwards() bool {
	if r.AsOf == (AsOf{}) || r.AsOf.Time.IsZero() != r.Since.Time.IsZero() {
		return false
	}
	return r.AsOf.Time.Before(r.Since.Time) || r.AsOf.Time.IsZero() && r.AsOf.LSN < r.Since.LSN
}

// through gives the last generation that has a version of an epoch's shape, and the position at which that was left, or NULL.
func (d *DB) through(t *table, i int) (n int, ended string) {
	n = t.Epochs[i].N
	for k := i + 1; k < len(t.Epochs); k++ {
		e := &t.Epochs[k]
		if plan, ok := carry(d.shapeOf(t, k-1), d.shapeOf(t, k)); e.N != n && (!ok || plan != nil) {
			return n, fmt.Sprint(uint64(e.In.LSN))
		}
		n = e.N
	}
	return n, "NULL"
}

// left is the position at which a generation was left; no bound while it is in use.
func (t *table) left(n int) change.LSN {
	for _, e := range t.Epochs {
		if e.N > n {
			return e.In.LSN
		}
	}
	return ^change.LSN(0)
}

// carried lists the columns of a shape out of another generation; a column that was added after it is NULL there.
func (d *DB) carried(t *table, g *gen, to *change.Relation, r *rowset) (string, error) {
	from := &d.shapes[t.OID][g.Version-1]
	cols := make([]string, len(to.Columns))
	for k := range to.Columns {
		c := &to.Columns[k]
		j := origin(from, c)
		switch {
		case j < 0:
			cols[k] = "NULL"
		case from.Columns[j].TypeOID != c.TypeOID:
			return "", sqlerr.New(sqlerr.FeatureNotSupported, "column %q of table %q had another type within the interval", c.Name, to.Name).
				WithHint("ask for the time before %s and after it apart", t.left(g.N))
		case g.Types[j] != r.types[k] && r.types[k] == "VARCHAR":
			cols[k] = asText(fmt.Sprintf("c%d", j), g.Types[j])
		default:
			cols[k] = fmt.Sprintf("c%d", j)
		}
		cols[k] += fmt.Sprintf("::%s AS c%d", r.types[k], k)
	}
	return strings.Join(cols, ", "), nil
}

// times is the SELECT of when the table's commits, copies and changes of columns were.
func (t *table) times() string {
	parts := []string{fmt.Sprintf("SELECT lsn, min(commit_time) AS at FROM log WHERE oid = %d GROUP BY lsn", t.OID)}
	marks := make([]Mark, 0, len(t.Epochs)+1)
	for _, e := range t.Epochs {
		marks = append(marks, e.In)
	}
	if t.Dropped != 0 {
		marks = append(marks, t.gone())
	}
	for _, m := range marks {
		parts = append(parts, fmt.Sprintf("SELECT %d::UBIGINT, TIMESTAMPTZ '%s'", uint64(m.LSN), precise(m.Time)))
	}
	return strings.Join(parts, " UNION ALL ")
}
