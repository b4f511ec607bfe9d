package capture

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"foreshadow/agent/change"
)

// Copied says what a copy of a table shows: its shape, and the transactions whose changes it includes.
type Copied struct {
	Relation change.Relation
	Rows     int64         // an estimate, 0 where there is none
	Whole    change.Extent // the table's file, up to its end
	Pages    uint32        // how many the file has; 0 where it cannot be read in parts
	PageSize int64         // bytes that come with a page, large values and all
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

// Reading is a table that is being read, in one snapshot. Until Close its DDL waits; it can be written to.
type Reading struct {
	Copied
	s        *Source
	lead     *pgx.Conn  // holds the lock and the snapshot
	busy     sync.Mutex // held while lead reads
	snapshot string     // its name, for other sessions
}

// Open prepares to read a table, in a slot's exported snapshot or, when that is nil, in a new one.
func (s *Source) Open(ctx context.Context, oid uint32, in *Snapshot) (*Reading, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r := &Reading{s: s, lead: c}
	if err := r.prepare(ctx, oid, in); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close gives the lock and the snapshot back.
func (r *Reading) Close() { _ = r.lead.Close(context.Background()) }

// Reach is where the stream stands at least once it has brought everything that the snapshot shows.
func (r *Reading) Reach() change.LSN { return reachable(r.LSN) }

// prepare opens the transaction, locks the table against DDL before the snapshot is taken and reads its shape.
func (r *Reading) prepare(ctx context.Context, oid uint32, in *Snapshot) error {
	found, err := tables(ctx, r.lead, oid)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrGone
	}
	name := quoted(&found[0].Relation)
	if err := begin(ctx, r.lead, in); err != nil {
		return fmt.Errorf("prepare copy of %s: %w", name, err)
	}
	if _, err := r.lead.Exec(ctx, "LOCK TABLE ONLY "+name+" IN ACCESS SHARE MODE"); err != nil {
		if undefined(err) {
			return ErrGone
		}
		return fmt.Errorf("prepare copy of %s: %w", name, err)
	}
	same, err := r.settle(ctx, oid, in)
	if err != nil {
		return err
	}
	if !same { // made or rewritten since the exported snapshot, which may show it empty now
		if _, err := r.lead.Exec(ctx, "ROLLBACK"); err != nil {
			return err
		}
		return r.prepare(ctx, oid, nil)
	}
	if found, err = tables(ctx, r.lead, oid); err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrGone
	}
	r.Relation = found[0].Relation
	return nil
}

// begin opens a transaction in an exported snapshot or, when that is nil, in one of its own, which its first query takes.
func begin(ctx context.Context, c *pgx.Conn, in *Snapshot) error {
	if _, err := c.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil || in == nil {
		return err
	}
	_, err := c.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+in.Name+"'")
	return err
}

//go:embed file.sql
var fileSQL string

// settle takes the snapshot and finds out which file it reads; it is not the same when the table has another one now.
func (r *Reading) settle(ctx context.Context, oid uint32, in *Snapshot) (same bool, err error) {
	if in != nil {
		r.LSN, r.snapshot = in.LSN, in.Name
	} else if err := r.s.bounds(ctx, r.lead, &r.Bounds); err != nil {
		return false, err
	}
	var file, pages int64
	err = r.lead.QueryRow(ctx, fileSQL, oid).Scan(&same, &file, &pages, &r.PageSize, &r.Rows)
	if errors.Is(err, pgx.ErrNoRows) && in != nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.Whole = change.Extent{File: uint32(file)}
	if serverVersion(r.lead.PgConn()) >= 14 { // before, a part would cost a scan of the whole
		r.Pages = uint32(pages)
	}
	if in == nil {
		err = r.lead.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&r.snapshot)
	}
	return same, err
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

// Rows says how rows are wanted: the columns whose values are to be in binary form, and who takes each row, whose values are good until the next one.
type Rows struct {
	Binary []bool
	Take   func([]change.Value) error
}

// Read reads the rows of some pages. It may be called from several goroutines at the same time; each has a session of its own.
func (r *Reading) Read(ctx context.Context, at change.Extent, rows Rows) error {
	sql := fmt.Sprintf("SELECT %s FROM ONLY %s t", r.columns(rows.Binary), quoted(&r.Relation))
	if at != r.Whole {
		sql += " WHERE " + within(at)
	}
	return r.copy(ctx, sql, rows)
}

