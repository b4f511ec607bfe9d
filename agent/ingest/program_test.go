package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
)

// program makes random statements, the same ones for the same seed as long as the primary answers the same. It asks the primary what there is
// before each statement and keeps no model of its own: the primary's answers are the model.
type program struct {
	t        testing.TB
	pg       *pgtest.Server
	r        *rand.Rand
	sessions []*pgx.Conn
	within   []bool // the session is in a transaction
	prepared []string
	next     int  // the next id; ids are never used twice, so that a wrong row is told from a right one
	ddl      bool // something was changed in the catalog since the last check
	trace    []string
}

// values gives expressions for each type that the tables use, extremes among them; %d is a number that differs from row to row.
var values = map[string][]string{
	"integer":                  {"%d", "-%d", "2147483647", "-2147483648", "NULL"},
	"bigint":                   {"%d", "9223372036854775807", "-9223372036854775808", "NULL"},
	"text":                     {"'t%d'", "repeat(md5('%d'), 400)", "''", "NULL", `E'\\\n\t"é\x01'`},
	"numeric":                  {"%d + 0.50", "'NaN'", "'Infinity'", "1e70 + %d", "1e-60", "NULL"},
	"numeric(12,3)":            {"%d + 0.125", "'NaN'", "-999999999.999", "NULL"},
	"timestamp with time zone": {"'2026-01-01 UTC'::timestamptz + %d * interval '1.000001 s'", "'infinity'", "'4713-01-01 BC'", "'294276-12-31'", "NULL"},
	"date":                     {"'2026-01-01'::date + %d", "'-infinity'", "'5874897-12-31'", "'0044-03-15 BC'", "NULL"},
	"double precision":         {"%d / 3.0", "'NaN'", "'-Infinity'", "1e300", "5e-324", "NULL"},
	"jsonb":                    {`'{"a": %d, "b": [1, null]}'`, "'null'", "NULL"},
	"integer[]":                {"ARRAY[%d, NULL]", "'[2:3]={1,2}'", "'{}'", "NULL"},
	"boolean":                  {"%d %% 2 = 0", "NULL"},
	"bytea":                    {`decode(md5('%d'), 'hex')`, "''", "NULL"},
	"interval":                 {"%d * interval '1 day 00:00:01'", "'-178000000 years'", "NULL"},
	"uuid":                     {"md5('%d')::uuid", "NULL"},
	"time without time zone":   {"'24:00:00'", "'00:00'::time + %d * interval '1 s'", "NULL"},
	"numrange":                 {"numrange(%d, NULL)", "'empty'", "NULL"},
}

var kinds = []string{"integer", "bigint", "text", "numeric", "numeric(12,3)", "timestamp with time zone", "date", "double precision", "jsonb", "integer[]",
	"boolean", "bytea", "interval", "uuid", "time without time zone", "numrange"}

func newProgram(t testing.TB, pg *pgtest.Server, seed uint64) *program {
	p := &program{t: t, pg: pg, r: rand.New(rand.NewPCG(seed, 7)), next: 1, sessions: make([]*pgx.Conn, 3), within: make([]bool, 3)}
	for i := range p.sessions {
		p.connect(i)
	}
	for i := range 4 {
		p.must(fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, %s)", i, p.columns()))
	}
	p.must("CREATE TABLE whole (id bigint, a text, b numeric); ALTER TABLE whole REPLICA IDENTITY FULL; ALTER TABLE whole ALTER a SET STORAGE EXTERNAL")
	p.must("CREATE TABLE parts (id bigint, k int, a text, PRIMARY KEY (id, k)) PARTITION BY LIST (k)")
	for k := range 3 {
		p.must(fmt.Sprintf("CREATE TABLE parts%d PARTITION OF parts FOR VALUES IN (%d)", k, k))
	}
	p.must("CREATE SCHEMA aside; CREATE TABLE journal (id bigint PRIMARY KEY); CREATE TABLE beat (n bigint PRIMARY KEY)")
	return p
}

func (p *program) connect(i int) {
	cfg, err := pgx.ParseConfig(p.pg.DSN("postgres", "postgres"))
	if err != nil {
		p.t.Fatal(err)
	}
	cfg.RuntimeParams["lock_timeout"], cfg.RuntimeParams["timezone"] = "150ms", "UTC"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	if p.sessions[i] != nil {
		_ = p.sessions[i].Close(context.Background())
	}
	if p.sessions[i], err = pgx.ConnectConfig(p.t.Context(), cfg); err != nil {
		p.t.Fatal(err)
	}
	p.within[i] = false
}

func (p *program) columns() string {
	var cols []string
	for i := range 2 + p.r.IntN(4) {
		typ := kinds[p.r.IntN(len(kinds))]
		cols = append(cols, fmt.Sprintf("c%d %s", i, typ))
	}
	return strings.Join(cols, ", ")
}

