package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestImportDDL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	history, settings := filepath.Join(dir, "ddl.csv"), filepath.Join(dir, "foreshadow.yaml")
	for name, text := range map[string]string{
		history:  "project,timestamp,committed_at,migration,table,kind,object\nshop,2024-09-24T11:35:30Z,,1,users,create_table,\nshop,2024-10-24T11:35:30Z,,2,users,add_column,a\n",
		settings: "data-dir: " + dir + "\nsource:\n  dsn: dbname=shop\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Main(append([]string{"import", "ddl"}, args...), nil, &out, &out)
		return code, out.String()
	}
	if code, out := run("--csv", history, "--data-dir", dir); code != 1 || !strings.Contains(out, "no agent has used the data folder") {
		t.Errorf("without an agent: %d %s", code, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "import"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out := run("--csv", history, "--config", settings); code != 0 || !strings.Contains(out, "2 changes of tables from 2024-09-24 to 2024-10-24") {
		t.Errorf("%d %s", code, out)
	}
	left, err := filepath.Glob(filepath.Join(dir, "import", "*.ddl.csv"))
	if err != nil || len(left) != 1 {
		t.Fatalf("left for the agent: %v %v", left, err)
	}
	if text, err := os.ReadFile(left[0]); err != nil || string(text) != "timestamp,table,kind,object\n2024-09-24T11:35:30Z,users,create_table,\n2024-10-24T11:35:30Z,users,add_column,a\n" {
		t.Errorf("%v %s", err, text)
	}
	if code, out := run("--csv", history, "--data-dir", dir, "--project", "other"); code != 1 || !strings.Contains(out, `no project "other"`) || !strings.Contains(out, "hint: It holds shop") {
		t.Errorf("%d %s", code, out)
	}
}

func TestImportPrometheus(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		result := "[]"
		if asked.Add(1); strings.HasPrefix(r.FormValue("query"), "sum(rate(pg_stat_database_xact_commit") {
			start, _ := time.Parse(time.RFC3339, r.FormValue("start"))
			result = fmt.Sprintf(`[{"metric":{},"values":[[%d,"12.5"]]}]`, start.Unix())
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":%s}}`, result)
	}))
	defer server.Close()
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "import"), 0o700), os.WriteFile(password, []byte("secret\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Main(append([]string{"import", "prometheus", "--url", server.URL, "--database", "shop", "--data-dir", dir, "--days", "10"}, args...), nil, &out, &out)
		return code, out.String()
	}
	if code, out := run(); code != 1 || !strings.Contains(out, "refuses the login") || !strings.Contains(out, "--token-file") {
		t.Errorf("without a login: %d %s", code, out)
	}
	if code, out := run("--user", "me"); code != 1 || !strings.Contains(out, "--password-file") {
		t.Errorf("without a password: %d %s", code, out)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "import")); len(left) != 0 {
		t.Errorf("failed imports left %v", left)
	}
	code, out := run("--user", "me", "--password-file", password)
	if code != 0 || !strings.Contains(out, "1 values from") || !strings.Contains(out, "no history of db.rollbacks") || !strings.Contains(out, "db.commits") {
		t.Errorf("%d %s", code, out)
	}
	left, err := filepath.Glob(filepath.Join(dir, "import", "*.series.csv"))
	if err != nil || len(left) != 1 {
		t.Fatalf("left for the agent: %v %v", left, err)
	}
	if text, err := os.ReadFile(left[0]); err != nil || !regexp.MustCompile(`^db\.commits,\d{4}-\d\d-\d\dT\d\d:00:00Z,12\.5\n$`).Match(text) {
		t.Errorf("%v %s", err, text)
	}
}
