package ingest

import "slices"

// The cases of TRUNCATE, of partitions and of inheritance.
var truncateCases = map[string]func(*stage){
	"several": (*stage).truncateSeveral, "leaves": (*stage).truncateLeaves, "large": (*stage).truncateLarge, "moves": (*stage).partitionMoves,
	"made": (*stage).partitionsMade, "inherits": (*stage).inherits,
}

// truncateSeveral empties several tables at once, by name and by cascade, with changes before and after.
func (s *stage) truncateSeveral() {
	s.setUp(`CREATE TABLE tra (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int); CREATE TABLE trb (id int PRIMARY KEY, a int REFERENCES tra); CREATE TABLE trc (id int PRIMARY KEY, b int REFERENCES trb);
		CREATE TABLE trd (v text); ALTER TABLE trd REPLICA IDENTITY FULL; INSERT INTO tra (v) VALUES (1), (2); INSERT INTO trb VALUES (1, 1), (2, 2); INSERT INTO trc VALUES (1, 1); INSERT INTO trd VALUES ('x'), ('x')`,
		"tra", "trb", "trc", "trd")
	s.do("BEGIN; INSERT INTO tra (v) VALUES (3); UPDATE trb SET a = 3 WHERE id = 1; DELETE FROM trd; INSERT INTO trd VALUES ('y'); TRUNCATE tra, trd RESTART IDENTITY CASCADE; INSERT INTO tra (v) VALUES (10), (11); INSERT INTO trd VALUES ('z'); " +
		"UPDATE tra SET v = 12 WHERE id = 1; COMMIT")
	if got := s.log("relation", "relation IN ('public.tra', 'public.trb', 'public.trc', 'public.trd') AND transaction_type = 'truncate'"); len(got) != 4 {
		s.t.Errorf("truncations in the log: %q", got)
	}
	s.do("BEGIN; TRUNCATE trd; TRUNCATE trd; INSERT INTO trd VALUES ('again'); ROLLBACK", "BEGIN; SAVEPOINT s; TRUNCATE trd; ROLLBACK TO s; INSERT INTO trd VALUES ('kept'); COMMIT")
	s.do("BEGIN; TRUNCATE trd; INSERT INTO trd VALUES ('a'); TRUNCATE trd; INSERT INTO trd VALUES ('b'); COMMIT")
	s.do("TRUNCATE trc, trb", "TRUNCATE tra CASCADE")
}

// truncateLeaves empties partitions by themselves and through their parents.
func (s *stage) truncateLeaves() {
	s.setUp(`CREATE TABLE trp (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE trp1 PARTITION OF trp FOR VALUES IN (1);
		CREATE TABLE trp2 PARTITION OF trp FOR VALUES IN (2, 3) PARTITION BY LIST (k); CREATE TABLE trp2a PARTITION OF trp2 FOR VALUES IN (2); CREATE TABLE trp2b PARTITION OF trp2 DEFAULT;
		INSERT INTO trp SELECT g, 1 + g % 3 FROM generate_series(1, 30) g`, "trp1", "trp2a", "trp2b")
	s.do("TRUNCATE trp2a")
	s.do("BEGIN; INSERT INTO trp VALUES (100, 2), (100, 3); TRUNCATE trp2; INSERT INTO trp VALUES (101, 2); COMMIT")
	s.do("TRUNCATE trp; INSERT INTO trp VALUES (1, 1), (1, 2), (1, 3)", "TRUNCATE trp1")
}

// truncateLarge empties a table within a transaction that is streamed, twice, once for good.
func (s *stage) truncateLarge() {
	s.setUp("CREATE TABLE trl (id int PRIMARY KEY, t text); INSERT INTO trl SELECT g, 'old' FROM generate_series(1, 100) g", "trl")
	s.do("BEGIN; INSERT INTO trl SELECT g, repeat('x', 200) FROM generate_series(1001, 3000) g; TRUNCATE trl; INSERT INTO trl SELECT g, repeat('y', 200) FROM generate_series(1, 2000) g; " +
		"SAVEPOINT s; TRUNCATE trl; INSERT INTO trl SELECT g, repeat('z', 200) FROM generate_series(1, 3000) g; ROLLBACK TO s; DELETE FROM trl WHERE id <= 10; COMMIT")
	s.do("DELETE FROM trl WHERE id < 100")
	s.do("BEGIN; DELETE FROM trl; INSERT INTO trl SELECT g, repeat('w', 200) FROM generate_series(1, 12000) g; TRUNCATE trl; COMMIT")
}

