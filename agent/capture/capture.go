// Package capture reads a PostgreSQL primary: what it lacks to be followed, its tables, their rows in one snapshot, and its changes
// through logical replication. ingest calls it. It stores nothing, never blocks the primary's tables and writes nothing but its publications and its slot.
package capture

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/change"
)

// Options names the primary and what is ours on it.
type Options struct {
	DSN         string
	Slot        string // default foreshadow
	Publication string // default foreshadow; tables without a replica identity are in <Publication>_inserts
	Failover    bool   // standbys may keep a copy of the slot, where the server can (17)
	Spool       string // the folder for transactions that come before their commit, ours alone; default a new one for temporary files
	Log         *slog.Logger
}

// Source is one primary. Its methods open the connections they need; Confirm may be called while Stream runs.
type Source struct {
	o         Options
	confirmed atomic.Uint64
	shift     atomic.Uint64
	met       atomic.Pointer[System] // the server that was identified last
	plain     atomic.Bool            // the next stream has no transactions before their commit
}

// Shift sets what is added to every position of the primary, and taken off what is sent to it: after the primary's log has gone back,
// as when a standby was promoted that had not received everything, positions go on upwards here.
func (s *Source) Shift(by change.LSN) { s.shift.Store(uint64(by)) }

// position reads a position of the primary.
func (s *Source) position(text string) (change.LSN, error) {
	l, err := change.ParseLSN(text)
	return l + change.LSN(s.shift.Load()), err
}

// pinned holds the settings that shape values' text, and those that could end a long copy.
var pinned = map[string]string{
	"datestyle": "ISO, YMD", "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "3", "timezone": "UTC",
	"client_encoding": "UTF8", "lc_monetary": "C", "xmlbinary": "base64", "statement_timeout": "0", "lock_timeout": "0",
	"idle_in_transaction_session_timeout": "0", "row_security": "off", "search_path": "pg_catalog, public", "application_name": "foreshadow",
}

// New prepares a source; it connects to nothing yet.
func New(o Options) (*Source, error) {
	if o.Slot == "" {
		o.Slot = "foreshadow"
	}
	if o.Publication == "" {
		o.Publication = "foreshadow"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if _, err := pgconn.ParseConfig(o.DSN); err != nil {
		return nil, errors.New("read connection string of the source: it is not valid")
	}
	return &Source{o: o}, nil
}

// Slot is the name of the replication slot.
func (s *Source) Slot() string { return s.o.Slot }

// connect opens an ordinary session with pinned settings.
func (s *Source) connect(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(s.o.DSN)
	if err != nil {
		return nil, errors.New("read connection string of the source: it is not valid")
	}
	for k, v := range pinned {
		cfg.RuntimeParams[k] = v
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to source: %w", err)
	}
	return c, nil
}

// replicate opens a replication session with the same settings, so that the stream's text cannot depend on the database's or the role's.
func (s *Source) replicate(ctx context.Context) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig(s.o.DSN)
	if err != nil {
		return nil, errors.New("read connection string of the source: it is not valid")
	}
	for k, v := range pinned {
		cfg.RuntimeParams[k] = v
	}
	cfg.RuntimeParams["replication"] = "database"
	cfg.BuildFrontend = gulps
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to source for replication: %w", err)
	}
	return c, nil
}

// with runs f on a session that is closed afterwards.
func (s *Source) with(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	return f(c)
}

// System identifies the primary.
type System struct {
	ID       string
	Timeline int32
	Database string
	LSN      change.LSN // how far its log has come
}

