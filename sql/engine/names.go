package engine

import (
	"context"
	"strconv"
	"strings"

	"foreshadow/sql/session"
)

// names are the cursors and the prepared statements of a session that are over the shadow. Each has a stand-in of the same name on the mirror,
// so that PostgreSQL itself decides how long it lives, whether a name is taken, and what pg_cursors and pg_prepared_statements show.
type names struct {
	cursors    map[string]*cursor
	statements map[string]*prepared
	serial     int
	ending     bool // a statement has been seen that may end cursors within their transaction
}

func newNames() names {
	return names{cursors: map[string]*cursor{}, statements: map[string]*prepared{}}
}

// hold keeps a cursor in the place of one whose name it has taken.
func (n *names) hold(c *cursor) {
	n.drop(c.name)
	n.cursors[c.name] = c
}

// drop ends a cursor, if there is one of that name.
func (n *names) drop(name string) {
	if c := n.cursors[name]; c != nil {
		c.close()
		delete(n.cursors, name)
	}
}

// close ends all cursors.
func (n *names) close() {
	for _, c := range n.cursors {
		c.close()
	}
}

// standIn marks the text of a stand-in, which PostgreSQL shows and by which it is known, with what the client wrote.
func (n *names) standIn(sql, original string) string {
	n.serial++
	return sql + " -- foreshadow " + strconv.Itoa(n.serial) + ": " + strings.TrimSpace(strings.NewReplacer("\n", " ", "\r", " ").Replace(original))
}

// The questions that tell which stand-ins the mirror still has.
const (
	cursorAlive    = "SELECT 1 FROM pg_catalog.pg_cursor() WHERE name = $1 AND statement = $2"
	cursorBinary   = "SELECT is_binary FROM pg_catalog.pg_cursor() WHERE name = $1"
	cursorsAlive   = "SELECT name, statement FROM pg_catalog.pg_cursor()"
	statementAlive = "SELECT 1 FROM pg_catalog.pg_prepared_statement() WHERE name = $1 AND statement = $2"
)

// runOnMirror runs a statement that returns no rows on the mirror, in the client's transaction.
func (s *querySession) runOnMirror(ctx context.Context, sql string) error {
	name, _, _, err := s.mirror.Prepare(ctx, sql, nil)
	if err != nil {
		return unplaced(err)
	}
	defer s.mirror.Deallocate(name)
	rows, err := s.mirror.Execute(ctx, name, nil, nil, nil)
	if err != nil {
		return unplaced(err)
	}
	return rows.Close()
}

// inner is the text of the query that a statement holds.
func inner(t session.Text, start int) session.Text {
	return session.Text{SQL: t.SQL[start:], Offset: t.Offset + len([]rune(t.SQL[:start]))}
}
