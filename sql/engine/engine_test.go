package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"foreshadow/sql/result"
	"foreshadow/sql/session"
	"foreshadow/sql/sqlerr"
)

// fakeMirror has tables orders and guarded, and does nothing with statements but remember them.
type fakeMirror struct {
	tx     byte
	failed int
}

func (m *fakeMirror) Session(context.Context, string, map[string]string) (MirrorSession, error) {
	return m, nil
}

func (m *fakeMirror) Prepare(_ context.Context, sql string, _ []uint32) (string, []uint32, []result.Field, error) {
	return sql, nil, nil, nil
}

func (m *fakeMirror) Execute(_ context.Context, name string, _ [][]byte, _, _ []int16) (result.Rows, error) {
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "BEGIN":
		m.tx = 'T'
	case "ROLLBACK", "COMMIT":
		m.tx = 'I'
	}
	return newMemory(nil, outcome{tag: "mirror: " + strings.TrimSpace(name)}), nil
}

func (m *fakeMirror) Query(_ context.Context, sql string, args ...string) ([][]*string, error) {
	p := func(s string) *string { return &s }
	switch {
	case strings.Contains(sql, "interval"):
		if args[0] == "nonsense" {
			return nil, sqlerr.New("22007", "invalid input syntax for type interval: \"nonsense\"")
		}
		return [][]*string{{p("7776000000000")}}, nil
	case strings.Contains(sql, "current_schemas"):
		return [][]*string{{nil, p(`["pg_catalog","public"]`), p("here")}}, nil
	case strings.Contains(sql, "timestamptz"):
		return [][]*string{{p("1767225600000000")}}, nil
	case strings.Contains(sql, "pg_read_all_data"):
		return [][]*string{{p("false"), p("false"), p("16384")}}, nil
	case strings.Contains(sql, "row_security_active") && strings.Contains(sql, "json_agg"):
		if strings.Contains(args[0], "orders") {
			return [][]*string{{p(`"orders"`), p("16384"), p("public"), p("orders"), p("r"), p("false"), p("false"), p("false"), nil, p(`[["id",20,-1,false,false]]`)}}, nil
		}
		if strings.Contains(args[0], "pg_class") {
			return [][]*string{{p(`"pg_class"`), p("1259"), p("pg_catalog"), p("pg_class"), p("r"), p("true"), p("false"), p("false"), nil, nil}}, nil
		}
		if strings.Contains(args[0], "guarded") {
			return [][]*string{{p(`"guarded"`), p("16385"), p("public"), p("guarded"), p("r"), p("false"), p("true"), p("false"), nil, p(`[["id",20,-1,false,false]]`)}}, nil
		}
		return nil, nil
	}
	return nil, fmt.Errorf("unexpected question %q", sql)
}

func (m *fakeMirror) Check(ctx context.Context, _, name string, _ [][]byte, _ []int16) (result.Rows, error) {
	return m.Execute(ctx, name, nil, nil, nil)
}

func (m *fakeMirror) Open(context.Context, string, string, [][]byte, []int16, []int16) error {
	return nil
}

func (m *fakeMirror) Fetch(_ context.Context, portal string, _ int64) (result.Rows, error) {
	return newMemory(nil, outcome{tag: "portal: " + portal}), nil
}

func (m *fakeMirror) Drop(string)                {}
func (m *fakeMirror) Deallocate(string)          {}
func (m *fakeMirror) Sync(context.Context) error { return nil }
func (m *fakeMirror) Fail(context.Context) error {
	m.failed++
	if m.tx == 'T' {
		m.tx = 'E'
	}
	return nil
}
func (m *fakeMirror) TxStatus() byte                        { return m.tx }
func (m *fakeMirror) Status() map[string]string             { return map[string]string{"server_version": "15"} }
func (m *fakeMirror) Notices() []*sqlerr.Error              { return nil }
func (m *fakeMirror) Notifications() []session.Notification { return nil }
func (m *fakeMirror) Cancel()                               {}
func (m *fakeMirror) Close() error                          { return nil }

type fakeShadow struct{}

func (fakeShadow) Reading(ctx context.Context) (context.Context, func())    { return ctx, func() {} }
func (fakeShadow) Source(context.Context, Ref) (string, error)              { return "SELECT 1 AS id", nil }
func (fakeShadow) Moment(_ context.Context, at AsOf) (AsOf, error)          { return at, nil }
func (fakeShadow) At(context.Context, Named, AsOf) (*Shape, error)          { return nil, nil }
func (fakeShadow) Diff(context.Context, uint32, AsOf, AsOf) (string, error) { return "", nil }
func (fakeShadow) AsText(uint32) []string                                   { return nil }
func (fakeShadow) Query(context.Context, Query) (result.Rows, error) {
	return newMemory(nil, outcome{tag: "SELECT 0"}), nil
}

