-- A table whose rows and columns change under the eyes of the agent; the reading login may read everything, as the source's own user.
CREATE TYPE mood AS ENUM ('ok', 'sad');
CREATE TABLE t (id integer PRIMARY KEY, a text, b numeric(6,2), m mood);
INSERT INTO t VALUES (1, 'one', 1.50, 'ok'), (2, 'two', NULL, 'sad'), (3, 'it''s', -3, NULL);
CREATE TABLE bare (x integer, y text);
ALTER TABLE bare REPLICA IDENTITY FULL;
INSERT INTO bare VALUES (1, 'same'), (1, 'same'), (2, NULL);
CREATE TABLE part (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (100) TO (200);
INSERT INTO part VALUES (1, 'low'), (150, 'high');
CREATE VIEW seen AS SELECT id, b FROM t;
