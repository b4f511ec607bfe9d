package risk_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/forecast/risk"
)

var monday = time.Date(2026, 11, 23, 10, 20, 0, 0, time.UTC)

// shop is a catalog of one table with an index and a view, and an outlook in which it grows by a twentieth of today's rows a day.
func shop(rows float64) (*risk.Catalog, *risk.Outlook) {
	c := &risk.Catalog{Version: 17, TimeZone: "UTC", Named: map[string]uint32{`"orders"`: 1}, TypeNames: map[string]uint32{`"pg_catalog"."int8"`: 20},
		Volatile: []string{"random"}, Types: []risk.Type{{OID: 20, Name: "int8", Kind: "b"}, {OID: 23, Name: "int4", Kind: "b"}},
		Relations: []*risk.Relation{
			{OID: 1, Name: "public.orders", Kind: "r", Persistence: "p", Columns: []risk.Column{{Number: 1, Name: "id", Type: 23}, {Number: 2, Name: "state", Type: 23}},
				Indexes: []risk.Index{{OID: 2, Name: "public.orders_pkey", Columns: []int16{1}, Uses: []int16{1}, Unique: true, Valid: true, Whole: true}},
				Views:   []risk.ViewUse{{OID: 3, Column: 1}}},
			{OID: 3, Name: "public.open", Kind: "v"}}}
	t := risk.Table{Rows: rows, Heap: 100 * rows, Index: 20 * rows}
	for d := range 365 {
		r := rows * (1 + 0.05*float64(d+1))
		t.Days = append(t.Days, forecast.Quantiles{P10: r * 0.9, P50: r, P90: r * 1.5})
	}
	return c, &risk.Outlook{Now: monday, Tables: map[string]risk.Table{"public.orders": t}, Rates: risk.DefaultRates, FreeConnections: math.NaN(), DiskFree: math.NaN()}
}

// load is a statement that is called so often by day and ten times less at three in the morning.
func load(text string, rate float64) risk.Statement {
	hours := make([]float64, 168)
	for h := range hours {
		hours[h] = rate
		if (h+11)%24 == 3 { // the first is eleven o'clock
			hours[h] = rate / 10
		}
	}
	return risk.Statement{Text: text, Hours: hours}
}

func assess(t *testing.T, sql string, c *risk.Catalog, o *risk.Outlook, day int) []risk.Assessment {
	t.Helper()
	script, err := risk.Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := script.Classify(c)
	if err != nil {
		t.Fatal(err)
	}
	return risk.Assess(steps, c, o, day)
}

func TestVerdictChangesAsTheTableGrows(t *testing.T) {
	t.Parallel()
	c, o := shop(100_000)
	rewrite := "ALTER TABLE orders ADD COLUMN a float8 DEFAULT random()"
	a := assess(t, rewrite, c, o, 0)[0]
	if a.Verdict != risk.Safe || a.Becomes != risk.Careful || a.ChangesOn.IsZero() || !a.EarlyOn.Before(a.ChangesOn) {
		t.Fatalf("%s, %s on %v, early %v", a.Verdict, a.Becomes, a.ChangesOn, a.EarlyOn)
	}
	day := int(a.ChangesOn.Sub(monday) / (24 * time.Hour))
	if before, on := assess(t, rewrite, c, o, day-1)[0], assess(t, rewrite, c, o, day)[0]; before.Verdict != risk.Safe || on.Verdict != risk.Careful {
		t.Errorf("the day before %s, on the day %s", before.Verdict, on.Verdict)
	}
	if b := assess(t, "ALTER TABLE orders ADD COLUMN a int", c, o, 300)[0]; b.Verdict != risk.Safe || !b.ChangesOn.IsZero() {
		t.Errorf("a change of the catalog is %s, and changes on %v", b.Verdict, b.ChangesOn)
	}
}

