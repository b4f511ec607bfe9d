package shadow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/forecast"
	"foreshadow/sql/types"
)

// The variables that turn the test binary into a process that seals until it is killed at a step.
const (
	killDir  = "FORESHADOW_KILL_DIR"
	killStep = "FORESHADOW_KILL_STEP"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := sealer(dir, os.Getenv(killStep)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var numbers = change.Relation{OID: 7, Schema: "public", Name: "numbers", Identity: change.IdentityDefault, Columns: []change.Column{
	{Name: "id", TypeOID: types.Int8, TypMod: -1, Key: true, AttNum: 1}, {Name: "v", TypeOID: types.Int8, TypMod: -1, AttNum: 2}}}

// numberedTx is the transaction at a position, a multiple of ten: it inserts a row and updates the one before.
func numberedTx(at change.LSN) change.Tx {
	n := strconv.Itoa(int(at))
	return change.Tx{XID: uint32(at), CommitLSN: at, EndLSN: at + 1, CommitTime: stamp(at), Last: true, Changes: []change.Change{
		{Op: change.Insert, Relation: &numbers, After: row(n, n)}, {Op: change.Update, Relation: &numbers, After: row(strconv.Itoa(max(int(at)-10, 10)), "-"+n), Seq: 1}}}
}

// sealer appends transactions from where the shadow stands, seals after each few, and says what may be confirmed. At its n-th step of a name it hangs, to be killed.
func sealer(dir, step string) error {
	name, count, _ := strings.Cut(step, ":")
	o := Options{Dir: dir, MemoryLimit: "500MB", Threads: 1, Seal: time.Hour}
	if strings.HasPrefix(name, "checkpoint") {
		o.Checkpoint = 4 << 10
	}
	d, err := Open(o)
	if err != nil {
		return err
	}
	left, _ := strconv.Atoi(count)
	d.onStep = func(s string) {
		if s != name {
			return
		}
		if left--; left < 0 {
			fmt.Println("hang")
			select {}
		}
	}
	ctx := context.Background()
	if len(d.tables) == 0 {
		l, err := d.Load(ctx, &numbers, 1, stamp(1), nil)
		if err != nil {
			return err
		}
		if err := l.Commit(); err != nil {
			return err
		}
	}
	for at := d.pos.commit + 10; ; at += 10 {
		if err := d.AppendSamples(ctx, []forecast.Sample{{Series: forecast.Series{ID: "s", Step: time.Second}, At: stamp(at), Value: float64(at)}}); err != nil {
			return err
		}
		if err := d.Append(ctx, []change.Tx{numberedTx(at)}); err != nil {
			return err
		}
		if at/10%3 != 0 {
			continue
		}
		if err := d.Seal(); err != nil {
			return err
		}
		if err := d.checkpointIfDue(ctx); err != nil {
			return err
		}
		end, _ := d.Sealed()
		fmt.Println(uint64(end))
	}
}

// TestKilledWhileSealing kills a process at every step of sealing, merging and checkpointing, again and again in the same folder. Whatever had been said to be
// sealed must come back when the DuckDB file is lost as well, and nothing may be missing or twice either way.
func TestKilledWhileSealing(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	confirmed := uint64(0)
	steps := []string{"written:1", "exported:0", "sealed:1", "merged:0", "checkpoint:0", "checkpointed:0"}
	for _, i := range append(r.Perm(len(steps)), r.Perm(len(steps))...) {
		confirmed = max(confirmed, killed(t, dir, steps[i]))
		if r.IntN(2) == 0 {
			for _, name := range []string{fileName, fileName + ".wal"} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
		}
		d := start(t, dir)
		if end := uint64(d.stored.end); end < confirmed {
			t.Fatalf("after %s: the shadow stands at %d, %d was confirmed", steps[i], end, confirmed)
		}
		if len(d.tables) == 0 { // nothing had been sealed when the file was lost
			if err := d.Close(); err != nil || confirmed > 0 {
				t.Fatalf("after %s: nothing is left of what was confirmed up to %d (%v)", steps[i], confirmed, err)
			}
			continue
		}
		last := int64(d.stored.commit) / 10
		want := fmt.Sprintf("%d|%d|%d|%d", last, last*2, last*2, last)
		if got := ask(t, d, "SELECT (SELECT count(*) FROM b7_1), (SELECT count(*) FROM log), (SELECT count(DISTINCT (lsn, seq)) FROM log), (SELECT count(DISTINCT ts) FROM points WHERE epoch_us(ts) <= "+
			fmt.Sprint(stamp(d.stored.commit).UnixMicro())+")"); got != want {
			t.Fatalf("after %s: rows, changes, different changes and points are %s, want %s", steps[i], got, want)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killed runs a process until it hangs at a step, kills it and gives the last position that it said to be sealed.
func killed(t *testing.T, dir, step string) (confirmed uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir, killStep+"="+step)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := false
	for lines := bufio.NewScanner(out); !hung && lines.Scan(); {
		if hung = lines.Text() == "hang"; !hung {
			confirmed, _ = strconv.ParseUint(lines.Text(), 10, 64)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !hung {
		t.Fatalf("the process ended before it came to %s", step)
	}
	return confirmed
}

// filled is a closed shadow with some sealed segments.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := start(t, dir)
	load(t, d, &numbers, 1)
	for at := change.LSN(10); at <= 50; at += 10 {
		if err := d.Append(t.Context(), []change.Tx{numberedTx(at)}); err != nil {
			t.Fatal(err)
		}
		if err := d.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDamagedSegment holds that a rebuild refuses a segment of which a byte was changed, or which is missing, by its name, and leaves everything as it was.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	segments := filepath.Join(dir, "segments")
	m, err := readManifest(segments)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(m.files(), file{Name: manifestName}) {
		name := filepath.Join(segments, f.Name)
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, damage := range map[string]func() error{
			"changed": func() error {
				b := append([]byte(nil), good...)
				b[len(b)/2] ^= 1
				return os.WriteFile(name, b, 0o600)
			},
			"shorter": func() error { return os.WriteFile(name, good[:len(good)-1], 0o600) },
			"missing": func() error { return os.Remove(name) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			_, err := Rebuild(t.Context(), Options{Dir: dir}, nil)
			if err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), segments) {
				t.Errorf("%s %s: %v", f.Name, what, err)
			}
			if err := os.WriteFile(name, good, 0o600); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*damaged*")); len(left) > 0 {
				t.Errorf("%s %s: left %v", f.Name, what, left)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "rebuild*")); len(left) > 0 {
				t.Errorf("%s %s: left %v", f.Name, what, left)
			}
		}
	}
	d := start(t, dir)
	defer d.Close()
	if got := ask(t, d, "SELECT count(*) FROM b7_1"); got != "5" {
		t.Errorf("%s rows", got)
	}
}

// TestDamagedFile holds that a DuckDB file that is cut off, overwritten, older than its segments or missing is rebuilt at the next start, and the old one kept.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]func(name string) error{
		"cut off":     func(name string) error { return os.Truncate(name, 5000) },
		"empty":       func(name string) error { return os.Truncate(name, 0) },
		"overwritten": func(name string) error { return os.WriteFile(name, []byte(strings.Repeat("x", 100_000)), 0o600) },
		"missing":     os.Remove,
		"another": func(name string) error {
			d, err := Open(Options{Dir: filepath.Join(filepath.Dir(name), "other")})
			if err != nil {
				return err
			}
			if err := d.w.exec("DELETE FROM meta"); err != nil {
				return err
			}
			return errors.Join(d.Close(), os.Rename(filepath.Join(filepath.Dir(name), "other", fileName), name))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := filled(t)
			if err := damage(filepath.Join(dir, fileName)); err != nil {
				t.Fatal(err)
			}
			d := start(t, dir)
			defer d.Close()
			if got := ask(t, d, "SELECT count(*), count(DISTINCT id) FROM (SELECT c0 AS id FROM b7_1)"); got != "5|5" {
				t.Errorf("%s rows", got)
			}
			if pos, _, _ := d.Position(t.Context()); pos != 50 {
				t.Errorf("position %s", pos)
			}
			if kept, _ := filepath.Glob(filepath.Join(dir, fileName+".damaged-*")); (len(kept) == 1) != (what != "missing") {
				t.Errorf("kept %v", kept)
			}
			put(t, d, 60, change.Change{Op: change.Insert, Relation: &numbers, After: row("60", "60")})
		})
	}
}

