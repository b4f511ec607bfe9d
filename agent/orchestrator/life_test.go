package orchestrator_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"foreshadow/agent/orchestrator"
	"foreshadow/agent/pgtest"
	"foreshadow/sql/sqlerr"
)

// smallSQL is a source that builds quickly.
const smallSQL = `CREATE TABLE parents (id serial PRIMARY KEY, name text UNIQUE);
	CREATE TABLE children (id smallserial PRIMARY KEY, parent integer REFERENCES parents, created_at timestamptz DEFAULT now());
	INSERT INTO parents (name) SELECT 'p' || i FROM generate_series(1, 100) i;
	INSERT INTO children (parent) SELECT 1 + i % 100 FROM generate_series(1, 1000) i;`

// small is a source with a projection.
func small(t testing.TB) *primary {
	p := newPrimary(t, smallSQL)
	p.growth = map[string]float64{"public.parents": 150, "public.children": 1700}
	return p
}

func TestPlanIsCanonical(t *testing.T) {
	t.Parallel()
	p := small(t)
	o := newOrchestrator(t, p, func(o *orchestrator.Options) { o.CPU, o.Memory = 2, 1<<30 })
	var texts []string
	for range 5 {
		c, err := o.Plan(within(t), orchestrator.Request{Name: "n", Source: "shop", Horizon: "1 mon 2 days", Params: map[string]string{"quantile": "0.9", "ttl": "2 hours", "max_size": "2GB"}})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(raw))
		back, err := orchestrator.ParseConfig(raw)
		if again, _ := json.Marshal(back); err != nil || string(again) != string(raw) {
			t.Errorf("does not read back: %v", err)
		}
	}
	for _, text := range texts[1:] {
		if text != texts[0] {
			t.Errorf("plans differ:\n%s\n%s", text, texts[0])
		}
	}
	for _, part := range []string{`"horizon":"2026-12-24T12:00:00Z"`, `"ttl_seconds":7200`, `"relation":"public.children","rows_now":850,"rows":3400`, `"max_bytes":2147483648`, `"lsn":"0/1000"`} {
		if !strings.Contains(texts[0], part) {
			t.Errorf("no %s in %s", part, texts[0])
		}
	}
	if _, err := orchestrator.ParseConfig(json.RawMessage(`{"title": "x"}`)); err == nil {
		t.Error("an unknown field was accepted")
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.bytes = 3 << 30
	o := newOrchestrator(t, p, func(o *orchestrator.Options) { o.FreeDisk = func() (int64, error) { return 5 << 30, nil } })
	for _, c := range []struct {
		name, horizon string
		params        map[string]string
		code          string
	}{
		{"Bad", "1 day", nil, "42602"}, {"", "1 day", nil, "42602"}, {"1a", "1 day", nil, "42602"}, {strings.Repeat("a", 64), "1 day", nil, "42602"},
		{"postgres", "1 day", nil, "42602"}, {"shop", "1 day", nil, "42710"},
		{"a", "soon", nil, "22007"}, {"a", "-1 day", nil, "22023"}, {"a", "0 days", nil, "22023"}, {"a", "100 years", nil, "22023"},
		{"a", "1 day", map[string]string{"colour": "red"}, "22023"}, {"a", "1 day", map[string]string{"quantile": "2"}, "22023"},
		{"a", "1 day", map[string]string{"fidelity": "plan"}, "0A000"}, {"a", "1 day", map[string]string{"fidelity": "sample"}, "0A000"}, {"a", "1 day", map[string]string{"fidelity": "x"}, "22023"},
		{"a", "1 day", map[string]string{"backend": "kubernetes"}, "0A000"}, {"a", "1 day", map[string]string{"apply": "DROP TABLE x"}, "0A000"}, {"a", "1 day", map[string]string{"load": "on"}, "0A000"},
		{"a", "1 day", map[string]string{"ttl": "-1 hour"}, "22023"}, {"a", "1 day", map[string]string{"max_size": "much"}, "22023"}, {"a", "1 day", map[string]string{"max_size": "900TB"}, "22023"},
		{"a", "1 day", map[string]string{"cpu": "0"}, "22023"}, {"a", "1 day", map[string]string{"memory": "1MB"}, "22023"}, {"a", "1 day", map[string]string{"seed": "x"}, "22023"},
		{"a", "1 day", map[string]string{"max_size": "4GB"}, "53400"}, {"a", "1 day", nil, "53100"},
	} {
		_, err := o.Plan(within(t), orchestrator.Request{Name: c.name, Source: "shop", Horizon: c.horizon, Params: c.params})
		e := sqlerr.From(err)
		if err == nil || e.Code != c.code {
			t.Errorf("%+v: %v", c, err)
		} else if e.Hint == "" && !strings.Contains(e.Message, "limit of") {
			t.Errorf("%+v: no hint with %v", c, err)
		}
	}
	if _, err := o.Plan(within(t), orchestrator.Request{Name: "a", Horizon: "1 day", AsOf: now}); sqlerr.Code(err) != "42601" {
		t.Errorf("horizon and past: %v", err)
	}
	if _, err := o.Plan(within(t), orchestrator.Request{Name: "a", AsOf: now.Add(-time.Hour)}); sqlerr.Code(err) != "0A000" {
		t.Errorf("past without history: %v", err)
	}
	for _, name := range []string{"none", "x"} {
		if _, err := o.Dial(within(t), name, "postgres", nil); sqlerr.Code(err) != "42704" {
			t.Errorf("dial %s: %v", name, err)
		}
		if err := o.Drop(within(t), name); sqlerr.Code(err) != "42704" {
			t.Errorf("drop %s: %v", name, err)
		}
		if err := o.Alter(within(t), name, map[string]string{"ttl": "1 day"}); sqlerr.Code(err) != "42704" {
			t.Errorf("alter %s: %v", name, err)
		}
	}
}

