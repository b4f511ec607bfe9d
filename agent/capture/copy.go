package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"foreshadow/agent/change"
)

// Copied says what a copy of a table shows: its shape, and the transactions whose changes it includes.
type Copied struct {
	Relation change.Relation
	Rows     int64 // the planner's estimate
	Bounds
}

// Bounds tell which transactions a snapshot shows. For an exported snapshot these are all commits before the slot's position, and Xmax is 0;
// otherwise the snapshot's own numbers tell, and LSN lies after all of them.
type Bounds struct {
	LSN        change.LSN
	Xmin, Xmax uint32
	Xip        []uint32
}

// ErrGone says that a table no longer exists.
var ErrGone = errors.New("the table does not exist any more")

// Copy reads all rows of a table, in a slot's exported snapshot or, when that is nil, in a new one. start is called before the first row.
// The table can be written to meanwhile; only its DDL waits.
func (s *Source) Copy(ctx context.Context, oid uint32, in *Snapshot, start func(Copied) error, row func([]change.Value) error) error {
	return s.with(ctx, func(c *pgx.Conn) error {
		cp, err := s.prepareCopy(ctx, c, oid, in)
		if err != nil {
			return err
		}
		if err := start(cp); err != nil {
			return err
		}
		cols := make([]string, len(cp.Relation.Columns))
		for i, col := range cp.Relation.Columns {
			cols[i] = pgx.Identifier{col.Name}.Sanitize()
		}
		if len(cols) == 0 {
			return nil
		}
		w := &lines{row: row, values: make([]change.Value, len(cols))}
		sql := fmt.Sprintf("COPY %s (%s) TO STDOUT", quoted(&cp.Relation), strings.Join(cols, ", "))
		if _, err := c.PgConn().CopyTo(ctx, w, sql); err != nil {
			return fmt.Errorf("copy %s: %w", quoted(&cp.Relation), err)
		}
		return nil
	})
}

// prepareCopy opens the transaction, locks the table against DDL before the snapshot is taken and reads its shape.
func (s *Source) prepareCopy(ctx context.Context, c *pgx.Conn, oid uint32, in *Snapshot) (cp Copied, err error) {
	found, err := tables(ctx, c, oid)
	if err != nil {
		return cp, err
	}
	if len(found) == 0 {
		return cp, ErrGone
	}
	name := quoted(&found[0].Relation)
	steps := []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
	if in != nil {
		steps = append(steps, "SET TRANSACTION SNAPSHOT '"+in.Name+"'")
	}
	for _, sql := range append(steps, "LOCK TABLE ONLY "+name+" IN ACCESS SHARE MODE") {
		if _, err := c.Exec(ctx, sql); err != nil {
			if undefined(err) {
				return cp, ErrGone
			}
			return cp, fmt.Errorf("prepare copy of %s: %w", name, err)
		}
	}
	if in != nil {
		same := false
		err := c.QueryRow(ctx, "SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class WHERE oid = $1", oid).Scan(&same)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return cp, err
		}
		if !same { // made or rewritten since the snapshot, which may show it empty now
			if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
				return cp, err
			}
			return s.prepareCopy(ctx, c, oid, nil)
		}
		cp.LSN = in.LSN
	} else if err := s.bounds(ctx, c, &cp.Bounds); err != nil {
		return cp, err
	}
	if found, err = tables(ctx, c, oid); err != nil {
		return cp, err
	}
	if len(found) == 0 {
		return cp, ErrGone
	}
	cp.Relation, cp.Rows = found[0].Relation, found[0].Rows
	return cp, nil
}

// bounds reads what the transaction's snapshot includes.
func (s *Source) bounds(ctx context.Context, c *pgx.Conn, b *Bounds) error {
	var snap, pos string
	if err := c.QueryRow(ctx, "SELECT pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text").Scan(&snap, &pos); err != nil {
		return err
	}
	var err error
	if b.LSN, err = s.position(pos); err != nil {
		return err
	}
	parts := strings.SplitN(snap, ":", 3)
	xid := func(s string) uint32 {
		n, e := strconv.ParseUint(s, 10, 64)
		if e != nil {
			err = fmt.Errorf("read snapshot %q: %w", snap, e)
		}
		return uint32(n)
	}
	b.Xmin, b.Xmax = xid(parts[0]), xid(parts[1])
	for _, x := range strings.Split(parts[2], ",") {
		if x != "" {
			b.Xip = append(b.Xip, xid(x))
		}
	}
	return err
}

// lines splits COPY's text into rows and values.
type lines struct {
	row    func([]change.Value) error
	values []change.Value
	rest   []byte
}

// Write takes a piece of the copy's text, of any size.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.rest = append(l.rest, p...)
			break
		}
		line := p[:end]
		if len(l.rest) > 0 {
			line = append(l.rest, line...)
		}
		if err := l.line(line); err != nil {
			return 0, err
		}
		l.rest, p = l.rest[:0], p[end+1:]
	}
	return n, nil
}

func (l *lines) line(b []byte) error {
	for i := range l.values {
		field := b
		if end := bytes.IndexByte(b, '\t'); end >= 0 {
			field, b = b[:end], b[end+1:]
		} else if i < len(l.values)-1 {
			return fmt.Errorf("copy: a row has %d of %d columns", i+1, len(l.values))
		}
		if len(field) == 2 && field[0] == '\\' && field[1] == 'N' {
			l.values[i] = change.Value{}
			continue
		}
		l.values[i] = change.Value{State: change.Set, Text: unescape(field)}
	}
	return l.row(l.values)
}

// unescape undoes COPY's backslashes in place.
func unescape(b []byte) []byte {
	at := bytes.IndexByte(b, '\\')
	if at < 0 {
		return b
	}
	out := b[:at]
	for i := at; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			switch c = b[i]; c {
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'v':
				c = '\v'
			}
		}
		out = append(out, c)
	}
	return out
}
