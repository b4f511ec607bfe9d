package capture

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// TestStalledStore holds that the primary goes on hearing from an agent whose store takes longer than wal_sender_timeout for one transaction.
func TestStalledStore(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t, "wal_sender_timeout=3s")
	pg.Exec(t, "postgres", "CREATE TABLE t (id int PRIMARY KEY)")
	s := source(t, pg.DSN("postgres", "postgres"))
	cat, err := s.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), cat.Tables); err != nil {
		t.Fatal(err)
	}
	snap, err := s.CreateSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snap.Close()
	for i := range 2 {
		pg.Exec(t, "postgres", fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := 0
	err = s.Stream(ctx, Stored{Commit: snap.LSN - 1, End: snap.LSN}, func(e Event) error {
		if e.Tx == nil {
			return nil
		}
		if got++; got == 2 {
			return enough
		}
		<-time.After(5 * time.Second) // the store is busy
		return nil
	})
	if !errors.Is(err, enough) || got != 2 {
		t.Errorf("%d transactions came, then: %v", got, err)
	}
}