func TestLifeOfAnInstance(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := filepath.Join(pgtest.Dir(t), "instances")
	var clock sync.Mutex
	at := now
	opts := func(o *orchestrator.Options) {
		o.Dir, o.CheckEvery, o.MaxConnections = dir, 20*time.Millisecond, 2
		o.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return at }
	}
	o := newOrchestrator(t, p, opts)
	c := build(t, o, "one", nil)
	ctx := within(t)
	if err := o.Create(ctx, c, "hash of one", 1); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := o.Create(ctx, c, "another hash", 2); sqlerr.Code(err) != "42710" {
		t.Errorf("name taken: %v", err)
	}
	if _, err := o.Plan(ctx, orchestrator.Request{Name: "one", Horizon: "1 day"}); sqlerr.Code(err) != "42710" {
		t.Errorf("plan of a taken name: %v", err)
	}
	first, second := enter(t, o, "one", "postgres"), enter(t, o, "one", "postgres")
	if _, err := o.Dial(ctx, "one", "postgres", nil); sqlerr.Code(err) != "53300" {
		t.Errorf("third connection: %v", err)
	}
	if _, err := o.Dial(ctx, "one", "foreshadow_instance_owner", nil); err == nil {
		t.Error("a client is the owner")
	}
	query(t, first, "CREATE TEMP TABLE x (a int)")
	_ = first.Close(ctx)
	_ = second.Close(ctx)
	query(t, enter(t, o, "one", "postgres"), "DELETE FROM children WHERE id = 1")

	// a restart of the agent
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = newOrchestrator(t, p, opts)
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- o.Run(running) }()
	if got := query(t, enter(t, o, "one", "postgres"), "SELECT count(*) FROM children"); got[0] != "1699" {
		t.Errorf("after a restart %v children", got)
	}
	if err := o.Create(ctx, c, "hash of one", 1); err != nil {
		t.Errorf("the same after a restart: %v", err)
	}
	if len(o.Reports()) == 0 {
		t.Error("the report is lost")
	}

	// a crash of the instance
	crash(t, filepath.Join(dir, "data", "one"))
	until(t, func() bool {
		conn, err := o.Dial(ctx, "one", "postgres", nil)
		if err == nil {
			_ = conn.Proxy.Conn.Close()
		}
		return err == nil
	})

	// limits
	if err := o.Alter(ctx, "one", map[string]string{"fidelity": "full"}); sqlerr.Code(err) != "22023" {
		t.Errorf("alter fidelity: %v", err)
	}
	if err := o.Alter(ctx, "one", map[string]string{"max_size": "2MB", "ttl": "1 day"}); err != nil {
		t.Fatal(err)
	}
	conn := enter(t, o, "one", "postgres")
	if _, err := conn.Exec(ctx, "DELETE FROM children").ReadAll(); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("a write above max_size: %v", err)
	}
	if got := o.List()[0]; !got.ExpiresAt.Equal(now.Add(24*time.Hour)) || got.MaxSize != 2<<20 || !strings.Contains(got.Message, "max_size") {
		t.Errorf("listed as %+v", got)
	}
	clock.Lock()
	at = now.Add(25 * time.Hour)
	clock.Unlock()
	until(t, func() bool { return len(o.List()) == 0 })
	if rest := leftovers(t, dir); len(rest) > 0 {
		t.Errorf("left: %v", rest)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// until polls with a deadline.
func until(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in time")
		}
	}
}

