-- What drivers describe and read beside the shop: values of many types, names that need quotes, keys, partitions, views.
CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE kinds (id integer PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, n2 numeric(12,2),
  t text, v varchar(20), c char(5), by bytea, u uuid, d date, tm time, ts timestamp, tz timestamptz, iv interval, j json, jb jsonb, st status, p percent,
  ai integer[], at text[], ip inet, r int4range, o oid, sts status[], bx box, mo money);
INSERT INTO kinds VALUES
  (1, true, -32768, 2147483647, -9223372036854775808, 1.5, 0.1, 12345678901234567890.123456789, 12.50, 'Grüße, "x" \ y', 'varied', 'ab', '\x00deadbeef', '6f1c3f0e-0000-4000-8000-00000000000a',
   '2026-02-28', '23:59:59.123456', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678901+00', '1 year 2 mons 3 days 04:05:06.7', '{"a": [1,  2]}', '{"a": [1, 2.50]}', 'paid', 12.5,
   '{1,NULL,3}', '{"a b",NULL,"c,d"}', '10.0.0.1/8', '[1,5)', 42, '{paid,NULL,new}', '(3,4),(1,2)', 1234.5),
  (2, false, 0, 0, 0, 0, -1e300, 0, 0, '', '', '', '', '00000000-0000-0000-0000-000000000000', '0001-01-01', '00:00:00', '0001-01-01 00:00:00', '1970-01-01 00:00:00+00', '00:00:00', 'null', '{}', 'new', 0, '{}', '{}', '::1', 'empty', 0, '{}', '(0,0),(0,0)', 0),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
COMMENT ON TABLE kinds IS 'One column of each kind';
COMMENT ON COLUMN kinds.n2 IS 'with two places';
CREATE SCHEMA "Billing";
CREATE TABLE "Billing"."Invoice" ("No" serial PRIMARY KEY, "orderId" bigint NOT NULL REFERENCES orders ON DELETE CASCADE, "line" smallint, "Issued On" date DEFAULT current_date,
  UNIQUE ("orderId", "line"), FOREIGN KEY ("orderId", "line") REFERENCES order_items (order_id, line) DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX "Invoice by month" ON "Billing"."Invoice" (date_trunc('month', "Issued On"::timestamp) DESC) WHERE "line" IS NOT NULL;
INSERT INTO "Billing"."Invoice" ("orderId", "line", "Issued On") SELECT i, 1, date '2026-01-01' + i FROM generate_series(1, 100) i;
CREATE TABLE readings (at date NOT NULL, sensor integer NOT NULL, value double precision, PRIMARY KEY (at, sensor)) PARTITION BY RANGE (at);
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE readings_2026 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO readings SELECT date '2025-12-01' + i, i % 3, i / 4.0 FROM generate_series(1, 60) i;
CREATE VIEW paid_orders AS SELECT o.id, o.total, c.city FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'paid';
COMMENT ON VIEW paid_orders IS 'Orders that were paid';
CREATE MATERIALIZED VIEW cities AS SELECT city, count(*) AS customers FROM customers GROUP BY city;
CREATE FUNCTION half(x numeric, OUT result numeric) LANGUAGE sql IMMUTABLE AS 'SELECT x / 2';
GRANT USAGE ON SCHEMA "Billing" TO analyst;
GRANT SELECT ON kinds, "Billing"."Invoice", readings, readings_2025, readings_2026, paid_orders, cities TO analyst;
CREATE ROLE foreshadow LOGIN REPLICATION BYPASSRLS;
GRANT pg_monitor, pg_read_all_data, postgres TO foreshadow;
GRANT CONNECT, CREATE ON DATABASE shop TO foreshadow;
ANALYZE;
