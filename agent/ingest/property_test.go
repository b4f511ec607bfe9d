package ingest

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/pgtest"
	"foreshadow/agent/shadow"
	"foreshadow/sql/sqlerr"
)

// The flags of the property test: how long it makes new programs, and the seed of the first one.
var (
	soak     = flag.Duration("soak", 0, "how long to run random programs; 0 runs one")
	soakSeed = flag.Uint64("soak-seed", 1, "the first program's seed; 0 takes the time")
)

// moment is what the primary showed of a table at a position.
type moment struct {
	oid   uint32
	at    change.LSN
	shape string
	rows  []string
}

// TestPrograms runs random programs on a primary while the agent follows, is killed and restarted. Whenever the program rests, every table of the
// shadow must equal the primary's row by row, as it is now and as it was at earlier rests, and every transaction must be in the log once.
func TestPrograms(t *testing.T) {
	t.Parallel()
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	steps := 150
	for end := time.Now().Add(*soak); ; seed++ {
		passed := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runProgram(t, seed, steps) })
		if !passed || !time.Now().Before(end) {
			return
		}
	}
}

func runProgram(t *testing.T, seed uint64, steps int) {
	t.Logf("replay: make soak DURATION=1s SEED=%d", seed)
	memory := "64MB"
	if seed%2 == 1 {
		memory = "64kB" // transactions are streamed before they are committed
	}
	pg := pgtest.Start(t, "max_prepared_transactions=20", "logical_decoding_work_mem="+memory)
	p := newProgram(t, pg, seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the program was:\n%s", strings.Join(p.trace, "\n"))
		}
	})
	dir := t.TempDir()
	a := run(t, pg, dir)
	var past []moment
	for n := range steps {
		p.step()
		switch p.r.IntN(25) {
		case 0:
			if p.ddl || p.r.IntN(2) == 0 || p.locked() {
				p.settle()
			}
			p.check(a, &past)
		case 1:
			a.stop()
			for range p.r.IntN(20) { // what happens while no agent runs
				p.step()
			}
			if p.r.IntN(2) == 0 {
				p.killed(dir)
			}
			if p.r.IntN(4) == 0 {
				p.settle()
				revive(t, pg)
				for i := range p.sessions {
					p.connect(i)
				}
			}
			a = launch(t, pg, dir)
		}
		if t.Failed() {
			t.Fatalf("after step %d", n)
		}
	}
	p.settle()
	p.check(a, &past)
	if t.Failed() {
		t.Fatal("at the end")
	}
	a.stop()
	var moments []change.LSN
	for range min(2, len(past)) { // each is every table as it was
		moments = append(moments, past[p.r.IntN(len(past))].at)
	}
	rebuild(t, dir, moments...)
}

// killed runs an agent of its own that is killed while the program goes on.
func (p *program) killed(dir string) {
	kill := spawn(p.t, p.pg, dir)
	for range 20 + p.r.IntN(20) {
		p.step()
	}
	<-time.After(time.Duration(p.r.IntN(1500)) * time.Millisecond)
	kill()
}

const shapeSQL = "SELECT string_agg(attnum || ' ' || atttypid || ' ' || atttypmod, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"

// check compares every table as it is now, and some earlier moments of those whose columns are still the same.
func (p *program) check(a *agent, past *[]moment) {
	p.t.Helper()
	a.conn = nil // the primary may have been restarted
	a.catchUp()
	var tables []string
	for _, r := range a.query(captured) {
		tables = append(tables, r[0])
	}
	for _, table := range append(tables, "journal") {
		a.same(table)
	}
	p.ddl = false
	at := a.catchUp() // after every copy that the tables needed
	now := map[uint32]string{}
	for _, table := range tables {
		oid := a.oid(table)
		now[oid] = a.query(shapeSQL, "public."+table)[0][0]
		*past = append(*past, moment{oid, at, now[oid], a.primary(table)})
	}
	for range min(6, len(*past)) {
		m := (*past)[p.r.IntN(len(*past))]
		if now[m.oid] != m.shape {
			continue
		}
		got, err := a.shadowed(m.oid, m.at)
		if code := sqlerr.Code(err); code == sqlerr.SnapshotTooOld || code == sqlerr.ObjectNotInState {
			continue // a rewrite without another type may have come before; or the catalog has shown it only now, and the table is copied
		}
		if err != nil {
			p.t.Errorf("table %d as of %s: %v", m.oid, m.at, err)
		} else if d := differ(got, m.rows); d != "" {
			p.t.Errorf("table %d as of %s: %.2000s", m.oid, m.at, d)
		}
	}
	p.journal(a)
}

// journal holds that the log has every transaction of the journal once, and no change twice.
func (p *program) journal(a *agent) {
	p.t.Helper()
	want := a.query("SELECT count(*)::text FROM journal")[0][0]
	rows, err := a.store.Query(p.t.Context(), shadow.Query{SQL: fmt.Sprintf(`SELECT (SELECT count(*) FROM log WHERE oid = %[1]d), (SELECT count(DISTINCT pk) FROM log WHERE oid = %[1]d),
		(SELECT count(*) FROM log) - (SELECT count(*) FROM (SELECT DISTINCT lsn, seq FROM log)),
		(SELECT count(*) - count(DISTINCT (after->>'content')) + count(*) FILTER ((after->>'content') NOT IN (SELECT (pk->>'id') FROM log WHERE oid = %[1]d)) FROM log WHERE oid = 0 AND (after->>'prefix') = 'told')`, a.oid("journal"))})
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	b, err := rows.Next(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	got := []int64{b.Columns[0].Ints[0], b.Columns[1].Ints[0], b.Columns[2].Ints[0], b.Columns[3].Ints[0]}
	if fmt.Sprint(got) != fmt.Sprintf("[%s %[1]s 0 0]", want) {
		p.t.Errorf("the journal has %s transactions; in the log are %d, %d of them different, %d changes twice, and %d messages twice or without their row", want, got[0], got[1], got[2], got[3])
	}
}
