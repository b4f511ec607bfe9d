-- The schema of TPC-H with rows in its value domains, and the same in schema plain with varchar in the place of char. The setting tpch.times makes it larger
-- than scale 0.004, and leaves plain out; sized(n) is a number that grows with it, and h(seed, n, m) a repeatable one from 0 to m - 1.
CREATE SCHEMA tpch;
SET search_path = tpch;
CREATE FUNCTION h(seed int, n bigint, m int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT ((hashint8extended(n, seed) >> 1 & 9223372036854775807) % m)::int $$;
CREATE FUNCTION sized(n int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT n * coalesce(nullif(current_setting('tpch.times', true), ''), '1')::int $$;
CREATE FUNCTION words(seed int, n bigint, VARIADIC list text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT list[h(seed, n, cardinality(list)) + 1] $$;
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25), r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25), n_regionkey int, n_comment varchar(152));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25), s_address varchar(40), s_nationkey int, s_phone char(15), s_acctbal numeric(15,2), s_comment varchar(101));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25), c_address varchar(40), c_nationkey int, c_phone char(15), c_acctbal numeric(15,2), c_mktsegment char(10), c_comment varchar(117));
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), p_size int, p_container char(10), p_retailprice numeric(15,2), p_comment varchar(23));
CREATE TABLE partsupp (ps_partkey int, ps_suppkey int, ps_availqty int, ps_supplycost numeric(15,2), ps_comment varchar(199), PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE orders (o_orderkey int PRIMARY KEY, o_custkey int, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), o_clerk char(15), o_shippriority int, o_comment varchar(79));
CREATE TABLE lineitem (l_orderkey int, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1), l_linestatus char(1),
  l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber));
INSERT INTO region SELECT i - 1, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[i], 'region ' || i FROM generate_series(1, 5) i;
INSERT INTO nation SELECT i - 1, (ARRAY['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA', 'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM', 'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES'])[i],
  (ARRAY[0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1])[i], 'nation ' || i FROM generate_series(1, 25) i;
INSERT INTO supplier SELECT i, 'Supplier#' || lpad(i::text, 9, '0'), 'street ' || h(1, i, 999), h(2, i, 25), (10 + h(2, i, 25)) || '-' || (100 + h(3, i, 900)) || '-' || (100 + h(4, i, 900)) || '-' || (1000 + h(5, i, 9000)),
  h(6, i, 1099998) / 100.0 - 999.99, CASE WHEN h(7, i, 12) = 0 THEN 'quick Customer sly Complaints' ELSE 'carefully ' || i END FROM generate_series(1, sized(100)) i;
INSERT INTO customer SELECT i, 'Customer#' || lpad(i::text, 9, '0'), 'avenue ' || h(8, i, 999), h(9, i, 25), (10 + h(9, i, 25)) || '-' || (100 + h(10, i, 900)) || '-' || (100 + h(11, i, 900)) || '-' || (1000 + h(12, i, 9000)),
  h(13, i, 1099998) / 100.0 - 999.99, words(14, i, 'AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'), 'regular ' || i FROM generate_series(1, sized(600)) i;
INSERT INTO part SELECT i, words(15, i, 'forest', 'almond', 'antique', 'green', 'blush', 'navy') || ' ' || words(16, i, 'green', 'lace', 'linen', 'rose', 'salmon'), 'Manufacturer#' || (1 + i % 5), 'Brand#' || (1 + i % 5) || (1 + h(17, i, 5)),
  words(18, i, 'STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO') || ' ' || words(19, i, 'ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED') || ' ' || words(20, i, 'TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'), 1 + h(21, i, 50),
  words(22, i, 'SM', 'LG', 'MED', 'JUMBO', 'WRAP') || ' ' || words(23, i, 'CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'), (90000 + i / 10 % 20001 + 100 * (i % 1000)) / 100.0, 'part ' || i FROM generate_series(1, sized(800)) i;
