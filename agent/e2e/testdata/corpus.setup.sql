-- What the corpus and the random queries ask. tame and wild have the same columns: tame's values are those of every day, many of them equal, with
-- NULLs; wild's are the ends of their types. odd has the types that only PostgreSQL computes with.
CREATE ROLE reader LOGIN;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN word AS varchar(8);
CREATE TABLE tame (id int PRIMARY KEY, g int, i2 smallint, i4 int, i8 bigint, p numeric(10,2), q numeric(18,6), f4 real, f8 float8, w float8, b boolean, s text, v varchar(12),
  d date, ts timestamp, tz timestamptz, iv interval, tm time, u uuid, y bytea, e mood, parent int);
CREATE TABLE wild (LIKE tame INCLUDING ALL);
INSERT INTO tame SELECT i, i % 5, nullif(i % 7 - 3, 2), CASE WHEN i % 6 <> 0 THEN i * 37 % 100 - 50 END, CASE WHEN i % 9 <> 0 THEN i * 7919::bigint * 1000003 % 100000 END,
  CASE WHEN i % 8 <> 0 THEN (i * 7919 % 20000) / 100.0 - 100 END, CASE WHEN i % 10 <> 0 THEN (i * 104729 % 2000000) / 1000.0 / 7 - 100 END,
  CASE WHEN i % 7 <> 0 THEN (i % 16) / 4.0 - 1.1 END, CASE WHEN i % 11 <> 0 THEN i / 7.0 - 2 END, CASE WHEN i % 5 <> 0 THEN i / 8.0 - 2 END,
  CASE i % 4 WHEN 0 THEN true WHEN 1 THEN false WHEN 2 THEN i % 3 = 0 END,
  CASE WHEN i % 9 <> 0 THEN (ARRAY['apple', 'Banana', 'cherry pie', 'apple', '', 'Äpfel', 'a_b%c', 'straße', ' lead', 'x,y,,z'])[i % 10 + 1] END,
  CASE WHEN i % 4 <> 0 THEN (ARRAY['one', 'two', 'three', '4', '-5', '6.50', 'true'])[i % 7 + 1] END,
  CASE WHEN i % 12 <> 0 THEN date '2026-02-25' + i % 20 END, CASE WHEN i % 13 <> 0 THEN timestamp '2026-03-07 22:30:00.25' + i % 15 * interval '1 hour 17 minutes' END,
  CASE WHEN i % 14 <> 0 THEN timestamptz '2026-10-31 20:00:00.125+00' + i % 25 * interval '47 minutes' END,
  CASE WHEN i % 6 <> 0 THEN make_interval(months => i % 3, days => i % 5, hours => i % 7 - 3, secs => i % 4 * 0.5) END, CASE WHEN i % 5 <> 0 THEN time '00:30' + i * interval '41 minutes 1.5 seconds' END,
  CASE WHEN i % 6 <> 0 THEN md5((i % 20)::text)::uuid END, CASE WHEN i % 5 <> 0 THEN decode(lpad(to_hex(i * 31), 4, '0'), 'hex') END,
  CASE WHEN i % 5 <> 0 THEN (ARRAY['sad', 'ok', 'happy'])[i % 3 + 1]::mood END, nullif(i / 2, 0)
