package pgwire_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
	"foreshadow/pgwire"
	"foreshadow/pgwire/auth"
	"foreshadow/pgwire/wiretest"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/types"
)

// benchRows is how many rows a result of these benchmarks has: columns int4, text, numeric(12,2), timestamptz.
const benchRows = 1_000_000

// The same rows from PostgreSQL, out of a table.
const benchTable = `CREATE TABLE bench AS SELECT i AS id, 'customer name'::text AS name, (i * 79.19)::numeric(12,2) AS amount,
	'2024-01-01 00:00:00+00'::timestamptz + i * interval '1.001 seconds' AS at FROM generate_series(1, 1000000) i`

// benchSession answers every query with the same million rows, in batches as DuckDB cuts them.
type benchSession struct {
	session.Session
	fields []result.Field
}

func (b *benchSession) Params() []uint32       { return nil }
func (b *benchSession) Fields() []result.Field { return b.fields }
func (b *benchSession) Copy() bool             { return false }
func (b *benchSession) Rows(context.Context) (result.Rows, error) {
	return newBenchRows(b.fields), nil
}
func (b *benchSession) Bind(context.Context, []session.Param, []int16) (session.Portal, error) {
	return benchPortal{b}, nil
}
func (b *benchSession) Prepare(context.Context, session.Text, []uint32) (session.Statement, error) {
	return benchStatement{b}, nil
}

// benchStatement and benchPortal have nothing to close.
type (
	benchStatement struct{ *benchSession }
	benchPortal    struct{ *benchSession }
)

func (benchStatement) Close() error { return nil }
func (benchPortal) Close() error    { return nil }

// benchBatches repeats one batch.
type benchBatches struct {
	fields []result.Field
	batch  *result.Batch
	left   int
}

func newBenchRows(fields []result.Field) *benchBatches {
	b := &result.Batch{Columns: []result.Column{{Kind: result.Int}, {Kind: result.Text}, {Kind: result.Decimal, Scale: 2}, {Kind: result.Timestamp}}}
	for i := range 2000 {
		c := b.Columns
		c[0].Ints = append(c[0].Ints, int64(i+500_000))
		c[1].Bytes = append(c[1].Bytes, []byte("customer name"))
		c[2].Ints = append(c[2].Ints, int64(i*7919))
		c[3].Ints = append(c[3].Ints, 757_382_400_000_000+int64(i)*1_001_000)
	}
	b.Len = 2000
	return &benchBatches{fields: fields, batch: b, left: benchRows}
}

func (b *benchBatches) Fields() []result.Field { return b.fields }
func (b *benchBatches) Tag() string            { return fmt.Sprintf("SELECT %d", benchRows) }
func (b *benchBatches) Close() error           { return nil }
func (b *benchBatches) Next(context.Context) (*result.Batch, error) {
	if b.left == 0 {
		return nil, io.EOF
	}
	b.left -= b.batch.Len
	return b.batch, nil
}

// benchServer serves the rows.
func benchServer(b *testing.B) *pgwire.Server {
	s, engine := serve(b, nil)
	fields := []result.Field{{Name: "id", TypeOID: types.Int4}, {Name: "name", TypeOID: types.Text}, {Name: "amount", TypeOID: types.Numeric}, {Name: "at", TypeOID: types.TimestampTZ}}
	engine.Open = func(ctx context.Context, st session.Startup) (session.Session, error) {
		inner := &wiretest.Engine{}
		scripted, err := inner.Connect(ctx, st)
		return &benchSession{Session: scripted, fields: fields}, err
	}
	return s
}

// read runs a query in one format and counts the rows without looking at them.
func read(b *testing.B, c *pgconn.PgConn, query string, format int16) {
	rr := c.ExecParams(context.Background(), query, nil, nil, nil, []int16{format})
	n := 0
	for rr.NextRow() {
		n++
	}
	if _, err := rr.Close(); err != nil || n != benchRows {
		b.Fatalf("%d rows: %v", n, err)
	}
}

// BenchmarkSelectMillion reads a million rows through pgx from this server, whose engine costs nothing, and from PostgreSQL.
func BenchmarkSelectMillion(b *testing.B) {
	s := benchServer(b)
	pg := pgtest.Start(b)
	pg.Exec(b, "postgres", benchTable)
	for _, c := range []struct {
		name  string
		conn  *pgconn.PgConn
		query string
	}{
		{"foreshadow", pgxConn(b, dsn(s, "sslmode=disable")).PgConn(), "rows 1"},
		{"foreshadow-tls", pgxConn(b, dsn(s, "sslmode=require")).PgConn(), "rows 1"},
		{"postgresql", pg.Conn(b, "postgres").PgConn(), "SELECT * FROM bench"},
	} {
		for format, name := range []string{"text", "binary"} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				n := 0
				for b.Loop() {
					read(b, c.conn, c.query, int16(format))
					n++
				}
				b.ReportMetric(float64(n)*benchRows/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// BenchmarkConnect connects and disconnects: SCRAM with and without TLS here, which costs the client its 65,536 hashes, and PostgreSQL's own
// startup without a password.
func BenchmarkConnect(b *testing.B) {
	s, engine := serve(b, nil)
	engine.Verifiers["alice"] = auth.Verifier(password)
	pg := pgtest.Start(b)
	for _, c := range []struct{ name, dsn string }{
		{"foreshadow", dsn(s, "sslmode=disable")},
		{"foreshadow-tls", dsn(s, "sslmode=require")},
		{"postgresql-trust-unix", pg.DSN("postgres", "postgres")},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				conn, err := pgconn.Connect(context.Background(), c.dsn)
				if err != nil {
					b.Fatal(err)
				}
				if err := conn.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPoint is a round trip of the extended protocol with one row.
func BenchmarkPoint(b *testing.B) {
	s, _ := serve(b, nil)
	c := pgxConn(b, dsn(s, "sslmode=require")).PgConn()
	if _, err := c.Prepare(context.Background(), "p", "rows 1", nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r := c.ExecPrepared(context.Background(), "p", nil, nil, nil).Read(); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