// crash kills the server of a data directory.
func crash(t testing.TB, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(b), "\n", 2)[0])
	if err != nil || pid < 2 {
		t.Fatalf("pid %d: %v", pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// TestBrokenBuildsLeaveNothing breaks a build off in every way there is.
func TestBrokenBuildsLeaveNothing(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := filepath.Join(pgtest.Dir(t), "instances")
	o := newOrchestrator(t, p, func(o *orchestrator.Options) { o.Dir = dir })
	ctx, cancel := context.WithCancel(within(t))
	reached, proceed := make(chan struct{}), make(chan struct{})
	p.before = func(ctx context.Context) { // holds the build until it is broken off or goes on
		select {
		case reached <- struct{}{}:
			select {
			case <-ctx.Done():
			case <-proceed:
			}
		case <-ctx.Done():
		case <-proceed:
		}
	}
	for _, c := range []struct {
		name string
		stop func()
		code string
	}{
		{"canceled by name", func() { _ = o.Cancel("broken") }, "57014"},
		{"dropped", func() { _ = o.Drop(within(t), "broken") }, "57014"},
		{"canceled", cancel, "57014"},
		{"crashed", func() { crash(t, filepath.Join(dir, "data", "broken")); close(proceed) }, ""},
	} {
		plan, err := o.Plan(within(t), orchestrator.Request{Name: "broken", Source: "shop", Horizon: "30 days"})
		if err != nil {
			t.Fatal(err)
		}
		building := ctx
		if c.name == "crashed" {
			building = within(t)
		}
		outcome := make(chan error, 1)
		go func() { outcome <- o.Create(building, plan, "hash", 1) }()
		<-reached
		if st := o.List()[0].State; st != orchestrator.Building {
			t.Errorf("state is %s", st)
		}
		if _, err := o.Dial(within(t), "broken", "postgres", nil); sqlerr.Code(err) != "57P03" {
			t.Errorf("dial while building: %v", err)
		}
		c.stop()
		err = <-outcome
		if err == nil || (c.code != "" && sqlerr.Code(err) != c.code) {
			t.Errorf("%s: %v", c.name, err)
		}
		if rest := leftovers(t, dir); len(rest) > 0 {
			t.Errorf("%s left %v", c.name, rest)
		}
	}
	for _, op := range o.Operations() {
		if !op.Finished {
			t.Errorf("unfinished: %+v", op)
		}
	}
}

func TestLimitsWhileBuilding(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := filepath.Join(pgtest.Dir(t), "instances")
	o := newOrchestrator(t, p, func(o *orchestrator.Options) { o.Dir = dir })
	plan, err := o.Plan(within(t), orchestrator.Request{Name: "big", Source: "shop", Horizon: "30 days"})
	if err != nil {
		t.Fatal(err)
	}
	plan.StorageCapacity.Estimate, plan.StorageCapacity.Max = 1<<20, 2<<20
	if err := o.Create(within(t), plan, "h", 1); sqlerr.Code(err) != "53400" {
		t.Errorf("above max_size: %v", err)
	}
	if rest := leftovers(t, dir); len(rest) > 0 {
		t.Errorf("left: %v", rest)
	}
	if got := o.List(); len(got) != 1 || got[0].State != orchestrator.Failed || !strings.Contains(got[0].Message, "max_size") {
		t.Errorf("listed: %+v", got)
	}
	if _, err := o.Dial(within(t), "big", "postgres", nil); sqlerr.Code(err) != "55000" {
		t.Errorf("dial a failed one: %v", err)
	}
	build(t, o, "big", nil) // the name is free again
	if err := o.Drop(within(t), "big"); err != nil || len(o.List()) != 0 {
		t.Errorf("drop: %v, left %v", err, o.List())
	}
	if rest := leftovers(t, dir); len(rest) > 0 {
		t.Errorf("left after a drop: %v", rest)
	}
}

func TestHalfBuiltIsSweptAtStart(t *testing.T) {
	t.Parallel()
	p := small(t)
	dir := filepath.Join(pgtest.Dir(t), "instances")
	o := newOrchestrator(t, p, func(o *orchestrator.Options) { o.Dir = dir })
	c := build(t, o, "half", nil)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "records", "half.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), `"state": "ready"`, `"state": "building"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	o = newOrchestrator(t, p, func(o *orchestrator.Options) { o.Dir = dir })
	if rest := leftovers(t, dir); len(rest) > 0 || len(o.List()) > 0 {
		t.Errorf("left: %v, listed %v", rest, o.List())
	}
	if err := o.Create(within(t), c, "hash of half", 1); err != nil {
		t.Errorf("built again: %v", err)
	}
}

// TestKeysRunOut grows a table beyond its key's type: gaps are used, and where there are none the error names the column.
func TestKeysRunOut(t *testing.T) {
	t.Parallel()
	p := small(t)
	p.Exec(t, p.db, "UPDATE children SET id = id + 31700")
	o := newOrchestrator(t, p, nil)
	build(t, o, "gaps", nil)
	if got := query(t, enter(t, o, "gaps", "postgres"), "SELECT count(*), min(id), max(id) FROM children"); got[0] != "1700|1|32700" {
		t.Errorf("children: %v", got)
	}
	found := false
	for _, r := range o.Reports() {
		found = found || r.CheckName == "key space" && r.Relation == "public.children"
	}
	if !found {
		t.Error("the report does not say that the key runs out")
	}
	p.growth["public.children"] = 40000
	plan, err := o.Plan(within(t), orchestrator.Request{Name: "over", Source: "shop", Horizon: "30 days"})
	if err != nil {
		t.Fatal(err)
	}
	err = o.Create(within(t), plan, "h", 1)
	if e := sqlerr.From(err); e.Code != "22003" || !strings.Contains(e.Message, "public.children.id") || !strings.Contains(e.Hint, "limits_forecast") {
		t.Errorf("keys run out: %v", err)
	}
}
