package predict

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/shadow"
	"foreshadow/forecast"
	"foreshadow/forecast/hazard"
	"foreshadow/sql/sqlerr"
)

const ddlHeader = "project,timestamp,committed_at,migration,table,kind,object\n"

func TestReadHistory(t *testing.T) {
	t.Parallel()
	text := ddlHeader + "shop,2024-09-24T11:35:30Z,x,m1,users,create_table,\nshop,2024-10-01 10:00:00,,m2,users,add_column,email\nshop,2024-10-02,,m3,users,rename_table,accounts\n" +
		"shop,2024-10-03,,m4,logs,rename_table,TO\nshop,2024-10-04,,m5,,add_constraint,\nshop,2024-10-05,,m6,mood,create_type,\nother,never,,m,t,k,\n"
	for range bulkEvents - 1 {
		text += "shop,2025-01-01,,squashed,users,add_index,i\n"
	}
	text += "shop,2025-01-01,,squashed,orders,create_table,\n"
	h, err := ReadHistory(strings.NewReader(text), "shop", noon)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range h.Events {
		got = append(got, fmt.Sprint(e.At.Format("2006-01-02T15:04:05 "), e.Relation, " ", e.Kind, " ", e.Object))
	}
	want := "2024-09-24T11:35:30 users create_table |2024-10-01T10:00:00 users add_column email|2024-10-02T00:00:00 accounts rename_table users|" +
		"2024-10-03T00:00:00 logs rename_table |2025-01-01T00:00:00 orders create_table "
	if s := strings.Join(got, "|"); s != want || h.Bulk != 1 || h.Passed != 2 {
		t.Errorf("%s, %d bulk, %d passed", s, h.Bulk, h.Passed)
	}
}

func TestBadHistory(t *testing.T) {
	t.Parallel()
	long := ddlHeader
	for range 30 {
		long += "shop,soon,,m,users,add_column,a\n"
	}
	for text, want := range map[string]string{
		"": "no header", "timestamp,kind\n": `no column "table"`, ddlHeader: "no change of a table",
		ddlHeader + "shop,2024-13-24,,m,users,add_column,a\nshop,2024-01-01,,m,users,frob,a\n": "2 rows of the file cannot be read, so none was imported:\nline 2: timestamp \"2024-13-24\" is not a time\nline 3: kind \"frob\" is not known",
		ddlHeader + "shop,2024-01-01,,m,users,add_column,a\nshop,2024-01-01\n":                 "line 3: wrong number of fields",
		ddlHeader + "shop,2024-01-01,,m,\"users,add_column,a\n":                                "parse error on line 2",
		ddlHeader + "shop,2199-01-01,,m,users,add_column,a\n":                                  "line 2: timestamp 2199-01-01T00:00:00Z lies in the future",
		ddlHeader + "a,2024-01-01,,m,users,add_column,a\nb,2024-01-01,,m,users,add_column,a\n": "histories of 2 projects",
		long: "... and 20 more",
	} {
		if _, err := ReadHistory(strings.NewReader(text), "", noon); err == nil || !strings.Contains(err.Error(), want) || sqlerr.Code(err) == "" {
			t.Errorf("%q: %v, want %q", text[:min(len(text), 200)], err, want)
		}
	}
	var e *sqlerr.Error
	if _, err := ReadHistory(strings.NewReader(ddlHeader+"a,2024-01-01,,m,users,add_column,a\n"), "b", noon); !errors.As(err, &e) || !strings.Contains(e.Hint, "It holds a") {
		t.Errorf("a project that is not there: %v", err)
	}
}

// fullDisk is a store that takes no schema events for now.
type fullDisk struct {
	*fake
	full bool
}

func (f *fullDisk) AppendSchemaEvents(ctx context.Context, events []forecast.SchemaEvent) (int, error) {
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.fake.AppendSchemaEvents(ctx, events)
}

// A history that the store could not take stays where it is, and is taken later.
func TestInboxWaitsForTheStore(t *testing.T) {
	t.Parallel()
	store, inbox := &fullDisk{fake: &fake{now: noon}, full: true}, t.TempDir()
	r, err := New(Options{Store: store, Inbox: inbox, Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	if err := LeaveHistory(inbox, []forecast.SchemaEvent{{Relation: "public.a", Kind: "add_column", Object: "c", At: noon.Add(-day)}}, noon); err != nil {
		t.Fatal(err)
	}
	if r.takeInbox(t.Context()) {
		t.Error("taken by a store that is full")
	}
	store.full = false
	if !r.takeInbox(t.Context()) || len(store.events) != 1 {
		t.Errorf("not taken afterwards: %v", store.events)
	}
}

// A history that was left for the agent is taken once, whatever is left of it again, and the forecast learns from it.
func TestInbox(t *testing.T) {
	t.Parallel()
	store, err := shadow.Open(shadow.Options{Dir: t.TempDir(), MemoryLimit: "512MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	inbox := t.TempDir()
	r, err := New(Options{Store: store, Inbox: inbox, Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	text := ddlHeader + "shop,2020-01-01,,m0,calm,create_table,\n"
	for m := range 60 {
		text += fmt.Sprintf("shop,%s,,m%d,busy,add_column,c%d\n", noon.AddDate(0, -m, -1).Format(time.DateOnly), m+1, m)
	}
	h, err := ReadHistory(strings.NewReader(text), "", noon)
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range []string{"", "timestamp,table,kind\nnever,a,add_column\n"} {
		if err := LeaveHistory(inbox, h.Events, noon.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
		if bad != "" {
			if err := os.WriteFile(filepath.Join(inbox, "bad"+inboxDDL), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := LeaveSamples(inbox, noon.Add(time.Minute), func(use func([]forecast.Sample) error) error {
			return use([]forecast.Sample{{Series: forecast.Series{ID: "db.commits"}, At: noon.Add(-time.Hour), Value: 12.5}})
		}); err != nil {
			t.Fatal(err)
		}
		if !r.takeInbox(t.Context()) || r.takeInbox(t.Context()) {
			t.Error("what was left is taken once")
		}
	}
	events, err := store.SchemaEvents(t.Context())
	if err != nil || len(events) != 61 || events[0].Relation != "public.calm" || events[0].Source != "imported" {
		t.Fatalf("%v, %d events, first %+v", err, len(events), events[:min(len(events), 1)])
	}
	if left, _ := filepath.Glob(filepath.Join(inbox, "*")); len(left) != 1 || !strings.HasSuffix(left[0], inboxDDL+inboxRefused) {
		t.Errorf("left in the inbox: %v", left)
	}
	if s, err := store.Series(t.Context(), forecast.SeriesFilter{ID: "db.commits"}); err != nil || len(s) != 1 || len(s[0].Values) != 1 || s[0].Values[0] != 12.5 || s[0].Source != "import" {
		t.Errorf("%v: the imported series is %+v", err, s)
	}
	known, from, err := r.schemaEvents(t.Context())
	if err != nil || from.Year() != 2020 {
		t.Fatal(from, err)
	}
	in := inputs{at: noon, schema: known, watched: from, tables: []table{{relation: "public.busy"}, {relation: "public.calm"}}}
	chance := map[string]float64{}
	for _, c := range in.schemaChanges(90*day, 365*day, nil) {
		if c.What == hazard.AnyChange {
			chance[c.Relation] = c.Probability
		}
	}
	if chance["public.busy"] < 0.8 || chance["public.calm"] > 0.2 {
		t.Errorf("chances are %v", chance)
	}
}
