package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// The cases of what identifies a row.
var identityCases = map[string]func(*stage){
	"duplicates": (*stage).duplicates, "insert only": (*stage).insertOnly, "changes": (*stage).identities, "look alike": (*stage).lookAlike, "named": (*stage).named,
}

// duplicates deletes and updates one of several equal rows.
func (s *stage) duplicates() {
	s.setUp(`CREATE TABLE idd (a int, b text, c text); ALTER TABLE idd REPLICA IDENTITY FULL; ALTER TABLE idd ALTER c SET STORAGE EXTERNAL;
		INSERT INTO idd SELECT 1, NULL, repeat('c', 5000) FROM generate_series(1, 4); INSERT INTO idd SELECT 1, 'x', NULL FROM generate_series(1, 4); INSERT INTO idd VALUES (NULL, NULL, NULL), (NULL, NULL, NULL)`, "idd")
	one := "ctid IN (SELECT ctid FROM idd WHERE %s LIMIT %d)"
	s.do("DELETE FROM idd WHERE " + fmt.Sprintf(one, "b IS NULL", 2))
	s.do("UPDATE idd SET b = 'y' WHERE " + fmt.Sprintf(one, "b = 'x'", 1))
	s.do("BEGIN; INSERT INTO idd SELECT * FROM idd; DELETE FROM idd WHERE " + fmt.Sprintf(one, "a = 1", 5) + "; UPDATE idd SET a = 2 WHERE " + fmt.Sprintf(one, "a IS NULL", 1) + "; COMMIT")
	s.do("BEGIN; INSERT INTO idd SELECT 5, 'many', NULL FROM generate_series(1, 3000); DELETE FROM idd WHERE " + fmt.Sprintf(one, "a = 5", 1000) + "; COMMIT")
	s.do("DELETE FROM idd WHERE "+fmt.Sprintf(one, "a = 5", 1999), "DELETE FROM idd")
}

// insertOnly has a table without a replica identity, whose updates are not sent: it must not fail on the primary, and be said; when it gets an identity
// it is copied again.
func (s *stage) insertOnly() {
	s.gaps = true
	s.setUp("CREATE TABLE idn (a int, b text); INSERT INTO idn VALUES (1, 'x'), (1, 'x')", "idn")
	s.do("INSERT INTO idn VALUES (2, 'y')")
	s.pg.Exec(s.t, "postgres", "UPDATE idn SET b = 'changed' WHERE a = 1; DELETE FROM idn WHERE a = 2")
	if note := s.noted("idn"); !strings.Contains(note, "only inserts are captured") {
		s.t.Errorf("foreshadow.tables says %q", note)
	}
	s.do("ALTER TABLE idn REPLICA IDENTITY FULL")
	s.do("UPDATE idn SET b = 'again' WHERE ctid IN (SELECT ctid FROM idn LIMIT 1)")
	if note := s.noted("idn"); note != "" {
		s.t.Errorf("foreshadow.tables says %q of a table with an identity", note)
	}
	s.pg.Exec(s.t, "postgres", "ALTER TABLE idn REPLICA IDENTITY NOTHING")
	until(s.t, "the table has lost its identity", func() bool { return strings.Contains(s.noted("idn"), "only inserts are captured") })
	s.do("TRUNCATE idn; INSERT INTO idn VALUES (3, 'z')")
	s.pg.Exec(s.t, "postgres", "UPDATE idn SET a = 4")
	s.do("ALTER TABLE idn ADD PRIMARY KEY (a); ALTER TABLE idn REPLICA IDENTITY DEFAULT")
	s.do("UPDATE idn SET b = 'last'")
}

