package e2e

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
	"foreshadow/agent/postgres"
)

var allClients = flag.Bool("all-clients", false, "run every client of TestClients, as make clients does")

// client is a real client with a script that prints all it sees of a server: a command of testdata/clients.
type client struct {
	name    string
	always  bool // make test runs it; make clients runs all
	command []string
}

var clients = []client{
	{"psql", true, []string{"psql", "-X", "-f", "psql.sql"}},
	{"pgx", true, []string{"client-pgx"}},
	{"lib-pq", true, []string{"client-lib-pq"}},
	{"psycopg3", true, []string{"/usr/bin/python3", "use_psycopg3.py"}},
	{"pgjdbc", true, []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "/usr/share/java/postgresql.jar", "Pgjdbc.java"}},
	{"psycopg2", false, []string{"/usr/bin/python3", "use_psycopg2.py"}},
	{"asyncpg", false, []string{"/usr/bin/python3", "use_asyncpg.py"}},
	{"sqlalchemy", false, []string{"/usr/bin/python3", "use_sqlalchemy.py"}},
	{"pandas", false, []string{"/usr/bin/python3", "use_pandas.py"}},
	{"psqlodbc", false, []string{"/usr/bin/python3", "use_psqlodbc.py"}},
	{"node-postgres", false, []string{"node", "node-postgres.js"}},
}

// ownPart begins the part of a client's output that only an agent gives: the relations and moments that the primary does not have.
const ownPart = "== foreshadow"

// wantOwn is that part, the same for each client.
const wantOwn = ownPart + `
state: streaming
events now: 9990
events then, by session: 10000
events then, by parameter: 10000
deleted since: 10
write: 25006
`

// TestClients runs every client against the primary and against the agent beside it; what the clients print must be the same.
func TestClients(t *testing.T) {
	t.Parallel()
	primary, agent := startPair(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			if !c.always && !*allClients {
				t.Skip("run by make clients only")
			}
			want := c.run(t, primary)
			got, own, _ := strings.Cut(c.run(t, agent), ownPart+"\n")
			differ(t, "the primary", "the agent", noise.ReplaceAllString(want, ""), noise.ReplaceAllString(got, ""))
			differ(t, "what only an agent has", "the agent", wantOwn, ownPart+"\n"+psqlError.ReplaceAllString(own, ""))
		})
	}
}

// noise is what must differ: lines that name our schema, roles or publication (which psql lists under a heading), and places in PostgreSQL's source.
var noise = regexp.MustCompile(`(?m)^.*foreshadow.*\n|^Publications:\n|^LOCATION: .*\n`)

// psqlError is what psql says of an error beside its code.
var psqlError = regexp.MustCompile(`(?m)^psql:.*\n`)

// differ fails the test with the lines that two texts do not share.
func differ(t *testing.T, a, b, textA, textB string) {
	t.Helper()
	if textA == textB {
		return
	}
	dir := t.TempDir()
	for name, text := range map[string]string{a: textA, b: textB} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("diff", "-U3", a, b)
	cmd.Dir = dir
	out, _ := cmd.Output() // it differs, which is an exit status of 1
	t.Errorf("they differ:\n%s", out)
}

// startPair gives the environments in which clients reach a primary and the agent beside it, after something has happened since a known moment.
func startPair(t *testing.T) (primary, agent []string) {
	t.Helper()
	pg := pgtest.StartWith(t, postgres.Options{Port: freePort(t), HBA: "local all all trust\nhost all all 127.0.0.1/32 trust\n", Settings: map[string]string{
		"fsync": "off", "wal_level": "logical", "shared_preload_libraries": "pg_stat_statements", "jit": "off"}})
	pg.CreateDatabase(t, "shop")
	for _, file := range []string{"testdata/shop.sql", "testdata/clients/setup.sql"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pg.Exec(t, "shop", string(text))
	}
	d := startDev(t, "", "--source", pg.DSN("foreshadow", "shop"))
	then := pg.Query(t, "shop", "SELECT pg_current_wal_lsn()")[0][0]
	pg.Exec(t, "shop", "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT 10)")
	eventually(t, 10*time.Second, "the deletion is seen through the agent", func() bool {
		return d.value(t, "analyst", "shop", "SELECT count(*) FROM events") == "9990"
	})
	common := append(os.Environ(), "PGHOST=127.0.0.1", "PGDATABASE=shop", "PGUSER=analyst", "PGTZ=UTC", "NODE_PATH="+filepath.Join(clientsCache(t), "node_modules"))
	primary = append(common[:len(common):len(common)], fmt.Sprintf("PGPORT=%d", pg.Port()), "PGSSLMODE=disable")
	agent = append(common[:len(common):len(common)], "PGPORT="+d.port, "PGPASSWORD="+d.password(t, "analyst"), "PGSSLMODE=verify-full",
		"PGSSLROOTCERT="+filepath.Join(d.dir, "agent", "server.crt"), "FORESHADOW_THEN="+then)
	return primary, agent
}

// freePort is a port of the loopback interface that nothing listened on just now.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// run gives what a client prints, its errors included; it must end well and within a minute.
func (c client) run(t *testing.T, env []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	name := c.command[0]
	if name == "psql" {
		bin, err := postgres.FindBinDir()
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(bin, name)
	}
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%v: make setup (or make clients) installs it", err)
	}
	cmd := exec.CommandContext(ctx, name, c.command[1:]...)
	cmd.Dir, cmd.Env = filepath.Join("testdata", "clients"), env
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(c.command, " "), err, out[max(0, len(out)-4000):])
	}
	t.Logf("%s %s", strconv.Itoa(strings.Count(string(out), "\n"))+" lines in", time.Since(began).Round(time.Millisecond))
	return string(out)
}

// clientsCache is where scripts/clients puts what no package of the system has.
func clientsCache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "foreshadow", "clients")
}
