package mirror_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/mirror"
	"foreshadow/agent/pgtest"
	"foreshadow/sql/catalog"
	"foreshadow/sql/sqlerr"
)

// corpus is where catalog queries of real clients lie on a development machine.
const corpus = "../../../shared/bi-queries"

// Why the mirror may give other values than the primary.
const (
	owners    = "what every server has belongs to the mirror's own superuser"
	sizes     = "tables and indexes are empty"
	functions = "functions have OIDs of their own"
	ours      = "the OIDs of schema foreshadow are reserved ones"
	powerless = "nobody but the mirror's own superuser is one"
	pretty    = "the same expression, stored as read from its printed form"
)

// different are the statements whose values differ, and why.
var different = map[string]string{"pgcli__full_databases.sql": owners, "pgcli__special_dn.sql": owners, "psql15__dL.sql": owners, "psql15__db.sql": owners, "psql15__dn.sql": owners,
	"psql15__dn_plus.sql": owners, "psql15__dt_all.sql": owners, "psql15__l.sql": owners, "psql15__l_plus.sql": owners, "pgcli__special_dt.sql": sizes, "psql15__di_plus.sql": sizes,
	"psql15__dt_plus.sql": sizes, "pgjdbc__getIndexInfo.sql": sizes, "pgjdbc__getFunctionColumns.sql": functions, "pgjdbc__getFunctions.sql": functions, "psql15__sf_1.sql": functions,
	"pgjdbc__getTables_all.sql": ours, "pgjdbc__getTypeInfo_1.sql": ours, "pgjdbc__getTypeInfo_2.sql": ours, "pgcli__special_du.sql": powerless, "psql15__du.sql": powerless,
	"psql15__du_plus.sql": powerless, "sqlalchemy14__get_indexes.sql": pretty, "superset__indexes.sql": pretty}

// TestClientsCatalogQueries runs what real clients send in sessions and on the primary, which has schema foreshadow and the
// mirror's own role too here: columns must be the same to the last type OID, and so must the rows, but for
// rows of the tables themselves and what different lists.
func TestClientsCatalogQueries(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile(filepath.Join(corpus, "schema.sql"))
	if err != nil {
		t.Skipf("NOT TESTED: the clients' catalog queries are not on this machine: %v", err)
	}
	p := pgtest.Start(t, "shared_preload_libraries=")
	p.CreateDatabase(t, "shop")
	p.Exec(t, "shop", string(schema)+"; TRUNCATE public.orders, public.customers, public.events CASCADE")
	p.Exec(t, "shop", catalog.SQL)
	p.Exec(t, "shop", "CREATE ROLE foreshadow_mirror SUPERUSER")
	f := &fixture{primary: p, opts: mirror.Options{Dir: pgtest.Dir(t), SourceDSN: p.DSN("postgres", "shop"), CatalogSQL: catalog.SQL}}
	f.run(t)
	expected := expectedRows(t)
	same, asListed := 0, 0
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		sql, err := os.ReadFile(filepath.Join(corpus, name))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimRight(strings.TrimSpace(string(sql)), ";")
		wantText, wantCols, refusal := primaryAnswer(t, p, text)
		gotText, cols, err := ask(t, f, text)
		if refused := (&pgconn.PgError{}); errors.As(refusal, &refused) && p.Version() > 15 { // psql 15's \l asks for columns that have other names since 17
			if sqlerr.Code(err) != refused.Code {
				differ = append(differ, fmt.Sprintf("%s: %v instead of %v", name, err, refused))
			}
			continue
		}
		rows, wantRows := len(gotText), len(wantText)
		if err == nil && fmt.Sprint(rows) == expected[name] {
			asListed++
		}
		if name == "django__inspectdb_6.sql" && rows == 0 { // reads a table's rows, which the mirror does not have
			wantRows = 0
		}
		if err = errors.Join(err, refusal); err != nil || rows != wantRows || cols != wantCols {
			differ = append(differ, fmt.Sprintf("%s: %d rows, not %d; %v\n%s\n%s", name, rows, wantRows, err, cols, wantCols))
			continue
		}
		if slices.Sort(wantText); different[name] == "" && len(wantText) == len(gotText) && !slices.Equal(wantText, slices.Sorted(slices.Values(gotText))) {
			differ = append(differ, fmt.Sprintf("%s: other values\n%.1000s\n%.1000s", name, wantText, gotText))
			continue
		}
		same++
	}
	t.Logf("%d statements: %d with the primary's columns and number of rows; %d with the number listed for a primary without us", len(expected), same, asListed)
	if len(expected) == 0 || len(differ) > 0 {
		t.Errorf("%d differ:\n%s", len(differ), strings.Join(differ, "\n"))
	}
}

// primaryAnswer runs a statement on the primary and describes its result.
func primaryAnswer(t *testing.T, p *pgtest.Server, sql string) ([]string, string, error) {
	conn := p.Conn(t, "shop").PgConn()
	r := conn.ExecParams(deadline(t), sql, nil, nil, nil, nil)
	var cols []string
	for _, c := range r.FieldDescriptions() {
		cols = append(cols, fmt.Sprintf("%s:%d", c.Name, c.DataTypeOID))
	}
	var rows []string
	for r.NextRow() {
		rows = append(rows, fmt.Sprintf("%q", r.Values()))
	}
	_, err := r.Close()
	_ = conn.Close(deadline(t))
	return rows, strings.Join(cols, ","), err
}

// ask runs one statement in a session of its own.
func ask(t *testing.T, f *fixture, sql string) ([]string, string, error) {
	ctx := deadline(t)
	s, err := f.Session(ctx, "postgres", nil)
	if err != nil {
		return nil, "", err
	}
	defer s.Close()
	name, _, fields, err := s.Prepare(ctx, sql, nil)
	if err != nil {
		return nil, "", err
	}
	var cols []string
	for _, c := range fields {
		cols = append(cols, fmt.Sprintf("%s:%d", c.Name, c.TypeOID))
	}
	r, err := s.Execute(ctx, name, nil, nil, nil)
	if err != nil {
		return nil, "", err
	}
	all, err := readAll(ctx, r)
	var rows []string
	for _, r := range all {
		for i := range r {
			if r[i] == pgtest.Null {
				r[i] = ""
			}
		}
		rows = append(rows, fmt.Sprintf("%q", r))
	}
	return rows, strings.Join(cols, ","), err
}

// expectedRows reads the list of statements with the rows each gave on a primary.
func expectedRows(t *testing.T) map[string]string {
	b, err := os.ReadFile(filepath.Join(corpus, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(b), "\n")[1:] {
		if cells := strings.Split(line, "\t"); len(cells) > 1 {
			out[cells[0]] = cells[1]
		}
	}
	return out
}
