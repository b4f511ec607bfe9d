package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"
)

// libPQClient uses a server through database/sql and lib/pq.
func libPQClient() error {
	ctx := context.Background()
	db, err := sql.Open("postgres", "")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, step := range []func(context.Context, *sql.Conn) error{libPQQueries, libPQTen, libPQTransaction, libPQCancel, libPQOwn} {
		if err := step(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// libPQRows prints the columns and the rows of a result, or its error.
func libPQRows(query func(...any) (*sql.Rows, error), args ...any) error {
	rows, err := query(args...)
	if err != nil {
		fmt.Println(libPQError(err))
		return nil
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		length, _ := c.Length()
		precision, scale, _ := c.DecimalSize()
		fmt.Println("column", c.Name(), c.DatabaseTypeName(), c.ScanType(), length, precision, scale)
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, v := range values {
			fmt.Println(" ", typed(v))
		}
	}
	if rows.Err() != nil {
		fmt.Println(libPQError(rows.Err()))
	}
	return nil
}

func libPQError(err error) string {
	var e *pq.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s %q %q at %s", e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position)
}

func libPQQueries(ctx context.Context, conn *sql.Conn) error {
	asked := func(text string) func(...any) (*sql.Rows, error) {
		return func(args ...any) (*sql.Rows, error) { return conn.QueryContext(ctx, text, args...) }
	}
	for _, text := range append([]string{readKinds, "SELECT 1; SELECT count(*) FROM orders"}, mistakes...) {
		if err := libPQRows(asked(text)); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return errors.Join(
		libPQRows(asked(readOrder), 4, 100.5),
		libPQRows(asked(readOrder), "four", 100.5),
		libPQRows(asked("SELECT id FROM kinds WHERE id = ANY ($1) AND (t = $2 OR b) AND tz > $3"), pq.Array([]int{1, 2}), "x", time.Unix(0, 0)),
		libPQRows(asked("SELECT by, t FROM kinds WHERE by = $1"), []byte{0, 0xde, 0xad, 0xbe, 0xef}),
		libPQRows(asked("SELECT $1::int, $2::text FROM orders WHERE id = 1"), nil, "x"))
}

// libPQTen runs one prepared statement ten times.
func libPQTen(ctx context.Context, conn *sql.Conn) error {
	statement, err := conn.PrepareContext(ctx, readOrder)
	if err != nil {
		return err
	}
	defer statement.Close()
	for i := range 10 {
		if err := libPQRows(statement.Query, i, 1000); err != nil {
			return err
		}
	}
	return nil
}

func libPQTransaction(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	for _, text := range []string{"SELECT count(*) FROM orders", "SELECT id / 0 FROM orders", "SELECT count(*) FROM orders"} {
		if err := libPQRows(func(...any) (*sql.Rows, error) { return tx.Query(text) }); err != nil {
			return err
		}
	}
	fmt.Println(tx.Commit())
	return libPQRows(func(...any) (*sql.Rows, error) { return conn.QueryContext(ctx, "SELECT count(*) FROM orders") })
}

// libPQCancel lets a context end, which cancels.
func libPQCancel(ctx context.Context, conn *sql.Conn) error {
	limited, end := context.WithTimeout(ctx, time.Second)
	defer end()
	_, err := conn.ExecContext(limited, neverEnds)
	fmt.Println(libPQError(err))
	return nil
}

// libPQOwn is what only an agent has.
func libPQOwn(ctx context.Context, _ *sql.Conn) error {
	then := os.Getenv("FORESHADOW_THEN")
	if then == "" {
		return nil
	}
	db, err := sql.Open("postgres", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // so that a setting holds for what follows
	value := func(text string, args ...any) (v any) {
		if err := db.QueryRowContext(ctx, text, args...).Scan(&v); err != nil {
			return libPQError(err)
		}
		if b, ok := v.([]byte); ok {
			return string(b)
		}
		return v
	}
	fmt.Println(ownPart)
	fmt.Println("state:", value(stateNow))
	fmt.Println("events now:", value(eventsNow))
	if _, err := db.ExecContext(ctx, "SET foreshadow.as_of = '"+then+"'"); err != nil {
		return err
	}
	fmt.Println("events then, by session:", value(eventsNow))
	if _, err := db.ExecContext(ctx, "RESET foreshadow.as_of"); err != nil {
		return err
	}
	fmt.Println("events then, by parameter:", value(eventsThen, then))
	fmt.Println("deleted since:", value(deleted, "public.events"))
	_, err = db.ExecContext(ctx, "UPDATE orders SET id = 0")
	var e *pq.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("a write: %w", err)
	}
	fmt.Println("write:", e.Code)
	return nil
}
