package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
