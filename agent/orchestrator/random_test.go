package orchestrator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"foreshadow/agent/orchestrator/seed"
	"foreshadow/agent/postgres"

	"github.com/jackc/pgx/v5"
)

// bare is a server on which seeds are built without an instance around them.
type bare struct{ *primary }

func (b bare) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, b.DSN(postgres.Superuser, database))
}

func (b bare) Load(ctx context.Context, database, path string, _ bool) error {
	cmd := b.Command(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-")
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// randomTable is one table of a random schema.
type randomTable struct {
	name        string
	kind        int // of the primary key
	n, target   int
	ref, second *randomTable
}

// The kinds of primary keys.
const (
	serialKey = iota
	identityKey
	uuidKey
	textKey
	singleKinds // those above have one column, id, of their own
	lineKey     // a reference and a number
	sameKey     // the reference itself
	pairKey     // two references
	allKinds
)

// randomSchema writes a schema with rows that satisfy it, and draws a projection for each table.
func randomSchema(r *rand.Rand) (string, []*randomTable) {
	var sql strings.Builder
	var tables, singles []*randomTable
	for i := range 3 + r.IntN(5) {
		t := &randomTable{name: fmt.Sprintf("t%d", i), kind: r.IntN(allKinds), n: 1 + r.IntN(60), target: r.IntN(200)}
		if len(singles) == 0 || t.kind == singleKinds {
			t.kind = r.IntN(singleKinds)
		}
		t.write(r, &sql, singles)
		tables = append(tables, t)
		if t.kind < singleKinds {
			singles = append(singles, t)
		}
	}
	for _, t := range tables { // references in any direction, also to itself, filled afterwards
		if r.IntN(2) == 0 {
			p := singles[r.IntN(len(singles))]
			unique := ""
			if r.IntN(4) == 0 && p.n >= t.n {
				unique = " UNIQUE"
			}
			fmt.Fprintf(&sql, "ALTER TABLE %s ADD COLUMN other %s%s REFERENCES %s;\n", t.name, p.keyType(), unique, p.name)
			fmt.Fprintf(&sql, "UPDATE %s x SET other = p.id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM %s) p, (SELECT ctid AS c, row_number() OVER () AS n FROM %[1]s) o WHERE o.c = x.ctid AND p.n = CASE WHEN %[3]t THEN o.n ELSE 1 + o.n %% %[4]d END AND o.n %% 3 > 0;\n",
				t.name, p.name, unique != "", p.n)
		}
	}
	return sql.String(), tables
}

// keyType is the type of the column id.
func (t *randomTable) keyType() string {
	return []string{"integer", "bigint", "uuid", "varchar(12)"}[t.kind]
}

// write adds the table and its rows.
func (t *randomTable) write(r *rand.Rand, sql *strings.Builder, singles []*randomTable) {
	pick := func(p *randomTable, index string) string {
		return fmt.Sprintf("(SELECT array_agg(id ORDER BY id) FROM %s)[1 + (%s) %% %d]", p.name, index, p.n)
	}
	var key, insert string
	if t.kind > singleKinds {
		t.ref, t.second = singles[r.IntN(len(singles))], singles[r.IntN(len(singles))]
	}
	switch t.kind {
	case serialKey, identityKey:
		key = "id " + []string{"serial PRIMARY KEY", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"}[t.kind]
		insert = fmt.Sprintf("i * %d", 1+r.IntN(3))
	case uuidKey:
		key, insert = "id uuid PRIMARY KEY", "md5(i::text)::uuid"
	case textKey:
		key, insert = "id varchar(12) PRIMARY KEY", "'K' || i || 'x'"
	case lineKey:
		t.n = min(t.n, 3*t.ref.n)
		key = fmt.Sprintf("ref %s REFERENCES %s, line smallint, PRIMARY KEY (ref, line)", t.ref.keyType(), t.ref.name)
		insert = pick(t.ref, "(i - 1) / 3") + ", 1 + (i - 1) % 3"
	case sameKey:
		t.n = min(t.n, t.ref.n)
		key, insert = fmt.Sprintf("ref %s PRIMARY KEY REFERENCES %s", t.ref.keyType(), t.ref.name), pick(t.ref, "i - 1")
	case pairKey:
		t.n = min(t.n, t.ref.n*t.second.n)
		key = fmt.Sprintf("ref %s REFERENCES %s, second %s REFERENCES %s, PRIMARY KEY (ref, second)", t.ref.keyType(), t.ref.name, t.second.keyType(), t.second.name)
		insert = pick(t.ref, "i - 1") + ", " + pick(t.second, fmt.Sprintf("(i - 1) / %d", t.ref.n))
	}
	columns := []string{"created_at timestamptz NOT NULL", "note text CHECK (note LIKE '%note')", "code text UNIQUE"}
	values := []string{"timestamptz '2026-01-01' + i * interval '5 hours'", "i || ' note'", "CASE WHEN i % 4 > 0 THEN 'code ' || i END"}
	from := r.IntN(2) // a table has a time or not
	fmt.Fprintf(sql, "CREATE TABLE %s (%s);\n", t.name, strings.Join(append(columns[from:], key), ", "))
	fmt.Fprintf(sql, "INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT %s FROM generate_series(1, %d) i;\n", t.name, strings.Join(append(values[from:], insert), ", "), t.n)
}

// TestRandomSchemas holds for any schema: the build succeeds, so that every constraint is proven, and each table has exactly
// its projected rows, unless its key consists of references and cannot take more, or rows that should go are still referred to.
func TestRandomSchemas(t *testing.T) {
	t.Parallel()
	p := newPrimary(t, "")
	count := uint64(5)
	if v, err := strconv.ParseUint(os.Getenv("FORESHADOW_RANDOM_SCHEMAS"), 10, 32); err == nil { // for a longer search
		count = v
	}
	for n := range count {
		sql, tables := randomSchema(rand.New(rand.NewPCG(n, 20261122)))
		if err := buildRandom(t, p, fmt.Sprintf("s%d", n), sql, tables); err != nil {
			t.Errorf("random seed %d: %v\n%s", n, err, sql)
		}
	}
}

// buildRandom makes the source and the seed and checks the counts.
func buildRandom(t *testing.T, p *primary, name, sql string, tables []*randomTable) error {
	ctx := within(t)
	p.CreateDatabase(t, name)
	p.Exec(t, name, sql)
	source := &primary{Server: p.Server, t: t, db: name, dir: filepath.Join(p.dir, name)}
	if err := os.Mkdir(source.dir, 0o755); err != nil {
		return err
	}
	_, pre, post, err := source.SchemaDump(ctx, "")
	if err != nil {
		return err
	}
	database := name + "_built"
	p.CreateDatabase(t, database)
	if err := (bare{p}).Load(ctx, database, pre, true); err != nil {
		return err
	}
	relations, err := source.Relations(ctx)
	if err != nil {
		return err
	}
	targets := map[string]int64{}
	for _, x := range tables {
		targets["public."+x.name] = int64(x.target)
	}
	report, err := seed.Build(ctx, seed.Options{Server: bare{p}, Database: database, Post: post, Relations: relations, Store: source, Targets: targets,
		From: now, To: now.Add(90 * 24 * time.Hour), RandomSeed: 1})
	if err != nil {
		return err
	}
	actual := map[string]int{}
	for _, row := range report.Rows {
		if row.Check == seed.CheckRows {
			actual[row.Relation] = int(row.ActualRows)
		}
		if (row.Check == seed.CheckUnique || row.Check == seed.CheckFK) && !strings.HasSuffix(row.Result, " 0 not") {
			return fmt.Errorf("%s: %s", row.Relation, row.Result)
		}
	}
	for _, x := range tables {
		if err := x.plausible(func(t *randomTable) int { return actual["public."+t.name] }); err != nil {
			return err
		}
	}
	return nil
}

// plausible checks one table's count.
func (t *randomTable) plausible(rows func(*randomTable) int) error {
	got := rows(t)
	switch {
	case got == t.target:
		return nil
	case t.target < t.n && got > t.target && got <= t.n:
		return nil // held by rows that refer to them
	case t.target > t.n && got < t.target && got >= t.n:
		switch {
		case t.kind == sameKey && got == rows(t.ref):
			return nil
		case t.kind == pairKey && float64(got) > 0.8*float64(min(t.target, rows(t.ref)*rows(t.second))):
			return nil
		}
	}
	return fmt.Errorf("%s (kind %d) had %d rows, projected %d, has %d", t.name, t.kind, t.n, t.target, got)
}
