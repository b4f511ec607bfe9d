package agent

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// The floors: a package imports only from floors below its own. Test-only packages may import anything and are imported by tests alone.
const (
	words = iota
	tools
	work
	edges
	process
	testOnly
)

// house is the map of the tree: every package has a row. A trailing /... stands for the folders below that need no row of their own.
var house = map[string]struct {
	floor int
	job   string
}{
	"agent/change":             {words, "words of change capture"},
	"agent/postgres":           {words, "one local PostgreSQL server process"},
	"sql/ast":                  {words, "statements"},
	"sql/sqlerr":               {words, "errors as users see them"},
	"sql/types":                {words, "PostgreSQL's types and how each is carried"},
	"sql/result":               {words, "rows in batches"},
	"sql/session":              {words, "what a connection and the engine say to each other"},
	"cluster/state":            {words, "the pure state machine of governance"},
	"forecast":                 {words, "words of forecasting"},
	"agent/capture":            {tools, "replication connection, slot, initial copy, pgoutput"},
	"agent/shadow":             {tools, "DuckDB: history, series, forecasts"},
	"agent/mirror":             {tools, "a private PostgreSQL with the schema and no rows"},
	"agent/sampler":            {tools, "statistics of the primary and its host"},
	"agent/prometheus":         {work, "history from a Prometheus"},
	"sql/parse":                {tools, "text to statements"},
	"sql/rewrite":              {tools, "PostgreSQL's dialect to DuckDB's"},
	"sql/catalog":              {tools, "the definition of schema foreshadow"},
	"pgwire/auth":              {tools, "SCRAM"},
	"pgwire/encode":            {tools, "values to wire formats"},
	"cluster/raftnode":         {tools, "Raft over mutual TLS"},
	"agent/orchestrator/local": {tools, "an instance as a local server"},
	"agent/orchestrator/seed":  {tools, "an instance's rows"},
	"pgwire":                   {work, "the wire protocol"},
	"sql/engine":               {work, "sessions and statements"},
	"agent/ingest":             {work, "the loop from source to shadow"},
	"agent/verify":             {work, "proof that the shadow equals the primary"},
	"agent/rates":              {work, "what the host does in a second"},
	"agent/predict":            {work, "series to forecasts"},
	"agent/orchestrator":       {work, "predicted state to instance"},
	"cluster":                  {work, "requests, approvals and their execution"},
	"agent/config":             {edges, "settings"},
	"agent/admin":              {edges, "metrics and health over HTTP"},
	"agent":                    {process, "wires everything"},
	"agent/cli":                {process, "the commands"},
	"agent/cmd/foreshadow":     {process, "main"},
	"agent/pgtest":             {testOnly, "PostgreSQL servers for tests"},
	"agent/e2e":                {testOnly, "the real binary and real clients"},
	"pgwire/wiretest":          {testOnly, "scripted protocol"},
	"forecast/forecasttest":    {testOnly, "real data for accuracy"},
}

// owners names the packages that may import each module that will one day be replaced.
var owners = map[string][]string{
	"github.com/duckdb/":                {"agent/shadow"},
	"github.com/jackc/pglogrepl":        {"agent/capture"},
	"github.com/pganalyze/pg_query_go/": {"sql/parse", "sql/rewrite", "forecast/risk"},
	"github.com/jackc/pgx/v5/pgproto3":  {"pgwire", "agent/capture", "agent/mirror", "agent/orchestrator/local"}, // the clients of pgconn read its messages
	"github.com/hashicorp/raft":         {"cluster/raftnode"},
	"github.com/sajari/regression":      {"forecast"},
	"github.com/xdg-go/scram":           {"pgwire"},
	"github.com/alecthomas/kong":        {"agent/config", "agent/cli"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Doc        string
}

// TestHouse holds the tree to its map: every package has a row, a comment and imports from below only.
func TestHouse(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "foreshadow/")
		row, ok := house[name]
		if !ok && strings.HasPrefix(name, "forecast/") {
			row.floor, ok = tools, true // each model is a tool
		}
		if !ok && strings.HasPrefix(name, "scripts/") {
			continue
		}
		if !ok {
			t.Errorf("package %s has no row in the house table", name)
			continue
		}
		if p.Doc == "" && row.floor != testOnly {
			t.Errorf("package %s has no package comment", name)
		}
		for _, imported := range p.Imports {
			checkImport(t, name, row.floor, imported)
		}
	}
}

func checkImport(t *testing.T, name string, floor int, imported string) {
	t.Helper()
	for module, allowed := range owners {
		if strings.HasPrefix(imported, module) && !owned(name, allowed) {
			t.Errorf("%s imports %s, which belongs to %v", name, imported, allowed)
		}
	}
	short, ours := strings.CutPrefix(imported, "foreshadow/")
	if !ours || floor == testOnly || floor == process {
		return
	}
	below, ok := house[short]
	if !ok && strings.HasPrefix(short, "forecast/") {
		below.floor, ok = tools, true
	}
	sameFamily := strings.HasPrefix(name, "forecast/") && strings.HasPrefix(short, "forecast/")
	if ok && !sameFamily && floor != words && below.floor >= floor || ok && floor == words && below.floor != words {
		t.Errorf("%s (floor %d) imports %s (floor %d)", name, floor, short, below.floor)
	}
	if strings.HasPrefix(short, "agent/") && !strings.HasPrefix(name, "agent") {
		t.Errorf("%s imports %s: nothing outside agent may", name, short)
	}
}

func owned(name string, allowed []string) bool {
	for _, a := range allowed {
		if name == a || strings.HasPrefix(name, a+"/") {
			return true
		}
	}
	return false
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard,Doc", "foreshadow/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
