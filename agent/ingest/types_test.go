package ingest

import (
	_ "embed"
	"strings"
	"testing"

	"foreshadow/agent/pgtest"
)

//go:embed testdata/types.sql
var typesSQL string

//go:embed testdata/values.sql
var valuesSQL string

// ordinary makes the table of every ordinary type.
func ordinary(t *testing.T, pg *pgtest.Server) {
	t.Helper()
	types := typesSQL
	if pg.Version() < 15 {
		t.Log("PostgreSQL 14 has no negative scale: numneg is numeric(7,0)")
		types = strings.Replace(types, "numeric(5,-2)", "numeric(7,0)", 1)
	}
	pg.Exec(t, "postgres", types)
}

// TestTypes holds that every ordinary type's extremes arrive unaltered, through the copy and through the stream.
func TestTypes(t *testing.T) {
	t.Parallel()
	pg := pgtest.Start(t)
	pg.Exec(t, "postgres", "ALTER DATABASE postgres SET datestyle = 'German'; ALTER DATABASE postgres SET intervalstyle = 'sql_standard'; "+
		"ALTER DATABASE postgres SET bytea_output = 'escape'; ALTER DATABASE postgres SET extra_float_digits = -5; ALTER DATABASE postgres SET timezone = 'Asia/Kathmandu'")
	ordinary(t, pg)
	pg.Exec(t, "postgres", valuesSQL)
	a := run(t, pg, t.TempDir())
	a.catchUp()
	pg.Exec(t, "postgres", "ALTER DATABASE postgres RESET ALL; ALTER DATABASE postgres SET timezone = 'UTC'")
	a.same("kinds")
	pg.Exec(t, "postgres", valuesSQL)
	pg.Exec(t, "postgres", "UPDATE kinds SET i4 = 7, num2 = 1.5 WHERE id % 2 = 1")
	a.catchUp()
	a.same("kinds")
}
