CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE ROLE reader LOGIN;
CREATE ROLE outsider LOGIN;
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city varchar(30), born date, feeling mood, code char(4), tags text[], note jsonb);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int REFERENCES customers, amount numeric(10,2), tax numeric(6,4), weight float8, qty smallint,
  paid boolean, created_at timestamptz NOT NULL, shipped timestamp, ref uuid, loose numeric, took interval);
CREATE TABLE items (order_id bigint, line int, price numeric(12,3), label text, PRIMARY KEY (order_id, line));
CREATE TABLE secret (id int PRIMARY KEY, v text);
CREATE TABLE guarded (id int PRIMARY KEY, v text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE lent (id int PRIMARY KEY, d positive, word text COLLATE "en-x-icu", bits bit(3), iv interval day to second(1), span int4range, addr inet, cash money, doubled int GENERATED ALWAYS AS (id * 2) STORED,
  js json, at time with time zone, c char(6), fs float4[], moods mood[], ch "char", odd numeric(12,3), far timestamptz);
CREATE VIEW big_orders AS SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.amount > 500;
INSERT INTO customers SELECT i, (ARRAY['Ann','bob','Çelik','dora','Émile','%odd_','back\slash'])[i % 7 + 1] || i, CASE WHEN i % 5 = 0 THEN NULL ELSE (ARRAY['Oslo','Rome','Bonn'])[i % 3 + 1] END,
  date '1990-01-01' + i * 37, (ARRAY['sad','ok','happy'])[i % 3 + 1]::mood, 'c' || i % 9, ARRAY['a', i::text], jsonb_build_object('k', i, 'f', i * 1.50) FROM generate_series(1, 60) i;
INSERT INTO orders SELECT i, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 60 + 1 END, CASE WHEN i % 13 = 0 THEN NULL ELSE (i * 7919 % 100000) / 100.0 - 100 END,
  (i % 97) / 1000.0, CASE WHEN i % 17 = 0 THEN NULL ELSE sin(i) * 1000 END, (i % 9) - 2, CASE WHEN i % 3 = 0 THEN NULL ELSE i % 2 = 0 END,
  timestamptz '2026-01-01 00:00+00' + i * interval '7 hours 13 minutes 1.5 seconds', timestamp '2026-01-02' + i * interval '1 day', md5(i::text)::uuid,
  i / 7.0, make_interval(days => i % 5, mins => i) FROM generate_series(1, 400) i;
INSERT INTO items SELECT o, l, (o * l * 37 % 5000) / 1000.0, 'item ' || l FROM generate_series(1, 400) o, generate_series(1, 3) l WHERE (o + l) % 4 <> 0;
INSERT INTO secret VALUES (1, 'x');
INSERT INTO guarded VALUES (1, 'x');
INSERT INTO lent (id, d, word, bits, iv, span, addr, cash, js, at, c, fs, moods, ch, odd, far) SELECT i, NULLIF(i, 3), (ARRAY['b','A','a','B','ä'])[i], (i % 8)::bit(3), i * interval '1 day -2:03:04.56', int4range(i, NULLIF(i, 4) * 2), '10.0.0.0'::inet + i, i * 1.5::numeric::money,
  '{"a": 1, "a": [1,  2]}', '12:00:00+02', 'x' || i, ARRAY[i / 3.0, 'NaN', NULL], ARRAY['ok', 'sad']::mood[], chr(64 + i)::"char",
  CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN NULL ELSE i / 8.0 END, CASE i WHEN 1 THEN '294276-12-31 12:00+00' WHEN 2 THEN 'infinity' WHEN 3 THEN '4713-01-02 BC' ELSE now() END FROM generate_series(1, 5) i;
CREATE VIEW lent_view AS SELECT l.id, l.doubled + 1 AS more, to_char(o.amount, '9,999.99') AS shown, o.id AS order_id FROM lent l JOIN orders o ON o.customer_id = l.id;
GRANT SELECT ON lent, lent_view, customers, orders, items, big_orders, guarded TO reader;
