package ingest

import (
	"testing"
	"time"

	"foreshadow/agent/capture"
	"foreshadow/agent/change"
	"foreshadow/agent/shadow"
	"foreshadow/sql/types"
)

// TestReadyOnceWhole opens what a first copy left that was killed between two tables: nothing that was begun is missing, and still not everything is there.
func TestReadyOnceWhole(t *testing.T) {
	t.Parallel()
	store, err := shadow.Open(shadow.Options{Dir: t.TempDir(), MemoryLimit: "1GB"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	src, err := capture.New(capture.Options{DSN: "host=/nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	ready := func() bool {
		t.Helper()
		in, err := New(Options{Name: "test", Source: src, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-in.Ready():
			return true
		default:
			return false
		}
	}
	ctx, now := t.Context(), time.Now()
	rel := &change.Relation{OID: 20000, Schema: "public", Name: "first", Identity: change.IdentityDefault,
		Columns: []change.Column{{Name: "id", TypeOID: types.Int4, TypMod: -1, Key: true, AttNum: 1}}}
	if err := store.Follow(ctx, shadow.Identity{SystemID: "1", Database: "shop", Slot: "foreshadow"}, 100, nil); err != nil {
		t.Fatal(err)
	}
	load, err := store.Load(ctx, rel, 100, now, nil)
	if err == nil {
		err = load.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := shadow.Mark{LSN: 100, Time: now}
	for _, whole := range []bool{false, true} {
		parents := map[uint32][]uint32{rel.OID: nil}
		if !whole {
			parents[20001] = nil // a table whose copy has not begun
		}
		if err := store.Place(ctx, parents, seen, seen); err != nil {
			t.Fatal(err)
		}
		if ready() != whole {
			t.Errorf("ready is %v when the copy of every table is %v", !whole, whole)
		}
	}
}