// Identify asks the primary who it is. Stream accepts no other server.
func (s *Source) Identify(ctx context.Context) (sys System, err error) {
	c, err := s.replicate(ctx)
	if err != nil {
		return sys, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if sys, err = s.identify(ctx, c); err == nil {
		s.met.Store(&sys)
	}
	return sys, err
}

func (s *Source) identify(ctx context.Context, c *pgconn.PgConn) (sys System, err error) {
	r, err := pglogrepl.IdentifySystem(ctx, c)
	if err != nil {
		return sys, fmt.Errorf("identify the primary: %w", err)
	}
	return System{ID: r.SystemID, Timeline: r.Timeline, Database: r.DBName, LSN: change.LSN(uint64(r.XLogPos) + s.shift.Load())}, nil
}

// Forked gives the position at which the primary's history left a timeline that it once was on; not ok when it never was.
func (s *Source) Forked(ctx context.Context, now, left int32) (at change.LSN, ok bool, err error) {
	c, err := s.replicate(ctx)
	if err != nil {
		return 0, false, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	h, err := pglogrepl.TimelineHistory(ctx, c, now)
	if err != nil {
		return 0, false, fmt.Errorf("read the history of timeline %d: %w", now, err)
	}
	for line := range strings.Lines(string(h.Content)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != strconv.Itoa(int(left)) {
			continue
		}
		at, err = s.position(f[1])
		return at, err == nil, err
	}
	return 0, false, nil
}

//go:embed catalog.sql
var catalogSQL string

// Table is a table as the catalog shows it.
type Table struct {
	Relation change.Relation
	Rows     int64    // the planner's estimate
	Readable bool     // we may read its rows
	Parents  []uint32 // the partitioned tables that it is a part of
	raw      []uint32
}

// Identified says that updates and deletes of the table can be followed.
func (t *Table) Identified() bool {
	if t.Relation.Identity == change.IdentityFull {
		return true
	}
	for _, c := range t.Relation.Columns {
		if c.Key {
			return true
		}
	}
	return false
}

// Catalog is the permanent tables of the database in one snapshot: every transaction that it shows committed before LSN.
// SameLSN and SameTime say up to when the tables were still as they were seen before; they are zero where that is not known.
type Catalog struct {
	Bounds
	Time     time.Time
	Tables   []Table
	SameLSN  change.LSN
	SameTime time.Time
}

// Catalog reads the tables' shapes.
func (s *Source) Catalog(ctx context.Context) (cat Catalog, err error) {
	err = s.with(ctx, func(c *pgx.Conn) error {
		cat, err = s.readCatalog(ctx, c)
		return err
	})
	return cat, err
}

func tables(ctx context.Context, c *pgx.Conn, oid uint32) ([]Table, error) {
	rows, err := c.Query(ctx, catalogSQL, oid)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	defer rows.Close()
	var out []Table
	for rows.Next() {
		var (
			id, file, width, attnum, changed, raw, base, typmod, estimate int64
			schema, name, ident, attname, typeName                        string
			key, rewrite, readable                                        bool
			missing                                                       *string
			parents                                                       []int64
		)
		if err := rows.Scan(&id, &file, &width, &schema, &name, &ident, &attnum, &changed, &attname, &raw, &base, &typmod, &typeName, &key, &missing, &rewrite, &estimate, &readable, &parents); err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
		if n := len(out); n == 0 || out[n-1].Relation.OID != uint32(id) {
			rel := change.Relation{OID: uint32(id), Schema: schema, Name: name, Identity: change.Identity(ident[0]), Trace: &change.Trace{File: uint32(file), Width: int16(width), Changed: map[int16]uint32{}}}
			out = append(out, Table{Relation: rel, Rows: estimate, Readable: readable})
			for _, p := range parents {
				out[n].Parents = append(out[n].Parents, uint32(p))
			}
		}
		if attnum == 0 {
			continue
		}
		t := &out[len(out)-1]
		t.raw = append(t.raw, uint32(raw))
		t.Relation.Trace.Changed[int16(attnum)] = uint32(changed)
		t.Relation.Columns = append(t.Relation.Columns, change.Column{Name: attname, TypeOID: uint32(base), TypMod: int32(typmod),
			TypeName: typeName, Key: key, AttNum: int16(attnum), Missing: missing, Rewrite: rewrite})
	}
	return out, rows.Err()
}

// quoted is a table's name as SQL needs it.
func quoted(r *change.Relation) string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }
