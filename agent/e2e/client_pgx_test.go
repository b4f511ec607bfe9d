package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgxClient uses a server as a Go program would.
func pgxClient() error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, step := range []func(context.Context, *pgx.Conn) error{pgxModes, pgxParams, pgxTen, pgxBatch, pgxErrors, pgxTransaction, pgxPortals, pgxCopy, pgxCancel, pgxOwn} {
		if err := step(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// pgxRows prints the columns and the rows of a result, or its error.
func pgxRows(ctx context.Context, conn *pgx.Conn, sql string, args ...any) error {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		fmt.Println(pgxError(err))
		return nil
	}
	for _, f := range rows.FieldDescriptions() {
		fmt.Printf("column %s table %t %d type %d size %d mod %d format %d\n", f.Name, f.TableOID != 0, f.TableAttributeNumber, f.DataTypeOID, f.DataTypeSize, f.TypeModifier, f.Format)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		for _, v := range values {
			fmt.Println(" ", typed(v))
		}
	}
	if rows.Err() != nil {
		fmt.Println(pgxError(rows.Err()))
	}
	fmt.Println(rows.CommandTag())
	return nil
}

// pgxError is all that a server said of an error.
func pgxError(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s %q %q at %d", e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position)
}

// pgxModes reads every type in every way that pgx has of asking.
func pgxModes(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range []string{"server_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "is_superuser",
		"session_authorization", "application_name", "in_hot_standby"} {
		fmt.Println(name, conn.PgConn().ParameterStatus(name))
	}
	types, err := conn.LoadTypes(ctx, []string{"status", "_status", "percent"})
	if err != nil {
		return err
	}
	for _, t := range types {
		fmt.Printf("type %s %d %T\n", t.Name, t.OID, t.Codec)
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		fmt.Println("==", mode)
		if err := pgxRows(ctx, conn, readKinds, mode); err != nil {
			return err
		}
		if err := pgxRows(ctx, conn, readOrder, mode, 4, "100.5"); err != nil {
			return err
		}
	}
	return nil
}

// pgxParams binds values of every kind that a program has.
func pgxParams(ctx context.Context, conn *pgx.Conn) error {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{"SELECT id FROM kinds WHERE i2 = $1 OR i4 = $2 OR i8 = $3 ORDER BY id", []any{0, 2147483647, nil}},
		{"SELECT id FROM kinds WHERE f8 < $1 AND n2 = $2 AND b = $3", []any{1.5, "12.50", true}},
		{"SELECT id FROM kinds WHERE t = $1 AND by = $2 AND u = $3", []any{`Grüße, "x" \ y`, []byte{0, 0xde, 0xad, 0xbe, 0xef}, "6f1c3f0e-0000-4000-8000-00000000000a"}},
		{"SELECT id FROM kinds WHERE tz = $1 AND d = $2 AND st = $3", []any{at, at.AddDate(0, 1, 26), "paid"}},
		{"SELECT id FROM kinds WHERE id = ANY ($1) AND jb ->> 'a' IS NOT NULL", []any{[]int32{1, 2, 3}}},
		{"SELECT id, $1::text, $2::int[], $3::numeric, $4::jsonb FROM kinds WHERE id < 3 ORDER BY id", []any{"a", []int32{1, 2}, "1.50", `{"k": 1}`}},
		{"SELECT t FROM kinds WHERE t LIKE $1 AND v = $2 AND c = $3", []any{"Gr%", "varied", "ab"}},
		{"SELECT count(*) FROM orders WHERE created_at > $1 AND customer_id BETWEEN $2 AND $3", []any{at.AddDate(-20, 0, 0), 5, 10}},
		{"SELECT id FROM orders WHERE status = $1 ORDER BY id LIMIT $2 OFFSET $3", []any{"new", 3, 2}},
		{"SELECT ai[1], array_length(at, 1), ai || $1::int FROM kinds WHERE id = 1", []any{9}},
		{`SELECT "No", "Issued On" FROM "Billing"."Invoice" WHERE "orderId" = $1`, []any{7}},
		{"SELECT at, sensor, value FROM readings WHERE at = $1", []any{at.AddDate(0, 0, 3)}},
		{"SELECT oid::regclass::text, relkind FROM pg_class WHERE relname = $1", []any{"orders"}},
		{"SELECT $1::int", []any{nil}},
	} {
		if err := pgxRows(ctx, conn, q.sql, q.args...); err != nil {
			return err
		}
	}
	return nil
}

// pgxTen runs one statement ten times.
func pgxTen(ctx context.Context, conn *pgx.Conn) error {
	for i := range 10 {
		if err := pgxRows(ctx, conn, readOrder, i, 1000); err != nil {
			return err
		}
	}
	description, err := conn.Prepare(ctx, "named", readOrder)
	if err != nil {
		return err
	}
	fmt.Println(description.ParamOIDs)
	for range 2 {
		if err := pgxRows(ctx, conn, "named", 2, 1000); err != nil {
			return err
		}
	}
	return conn.Deallocate(ctx, "named")
}

// pgxBatch pipelines statements, one of which fails.
func pgxBatch(ctx context.Context, conn *pgx.Conn) error {
	for _, middle := range []string{"SELECT sum(total) FROM orders WHERE status = $1", "SELECT 1 / (id - id) FROM orders WHERE status = $1", "SELECT missing FROM orders WHERE status = $1"} {
		batch := &pgx.Batch{}
		batch.Queue("SELECT count(*)::text FROM orders")
		batch.Queue(middle, "paid")
		batch.Queue("SELECT relname::text FROM pg_class WHERE relname = $1", "orders")
		results := conn.SendBatch(ctx, batch)
		for range 3 {
			var value string
			if err := results.QueryRow().Scan(&value); err != nil {
				value = pgxError(err)
			}
			fmt.Println("batch", value)
		}
		if err := results.Close(); err != nil {
			fmt.Println("batch", pgxError(err))
		}
	}
	return nil
}

func pgxErrors(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range mistakes {
		if err := pgxRows(ctx, conn, sql); err != nil {
			return err
		}
		fmt.Println(string(conn.PgConn().TxStatus()))
	}
	return nil
}

// pgxTransaction fails in a transaction, in a savepoint too, and goes on after it.
func pgxTransaction(ctx context.Context, conn *pgx.Conn) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	for _, sql := range []string{"SELECT count(*) FROM orders", "SELECT id / 0 FROM orders", "SELECT count(*) FROM orders", "SELECT 1"} {
		if err := pgxRows(ctx, conn, sql); err != nil {
			return err
		}
		fmt.Println(string(conn.PgConn().TxStatus()))
	}
	if err := inner.Rollback(ctx); err != nil {
		return err
	}
	if err := pgxRows(ctx, conn, "SELECT count(*) FROM orders"); err != nil {
		return err
	}
	if err := pgxRows(ctx, conn, "SELECT nothing FROM orders"); err != nil {
		return err
	}
	fmt.Println(tx.Commit(ctx))
	return pgxRows(ctx, conn, "SELECT count(*) FROM orders")
}

// pgxPortals pages through two results at once, in a transaction as row-limited portals need it.
func pgxPortals(ctx context.Context, conn *pgx.Conn) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	for _, sql := range []string{"DECLARE a CURSOR FOR SELECT id, total FROM orders ORDER BY id", "DECLARE b CURSOR FOR SELECT relname FROM pg_class WHERE relname LIKE 'order%' ORDER BY 1",
		"FETCH 3 FROM a", "FETCH 2 FROM b", "FETCH 2 FROM a", "MOVE FORWARD 100 FROM a", "FETCH NEXT FROM a", "FETCH ALL FROM b", "CLOSE a", "FETCH NEXT FROM a"} {
		if err := pgxRows(ctx, conn, sql); err != nil {
			return err
		}
	}
	return tx.Rollback(ctx)
}

// pgxCopy copies out in every format.
func pgxCopy(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range []string{"COPY (SELECT id, t, n, ai, tz FROM kinds ORDER BY id) TO STDOUT", "COPY kinds TO STDOUT (FORMAT csv, HEADER)",
		"COPY kinds TO STDOUT (FORMAT binary)", `COPY "Billing"."Invoice" TO STDOUT (FORMAT "binary")`, "COPY (SELECT id, status, created_at IS NULL FROM orders WHERE id < 50 ORDER BY id) TO STDOUT (FORMAT binary)", "COPY kinds TO STDOUT (FORMAT binary, DELIMITER 'x')", "COPY missing TO STDOUT", "COPY (SELECT 1/0) TO STDOUT"} {
		tag, err := conn.PgConn().CopyTo(ctx, os.Stdout, sql)
		if err != nil {
			fmt.Println(pgxError(err))
		}
		fmt.Println(tag)
	}
	return nil
}

// pgxCancel cancels what never ends, on the shadow and on PostgreSQL, and goes on.
func pgxCancel(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range []string{neverEnds, "SELECT pg_sleep(60)"} {
		done := make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() { // a request that comes before the statement is lost, so it is made again
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-done:
					return
				case <-tick.C:
					_ = conn.PgConn().CancelRequest(ctx)
				}
			}
		})
		_, err := conn.Exec(ctx, sql)
		close(done)
		asking.Wait() // a request under way would end the next statement
		fmt.Println(pgxError(err))
	}
	return nil
}

// pgxOwn is what only an agent has.
func pgxOwn(ctx context.Context, conn *pgx.Conn) error {
	then := os.Getenv("FORESHADOW_THEN")
	if then == "" {
		return nil
	}
	value := func(sql string, args ...any) (v any) {
		if err := conn.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
			return pgxError(err)
		}
		return v
	}
	fmt.Println(ownPart)
	fmt.Println("state:", value(stateNow))
	fmt.Println("events now:", value(eventsNow))
	if _, err := conn.Exec(ctx, "SET foreshadow.as_of = '"+then+"'"); err != nil {
		return err
	}
	fmt.Println("events then, by session:", value(eventsNow))
	if _, err := conn.Exec(ctx, "RESET foreshadow.as_of"); err != nil {
		return err
	}
	fmt.Println("events then, by parameter:", value(eventsThen, then))
	fmt.Println("deleted since:", value(deleted, "public.events"))
	_, err := conn.Exec(ctx, "UPDATE orders SET id = 0")
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return fmt.Errorf("a write: %w", err)
	}
	fmt.Println("write:", e.Code)
	return nil
}
