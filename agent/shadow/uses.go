package shadow

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"foreshadow/forecast"
)

// ColumnUses says what the current rows hold in columns, in the order of the wishes; created names the column that tells when a row was made,
// or is empty. What is neither a number, a point in time nor, where lengths are wished, a text has no extremes.
func (d *DB) ColumnUses(_ context.Context, oid uint32, wishes []forecast.ColumnWish, created string) ([]forecast.ColumnUse, error) {
	if len(wishes) == 0 {
		return nil, nil
	}
	base, by, _, err := d.current(oid, created)
	if err != nil {
		return nil, err
	}
	columns, extremes := make([]string, len(wishes)), make([]string, len(wishes))
	for i, w := range wishes {
		_, at, typ, err := d.current(oid, w.Name)
		if err != nil {
			return nil, err
		}
		columns[i] = fmt.Sprintf("c%d", at)
		switch {
		case w.Length && typ == "VARCHAR":
			extremes[i] = fmt.Sprintf("length(c%d)::DOUBLE", at)
		case w.Length || w.OnlyNulls:
			extremes[i] = "NULL::DOUBLE"
		case timed(typ):
			extremes[i] = fmt.Sprintf("CASE WHEN isfinite(c%[1]d) THEN epoch(c%[1]d::TIMESTAMP) END", at)
		default:
			extremes[i] = fmt.Sprintf("try_cast(c%d AS DOUBLE)", at)
		}
	}
	out, err := d.usesNow(base, columns, extremes, wishes)
	if err != nil || created == "" {
		return out, err
	}
	return out, d.usesByDay(base, fmt.Sprintf("c%d", by), extremes, out)
}

func (d *DB) usesNow(base string, columns, extremes []string, wishes []forecast.ColumnWish) ([]forecast.ColumnUse, error) {
	var sql []string
	for i, e := range extremes {
		sql = append(sql, fmt.Sprintf("count(*) - count(%s), min(%s), max(%s)", columns[i], e, e))
	}
	rows, err := d.read("SELECT " + strings.Join(sql, ", ") + " FROM " + base)
	if err != nil {
		return nil, err
	}
	out := make([]forecast.ColumnUse, len(wishes))
	for i, w := range wishes {
		out[i] = forecast.ColumnUse{ColumnWish: w, Nulls: rows[0][3*i].(int64), Min: finite(rows[0][3*i+1]), Max: finite(rows[0][3*i+2])}
	}
	return out, nil
}

// usesByDay adds the largest value up to each day of creation.
func (d *DB) usesByDay(base, created string, extremes []string, out []forecast.ColumnUse) error {
	rows, err := d.read(fmt.Sprintf("SELECT %[1]s::DATE AS day, max(%[2]s) FROM %[3]s WHERE isfinite(%[1]s) AND %[1]s::TIMESTAMP <= now()::TIMESTAMP AND %[1]s::DATE > DATE '1900-01-01' "+
		"GROUP BY day ORDER BY day", created, strings.Join(extremes, "), max("), base))
	if err != nil || len(rows) == 0 {
		return err
	}
	for i := range out {
		u := &out[i]
		u.Start = rows[0][0].(time.Time)
		most := math.NaN()
		for _, r := range rows {
			for at := int(r[0].(time.Time).Sub(u.Start) / (24 * time.Hour)); len(u.Daily) < at; {
				u.Daily = append(u.Daily, most)
			}
			if v := finite(r[i+1]); !math.IsNaN(v) && !(v <= most) {
				most = v
			}
			u.Daily = append(u.Daily, most)
		}
	}
	return nil
}

// finite is a number, or NaN for what is none.
func finite(v any) float64 {
	if f, ok := v.(float64); ok && !math.IsInf(f, 0) {
		return f
	}
	return math.NaN()
}
