package mirror_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"foreshadow/agent/pgtest"

	"github.com/jackc/pgx/v5/pgconn"
)

// BenchmarkMirrorPoint is one warm statement with its parameter, from Execute to Sync, as a client sends it.
func BenchmarkMirrorPoint(b *testing.B) {
	f := start(b, shop)
	s := f.session(b, "clerk")
	ctx := context.Background()
	name, _, _, err := s.Prepare(ctx, "SELECT relname FROM pg_catalog.pg_class WHERE oid = $1", []uint32{26})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := s.Execute(ctx, name, [][]byte{[]byte("1259")}, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(ctx); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Sync(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMirrorPrepare is the analysis that each statement over shadow tables costs.
func BenchmarkMirrorPrepare(b *testing.B) {
	f := start(b, shop)
	s := f.session(b, "clerk")
	ctx := context.Background()
	for b.Loop() {
		name, _, _, err := s.Prepare(ctx, "SELECT o.id, total, mail FROM orders o JOIN customers c ON customer = c.id WHERE at > $1", nil)
		if err != nil {
			b.Fatal(err)
		}
		s.Deallocate(name)
		if err := s.Sync(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMirrorOpen is the time to a session's first answer.
func BenchmarkMirrorOpen(b *testing.B) {
	f := start(b, shop)
	ctx := context.Background()
	for b.Loop() {
		s, err := f.Session(ctx, "clerk", nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.QueryRow(ctx, "SELECT 1"); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}

// BenchmarkMirrorRows streams a million narrow rows.
func BenchmarkMirrorRows(b *testing.B) {
	f := start(b, shop)
	s := f.session(b, "clerk")
	ctx := context.Background()
	name, _, _, err := s.Prepare(ctx, "SELECT g, g::text FROM generate_series(1, 1000000) g", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Execute(ctx, name, nil, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			batch, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n += batch.Len
		}
		if n != 1000000 {
			b.Fatal(n)
		}
		if err := s.Sync(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPrimaryOpen is BenchmarkMirrorOpen on the primary itself, to compare with.
func BenchmarkPrimaryOpen(b *testing.B) {
	p := pgtest.Start(b)
	ctx := context.Background()
	for b.Loop() {
		conn, err := pgconn.Connect(ctx, p.DSN("postgres", "postgres"))
		if err != nil {
			b.Fatal(err)
		}
		if err := conn.Exec(ctx, "SELECT 1").Close(); err != nil {
			b.Fatal(err)
		}
		_ = conn.Close(ctx)
	}
}
