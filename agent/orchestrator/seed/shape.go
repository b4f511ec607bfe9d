package seed

import (
	"context"
	_ "embed" // catalog queries
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/tables.sql
var tablesSQL string

//go:embed sql/columns.sql
var columnsSQL string

//go:embed sql/keys.sql
var keysSQL string

//go:embed sql/foreign_keys.sql
var foreignKeysSQL string

// shapeDatabase holds the whole schema without rows while its keys are read; they do not exist yet where the rows are loaded.
const shapeDatabase = "foreshadow_shape"

// shape is the schema as growing needs it: whole tables, never partitions.
type shape struct {
	tables []*table          // by name
	loads  map[string]target // every table and partition by schema.name: where its rows are copied
}

// target is a place for COPY.
type target struct {
	root    *table
	name    pgx.Identifier
	whole   bool // a partitioned table itself
	columns map[string]*column
}

// table is one whole table.
type table struct {
	oid          uint32
	schema, name string
	partitioned  bool
	partitionKey string
	bounds       []string // of the partitions, as PostgreSQL writes them
	columns      []*column
	keys         []*key
	fks          []*foreignKey
	exclusion    bool

	growth
}

// column is one column with its base type.
type column struct {
	name, typeName string
	base           uint32
	baseName       string
	typmod         int32
	notNull        bool
	generated      bool
	defaultText    string
}

// key is a unique index: of columns, or of expressions over them. predicate is not empty for a partial one.
type key struct {
	name                string
	primary, expression bool
	predicate           string
	columns             []string
}

// foreignKey refers from columns of its table to columns of parent.
type foreignKey struct {
	name       string
	parent     *table
	columns    []string
	refColumns []string

	frozen bool // keeps the donor's value: it shares columns with another one, or its parent does not grow
	stride []*foreignKey
}

// label is the name that people and forecasts use.
func (t *table) label() string { return t.schema + "." + t.name }

// ident is the quoted name.
func (t *table) ident() string { return pgx.Identifier{t.schema, t.name}.Sanitize() }

// from is the table's own rows, without those of tables that inherit from it.
func (t *table) from() string {
	if t.partitioned {
		return t.ident()
	}
	return "ONLY " + t.ident()
}

// column finds a column by name.
func (t *table) column(name string) *column {
	for _, c := range t.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// quote writes an identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// literal writes a text constant.
func literal(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// readShape loads the whole schema into a database beside the instance's, reads its keys and drops it.
func readShape(ctx context.Context, o Options) (*shape, error) {
	admin, err := o.Server.Connect(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+shapeDatabase+" TEMPLATE "+quote(o.Database)); err != nil {
		return nil, fmt.Errorf("copy schema: %w", err)
	}
	if err := o.Server.Load(ctx, shapeDatabase, o.Post, true); err != nil {
		return nil, fmt.Errorf("load indexes and constraints without rows: %w", err)
	}
	sh, err := func() (*shape, error) {
		conn, err := o.Server.Connect(ctx, shapeDatabase)
		if err != nil {
			return nil, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		if _, err := conn.Exec(ctx, "SET search_path = pg_catalog"); err != nil { // so that every name comes with its schema
			return nil, err
		}
		return scanShape(ctx, conn)
	}()
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if _, err := admin.Exec(ctx, "DROP DATABASE "+shapeDatabase+" WITH (FORCE)"); err != nil {
		return nil, fmt.Errorf("drop schema copy: %w", err)
	}
	return sh, nil
}

// scanShape reads tables, columns, keys and foreign keys.
func scanShape(ctx context.Context, conn *pgx.Conn) (*shape, error) {
	sh := &shape{loads: map[string]target{}}
	byOID := map[uint32]*table{}
	places := map[uint32]target{}
	if err := sh.scanTables(ctx, conn, byOID, places); err != nil {
		return nil, err
	}
	if err := scanColumns(ctx, conn, byOID, places); err != nil {
		return nil, err
	}
	if err := scanKeys(ctx, conn, byOID); err != nil {
		return nil, err
	}
	return sh, scanForeignKeys(ctx, conn, byOID)
}

// scanTables makes the whole tables and the places for COPY.
func (sh *shape) scanTables(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*table, places map[uint32]target) error {
	type line struct {
		OID          uint32
		Schema, Name string
		Kind         string
		Root         uint32
		Bound, Key   *string
	}
	rows, err := conn.Query(ctx, tablesSQL)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.OID == l.Root {
			t := &table{oid: l.OID, schema: l.Schema, name: l.Name, partitioned: l.Kind == "p"}
			if l.Key != nil {
				t.partitionKey = *l.Key
			}
			byOID[l.OID] = t
			sh.tables = append(sh.tables, t)
		}
	}
	for _, l := range lines {
		root := byOID[l.Root]
		if root == nil {
			continue
		}
		if l.Bound != nil {
			root.bounds = append(root.bounds, *l.Bound)
		}
		p := target{root: root, name: pgx.Identifier{l.Schema, l.Name}, whole: l.Kind == "p", columns: map[string]*column{}}
		places[l.OID] = p
		sh.loads[l.Schema+"."+l.Name] = p
	}
	return nil
}

// scanColumns gives each place its columns.
func scanColumns(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*table, places map[uint32]target) error {
	rows, err := conn.Query(ctx, columnsSQL)
	if err != nil {
		return err
	}
	var oid uint32
	var c column
	_, err = pgx.ForEachRow(rows, []any{&oid, &c.name, &c.typeName, &c.base, &c.baseName, &c.typmod, &c.notNull, &c.generated, &c.defaultText}, func() error {
		own := c
		if p, ok := places[oid]; ok {
			p.columns[c.name] = &own
		}
		if t := byOID[oid]; t != nil {
			t.columns = append(t.columns, &own)
		}
		return nil
	})
	return err
}

// scanKeys gives each table its unique keys.
func scanKeys(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*table) error {
	rows, err := conn.Query(ctx, keysSQL)
	if err != nil {
		return err
	}
	var oid uint32
	var k key
	var exclusion bool
	_, err = pgx.ForEachRow(rows, []any{&oid, &k.name, &k.primary, &exclusion, &k.predicate, &k.expression, &k.columns}, func() error {
		t := byOID[oid]
		switch {
		case t == nil:
		case exclusion:
			t.exclusion = true
		default:
			own := k
			own.columns = slices.Clone(k.columns)
			t.keys = append(t.keys, &own)
		}
		return nil
	})
	return err
}

// scanForeignKeys gives each table its references.
func scanForeignKeys(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*table) error {
	rows, err := conn.Query(ctx, foreignKeysSQL)
	if err != nil {
		return err
	}
	var child, parent uint32
	var f foreignKey
	_, err = pgx.ForEachRow(rows, []any{&child, &parent, &f.name, &f.columns, &f.refColumns}, func() error {
		t, p := byOID[child], byOID[parent]
		if t == nil || p == nil {
			return nil
		}
		t.fks = append(t.fks, &foreignKey{name: f.name, parent: p, columns: slices.Clone(f.columns), refColumns: slices.Clone(f.refColumns)})
		return nil
	})
	return err
}

// upperBound finds the range of a partition by one column.
var upperBound = regexp.MustCompile(`^FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)$`)

// lastRange is the range of the last partition of a table partitioned by one column's ranges; ok is false when rows of
// any time find a place, or when the partitions are of another kind.
func (t *table) lastRange() (from, to string, ok bool) {
	for _, b := range t.bounds {
		if b == "DEFAULT" || strings.Contains(b, "MAXVALUE") {
			return "", "", false
		}
		if m := upperBound.FindStringSubmatch(b); m != nil && m[2] > to {
			from, to = m[1], m[2]
		}
	}
	return from, to, to != ""
}

// partitionColumn is the column of a partition key by range, "" for any other.
func (t *table) partitionColumn() string {
	name, ok := strings.CutPrefix(t.partitionKey, "RANGE (")
	if !ok || strings.ContainsAny(name, ",(") {
		return ""
	}
	return strings.Trim(strings.TrimSuffix(name, ")"), `"`)
}