func (p *program) must(sql string) {
	p.t.Helper()
	if err := p.exec(0, sql); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

// exec runs a statement in a session. An error of PostgreSQL's is part of the program; a transaction that it broke is rolled back.
func (p *program) exec(i int, sql string) error {
	p.trace = append(p.trace, fmt.Sprintf("%d: %.200s", i, sql))
	_, err := p.sessions[i].Exec(p.t.Context(), sql)
	var pg *pgconn.PgError
	if err != nil && !errors.As(err, &pg) {
		p.t.Fatalf("%s: %v", sql, err)
	}
	if err != nil {
		p.trace[len(p.trace)-1] += " -- " + pg.Message
		if p.within[i] {
			_, _ = p.sessions[i].Exec(p.t.Context(), "ROLLBACK")
			p.within[i] = false
		}
	}
	return err
}

// locked says that an open transaction lets nobody read some table, a TRUNCATE's for one: a check would wait for it for ever.
func (p *program) locked() bool {
	return p.pg.Query(p.t, "postgres", "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND granted)::text")[0][0] == "true"
}

// list asks a session, which sees what its own transaction did.
func (p *program) list(i int, sql string, args ...any) [][]string {
	rows, err := p.sessions[i].Query(p.t.Context(), sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		var r []string
		for _, v := range rows.RawValues() {
			r = append(r, string(v))
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// captured lists the tables that are compared, as a session sees them.
const captured = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('beat', 'journal') ORDER BY 1"

// step makes one random statement.
func (p *program) step() {
	i := p.r.IntN(len(p.sessions))
	names := p.list(i, captured)
	table := names[p.r.IntN(len(names))][0]
	cols := p.list(i, `SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, "public."+table)
	switch n := p.r.IntN(100); {
	case n < 12:
		p.bounds(i)
	case n < 82:
		_ = p.exec(i, p.dml(table, cols))
	case n < 86:
		_ = p.exec(i, []string{"TRUNCATE " + table, "TRUNCATE t0, whole, " + table, "TRUNCATE parts", "TRUNCATE parts1, t1 RESTART IDENTITY"}[p.r.IntN(4)])
	case n < 88:
		p.message(i)
	default:
		p.ddl = true
		_ = p.exec(i, p.define(i, table, cols))
	}
}

// message sends a logical message with a row beside it, so that each can be told from the other. One outside a transaction stays when the row does not.
func (p *program) message(i int) {
	p.next++
	if p.r.IntN(2) == 0 && !p.within[i] {
		_ = p.exec(i, fmt.Sprintf("SELECT pg_logical_emit_message(false, 'told', '%d'); INSERT INTO journal VALUES (%[1]d)", p.next))
		return
	}
	_ = p.exec(i, fmt.Sprintf("INSERT INTO journal VALUES (%d); SELECT pg_logical_emit_message(true, 'told', '%[1]d')", p.next))
}

// bounds begins or ends a transaction or a part of one.
func (p *program) bounds(i int) {
	if !p.within[i] {
		p.within[i] = p.exec(i, "BEGIN") == nil
		return
	}
	switch n := p.r.IntN(14); {
	case n < 4:
		p.end(i)
	case n < 5:
		_ = p.exec(i, "ROLLBACK")
		p.within[i] = false
	case n < 9:
		_ = p.exec(i, "SAVEPOINT "+[]string{"s", "r"}[p.r.IntN(2)])
	case n < 12:
		_ = p.exec(i, []string{"ROLLBACK TO s", "ROLLBACK TO r", "RELEASE s"}[p.r.IntN(3)])
	default:
		name := fmt.Sprintf("p%d", p.next)
		p.next++
		if p.exec(i, "PREPARE TRANSACTION '"+name+"'") == nil {
			p.prepared = append(p.prepared, name)
		}
		p.within[i] = false
	}
}

// end commits a session's transaction, which leaves a mark in the journal.
func (p *program) end(i int) {
	p.next++
	if p.exec(i, fmt.Sprintf("INSERT INTO journal VALUES (%d)", p.next)) == nil {
		_ = p.exec(i, "COMMIT")
	}
	p.within[i] = false
}

// settle ends everything that is open, one way or the other.
func (p *program) settle() {
	for i := range p.sessions {
		if p.within[i] && p.r.IntN(3) > 0 {
			p.end(i)
		} else if p.within[i] {
			_ = p.exec(i, "ROLLBACK")
			p.within[i] = false
		}
	}
	for _, name := range p.prepared {
		_ = p.exec(0, []string{"COMMIT", "ROLLBACK"}[p.r.IntN(2)]+" PREPARED '"+name+"'")
	}
	p.prepared = nil
}

// some is a condition that holds for a part of a table's rows.
func (p *program) some() string {
	m := 1 + p.r.IntN(12)
	return fmt.Sprintf("abs(id) %% %d = %d", m, p.r.IntN(m))
}

func (p *program) value(typ, number string) string {
	v, ok := values[typ]
	if !ok {
		return "NULL"
	}
	return strings.NewReplacer("%d", number, "%%", "%").Replace(v[p.r.IntN(len(v))])
}

func (p *program) dml(table string, cols [][]string) string {
	switch n := p.r.IntN(10); {
	case n < 4:
		rows := 1 + p.r.IntN(40)
		if p.r.IntN(25) == 0 {
			rows = 15_000 // more than one part
		}
		var names, vals []string
		for _, c := range cols {
			names = append(names, c[0])
			switch {
			case c[0] == "id":
				vals = append(vals, "g")
			case c[0] == "k":
				vals = append(vals, fmt.Sprint(strings.TrimPrefix(table, "parts")))
			default:
				vals = append(vals, p.value(c[1], "g"))
			}
		}
		from := p.next
		p.next += rows
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM generate_series(%d, %d) g", table, strings.Join(names, ", "), strings.Join(vals, ", "), from, from+rows-1)
	case n < 7:
		c := cols[p.r.IntN(len(cols))]
		if c[0] == "k" {
			return fmt.Sprintf("UPDATE parts SET k = %d WHERE %s", p.r.IntN(4), p.some()) // the fourth partition may not exist
		}
		if c[0] == "id" {
			p.next += 100_000
			return fmt.Sprintf("UPDATE %s SET id = id + %d WHERE %s", table, p.next, p.some())
		}
		return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, c[0], p.value(c[1], "abs(id % 1000000)"), p.some())
	case n < 9:
		return fmt.Sprintf("DELETE FROM %s WHERE %s", table, p.some())
	}
	return fmt.Sprintf("DELETE FROM %[1]s WHERE ctid IN (SELECT ctid FROM %[1]s LIMIT 3)", table)
}

// define makes a change of the catalog.
func (p *program) define(i int, table string, cols [][]string) string {
	c := cols[p.r.IntN(len(cols))]
	fixed := c[0] == "id" || c[0] == "k" || strings.HasPrefix(table, "parts")
	typ := kinds[p.r.IntN(len(kinds))]
	p.next++
	switch n := p.r.IntN(17); {
	case n == 12 && table[0] == 't':
		return fmt.Sprintf("ALTER TABLE %s RENAME TO t%d", table, 4+p.r.IntN(5))
	case n == 13 && !fixed:
		return fmt.Sprintf("ALTER TABLE %[1]s ALTER COLUMN %[2]s TYPE %[3]s USING %[4]s", table, c[0], c[1], p.value(c[1], "abs(id % 1000)")) // the same type, other values
	case n == 14 && table[0] == 't':
		return fmt.Sprintf("ALTER TABLE %[1]s SET SCHEMA aside; ALTER TABLE aside.%[1]s SET SCHEMA public", table)
	case n == 15 && table == "whole":
		return "ALTER TABLE whole REPLICA IDENTITY " + []string{"FULL", "NOTHING", "FULL"}[p.r.IntN(3)] + "; ALTER TABLE whole REPLICA IDENTITY FULL"
	case n == 16 && !strings.HasPrefix(table, "parts"):
		return p.rekey(i, table)
	case n < 2 && !fixed:
		return fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", table, c[0])
	case n < 4 && !strings.HasPrefix(table, "parts"):
		def := ""
		if p.r.IntN(3) > 0 {
			def = " DEFAULT " + p.value(typ, fmt.Sprint(p.r.IntN(1000)))
		}
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN c%d %s%s", table, p.r.IntN(8), typ, def)
	case n < 5 && !strings.HasPrefix(table, "parts"):
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN c%d text DEFAULT md5(random()::text)", table, p.r.IntN(8))
	case n < 6 && !fixed:
		return fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO c%d", table, c[0], p.r.IntN(8))
	case n < 7 && !fixed:
		return fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE text USING %s::text", table, c[0], c[0])
	case n < 8:
		return "VACUUM FULL " + table // a new file without any change
	case n < 9 && !strings.HasPrefix(table, "parts") && table != "whole":
		return fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY %s", table, []string{"FULL", "DEFAULT"}[p.r.IntN(2)])
	case n < 10 && table[0] == 't':
		return fmt.Sprintf("DROP TABLE %[1]s; CREATE TABLE %[1]s (id bigint PRIMARY KEY, %[2]s)", table, p.columns())
	case n < 11:
		if len(p.list(i, captured)) < 10 {
			return fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, %s)", 4+p.r.IntN(5), p.columns())
		}
		return "CREATE TABLE parts3 PARTITION OF parts FOR VALUES IN (3)"
	}
	if p.r.IntN(2) == 0 {
		return "ALTER TABLE parts DETACH PARTITION parts2"
	}
	return "ALTER TABLE parts ATTACH PARTITION parts2 FOR VALUES IN (2)"
}

// rekey makes a table's primary key anew. That of the table whose rows are sent whole comes and goes.
func (p *program) rekey(i int, table string) string {
	drop, add := "", "ADD PRIMARY KEY (id)"
	if had := p.list(i, "SELECT conname::text FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'", "public."+table); had != nil {
		drop = "DROP CONSTRAINT " + had[0][0]
	}
	switch {
	case drop == "":
		return "ALTER TABLE " + table + " " + add
	case table == "whole":
		return "ALTER TABLE " + table + " " + drop
	}
	return "ALTER TABLE " + table + " " + drop + ", " + add
}
