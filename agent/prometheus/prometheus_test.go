package prometheus

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

var now = time.Date(2026, 11, 2, 12, 34, 56, 0, time.UTC)

// known is what the server of a test has: by the query, series with their labels and their values.
type known map[string][]struct {
	labels map[string]string
	at     func(time.Time) float64
}

// server answers as Prometheus's HTTP API does (prometheus.io/docs/prometheus/latest/querying/api), with its limits and its words.
type server struct {
	*httptest.Server
	mu        sync.Mutex
	known     known
	asked     int
	busy      int // so many answers are 503
	maxPoints int // above which a query loads too many samples; 0 is never
	login     string
	reply     func(w http.ResponseWriter) // instead of an answer
}

func serve(t *testing.T, s *server) *server {
	t.Helper()
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	fail := func(status int, kind, text string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": kind, "error": text})
	}
	start, err1 := time.Parse(time.RFC3339, r.FormValue("start"))
	end, err2 := time.Parse(time.RFC3339, r.FormValue("end"))
	step, err3 := strconv.ParseFloat(r.FormValue("step"), 64)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case s.reply != nil:
		s.reply(w)
		return
	case r.Method != http.MethodGet || r.URL.Path != "/prom/api/v1/query_range":
		http.NotFound(w, r)
		return
	case s.login != "" && r.Header.Get("Authorization") != s.login:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, "Unauthorized")
		return
	case s.busy > 0:
		s.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "Service Unavailable")
		return
	case err1 != nil || err2 != nil || err3 != nil || step <= 0 || end.Before(start):
		fail(400, "bad_data", `invalid parameter "start" or "end" or "step"`)
		return
	case end.Sub(start).Seconds()/step > 11000:
		fail(400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
		return
	case s.maxPoints > 0 && end.Sub(start).Seconds()/step >= float64(s.maxPoints):
		fail(422, "execution", "query processing would load too many samples into memory in query execution")
		return
	}
	result := []any{}
	for _, k := range s.known[r.FormValue("query")] {
		var values []any
		for at := start; !at.After(end); at = at.Add(time.Duration(step * float64(time.Second))) {
			if v := k.at(at); v >= 0 || math.IsNaN(v) {
				values = append(values, []any{float64(at.UnixMilli()) / 1000, strconv.FormatFloat(v, 'f', -1, 64)})
			}
		}
		if values != nil {
			result = append(result, map[string]any{"metric": k.labels, "values": values})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": result}, "infos": []string{}})
}

func one(at func(time.Time) float64) []struct {
	labels map[string]string
	at     func(time.Time) float64
} {
	return []struct {
		labels map[string]string
		at     func(time.Time) float64
	}{{map[string]string{}, at}}
}

// shop is a database with a rate that is each hour's number, a table that was made a month ago, and gaps.
func shop() known {
	hours := func(at time.Time) float64 { return float64(at.Unix() / 3600) }
	k := known{
		`sum(rate(pg_stat_database_xact_commit{datname="shop",instance="db1:9187"}[1h]))`: one(hours),
		`1 - sum(rate(node_cpu_seconds_total{mode=~"idle|iowait"}[1h])) / sum(rate(node_cpu_seconds_total{}[1h]))`: one(func(at time.Time) float64 {
			if at.Hour() == 3 {
				return math.NaN()
			}
			return 0.5
		}),
		`min(avg_over_time(node_filesystem_avail_bytes{mountpoint="/data"}[1h]))`: one(hours),
	}
	k[`max by (schemaname, relname) (last_over_time(pg_stat_user_tables_n_live_tup{datname="shop",instance="db1:9187"}[1h]))`] = []struct {
		labels map[string]string
		at     func(time.Time) float64
	}{
		{map[string]string{"schemaname": "public", "relname": "orders"}, func(at time.Time) float64 { return float64(at.Unix() / 86400) }},
		{map[string]string{"schemaname": "billing", "relname": "invoices"}, func(at time.Time) float64 {
			if at.Before(now.AddDate(0, 0, -30)) {
				return -1
			}
			return 7
		}},
	}
	return k
}

func read(t *testing.T, s *server, change func(*Options)) (map[string][]forecast.Sample, []string, error) {
	t.Helper()
	o := Options{URL: s.URL + "/prom", Database: "shop", Postgres: `instance="db1:9187"`, Mountpoint: "/data", From: now.AddDate(0, 0, -100), To: now, Retry: time.Microsecond}
	if change != nil {
		change(&o)
	}
	got := map[string][]forecast.Sample{}
	missing, err := Read(t.Context(), o, func(samples []forecast.Sample) error {
		for _, p := range samples {
			got[p.Series.ID] = append(got[p.Series.ID], p)
		}
		return nil
	})
	return got, missing, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{"plain": {}, "busy": {busy: 3}, "login": {login: "Bearer secret"}, "small": {maxPoints: 100}} {
		s.known = shop()
		serve(t, s)
		var steps []Progress
		got, missing, err := read(t, s, func(o *Options) {
			o.Header = http.Header{"Authorization": {"Bearer secret"}}
			o.Progress = func(p Progress) { steps = append(steps, p) }
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		commits := got["db.commits"]
		if len(commits) != 2400 || len(got["host.cpu"]) != 2300 || len(got["host.disk_free"]) != 2400 || len(got["volume.rows:public.orders"]) != 100 || len(got["volume.rows:billing.invoices"]) != 30 {
			t.Errorf("%s: %d commits, %d cpu, %d rows, %d young rows", name, len(commits), len(got["host.cpu"]), len(got["volume.rows:public.orders"]), len(got["volume.rows:billing.invoices"]))
			continue
		}
		for i, p := range commits { // each belongs to the hour before the point, once, in order
			if p.Value != float64(p.At.Unix()/3600+1) || p.Series.Source != "import" || p.Series.Unit != "1/s" || i > 0 && p.At.Sub(commits[i-1].At) != time.Hour {
				t.Fatalf("%s: %+v", name, p)
			}
		}
		if last := commits[2399].At; !last.Equal(now.Truncate(time.Hour).Add(-time.Hour)) {
			t.Errorf("%s: the last hour is %v", name, last)
		}
		if len(missing) != len(sources)-4 || missing[0] != "db.rollbacks" {
			t.Errorf("%s: missing %v", name, missing)
		}
		if n := len(steps); n < len(sources) || steps[3].Done != steps[3].Total || steps[3].Values != 2400 || steps[0].Values >= 2400 {
			if name != "small" {
				t.Errorf("%s: progress %+v", name, steps[:min(n, 5)])
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	text := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for want, c := range map[string]struct {
		s      *server
		change func(*Options)
		asked  int
	}{
		"refuses the login (HTTP 401)":                     {&server{login: "Basic x"}, nil, 1},
		"cannot answer now (HTTP 503)":                     {&server{busy: 1000}, nil, tries},
		"refuses the query (bad_data): unknown position":   {&server{reply: text(400, `{"status":"error","errorType":"bad_data","error":"unknown position"}`)}, nil, 1},
		"not Prometheus's answer (HTTP 200): <html> hello": {&server{reply: text(200, "<html>\n hello")}, nil, 1},
		"not Prometheus's answer (HTTP 404)":               {&server{}, func(o *Options) { o.URL += "/else" }, 1},
		"with a vector and not with a matrix":              {&server{reply: text(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`)}, nil, 1},
		"not Prometheus's answer (HTTP 200): {\"status\"":  {&server{reply: text(200, `{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"x"]]}]}}`)}, nil, 1},
		"no history of database \"shop\"":                  {&server{}, nil, -1},
		"must be a URL":                                    {&server{}, func(o *Options) { o.URL = "prometheus:9090" }, 0},
		"holds a login":                                    {&server{}, func(o *Options) { o.URL = strings.Replace(o.URL, "://", "://me:secret@", 1) }, 0},
		"there is no time between":                         {&server{}, func(o *Options) { o.To = o.From }, 0},
		"loads too many samples":                           {&server{reply: text(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`)}, nil, -1},
	} {
		serve(t, c.s)
		_, _, err := read(t, c.s, c.change)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, want)
		}
		if c.asked >= 0 && c.s.asked != c.asked {
			t.Errorf("%s: asked %d times, not %d", want, c.s.asked, c.asked)
		}
	}
	gone := serve(t, &server{})
	gone.Close()
	if _, _, err := read(t, gone, nil); sqlerr.Code(err) != sqlerr.ConnectionFailure || strings.Contains(err.Error(), "query=") {
		t.Errorf("a server that is away: %v", err)
	}
}