// TestNoSegments holds that a shadow without segments begins with a checkpoint, before which nothing counts as sealed.
func TestNoSegments(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	if err := os.RemoveAll(filepath.Join(dir, "segments")); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Options{Dir: dir, Seal: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; {
		if lsn, _ := d.Sealed(); lsn == 51 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no checkpoint was made")
		}
		<-time.After(10 * time.Millisecond)
	}
	if err := errors.Join(d.Close(), os.Remove(filepath.Join(dir, fileName))); err != nil {
		t.Fatal(err)
	}
	d = start(t, dir)
	defer d.Close()
	if got := ask(t, d, "SELECT count(*) FROM b7_1"); got != "5" {
		t.Errorf("%s rows", got)
	}
}

// TestRebuildWideRows rebuilds, with little memory, what merging has made one segment of: thousands of rows that are small there and large outside.
func TestRebuildWideRows(t *testing.T) {
	t.Parallel()
	const each, wide = 120, 100_000
	o := Options{Dir: t.TempDir(), MemoryLimit: "400MB", Threads: 1, Seal: time.Hour, Log: slog.New(slog.DiscardHandler)}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	rel := &change.Relation{OID: 7, Schema: "public", Name: "wide", Identity: change.IdentityDefault, Columns: []change.Column{
		{Name: "id", TypeOID: types.Int8, TypMod: -1, Key: true, AttNum: 1}, {Name: "v", TypeOID: types.Text, TypMod: -1, AttNum: 2}}}
	load(t, d, rel, 1)
	for n := range mergeSegments {
		var inserts []change.Change
		for i := range each {
			inserts = append(inserts, change.Change{Op: change.Insert, Relation: rel, After: row(strconv.Itoa(n*each+i), strings.Repeat(strconv.Itoa(i%10), wide))})
		}
		put(t, d, change.LSN(n*10+10), inserts...)
		if err := d.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.sealed.Load().Segments); n > 2 {
		t.Fatalf("%d segments", n)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Rebuild(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if n, err := d.RowCount(t.Context(), 7); err != nil || n != mergeSegments*each {
		t.Errorf("%d rows, %v", n, err)
	}
}