// Fetch reads the rows of some keys, as far as they lie in these pages. Of the keys' rows only the key columns count.
func (r *Reading) Fetch(ctx context.Context, keys [][]change.Value, in []change.Extent, rows Rows) error {
	var arrays, casts, match, places []string
	for i, c := range r.Relation.Columns {
		if !c.Key {
			continue
		}
		n := len(match)
		arrays = append(arrays, literal(keys, i))
		casts = append(casts, fmt.Sprintf("x.k%d::%s AS k%d", n, c.TypeName, n))
		match = append(match, fmt.Sprintf("t.%s = w.k%d", pgx.Identifier{c.Name}.Sanitize(), n))
	}
	for _, at := range in {
		places = append(places, within(at))
	}
	names := make([]string, len(match))
	for n := range names {
		names[n] = fmt.Sprintf("k%d", n)
	}
	return r.copy(ctx, fmt.Sprintf("SELECT %s FROM ONLY %s t JOIN (SELECT DISTINCT %s FROM unnest(%s) x (%s)) w ON %s WHERE %s",
		r.columns(rows.Binary), quoted(&r.Relation), strings.Join(casts, ", "), strings.Join(arrays, ", "), strings.Join(names, ", "),
		strings.Join(match, " AND "), strings.Join(places, " OR ")), rows)
}

// literal writes one column of some rows as an array of texts, whatever standard_conforming_strings says.
func literal(keys [][]change.Value, n int) string {
	texts := make([]string, len(keys))
	element := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, k := range keys {
		texts[i] = `"` + element.Replace(string(k[n].Text)) + `"`
	}
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace("{"+strings.Join(texts, ",")+"}") + "'::text[]"
}

func within(at change.Extent) string {
	if at.To == 0 {
		return fmt.Sprintf("t.ctid >= '(%d,0)'", at.From)
	}
	return fmt.Sprintf("t.ctid >= '(%d,0)' AND t.ctid < '(%d,0)'", at.From, at.To)
}

// worded are the types whose binary form is their text.
var worded = map[uint32]bool{pgtype.TextOID: true, pgtype.VarcharOID: true, pgtype.BPCharOID: true, pgtype.NameOID: true, pgtype.JSONOID: true}

// columns lists what a binary COPY selects. concat gives what a type's output function does, where a cast to text may not.
func (r *Reading) columns(binary []bool) string {
	cols := make([]string, len(r.Relation.Columns))
	for i, c := range r.Relation.Columns {
		cols[i] = "t." + pgx.Identifier{c.Name}.Sanitize()
		if !binary[i] && !worded[c.TypeOID] {
			cols[i] = fmt.Sprintf("CASE WHEN %[1]s IS DISTINCT FROM NULL THEN concat(%[1]s) END", cols[i])
		}
	}
	return strings.Join(cols, ", ")
}

// copy runs a COPY of a query, in the leading session if that is free.
func (r *Reading) copy(ctx context.Context, query string, rows Rows) error {
	if len(r.Relation.Columns) == 0 {
		return nil
	}
	run := func(c *pgx.Conn) error {
		w := &tuples{row: rows.Take, values: make([]change.Value, len(rows.Binary)), states: make([]change.State, len(rows.Binary))}
		for i, b := range rows.Binary {
			if w.states[i] = change.Set; b {
				w.states[i] = change.Binary
			}
		}
		if _, err := c.PgConn().CopyTo(ctx, w, "COPY ("+query+") TO STDOUT (FORMAT binary)"); err != nil {
			return fmt.Errorf("copy %s: %w", quoted(&r.Relation), err)
		}
		return nil
	}
	if r.busy.TryLock() {
		defer r.busy.Unlock()
		return run(r.lead)
	}
	return r.s.with(ctx, func(c *pgx.Conn) error {
		if err := begin(ctx, c, &Snapshot{Name: r.snapshot}); err != nil {
			return fmt.Errorf("read %s in the same snapshot: %w", quoted(&r.Relation), err)
		}
		return run(c)
	})
}
