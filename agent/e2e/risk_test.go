package e2e

import (
	"strings"
	"testing"
)

// assessesRisk asks psql what schema changes would do.
func assessesRisk(t *testing.T, d *dev) {
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"EXPLAIN RISK ALTER TABLE orders ADD COLUMN a int", []string{"verdict|safe", "lock|ACCESS EXCLUSIVE on public.orders, blocks reads and writes"}},
		{"EXPLAIN RISK ALTER TABLE orders ADD COLUMN a float8 DEFAULT random() AT HORIZON '90 days'",
			[]string{"work|rewrite of", "safer|ALTER TABLE orders ALTER COLUMN a SET DEFAULT random();"}},
		{"explain risk 'BEGIN; DROP INDEX orders_by_customer; CREATE INDEX ON orders (total); COMMIT' at horizon interval '1 day';",
			[]string{"statement 2|CREATE INDEX ON orders (total)", "safer|DROP INDEX CONCURRENTLY orders_by_customer;", "lock|SHARE on public.orders, blocks writes"}},
		{"EXPLAIN RISK ALTER TABLE orders DROP COLUMN nothing", []string{"verdict|fails: column \"nothing\" of public.orders does not exist"}},
		{"EXPLAIN RISK ALTER TABLE orders ADDD COLUMN a int", []string{"ERROR:  42601: syntax error at or near \"ADDD\"\nLINE 1: EXPLAIN RISK ALTER TABLE orders ADDD COLUMN a int\n                                        ^"}},
		{"EXPLAIN RISK ALTER TABLE nowhere ADD COLUMN a int", []string{"ERROR:  42P01: relation \"nowhere\" does not exist\nLINE 1: EXPLAIN RISK ALTER TABLE nowhere ADD COLUMN a int\n                                 ^\nHINT:"}},
		{"EXPLAIN RISK SELECT 1", []string{"ERROR:  0A000: there is no schema change to assess\nHINT:"}},
		{"EXPLAIN RISK", []string{"ERROR:  42601: syntax error at end of input"}},
		{"EXPLAIN RISK DROP TABLE orders AT HORIZON '-1 day'", []string{"ERROR:  22023: the horizon must be positive"}},
		{"SELECT DISTINCT statement, command, verdict FROM foreshadow.assess_ddl('CREATE TABLE x (id int); CREATE INDEX ON x (id)') ORDER BY 1", []string{"1|CREATE TABLE|safe\n2|CREATE INDEX|safe"}},
	} {
		out, _ := d.psql(t, "analyst", "shop", "-At", "-v", "VERBOSITY=verbose", "-c", c.sql) // what is told of an error is in the output
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.sql, want, out)
			}
		}
	}
}
