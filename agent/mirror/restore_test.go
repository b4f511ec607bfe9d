package mirror

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/agent/pgtest"
)

// TestMissingCollation holds that a database whose collation this host lacks is made all the same, and tells which one it is.
func TestMissingCollation(t *testing.T) {
	t.Parallel()
	p := pgtest.Start(t)
	admin, err := pgconn.Connect(t.Context(), p.DSN("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	g := &generation{server: p.Server}
	if err := g.createDatabase(t.Context(), admin, database{name: "shop", collate: "xx_XX.UTF-8", ctype: "xx_XX.UTF-8", provider: "c"}); err != nil {
		t.Fatal(err)
	}
	if got := p.Query(t, "shop", "SELECT current_setting('foreshadow.missing_collation')")[0][0]; got != "xx_XX.UTF-8" {
		t.Errorf("the collation that is missing is %q", got)
	}
	if len(g.info.Warnings) != 1 {
		t.Errorf("warnings: %q", g.info.Warnings)
	}
}