func TestLoadDecides(t *testing.T) {
	t.Parallel()
	c, o := shop(50_000_000)
	o.Statements = []risk.Statement{load("SELECT * FROM orders WHERE id = $1", 200), load("UPDATE public.orders SET state = $1", 20), load("SELECT 1 FROM open", 2), load("SELECT 1 FROM customers", 500)}
	o.FreeConnections = 50
	f := assess(t, "ALTER TABLE orders ALTER COLUMN state TYPE bigint", c, o, 0)[0].Findings[0]
	if math.Abs(f.Conflicting-222*(1-0.9/24)) > 1e-6 {
		t.Errorf("%v statements a second conflict with ACCESS EXCLUSIVE", f.Conflicting)
	}
	if f.BestHour.Hour() != 3 || math.Abs(f.AtBest-22.2) > 1e-6 {
		t.Errorf("the best hour is %v with %v statements a second", f.BestHour, f.AtBest)
	}
	if f.Verdict != risk.Dangerous || !strings.Contains(f.Because, "connections are free") {
		t.Errorf("%s: %s", f.Verdict, f.Because)
	}
	a := assess(t, "CREATE INDEX ON orders (state)", c, o, 0)[0]
	if f := a.Findings[0]; math.Abs(f.Conflicting-20*(1-0.9/24)) > 1e-6 {
		t.Errorf("%v statements a second conflict with SHARE", f.Conflicting)
	}
	if a := assess(t, "CREATE INDEX CONCURRENTLY ON orders (state)", c, o, 0)[0]; a.Verdict != risk.Safe || a.Disk == 0 {
		t.Errorf("concurrently: %s: %s, %v bytes", a.Verdict, a.Because, a.Disk)
	}
	o.Statements = []risk.Statement{load("SELECT 1 FROM customers", 500)}
	if a := assess(t, "CREATE INDEX ON orders (state)", c, o, 0)[0]; a.Verdict != risk.Careful {
		t.Errorf("of a table that nobody uses: %s: %s", a.Verdict, a.Because)
	}
}

func TestClientsBreak(t *testing.T) {
	t.Parallel()
	c, o := shop(1000)
	o.Statements = []risk.Statement{load("UPDATE orders SET state = $1 WHERE id = $2", 3), load("SELECT id FROM orders", 1)}
	for sql, want := range map[string]struct {
		verdict risk.Verdict
		broken  int
	}{
		"ALTER TABLE orders RENAME COLUMN state TO status": {risk.Dangerous, 1},
		"ALTER TABLE orders RENAME TO purchases":           {risk.Dangerous, 2},
		"ALTER TABLE orders DROP COLUMN id":                {risk.Fails, 2},
		"ALTER TABLE orders DROP COLUMN id CASCADE":        {risk.Dangerous, 2},
	} {
		if a := assess(t, sql, c, o, 0)[0]; a.Verdict != want.verdict || len(a.Broken) != want.broken {
			t.Errorf("%s: %s, %q", sql, a.Verdict, a.Broken)
		}
	}
}

func TestLocksAreHeldToCommit(t *testing.T) {
	t.Parallel()
	c, o := shop(20_000_000)
	add, index := "ALTER TABLE orders ADD COLUMN a int", "CREATE INDEX ON orders (state)"
	alone := assess(t, add, c, o, 0)[0]
	if alone.Verdict != risk.Safe {
		t.Fatalf("alone: %s: %s", alone.Verdict, alone.Because)
	}
	build := assess(t, index, c, o, 0)[0].Findings[0].Hold.P50
	for _, script := range []string{add + "; " + index, "BEGIN; " + add + "; SAVEPOINT s; " + index + "; COMMIT; " + add} {
		a := assess(t, script, c, o, 0)[0]
		if a.Verdict != risk.Dangerous || a.Findings[0].Hold.P50 < build {
			t.Errorf("%s: %s, held %v s and not at least %v s", script, a.Verdict, a.Findings[0].Hold.P50, build)
		}
	}
	if after := assess(t, "BEGIN; "+add+"; COMMIT; "+index, c, o, 0)[0]; after.Verdict != risk.Safe {
		t.Errorf("committed before: %s: %s", after.Verdict, after.Because)
	}
}

func TestWaitingAndDisk(t *testing.T) {
	t.Parallel()
	c, o := shop(10_000)
	orders := o.Tables["public.orders"]
	orders.Readers.Mean = 45
	o.Tables["public.orders"] = orders
	if a := assess(t, "ALTER TABLE orders ADD COLUMN a int", c, o, 0)[0]; a.Verdict != risk.Dangerous || a.Findings[0].Wait != 45 {
		t.Errorf("behind long reports: %s: %s", a.Verdict, a.Because)
	}
	if a := assess(t, "CREATE INDEX ON orders (state)", c, o, 0)[0]; a.Verdict != risk.Safe {
		t.Errorf("reports do not hold up SHARE, but it is %s: %s", a.Verdict, a.Because)
	}
	orders.Readers.Mean = 0
	o.Tables["public.orders"] = orders
	o.DiskFree = 1000
	if a := assess(t, "VACUUM FULL orders", c, o, 0)[0]; a.Verdict != risk.Dangerous || !strings.Contains(a.Because, "disk") || a.ReplicaLag <= 0 {
		t.Errorf("without disk: %s: %s", a.Verdict, a.Because)
	}
}

