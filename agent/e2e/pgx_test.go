package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPgx uses the agent as a Go program would: parameters, binary values, prepared statements used often, batches, transactions, cancel.
func TestPgx(t *testing.T) {
	t.Parallel()
	d := startDev(t, "")
	conn := d.connect(t, "analyst", "shop")
	for range 10 { // the sixth execution is where drivers change their ways
		var city string
		var created time.Time
		err := conn.QueryRow(t.Context(), "SELECT city, created_at FROM customers WHERE id = $1 AND email LIKE $2", 7, "c7@%").Scan(&city, &created)
		if err != nil || city == "" || time.Since(created) < 0 {
			t.Fatalf("%q %v: %v", city, created, err)
		}
	}
	pgxBatch(t, conn)
	pgxTransaction(t, conn)
	pgxCancel(t, d)
}

func pgxBatch(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	batch := &pgx.Batch{}
	batch.Queue("SELECT count(*) FROM orders")
	batch.Queue("SELECT sum(total) FROM orders WHERE status = $1", "paid")
	batch.Queue("SELECT relname FROM pg_class WHERE relname = $1", "orders")
	results := conn.SendBatch(t.Context(), batch)
	var orders int64
	var sum, name string
	if err := errors.Join(results.QueryRow().Scan(&orders), results.QueryRow().Scan(&sum), results.QueryRow().Scan(&name), results.Close()); err != nil {
		t.Fatalf("batch: %v", err)
	}
	if orders != 10000 || sum == "" || name != "orders" {
		t.Errorf("batch: %d %q %q", orders, sum, name)
	}
}

func pgxTransaction(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var e *pgconn.PgError
	if _, err = tx.Exec(t.Context(), "SELECT id / 0 FROM orders"); !errors.As(err, &e) || e.Code != "22012" {
		t.Errorf("division by zero over the shadow: %v", err)
	}
	if _, err = tx.Exec(t.Context(), "SELECT count(*) FROM orders"); !errors.As(err, &e) || e.Code != "25P02" {
		t.Errorf("a failed transaction must stay failed: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
}

func pgxCancel(t *testing.T, d *dev) {
	t.Helper()
	for _, sql := range []string{"SELECT pg_sleep(60)", "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id = 0"} {
		conn := d.connect(t, "analyst", "shop")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, func() { _ = conn.PgConn().CancelRequest(t.Context()) })
		start := time.Now()
		_, err := conn.Exec(ctx, sql)
		cancel()
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "57014" || time.Since(start) > 20*time.Second {
			t.Errorf("%s: want 57014 soon, got %v after %v", sql, err, time.Since(start))
		}
	}
}
