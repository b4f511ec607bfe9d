-- A database in which every limit comes near, by rows of the last 200 days: 100 a day.
CREATE TABLE events (
  id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz NOT NULL,
  code varchar(10), amount numeric(6,2), qty int CHECK (qty < 1000), n int, part numeric CHECK (part > -1000), flag varchar(2) DEFAULT 'ab', full_at_100 int CHECK (full_at_100 <= 100), doc text);
INSERT INTO events (created_at, code, amount, qty, n, part, full_at_100, doc)
  SELECT now() - make_interval(days => 199 - d) - interval '1 hour', repeat('x', 2 + d / 30), 40 * d, 4 * d, 9000000 * d, -4 * d, least(d, 100), CASE WHEN i = 0 THEN (SELECT string_agg(md5(g::text || d), '') FROM generate_series(1, 150) g) END
  FROM generate_series(0, 199) d, generate_series(1, 100) WITH ORDINALITY AS x(i0, i1), LATERAL (SELECT (i1 - 1) AS i) y ORDER BY d;
CREATE TABLE tickets (id int GENERATED ALWAYS AS IDENTITY (START 2147476148) PRIMARY KEY, created_at timestamptz NOT NULL);
INSERT INTO tickets (created_at) SELECT now() - make_interval(days => 99 - d) - interval '1 hour' FROM generate_series(0, 99) d, generate_series(1, 50) ORDER BY d;
CREATE SEQUENCE lonely_seq AS int;
SELECT setval('lonely_seq', 2147000000);
CREATE TABLE sparse (id bigint PRIMARY KEY, filled text);
INSERT INTO sparse SELECT g, CASE WHEN g > 100 THEN 'x' END FROM generate_series(1, 1000) g;
CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE numbered_1 PARTITION OF numbered FOR VALUES FROM (1) TO (4000);
INSERT INTO numbered SELECT FROM generate_series(1, 3000);
CREATE TABLE dated (at timestamptz) PARTITION BY RANGE (at);
DO $$ BEGIN EXECUTE format('CREATE TABLE dated_1 PARTITION OF dated FOR VALUES FROM (%L) TO (%L)', now() - interval '10 days', now() + interval '40 days'); END $$;
CREATE TABLE locked (id int PRIMARY KEY);
INSERT INTO locked VALUES (1);