// TestLoadGrows lets the load, and not the table, change: it doubles in a year, or dries up.
func TestLoadGrows(t *testing.T) {
	t.Parallel()
	sql := "CREATE INDEX ON orders (state)"
	follow := func(rate, perDay float64) *risk.Outlook {
		_, o := shop(3_000_000)
		orders := o.Tables["public.orders"]
		orders.Days = nil
		o.Tables["public.orders"] = orders
		o.Statements = []risk.Statement{load("UPDATE orders SET state = $1", rate)}
		for d := range 365 {
			f := max(0, 1+perDay*float64(d+1))
			o.Load = append(o.Load, forecast.Quantiles{P10: 0.9 * f, P50: f, P90: 1.2 * f})
		}
		return o
	}
	c, _ := shop(3_000_000)
	o := follow(20, 1.0/365)
	now := assess(t, sql, c, o, 0)[0]
	o.FreeConnections = 1.5 * now.Findings[0].Queued
	now = assess(t, sql, c, o, 0)[0]
	if now.Verdict != risk.Careful || now.Becomes != risk.Dangerous || math.Abs(now.ChangesOn.Sub(monday).Hours()/24-183) > 2 || !now.EarlyOn.Before(now.ChangesOn) {
		t.Errorf("half more load in half a year: %s, %s on %v, early on %v", now.Verdict, now.Becomes, now.ChangesOn, now.EarlyOn)
	}
	then := assess(t, sql, c, o, 365)[0]
	if f := then.Findings[0]; then.Verdict != risk.Dangerous || math.Abs(f.Conflicting/now.Findings[0].Conflicting-2) > 1e-9 || math.Abs(f.AtBest/now.Findings[0].AtBest-2) > 1e-9 {
		t.Errorf("in a year: %s, %v statements a second and not twice %v", then.Verdict, f.Conflicting, now.Findings[0].Conflicting)
	}
	o = follow(20, -1.0/100)
	o.FreeConnections = now.Findings[0].Queued / 2
	if a := assess(t, sql, c, o, 0)[0]; a.Verdict != risk.Dangerous || a.Becomes != risk.Careful || math.Abs(a.ChangesOn.Sub(monday).Hours()/24-50) > 2 {
		t.Errorf("half of the load in fifty days: %s, %s on %v", a.Verdict, a.Becomes, a.ChangesOn)
	}
	o.FreeConnections = math.NaN()
	if a := assess(t, "ALTER TABLE orders RENAME COLUMN state TO status", c, follow(20, 1.0/365), 365)[0]; math.Abs(a.BrokenRate/(40*(1-0.9/24))-1) > 1e-9 {
		t.Errorf("%v broken statements a second", a.BrokenRate)
	}
}

// TestBestHourWaitsLittle has the least load at three, when a report holds the table, and little more at four.
func TestBestHourWaitsLittle(t *testing.T) {
	t.Parallel()
	c, o := shop(100_000)
	o.Statements = []risk.Statement{load("SELECT * FROM orders", 100)}
	for h := range o.Statements[0].Hours {
		if (h+11)%24 == 4 {
			o.Statements[0].Hours[h] = 20
		}
	}
	best := func() risk.Finding {
		return assess(t, "ALTER TABLE orders ADD COLUMN a int", c, o, 0)[0].Findings[0]
	}
	if f := best(); f.BestHour.Hour() != 3 {
		t.Errorf("by load alone the best hour is %v", f.BestHour)
	}
	orders := o.Tables["public.orders"]
	orders.Readers = risk.Wait{Mean: 30, Hours: make([]float64, 168)}
	for h := range orders.Readers.Hours {
		if (h+11)%24 < 4 {
			orders.Readers.Hours[h] = 180
		}
	}
	o.Tables["public.orders"] = orders
	if f := best(); f.BestHour.Hour() != 4 || f.AtBest != 20 || f.QueuedBest >= f.Queued || f.Wait != 30 {
		t.Errorf("%+v", f)
	}
	clear(o.Statements[0].Hours)
	if f := best(); f.BestHour.Hour() != 11 || f.QueuedBest != 0 {
		t.Errorf("without load the first hour without a wait is best, not %v", f.BestHour)
	}
}