FROM generate_series(1, 40) i;
INSERT INTO wild VALUES
  (1, 1, 32767, 2147483647, 9223372036854775807, 99999999.99, 999999999999.999999, 3.4028235e38, 1.7976931348623157e308, 0.5, true, E'tab\tnew\nline', 'a''b"c\d', 'infinity', 'infinity', 'infinity', '178000000 years', '24:00:00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '\xff00', 'happy', NULL),
  (2, 1, -32768, -2147483648, -9223372036854775808, -99999999.99, -999999999999.999999, -3.4028235e38, -1.7976931348623157e308, -0.5, false, '', '', '-infinity', '-infinity', '-infinity', '-178000000 years', '00:00:00', '00000000-0000-0000-0000-000000000000', '\x', 'sad', 1),
  (3, 2, 0, 0, 0, 0.00, 0.000000, 0, 0, 0, NULL, ' ', '  pad  ', '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00+00 BC', '0', '12:00:00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00', 'ok', 1),
  (4, 2, 1, 1, 1, 0.01, 0.000001, 1.1754944e-38, 5e-324, 1, true, 'İıſßŒ', 'ÀÉ', '0001-01-01', '0001-01-01', '0001-01-01 00:00+00', '1 microsecond', '00:00:00.000001', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '\x0001', 'ok', 2),
  (5, 3, -1, -1, -1, -0.01, -0.000001, -1e-45, -2.2250738585072014e-308, -1, false, '日本語テキスト', '😀😀', '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', '-1 microsecond', '23:59:59.999999', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', '\xdeadbeef', NULL, 2),
  (6, 3, 2, 10, 100, 0.50, 0.500000, 0.1, 0.1, 2.5, NULL, '%_\', '100%', '2024-02-29', '2024-02-29 23:59:59.5', '2024-02-29 23:59:59.5+00', '1 mon', '06:30', NULL, '\x5c', 'happy', 3),
  (7, NULL, 3, 20, 200, 1.50, 1.500000, 1e6, 1e15, 3.5, true, 'NULL', 'null', '2000-02-29', '2000-01-01', '2000-01-01 00:00+00', '1 mon 15 days -3:00:00.5', '06:30:30.5', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff', 'sad', 4),
  (8, 4, 4, 30, 300, 2.50, 2.500000, 16777216, 9007199254740993, 4.5, false, 'é', 'é', '1900-03-01', '2026-03-08 02:30:00', '2026-03-08 06:59:59.999999+00', '-1 mon +32 days 01:00', '02:30', NULL, NULL, NULL, 5),
  (9, 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 5),
  (10, 5, -5, -50, -500, -2.50, -2.500000, 'NaN', 'NaN', -2.5, true, 'aaa', 'aaa', '2026-11-01', '2026-11-01 01:30:00', '2026-11-01 05:30+00', '2 years -3 mons', '01:30', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a15', '\x616161', 'ok', 8),
  (11, 5, 7, -3, 7, 33.33, 0.333333, 'Infinity', 'Infinity', 1.25, false, 'aAa', 'AAA', '2026-03-08', '2026-11-01 00:59:59', '2026-11-01 06:30+00', '1 day', '23:59:59', NULL, '\x41', 'ok', 9),
  (12, 5, -7, 3, -7, -33.33, -0.333333, '-Infinity', '-Infinity', -1.25, NULL, E'\\', E'\n', '1582-10-04', '1582-10-15', '1883-11-18 16:59:59+00', '25:00:00', '04:05:06.789', NULL, '\x5c5c', 'happy', 12),
  (13, 6, 10, 1000000007, 4611686018427387904, 12345678.90, 123456789012.345678, 123456.79, 123456789.12345679, 0.125, true, 'word word  word', 'a.b.c', '1969-12-31', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00', '-1 day 23:59:59', '13:14:15.161718', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a16', '\x2061', 'sad', 13),
  (14, 6, -10, -1000000007, -4611686018427387904, 0.10, 0.100000, 3.14159274, 3.141592653589793, -0.125, false, '2026-01-01', '42', '1970-01-01', '1970-01-01', '1970-01-01 00:00+00', '100 days 100:00:00', '19:00', NULL, '\x7f', NULL, 14);
CREATE TABLE odd (id int PRIMARY KEY, nn numeric, big numeric(60,20), tiny numeric(5,7), neg numeric(4,-2), c char(5), ints int[], texts text[], grid int[], moods mood[], js json, jb jsonb, r int4range, nr numrange, dr daterange, tr tstzrange, mr int4multirange,
  bits bit(5), vb varbit, ip inet, net cidr, mac macaddr, cash money, dom positive, wd word, pr pair, x xid, l pg_lsn, ch "char", n name, o oid, reg regclass, tt timetz, pt point, bx box, xm xml, tsv tsvector, tsq tsquery, i3 interval hour to second, iso text COLLATE "en-x-icu", doubled int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO odd SELECT i, (ARRAY[0, 1.0, 1.00, -7.5, 'NaN', 'Infinity', '-Infinity', 123456789012345678901234567890123456789012345.678901234567890, 1e-30, NULL]::numeric[])[i], (ARRAY[1, -1, 12345678901234567890123456789012345678.5])[i]::numeric, (i * 0.00012345)::numeric(5,7), i * 1249,
  (ARRAY['a', 'b  ', 'ab', '', ' x', 'abcde', 'a ', NULL])[i], ARRAY[i, NULL, i * 2], CASE WHEN i < 9 THEN ARRAY['x' || i, NULL, 'a,b', '"q"', ''] END, CASE WHEN i < 5 THEN ARRAY[[i, 2], [3, i * 4]] ELSE '[2:3]={5,6}' END,
  ARRAY['ok', (ARRAY['sad', 'happy'])[i % 2 + 1]]::mood[], ('{"a": ' || i || ', "a": [1,  2.50], "b":{"c":null}}')::json,
  (ARRAY['{"k": 1, "n": 1.50, "s": "text", "a": [1, 2, {"b": "deep"}], "t": true, "z": null}', '{"k": 2, "n": 1e2, "s": "\u00e9\"q\"", "a": []}', '[1, "two", null, false, 3.0]', '"scalar"', '42', 'null', '{}', '{"k": "1", "o": {"p": {"q": [10, 20]}}}', NULL, '{"big": 12345678901234567890.123456789, "": "empty"}']::jsonb[])[i],
  CASE WHEN i <> 4 THEN int4range(i, i * 2, '(]') ELSE 'empty' END, numrange(i / 2.0, NULL, '[)'), daterange(NULL, date '2026-01-01' + i), tstzrange('2026-01-01 00:00+00', timestamptz '2026-01-01 00:00+00' + i * interval '5 hours'), int4multirange(int4range(1, i + 1), int4range(i + 5, i + 9)),
  (i * 3)::bit(5), (i::bit(8))::varbit, ('192.168.' || i || '.1/24')::inet, ('10.' || i || '.0.0/16')::cidr, ('08:00:2b:01:02:0' || i % 10)::macaddr, (i * 1234.565)::numeric::money, nullif(i, 3), 'w' || i, ROW(nullif(i, 2), 'p' || nullif(i, 2))::pair, i::text::xid, ('0/' || i)::pg_lsn,
  chr(64 + i)::"char", ('n' || i)::name, i::oid, 'pg_class'::regclass, ('12:0' || i % 10 || ':00+0' || i % 10)::timetz, point(i, -i), box(point(0, 0), point(i, i)), ('<a b="' || i || '">t</a>')::xml, to_tsvector('simple', 'the quick fox ' || i), to_tsquery('simple', 'fox & ' || i), i * interval '1 day 01:02:03.4',
  (ARRAY['b', 'A', 'a', 'B', 'ä', 'Z', 'z', 'é', 'e', 'É'])[i]
FROM generate_series(1, 10) i;
CREATE TABLE empty (id int PRIMARY KEY, i4 int, p numeric(10,2), s text, f8 float8, tz timestamptz);
CREATE TABLE cased (id int PRIMARY KEY, "A" int, a text, "ID" numeric(10,2), "Aa" date, "aA" text, "from" int, rowid int, lo int, "ünïcode 😀" int, "say ""hi""" int, "Ü" int, "ü" text, "ı" int, "İ" text);
INSERT INTO cased SELECT i, i * 10, 'x' || i, i + 0.5, date '2026-01-01' + i, 'y' || i, i, -i, i * 2, i * 3, i * 4, i * 5, 'u' || i, i * 6, 'i' || i FROM generate_series(1, 3) i;
CREATE TABLE "Cased" (id int PRIMARY KEY, v text);
INSERT INTO "Cased" VALUES (7, 'other');
CREATE VIEW tame_view AS SELECT t.id, t.s, t.p * 2 AS twice, w.d FROM tame t LEFT JOIN wild w USING (id);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
