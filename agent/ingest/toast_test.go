package ingest

import (
	"fmt"
	"regexp"
	"strings"
)

// The cases of large values, which the primary does not send again where an update leaves them as they were.
var toastCases = map[string]func(*stage){
	"default": func(s *stage) { s.unchanged("tod", "PRIMARY KEY (id, part)", "") },
	"full":    func(s *stage) { s.unchanged("tof", "PRIMARY KEY (id, part)", "REPLICA IDENTITY FULL") },
	"no key":  func(s *stage) { s.unchanged("ton", "CHECK (id > 0)", "REPLICA IDENTITY FULL") },
	"index": func(s *stage) {
		s.unchanged("toi", "UNIQUE (part, id)", "REPLICA IDENTITY USING INDEX toi_part_id_key")
	},
	"large key": (*stage).largeKey,
	"types":     (*stage).largeTypes,
	"partition": (*stage).largeMoves,
	"held":      (*stage).largeHeld,
}

// tableT stands for the table in a step's text.
var tableT = regexp.MustCompile(`\bT\b`)

// unchanged leaves large values unchanged in every way there is, under one replica identity.
func (s *stage) unchanged(table, constraint, identity string) {
	sql := fmt.Sprintf(`CREATE TABLE %[1]s (id int NOT NULL, part int NOT NULL, a text, n int, b bytea, %[2]s);
		ALTER TABLE %[1]s ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL; ALTER TABLE %[1]s %[3]s;
		INSERT INTO %[1]s SELECT g, 1, repeat(md5(g::text), 200), g, decode(repeat(md5(g::text), 150), 'hex') FROM generate_series(1, 20) g;
		INSERT INTO %[1]s VALUES (21, 1, NULL, 21, NULL), (22, 1, '', 22, '')`, table, constraint, identity)
	if identity == "" {
		sql = strings.Replace(sql, "ALTER TABLE tod ;", "", 1)
	}
	s.setUp(sql, table)
	for _, step := range [][]string{
		{"UPDATE T SET n = n + 1"}, // in the folded table
		{"UPDATE T SET id = id + 100 WHERE id <= 5", "UPDATE T SET n = 0 WHERE id > 100"}, // under a new key
		{"BEGIN; UPDATE T SET n = 1; UPDATE T SET part = 2; UPDATE T SET a = repeat('new', 2000) WHERE id = 7; UPDATE T SET n = 2 WHERE id = 7; UPDATE T SET part = 3 WHERE id = 7; COMMIT"},
		{"BEGIN; INSERT INTO T VALUES (30, 1, repeat('own', 2000), 1, NULL); UPDATE T SET n = 2 WHERE id = 30; UPDATE T SET id = 31 WHERE id = 30; UPDATE T SET n = 3 WHERE id = 31; COMMIT"},
		{"BEGIN; SAVEPOINT s; UPDATE T SET a = repeat('gone', 2000); ROLLBACK TO s; UPDATE T SET n = 5; SAVEPOINT r; UPDATE T SET id = id + 1000; ROLLBACK TO r; COMMIT"},
		{"BEGIN; DELETE FROM T WHERE id = 8; INSERT INTO T VALUES (8, 2, repeat('again', 2000), 1, NULL); UPDATE T SET n = 2 WHERE id = 8; COMMIT"},
		// keys change places, so that each row's values stand under the other one's old key
		{"BEGIN; UPDATE T SET id = -1 + 2000 WHERE id = 9; UPDATE T SET id = 9 WHERE id = 10; UPDATE T SET id = 10 WHERE id = 1999; UPDATE T SET n = -n WHERE id IN (9, 10); COMMIT"},
		// streamed before it is committed
		{"BEGIN; UPDATE T SET n = n + 1; INSERT INTO T SELECT g, 1, repeat(md5(g::text), 100), g, NULL FROM generate_series(10001, 10300) g; SAVEPOINT s; UPDATE T SET a = repeat('lost', 2000), part = 9; " +
			"ROLLBACK TO s; UPDATE T SET n = 7; UPDATE T SET id = id + 50000 WHERE id > 10290; COMMIT"},
		{"BEGIN; TRUNCATE T; INSERT INTO T SELECT g, 1, repeat('after', 2000), g, NULL FROM generate_series(1, 5) g; UPDATE T SET n = 1; UPDATE T SET id = id + 5; COMMIT", "UPDATE T SET n = 2"},
		{"UPDATE T SET a = NULL WHERE id = 6; UPDATE T SET n = 3 WHERE id = 6; UPDATE T SET a = repeat('back', 2000) WHERE id = 6; UPDATE T SET n = 4 WHERE id = 6"},
	} {
		for i := range step {
			step[i] = tableT.ReplaceAllString(step[i], table)
		}
		s.do(step...)
	}
	s.whole(table)
}