INSERT INTO partsupp SELECT p, (p + s * sized(25)) % sized(100) + 1, 1 + h(24, p * 4 + s, 9999), (100 + h(25, p * 4 + s, 99900)) / 100.0, 'stock' FROM generate_series(1, sized(800)) p, generate_series(0, 3) s;
INSERT INTO orders SELECT i, CASE WHEN c % 3 = 0 THEN c % sized(600) + 1 ELSE c END, 'O', 0, date '1992-01-01' + h(27, i, 2406), words(28, i, '1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'), 'Clerk#' || lpad((1 + h(29, i, 10))::text, 9, '0'), 0,
  CASE WHEN h(30, i, 40) = 0 THEN 'the special wind requests' ELSE 'furiously ' || i END FROM (SELECT i, 1 + h(26, i, sized(600)) AS c FROM generate_series(1, sized(6000)) i) x;
INSERT INTO lineitem SELECT o, k, (k + h(32, n, 4) * sized(25)) % sized(100) + 1, l, q, q * (90000 + k / 10 % 20001 + 100 * (k % 1000)) / 100.0, h(34, n, 11) / 100.0, h(35, n, 9) / 100.0, CASE WHEN r <= date '1995-06-17' THEN words(36, n, 'R', 'A') ELSE 'N' END, CASE WHEN s > date '1995-06-17' THEN 'O' ELSE 'F' END,
  s, d + 30 + h(37, n, 61), r, words(38, n, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'), words(39, n, 'REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'), 'line ' || n
FROM (SELECT o_orderkey AS o, l, o_orderkey * 8 + l AS n, o_orderdate AS d, 1 + h(31, o_orderkey * 8 + l, sized(800)) AS k, 1 + h(33, o_orderkey * 8 + l, CASE WHEN o_orderkey % 150 = 0 THEN 1 ELSE 50 END) + CASE WHEN o_orderkey % 150 = 0 THEN 49 ELSE 0 END AS q,
    o_orderdate + 1 + h(40, o_orderkey * 8 + l, 121) AS s, o_orderdate + 1 + h(40, o_orderkey * 8 + l, 121) + 1 + h(41, o_orderkey * 8 + l, 30) AS r
  FROM orders, generate_series(1, 7) l WHERE l <= 1 + h(42, o_orderkey, 7) OR o_orderkey % 150 = 0) x;
UPDATE orders SET o_totalprice = t, o_orderstatus = st FROM (SELECT l_orderkey, sum(round(l_extendedprice * (1 + l_tax) * (1 - l_discount), 2)) AS t, CASE WHEN bool_and(l_linestatus = 'F') THEN 'F' WHEN bool_and(l_linestatus = 'O') THEN 'O' ELSE 'P' END AS st FROM lineitem GROUP BY 1) x WHERE l_orderkey = o_orderkey;
DROP FUNCTION words;
DROP FUNCTION h;
DROP FUNCTION sized;
CREATE SCHEMA plain;
DO $$ DECLARE t record; c record; BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'tpch'::regnamespace AND relkind = 'r' AND nullif(current_setting('tpch.times', true), '') IS NULL LOOP
    EXECUTE format('CREATE TABLE plain.%I (LIKE tpch.%I INCLUDING ALL)', t.relname, t.relname);
    FOR c IN SELECT column_name FROM information_schema.columns WHERE table_schema = 'plain' AND table_name = t.relname AND data_type = 'character' LOOP
      EXECUTE format('ALTER TABLE plain.%I ALTER COLUMN %I TYPE varchar(25)', t.relname, c.column_name);
    END LOOP;
    EXECUTE format('INSERT INTO plain.%I SELECT * FROM tpch.%I', t.relname, t.relname);
  END LOOP;
END $$;
CREATE VIEW tpch.first_orders AS SELECT o_orderkey AS id, o_custkey AS k FROM tpch.orders ORDER BY 1 LIMIT 1000;
GRANT USAGE ON SCHEMA tpch, plain TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA tpch, plain TO reader;
RESET search_path;
