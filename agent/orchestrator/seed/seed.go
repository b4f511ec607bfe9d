// Package seed fills an instance's database: the source's rows at one position, grown table by table to projected counts,
// then the indexes and constraints, which prove that the result is valid. agent/orchestrator calls it with a server that
// has the tables but nothing else. It must not reach the primary, and the same input and random seed give the same rows.
package seed

import (
	"context"
	_ "embed" // the support schema
	"fmt"
	"io"
	"log/slog"
	"time"

	"foreshadow/agent/change"
	"foreshadow/sql/result"

	"github.com/jackc/pgx/v5"
)

// Server is the instance's server as the seed needs it.
type Server interface {
	Connect(ctx context.Context, database string) (*pgx.Conn, error)
	Load(ctx context.Context, database, path string, strict bool) error
}

// Store gives a table's rows at a position.
type Store interface {
	Rows(ctx context.Context, oid uint32, asOf change.LSN) (result.Rows, error)
}

// Options say what to build. Targets are projected rows by "schema.table"; a table without one keeps its rows.
type Options struct {
	Server     Server
	Database   string
	Post       string // the dump's post-data: indexes, constraints, triggers
	Relations  []change.Relation
	Store      Store
	LSN        change.LSN
	Targets    map[string]int64
	From, To   time.Time // new rows are dated after From, up to To
	RandomSeed int64
	Progress   func(phase, object string, done, total int64)
	Log        *slog.Logger
}

// The names of the checks in a report.
const (
	CheckRows   = "rows"
	CheckSize   = "size"
	CheckUnique = "unique keys"
	CheckFK     = "foreign keys"
	CheckKey    = "key space"
	CheckFanOut = "fan-out"
	CheckNote   = "note"
)

// Row is one line of the fidelity report; -1 where a number says nothing.
type Row struct {
	Relation                              string
	SourceRows, ProjectedRows, ActualRows int64
	Bytes                                 int64
	Check, Result                         string
}

// Report says how true the instance is.
type Report struct{ Rows []Row }

// builder carries one build.
type builder struct {
	opts   Options
	conn   *pgx.Conn
	shape  *shape
	report Report
	done   int64
	total  int64
}

//go:embed sql/support.sql
var supportSQL string

// Build loads, grows, indexes and checks. On an error the database is useless and is to be removed.
func Build(ctx context.Context, o Options) (Report, error) {
	if o.Progress == nil {
		o.Progress = func(string, string, int64, int64) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	o.Progress("shape", "", 0, 0)
	sh, err := readShape(ctx, o)
	if err != nil {
		return Report{}, err
	}
	b := &builder{opts: o, shape: sh}
	if err := b.connect(ctx); err != nil {
		return Report{}, err
	}
	defer b.conn.Close(context.WithoutCancel(ctx))
	for _, step := range []func(context.Context) error{b.load, b.count, b.shrink, b.grow, b.prove, b.finish} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
	}
	return b.report, nil
}

// connect opens the one connection that fills the database and makes the support schema.
func (b *builder) connect(ctx context.Context) error {
	conn, err := b.opts.Server.Connect(ctx, b.opts.Database)
	if err != nil {
		return err
	}
	b.conn = conn
	if err := b.exec(ctx, supportSQL); err != nil {
		return fmt.Errorf("make support schema: %w", err)
	}
	return nil
}

// exec runs statements.
func (b *builder) exec(ctx context.Context, sql string) error {
	_, err := b.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// prove creates the indexes and constraints: a row that broke one would fail the build here.
func (b *builder) prove(ctx context.Context) error {
	b.opts.Progress("indexes and constraints", "", b.done, b.total)
	if err := b.exec(ctx, "DROP SCHEMA foreshadow_seed CASCADE"); err != nil {
		return err
	}
	if err := b.opts.Server.Load(ctx, b.opts.Database, b.opts.Post, true); err != nil {
		return fmt.Errorf("create indexes and constraints: %w", err)
	}
	return nil
}

// note adds a remark about a table to the report.
func (b *builder) note(t *table, check, format string, args ...any) {
	b.report.Rows = append(b.report.Rows, Row{Relation: t.label(), SourceRows: -1, ProjectedRows: -1, ActualRows: -1, Bytes: -1, Check: check, Result: fmt.Sprintf(format, args...)})
}
