package verify

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
)

//go:embed pieces.sql
var piecesSQL string

// piece is the rows whose value in a column is greater than past and not greater than upTo; without a column it is the whole table, and an
// empty bound is none. Both sides order whole numbers alike, so the pieces of a table cover it, each at its own moment.
type piece struct {
	column     int // -1 is none
	past, upTo string
}

// bounds gives the condition, for a column under the name that it has on a side; it begins with a keyword, unless there is none.
func (p piece) bounds(keyword, column string) string {
	sql := ""
	if p.column >= 0 && p.past != "" {
		sql, keyword = keyword+column+" > "+p.past, " AND "
	}
	if p.column >= 0 && p.upTo != "" {
		sql += keyword + column + " <= " + p.upTo
	}
	return sql
}

// onPrimary is the WHERE clause of the primary's SQL.
func (p piece) onPrimary(t *capture.Table) string {
	if p.column < 0 {
		return ""
	}
	return p.bounds(" WHERE ", pgx.Identifier{t.Relation.Columns[p.column].Name}.Sanitize())
}

// next finds the piece of a table that follows what is done: all of it, unless the table is large and has an index on a whole number.
func (v *Verifier) next(ctx context.Context, l *capture.Look, j *job) (piece, error) {
	whole := piece{column: -1}
	if !j.alone {
		return whole, nil
	}
	column := ""
	if err := l.Rows(ctx, fmt.Sprintf(piecesSQL, j.table.Relation.OID), func(r [][]byte) error {
		column = string(r[0])
		return nil
	}); err != nil || column == "" {
		return whole, err
	}
	p := piece{past: j.past, column: slices.IndexFunc(j.table.Relation.Columns, func(c change.Column) bool { return c.Name == column })}
	if p.column < 0 {
		return whole, nil
	}
	name := pgx.Identifier{column}.Sanitize()
	sql := fmt.Sprintf("SELECT %s FROM ONLY %s%s ORDER BY 1 OFFSET %d LIMIT 1", name, j.table.Quoted(), p.onPrimary(&j.table), v.o.Piece)
	err := l.Rows(ctx, sql, func(r [][]byte) error {
		p.upTo = string(r[0])
		return nil
	})
	return p, err
}