// partitionMoves moves rows between partitions of different column order by updates of the key.
func (s *stage) partitionMoves() {
	s.setUp(`CREATE TABLE pam (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k); CREATE TABLE pam1 PARTITION OF pam FOR VALUES FROM (0) TO (10);
		CREATE TABLE pam2 (v text, gone int, k int NOT NULL, id int NOT NULL, PRIMARY KEY (id, k)); ALTER TABLE pam2 DROP COLUMN gone; ALTER TABLE pam ATTACH PARTITION pam2 FOR VALUES FROM (10) TO (20);
		CREATE TABLE pam3 PARTITION OF pam DEFAULT; ALTER TABLE pam3 REPLICA IDENTITY FULL; INSERT INTO pam SELECT g, g, 'v' || g FROM generate_series(1, 30) g`, "pam1", "pam2", "pam3")
	s.do("UPDATE pam SET k = k + 5")
	s.do("BEGIN; UPDATE pam SET k = 40 - k; UPDATE pam SET v = v || '!', k = k + 1 WHERE k < 20; DELETE FROM pam WHERE k = 12; COMMIT", "UPDATE pam SET k = 0 WHERE id = 30")
	s.do("BEGIN; ALTER TABLE pam ADD COLUMN late int DEFAULT 7; UPDATE pam SET k = 15, late = 8 WHERE id < 4; ALTER TABLE pam DETACH PARTITION pam2; UPDATE pam2 SET v = 'alone'; COMMIT")
	s.do("ALTER TABLE pam ATTACH PARTITION pam2 FOR VALUES FROM (10) TO (20); UPDATE pam SET k = 16 WHERE k = 15")
}

// partitionsMade makes partitions while changes are streamed, in the transaction that fills them, and moves rows out of the default one into a new one.
func (s *stage) partitionsMade() {
	s.setUp("CREATE TABLE pan (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE pan1 PARTITION OF pan FOR VALUES FROM (0) TO (100); INSERT INTO pan VALUES (1, 'a')", "pan1")
	s.tables = append(s.tables, "pan2")
	s.do("BEGIN; INSERT INTO pan VALUES (2, 'b'); CREATE TABLE pan2 PARTITION OF pan FOR VALUES FROM (100) TO (200); INSERT INTO pan SELECT g, 'c' FROM generate_series(3, 150) g; UPDATE pan SET id = id + 100 WHERE id BETWEEN 60 AND 99; COMMIT")
	s.tables = append(s.tables, "pan3")
	s.do("CREATE TABLE pan3 PARTITION OF pan DEFAULT; INSERT INTO pan VALUES (1000, 'd')", "UPDATE pan SET id = id + 2000 WHERE id > 140")
}

// inherits has tables that inherit from another, whose rows are each table's own.
func (s *stage) inherits() {
	s.setUp("CREATE TABLE inh (id int PRIMARY KEY, v text); CREATE TABLE inhc (extra int, PRIMARY KEY (id)) INHERITS (inh); INSERT INTO inh VALUES (1, 'a'), (2, 'b'); INSERT INTO inhc VALUES (3, 'c', 7)", "inhc")
	own := func(sql string) {
		s.do(sql)
		want := []string{}
		for _, r := range s.query("SELECT id::text || '|' || v FROM ONLY inh ORDER BY 1") {
			want = append(want, r[0])
		}
		if got, err := s.shadowed(s.oid("inh"), 0); err != nil || !slices.Equal(got, want) {
			s.t.Errorf("the parent's own rows: %q %v, want %q", got, err, want)
		}
	}
	own("UPDATE inh SET v = v || '!'")
	own("DELETE FROM inh WHERE id IN (1, 3); INSERT INTO inhc VALUES (4, 'd', 8)")
	own("TRUNCATE ONLY inh; INSERT INTO inh VALUES (9, 'z')")
	own("TRUNCATE inh")
}