func (f fakeShadow) Together(ctx context.Context, do func(func(Query) (result.Rows, error)) error) error {
	return do(func(q Query) (result.Rows, error) { return f.Query(ctx, q) })
}

// fakeWorld is logins, governance, planner and instances of one person called alice.
type fakeWorld struct{ approved []string }

func (w *fakeWorld) Verifier(_ context.Context, user string) (string, error) { return "v:" + user, nil }
func (w *fakeWorld) Login(_ context.Context, user string) (Login, error) {
	return Login{Name: user, Role: "reader", Account: "data_owner"}, nil
}
func (w *fakeWorld) SetVerifier(context.Context, Login, string) error { return nil }
func (w *fakeWorld) Plan(_ context.Context, _ Login, in Intent) (Proposal, error) {
	plan, err := json.Marshal(map[string]any{"source": in.Source, "horizon": in.Horizon.String(), "lsn": in.AsOf.LSN})
	return Proposal{Kind: fmt.Sprintf("%T", in.Statement), Source: in.Source, Statement: in.Text, Plan: plan}, err
}

func (w *fakeWorld) request(id int64) (Request, error) {
	if id > 7 {
		return Request{}, sqlerr.New(sqlerr.UndefinedObject, "request %d does not exist", id)
	}
	return Request{ID: id, State: "PENDING", Hash: "abc", Kind: "create_instance", Plan: json.RawMessage(`{"a":1}`), Missing: "data_owner"}, nil
}

func (w *fakeWorld) Propose(_ context.Context, _ Login, p Proposal) (Request, error) {
	return Request{ID: 7, State: "PENDING", Hash: "abc", Plan: p.Plan, Missing: p.Kind + ": " + p.Statement}, nil
}
func (w *fakeWorld) Show(_ context.Context, id int64) (Request, error) { return w.request(id) }
func (w *fakeWorld) Approve(_ context.Context, _ Login, id int64, hash string) (Request, error) {
	w.approved = append(w.approved, hash)
	return w.request(id)
}
func (w *fakeWorld) Reject(_ context.Context, _ Login, id int64, _ string) (Request, error) {
	return w.request(id)
}
func (w *fakeWorld) RevokeApproval(_ context.Context, _ Login, id int64) (Request, error) {
	return w.request(id)
}
func (w *fakeWorld) Withdraw(_ context.Context, _ Login, id int64) (Request, error) {
	return w.request(id)
}
func (w *fakeWorld) Freeze(context.Context, Login, string) error     { return nil }
func (w *fakeWorld) Deactivate(context.Context, Login, string) error { return nil }
func (w *fakeWorld) Watch(context.Context) <-chan RequestEvent       { return nil }
func (w *fakeWorld) VerifyAudit(context.Context) (AuditReport, error) {
	return AuditReport{Entries: 3, OK: true, Head: "h"}, nil
}
func (w *fakeWorld) Exists(_ context.Context, name string) (bool, error) {
	return name == "future", nil
}
func (w *fakeWorld) Connect(context.Context, Login, string, session.Startup) (*session.Proxy, error) {
	ours, _ := net.Pipe()
	return &session.Proxy{Conn: ours}, nil
}

// Verify compares two tables, of which one differs; it fails when asked for none.
func (w *fakeWorld) Verify(_ context.Context, tables []uint32, each func(Verdict) error) error {
	if err := each(Verdict{Relation: fmt.Sprintf("public.t%d", tables[0]), State: "equal", LSN: 255, Rows: 3, Chunks: 2}); err != nil {
		return err
	}
	if err := each(Verdict{Relation: "public.skipped", State: "not verified", Detail: "reason"}); err != nil {
		return err
	}
	if len(tables) > 1 {
		return sqlerr.New(sqlerr.ConnectionFailure, "the primary cannot be asked")
	}
	return each(Verdict{Relation: "public.other", State: "different", LSN: 256, Rows: 3, Chunks: 3, Differing: 1, Detail: "(id)=(1): only on the primary", Hint: "copy it again"})
}

func newTestEngine(t *testing.T) (*Engine, *fakeMirror, *fakeWorld) {
	t.Helper()
	m, w := &fakeMirror{tx: 'I'}, &fakeWorld{}
	e, err := New(Options{Logins: w, Governance: w, Planner: w, Instances: w, Now: func() time.Time { return time.Unix(0, 0) },
		Sources: []Source{{Name: "shop", Mirror: m, Shadow: fakeShadow{}, Verifier: w}}})
	if err != nil {
		t.Fatal(err)
	}
	return e, m, w
}

// TestStatements reads testdata: statements of one session in turn, each with its tag, rows, notices or error.
func TestStatements(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		e, _, _ := newTestEngine(t)
		s, err := e.Connect(t.Context(), session.Startup{User: "alice", Database: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			execute(t.Context(), s, d.Input, &b)
			return b.String()
		})
	})
}

