package pgwire

import (
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// deallocation is DEALLOCATE of one name. It is the only statement that is looked at here: in PostgreSQL it also closes statements that were
// prepared by a Parse message, whose names are known to nobody but the connection, and psycopg 3 relies on that.
var deallocation = regexp.MustCompile(`(?i)^DEALLOCATE\s+(?:PREPARE\s+)?(?:"((?:[^"]|"")+)"|([a-z_][a-z0-9_$]*))$`)

// deallocate closes a statement that was prepared by a Parse message. Any other text, name or state is left to the session.
func (c *conn) deallocate(sql string) bool {
	m := deallocation.FindStringSubmatch(strings.TrimSpace(sql))
	if m == nil || c.sess.TxStatus() == 'E' {
		return false
	}
	name := strings.ReplaceAll(m[1], `""`, `"`)
	if name == "" {
		name = strings.ToLower(m[2])
	}
	if _, known := c.statements[name]; !known {
		return false
	}
	c.dropStatement(name)
	c.out.send(&pgproto3.CommandComplete{CommandTag: []byte("DEALLOCATE")})
	return true
}
