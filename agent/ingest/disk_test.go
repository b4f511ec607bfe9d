package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
)

// disk is a small file system of a test's own.
type disk struct {
	t   *testing.T
	dir string
}

// mount makes a disk of some megabytes. It needs the right to mount.
func mount(t *testing.T, mb int) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mb), "tmpfs", d.dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: a full disk cannot be made here, because mounting one is not permitted: %v: %s", err, out)
	}
	t.Cleanup(func() {
		// lazily: a child that another test starts may have inherited a file
		if out, err := exec.Command("umount", "-l", d.dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return d
}

// resize gives the disk another size.
func (d *disk) resize(mb int) {
	d.t.Helper()
	if out, err := exec.Command("mount", "-o", fmt.Sprintf("remount,size=%dm", mb), d.dir).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}

// loaded runs the crash test's load, and transactions of some large rows that fill the disk, until the function it gives is called.
func loaded(t *testing.T, pg *pgtest.Server, seed uint64, rows int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	slot := &slotWatch{pg: pg}
	for i := range 2 {
		load.Go(func() { work(ctx, pg.DSN("postgres", "postgres"), i, rand.New(rand.NewPCG(seed, uint64(i+2))), slot) })
	}
	load.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			pg.Exec(t, "postgres", fmt.Sprintf("INSERT INTO fill SELECT g, repeat(md5(random()::text), 60) FROM generate_series(%d, %d) g", n*rows, (n+1)*rows-1))
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() { cancel(); load.Wait() }
}

// TestDiskFull lets the disk run full under load, again and again at another place, without any guard. When there is space, everything is there once.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	size := 60 + int(seed%20)
	d := mount(t, size)
	pg := pgtest.Start(t, "logical_decoding_work_mem=64kB")
	pg.Exec(t, "postgres", crashSchema+"; CREATE TABLE fill (id int PRIMARY KEY, v text)")
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: d.dir, Seal: 100 * time.Millisecond, Checkpoint: 1 << 20}, Options{})
	a.catchUp()
	stop := loaded(t, pg, seed, 500)
	for range 3 {
		until(t, "the disk is full", func() bool {
			free, err := a.store.Free()
			return err == nil && free < 1<<20 || a.in.Status().State == "retrying"
		})
		<-time.After(time.Second) // whatever fails, fails meanwhile
		size += 15
		d.resize(size)
	}
	stop()
	d.resize(4000)
	a.whole()
	a.stop()
	rebuild(t, d.dir)
}

// whole holds that the shadow has everything of the crash test's load once.
func (a *agent) whole() {
	a.t.Helper()
	a.catchUp()
	for _, table := range []string{"journal", "counter", "acc", "items", "heap", "fill"} {
		a.same(table)
	}
	a.once()
}

// TestDiskGuard holds that capture pauses before the disk is full, says so, keeps answering, and goes on by itself.
func TestDiskGuard(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := mount(t, 250)
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", crashSchema+"; CREATE TABLE fill (id int PRIMARY KEY, v text)")
	a := launchAs(t, pg, pg.DSN("postgres", "postgres"), shadow.Options{Dir: d.dir, Seal: 100 * time.Millisecond}, Options{MinFree: 150 << 20})
	a.catchUp()
	stop := loaded(t, pg, seed, 50)
	until(t, "capture pauses", func() bool { return a.in.Status().State == "paused" })
	if m := a.in.Status().Message; !strings.Contains(m, "goes on when there is space") {
		t.Errorf("message: %q", m)
	}
	if _, err := a.store.RowCount(t.Context(), a.oid("fill")); err != nil {
		t.Errorf("while paused: %v", err)
	}
	if free, err := a.store.Free(); err != nil || free < 20<<20 {
		t.Errorf("%d bytes free (%v): the pause came late", free, err)
	}
	d.resize(2000)
	until(t, "capture goes on", func() bool { return a.in.Status().State == "streaming" })
	stop()
	a.whole()
}
