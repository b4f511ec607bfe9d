package parse

import (
	"fmt"
	"strings"
	"testing"
)

func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"CREATE TABLE a (id int); CREATE TEMP TABLE b (id int); CREATE TABLE s.c AS SELECT 1; CREATE MATERIALIZED VIEW v AS SELECT 1":       ".a create_table , s.c create_table ",
		"ALTER TABLE s.a ADD x int, DROP COLUMN y, ALTER z TYPE bigint, ALTER z SET NOT NULL, ALTER z SET DEFAULT 1, SET (fillfactor = 70)": "s.a add_column x, s.a drop_column y, s.a alter_type z, s.a alter_null z, s.a alter_default z, s.a alter_other ",
		"ALTER TABLE a ADD CONSTRAINT k CHECK (x > 0) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT k; ALTER TABLE a DROP CONSTRAINT k":      ".a add_constraint k, .a validate_constraint k, .a drop_constraint k",
		"ALTER TABLE a RENAME TO b; ALTER TABLE s.b RENAME x TO y; ALTER TABLE b SET SCHEMA t; ALTER INDEX i RENAME TO j":                   ".b rename_table a, s.b rename_column y, t.b rename_table b",
		"CREATE INDEX CONCURRENTLY i ON a (x); DROP INDEX i; DROP TABLE s.a, b; DROP TRIGGER g ON s.a":                                      ".a add_index i, s.a drop_table , .b drop_table , s.a drop_trigger g",
		"ALTER VIEW v ALTER x SET DEFAULT 1; SELECT 1; GRANT SELECT ON a TO b":                                                              "",
		"CREATE TRIGGER g AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()":                                                              ".a add_trigger g",
	} {
		got, err := SchemaChanges(sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		var told []string
		for _, c := range got {
			told = append(told, fmt.Sprintf("%s.%s %s %s", c.Schema, c.Table, c.Kind, c.Object))
		}
		if s := strings.Join(told, ", "); s != want {
			t.Errorf("%s:\n%s, want\n%s", sql, s, want)
		}
	}
	if _, err := SchemaChanges("ALTER TABLE"); err == nil {
		t.Error("no syntax error")
	}
}
