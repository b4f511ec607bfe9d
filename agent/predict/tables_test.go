package predict

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foreshadow/sql/sqlerr"
)

func TestTables(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(200, func(int) float64 { return 100 })...)
	f.sample("volume.index_bytes:public.orders", 0, 1e6)
	f.sample("key.last:public.orders.id", 0, 20_000)
	f.sample("key.max:public.orders.id", 0, 1<<31-1)
	for h := range 400 {
		f.sample("load.total_calls", time.Duration(h)*time.Hour, 10+float64(h%24))
	}
	tables := newRunner(t, f).Tables()
	got, err := tables.PredictedState(t.Context(), 30*day)
	if err != nil || len(got.Rows) != 4 || got.Rows[0][1] != "rows" || got.Rows[0][2] != 20_000.0 || len(got.Columns) != len(got.Rows[0]) {
		t.Fatalf("%v %+v", err, got)
	}
	for _, c := range []struct {
		series string
		points int
	}{{"volume.rows:public.orders", 30}, {"volume.index_bytes:public.orders", 30}, {"key.last:public.orders.id", 30}, {"load.total_calls", 720}} {
		got, err := tables.Forecast(t.Context(), c.series, 30*day, 90)
		if err != nil || len(got.Rows) != c.points || len(got.Columns) != len(got.Rows[0]) {
			t.Errorf("%s: %v, %d points", c.series, err, len(got.Rows))
			continue
		}
		for _, row := range got.Rows {
			if !(row[2].(float64) <= row[1].(float64) && row[1].(float64) <= row[3].(float64)) || row[2].(float64) < 0 {
				t.Errorf("%s: %v", c.series, row)
			}
		}
		drawn, err := tables.Chart(t.Context(), c.series, 30*day, 80, 12)
		if err != nil || len(drawn.Rows) < 10 {
			t.Errorf("chart of %s: %v, %d lines", c.series, err, len(drawn.Rows))
		}
	}
	low, err := tables.LowLoadWindows(t.Context(), 90*time.Minute, "load.total_calls")
	if err != nil || len(low.Rows) != windowDays || len(low.Columns) != len(low.Rows[0]) {
		t.Fatalf("%v %+v", err, low)
	}
	for _, row := range low.Rows { // the load falls by one from hour to hour until noon, where the days begin
		from, to := row[0].(time.Time), row[1].(time.Time)
		if from.Hour() != 10 || to.Sub(from) != 2*time.Hour || row[4] != 1.0 && row[4] != nil {
			t.Errorf("low load: %v", row)
		}
	}
	models, err := tables.Models(t.Context())
	if err != nil || len(models.Rows) != len(parameters) || len(models.Columns) != len(models.Rows[0]) {
		t.Errorf("%v %+v", err, models)
	}
}

func TestTablesRefuse(t *testing.T) {
	t.Parallel()
	f := &fake{now: noon}
	f.table("orders", 0, days(200, func(int) float64 { return 100 })...)
	f.sample("load.total_calls", 0, 1)
	tables := newRunner(t, f).Tables()
	for _, c := range []struct {
		series  string
		horizon time.Duration
		level   float64
		code    string
	}{
		{"orders", 30 * day, 95, "42704"}, {"volume.rows:orders", 30 * day, 95, "42704"}, {"", 30 * day, 95, "42704"},
		{"volume.rows:public.orders", 0, 95, "22023"}, {"volume.rows:public.orders", 30 * day, 100, "22023"},
		{"load.total_calls", 300 * day, 95, "22023"},
	} {
		_, err := tables.Forecast(t.Context(), c.series, c.horizon, c.level)
		if sqlerr.Code(err) != c.code || sqlerr.From(err).Hint == "" && c.code == "42704" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := tables.Forecast(t.Context(), "volume.rows:orders", day, 95); !strings.Contains(sqlerr.From(err).Hint, "volume.rows:public.orders") {
		t.Errorf("the hint is %q", sqlerr.From(err).Hint)
	}
	for _, c := range []struct {
		duration time.Duration
		series   string
		code     string
	}{{time.Hour, "nothing", "42704"}, {time.Hour, "load.total_calls", "55000"}, {0, "load.total_calls", "22023"}, {25 * time.Hour, "load.total_calls", "22023"}} {
		if _, err := tables.LowLoadWindows(t.Context(), c.duration, c.series); sqlerr.Code(err) != c.code {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := tables.Chart(t.Context(), "volume.rows:public.orders", 30*day, 5, 5); sqlerr.Code(err) != "22023" {
		t.Errorf("a tiny chart: %v", err)
	}
	if _, err := tables.PredictedState(t.Context(), -day); sqlerr.Code(err) != "22023" {
		t.Errorf("the past: %v", err)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	if err := ValidateParams(map[string]string{"horizon": "2 weeks", "season": "24", "level": "80", "quantile": "0.9"}); err != nil {
		t.Error(err)
	}
	if err := ValidateParams(DefaultParams()); err != nil {
		t.Error(err)
	}
	for name, value := range map[string]string{
		"no_such": "1", "level": "200", "horizon": "soon", "season": "24,x", "quantile": "NaN", "origins": "0", "min_history": "-1 hours", "load_horizon": "90 days",
	} {
		err := ValidateParams(map[string]string{name: value})
		if sqlerr.Code(err) != "22023" || sqlerr.From(err).Hint == "" {
			t.Errorf("%s = %s: %v", name, value, err)
		}
	}
	r := newRunner(t, &fake{now: noon})
	if err := r.SetModel(Model{Version: 3, Values: map[string]string{"horizon": "10 days"}, Initialized: true}); err != nil || r.Params().Horizon != 10*day {
		t.Errorf("%v, %v", err, r.Params())
	}
	if err := r.SetModel(Model{Values: map[string]string{"horizon": "x"}}); err == nil || r.Params().Horizon != 10*day {
		t.Error("a bad parameter changed the model")
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "history.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := &fake{now: noon}
	r := newRunner(t, f)
	n, err := r.ImportCSV(t.Context(), write("series,at,value\nload.total_calls,2026-11-01T10:00:00Z,12.5\nhost.cpu,2026-11-01T10:00:00Z,0.5\n"))
	if err != nil || n != 2 || f.samples[0].Series.Source != "import" || f.samples[0].Value != 12.5 || f.samples[1].Series.Kind != "host" {
		t.Fatalf("%d, %v, %+v", n, err, f.samples)
	}
	again := "host.cpu,2026-11-01T10:30:00Z,0.9\nhost.cpu,2026-11-01T11:00:00Z,0.6\n"
	if n, err := r.ImportCSV(t.Context(), write(again)); err != nil || n != 1 || f.samples[2].Value != 0.6 {
		t.Fatalf("over known hours: %d, %v, %+v", n, err, f.samples)
	}
	for text, code := range map[string]string{
		"nothing,2026-11-01T10:00:00Z,1\n": "42704", "host.cpu,yesterday,1\n": "22007", "host.cpu,2026-11-01T10:00:00Z,much\n": "22P02",
		"host.cpu,2026-11-01T10:00:00Z,NaN\n": "22P02", "host.cpu\n": "22P02",
	} {
		if _, err := r.ImportCSV(t.Context(), write(text)); sqlerr.Code(err) != code {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := r.ImportCSV(t.Context(), "/nowhere.csv"); err == nil {
		t.Error("a missing file was imported")
	}
}