// largeKey has a key column that is large itself, whose value the primary leaves out of the new row too.
func (s *stage) largeKey() {
	s.setUp(`CREATE TABLE tok (k text, id int, n int, PRIMARY KEY (k, id)); ALTER TABLE tok ALTER k SET STORAGE EXTERNAL;
		INSERT INTO tok SELECT repeat(md5(g::text), 75), g, g FROM generate_series(1, 5) g`, "tok")
	s.do("UPDATE tok SET n = 0", "UPDATE tok SET n = 1 WHERE id = 2; UPDATE tok SET id = 20 WHERE id = 2; UPDATE tok SET n = 2 WHERE id = 20")
	s.do("DELETE FROM tok WHERE id = 3")
	s.whole("tok")
}

// largeTypes leaves large values of many types unchanged.
func (s *stage) largeTypes() {
	s.setUp(`CREATE DOMAIN words AS text[]; CREATE TYPE twin AS (a text, b int);
		CREATE TABLE tot (id int PRIMARY KEY, n int, num numeric, j json, jb jsonb, ia int[], w words, c twin, x xml, ts tsvector, v varchar, bits varbit, h bytea);
		INSERT INTO tot SELECT g, g, (repeat('123456789', 3000) || '.' || g)::numeric, json_build_object('a', (SELECT string_agg(md5(i::text), '') FROM generate_series(g, 300) i)),
			jsonb_build_object('b', (SELECT string_agg(md5(i::text), '') FROM generate_series(g, 300) i)), (SELECT array_agg(i * 7919) FROM generate_series(g, 3000) i),
			(SELECT array_agg(md5(i::text)) FROM generate_series(g, 300) i), ROW((SELECT string_agg(md5(i::text), '') FROM generate_series(g, 300) i), g)::twin,
			xmlelement(name a, (SELECT string_agg(md5(i::text), '') FROM generate_series(g, 300) i)), (SELECT string_agg(md5(i::text), ' ') FROM generate_series(g, 300) i)::tsvector,
			(SELECT string_agg(md5(i::text), '') FROM generate_series(g, 300) i), (SELECT string_agg((i % 2)::text, '') FROM generate_series(g, 30000) i)::varbit,
			(SELECT decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(g, 300) i) FROM generate_series(1, 3) g`, "tot")
	s.do("UPDATE tot SET n = 0", "UPDATE tot SET id = id + 10 WHERE id = 2; UPDATE tot SET n = 1 WHERE id = 12")
	s.whole("tot")
}

// largeMoves moves large values between partitions.
func (s *stage) largeMoves() {
	s.setUp(`CREATE TABLE top (id int, k int, a text, n int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE top1 PARTITION OF top FOR VALUES IN (1);
		CREATE TABLE top2 (n int, a text, k int NOT NULL, id int NOT NULL, PRIMARY KEY (id, k)); ALTER TABLE top ATTACH PARTITION top2 FOR VALUES IN (2);
		ALTER TABLE top1 ALTER a SET STORAGE EXTERNAL; ALTER TABLE top2 ALTER a SET STORAGE EXTERNAL;
		INSERT INTO top SELECT g, 1, repeat(md5(g::text), 200), g FROM generate_series(1, 6) g`, "top1", "top2")
	s.do("UPDATE top SET k = 2 WHERE id < 4", "UPDATE top SET n = 0")
	s.do("BEGIN; UPDATE top SET k = 3 - k; UPDATE top SET n = 1; UPDATE top SET k = 3 - k WHERE id % 2 = 0; COMMIT")
	s.whole("top1")
	s.whole("top2")
}

// largeHeld changes a table while its copy waits: the changes come after the copy, which holds them already and has newer values than they had.
// Such a value is not known, and the log says so.
func (s *stage) largeHeld() {
	s.setUp(`CREATE TABLE toh (id int PRIMARY KEY, n int, a text); ALTER TABLE toh ALTER a SET STORAGE EXTERNAL; INSERT INTO toh VALUES (1, 1, repeat('old', 2000))`, "toh")
	blocker := s.pg.Conn(s.t, "postgres")
	for _, sql := range []string{"BEGIN", "SELECT txid_current()"} {
		if _, err := blocker.Exec(s.t.Context(), sql); err != nil {
			s.t.Fatal(err)
		}
	}
	oid := s.oid("toh")
	s.pg.Exec(s.t, "postgres", "ALTER TABLE toh ALTER n TYPE bigint USING n + 1; UPDATE toh SET n = 5")
	until(s.t, "the table is to be copied again", func() bool { _, err := s.store.RowCount(s.t.Context(), oid); return err != nil })
	s.pg.Exec(s.t, "postgres", "UPDATE toh SET n = 6")
	s.pg.Exec(s.t, "postgres", "UPDATE toh SET a = repeat('newer', 2000)")
	s.pg.Exec(s.t, "postgres", "ALTER TABLE toh ADD late int DEFAULT 4")
	if _, err := blocker.Exec(s.t.Context(), "COMMIT"); err != nil {
		s.t.Fatal(err)
	}
	s.do() // until it is copied
	s.do("UPDATE toh SET n = 7")
	got := strings.Join(s.log("after->>'n', left(after->>'a', 5), unknown_columns", "relation = 'public.toh' AND transaction_type = 'update'"), " ")
	if !strings.HasPrefix(got, "5|a 6|a ") || !strings.HasSuffix(got, "|newer 7|newer") {
		s.t.Errorf("the log: %s", got)
	}
}