// identities changes what identifies a table's rows, with changes before and after, in one transaction and over several.
func (s *stage) identities() {
	s.setUp(`CREATE TABLE idc (id int PRIMARY KEY, k int NOT NULL, t text, n int); CREATE UNIQUE INDEX idc_k ON idc (k); ALTER TABLE idc ALTER t SET STORAGE EXTERNAL;
		INSERT INTO idc SELECT g, g + 100, repeat(md5(g::text), 200), g FROM generate_series(1, 10) g`, "idc")
	for _, identity := range []string{"USING INDEX idc_k", "FULL", "DEFAULT", "USING INDEX idc_k", "DEFAULT", "FULL", "USING INDEX idc_k"} {
		s.do("UPDATE idc SET n = n + 1; ALTER TABLE idc REPLICA IDENTITY "+identity+"; UPDATE idc SET n = n + 1; UPDATE idc SET id = id + 20, k = k + 20 WHERE id % 3 = 0; DELETE FROM idc WHERE id = (SELECT min(id) FROM idc)",
			"UPDATE idc SET n = 0 WHERE id % 2 = 0", "UPDATE idc SET k = k + 1000 WHERE id % 2 = 1; UPDATE idc SET id = id + 2000 WHERE k % 2 = 1")
	}
	s.whole("idc")
	s.do("ALTER TABLE idc DROP CONSTRAINT idc_pkey; ALTER TABLE idc ADD PRIMARY KEY (k, id); ALTER TABLE idc REPLICA IDENTITY DEFAULT; UPDATE idc SET id = id + 1")
}

// lookAlike has rows without a key that DuckDB holds equal and PostgreSQL shows differently.
func (s *stage) lookAlike() {
	s.setUp(`CREATE TABLE idl (f float8, r real, i interval, n numeric, t text, j json, b bpchar(3), tm time); ALTER TABLE idl REPLICA IDENTITY FULL`, "idl")
	values := []string{"(0.0, 0, '1 mon', 1.0, 'a', '{}', 'a', '00:00')", "(-0.0, 0, '1 mon', 1.0, 'a', '{}', 'a', '00:00')", "(0.0, -0.0, '1 mon', 1.0, 'a', '{}', 'a', '00:00')", "(0.0, 0, '30 days', 1.0, 'a', '{}', 'a', '00:00')",
		"(0.0, 0, '720:00:00', 1.0, 'a', '{}', 'a', '00:00')", "(0.0, 0, '1 mon', 1.00, 'a', '{}', 'a', '00:00')", "(0.0, 0, '1 mon', 1.0, 'a ', '{}', 'a', '00:00')", "(0.0, 0, '1 mon', 1.0, 'a', '{ }', 'a', '00:00')",
		"(0.0, 0, '1 mon', 1.0, 'a', '{}', 'a', '24:00')", "('NaN', 'NaN', NULL, 'NaN', NULL, NULL, NULL, NULL)"}
	for range 2 {
		s.do("INSERT INTO idl VALUES " + strings.Join(values, ", "))
	}
	for n := len(values); n > 0; n-- { // by place: values are distinct, so that a wrong one is seen
		s.do("DELETE FROM idl WHERE ctid = (SELECT max(ctid) FROM idl)")
	}
}

// named has a table whose rows are sent whole and shown by their primary key, which goes and comes with rows that have one key twice.
func (s *stage) named() {
	s.setUp("CREATE TABLE idp (id int PRIMARY KEY, t text); ALTER TABLE idp REPLICA IDENTITY FULL; INSERT INTO idp SELECT g, 'a' FROM generate_series(1, 5) g", "idp")
	s.do("UPDATE idp SET t = 'b' WHERE id = 1; DELETE FROM idp WHERE id = 2")
	s.do("ALTER TABLE idp DROP CONSTRAINT idp_pkey", "INSERT INTO idp VALUES (1, 'b'), (1, 'b'), (1, 'c')", "DELETE FROM idp WHERE ctid = (SELECT max(ctid) FROM idp WHERE t = 'b')", "UPDATE idp SET t = 'd' WHERE t = 'c'")
	s.do("DELETE FROM idp WHERE id = 1")
	s.do("ALTER TABLE idp ADD PRIMARY KEY (id, t)", "UPDATE idp SET t = 'e' WHERE id = 3; DELETE FROM idp WHERE id = 4")
	want := []string{`update|{"id": 1}`, `delete|{"id": 2}`, "insert|~", "insert|~", "insert|~", "delete|~", "update|~", "delete|~", "delete|~", "delete|~", `update|{"id": 3, "t": "e"}`, `delete|{"id": 4, "t": "a"}`}
	if got := s.log("transaction_type, coalesce(primary_key, '~')", "relation = 'public.idp'"); !slices.Equal(got, want) {
		s.t.Errorf("the log shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