// execute runs a query string as the simple protocol does.
func execute(ctx context.Context, s session.Session, sql string, b *strings.Builder) {
	err := func() error {
		texts, err := s.Parse(ctx, sql)
		if err != nil {
			return err
		}
		for _, t := range texts {
			if err := one(ctx, s, t, b); err != nil {
				return err
			}
		}
		return nil
	}()
	for _, n := range s.Notices() {
		fmt.Fprintf(b, "%s: %s\n", n.Severity, n.Message)
	}
	if err != nil {
		e := sqlerr.From(err)
		fmt.Fprintf(b, "%s at %d: %s\n", e.Code, e.Position, e.Message)
		if e.Hint != "" {
			fmt.Fprintf(b, "hint: %s\n", e.Hint)
		}
	}
	_ = s.Sync(ctx)
}

func one(ctx context.Context, s session.Session, t session.Text, b *strings.Builder) error {
	st, err := s.Prepare(ctx, t, nil)
	if err != nil {
		return err
	}
	p, err := st.Bind(ctx, nil, nil)
	if err != nil {
		return err
	}
	rows, err := p.Rows(ctx)
	if err != nil {
		return err
	}
	for {
		batch, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := range batch.Len {
			for c, f := range p.Fields() {
				col := &batch.Columns[c]
				text := string(col.Bytes[i])
				if col.Kind == result.Int || col.Kind == result.Bool {
					text = fmt.Sprint(col.Ints[i])
				}
				if col.Null(i) {
					text = "NULL"
				}
				fmt.Fprintf(b, "%s=%s ", f.Name, text)
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(b, "%s\n", rows.Tag())
	return nil
}

// TestConnect holds where a database's name leads.
func TestConnect(t *testing.T) {
	t.Parallel()
	e, _, _ := newTestEngine(t)
	if s, err := e.Connect(t.Context(), session.Startup{User: "alice", Database: "future"}); err != nil || s.Proxy() == nil {
		t.Errorf("instance: %v, %v", s, err)
	}
	if s, err := e.Connect(t.Context(), session.Startup{User: "shop"}); err != nil || s.Proxy() != nil {
		t.Errorf("source by the user's name: %v, %v", s, err)
	}
	if _, err := e.Connect(t.Context(), session.Startup{User: "alice", Database: "nowhere"}); sqlerr.Code(err) != sqlerr.InvalidCatalogName {
		t.Errorf("unknown database: %v", err)
	}
	if v, err := e.Verifier(t.Context(), "alice"); v != "v:alice" || err != nil {
		t.Errorf("verifier: %q, %v", v, err)
	}
}

// TestShownHash holds that another session's look at a request lets nobody approve without a hash.
func TestShownHash(t *testing.T) {
	t.Parallel()
	e, _, w := newTestEngine(t)
	var out strings.Builder
	for _, sql := range []string{"SHOW REQUEST 1", "APPROVE REQUEST 1"} {
		s, err := e.Connect(t.Context(), session.Startup{User: "alice", Database: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		execute(t.Context(), s, sql, &out)
	}
	if len(w.approved) != 0 {
		t.Errorf("approved %v\n%s", w.approved, out.String())
	}
}

// TestShadowError holds the codes that DuckDB's errors become.
func TestShadowError(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Invalid Input Error: FS22012:division by zero":                                                                                     "22012 division by zero",
		"Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!":                                                               "22003 integer out of range",
		"Conversion Error: Type INT64 with value 5000000000 can't be cast because the value is out of range for the destination type INT32": "22003 integer out of range",
		"Invalid Input Error: More than one row returned by a subquery used as an expression":                                               "21000 more than one row returned by a subquery used as an expression",
		"Out of Memory Error: failed": "53200 out of memory",
		"Binder Error: no function":   "0A000 this statement is not supported by the shadow",
		`Binder Error: Values list "s" does not have a column named "note", candidates: total DECIMAL(10,2)`: "55000 the columns of a table have just changed on the primary",
		"Catalog Error: Table with name v16384_2 does not exist!":                                            "55000 the columns of a table have just changed on the primary",
		"Binder Error: no function sum(DECIMAL(10,2))":                                                       "0A000 this statement is not supported by the shadow",
		"INTERRUPT Error: Interrupted!":                                                                      "57014 canceling statement due to user request",
		"Conversion Error: Could not cast value 100 to DECIMAL(3,2)":                                         "22003 numeric field overflow",
	} {
		e := sqlerr.From(shadowError(errors.New(in)))
		if got := e.Code + " " + e.Message; got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	if e := sqlerr.From(shadowError(context.Canceled)); e.Code != sqlerr.QueryCanceled {
		t.Errorf("cancel: %v", e)
	}
	if e := sqlerr.From(shadowError(sqlerr.New(sqlerr.SnapshotTooOld, "gone"))); e.Code != sqlerr.SnapshotTooOld {
		t.Errorf("worded already: %v", e)
	}
}
